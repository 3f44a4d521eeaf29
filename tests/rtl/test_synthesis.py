"""Does Yosys take the core, and does the check refuse what it is there to refuse?"""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from nvdla_bench.files import SIM_BUILD
from nvdla_bench.synthesis import __main__ as command
from nvdla_bench.synthesis.mapped import MappedUnit, longest_path, map_unit
from nvdla_bench.synthesis.operators import synthesise
from nvdla_bench.synthesis.placed import read_report
from nvdla_bench.synthesis.report import longest_paths, unit_table
from nvdla_bench.synthesis.units import units_of_core
from nvdla_bench.synthesis.yosys import PACKAGE
from nvdla_int8.errors import BenchError

REFUSED = Path(__file__).parent / "unsynthesisable"
FOLDER = SIM_BUILD / "synthesis-tests"


def test_core_synthesises_without_latch_or_second_driver() -> None:
    cells = synthesise(folder=FOLDER / "core")
    assert cells["$mul"] >= 8 * 8, "64 multipliers of the CMAC array are missing"
    assert not {name for name in cells if "latch" in name}


@pytest.mark.parametrize(("module", "why"), [("nvdla_latch", "Latch inferred"), ("nvdla_two_drivers", "drivers")])
def test_synthesis_refuses_latch_and_second_driver(module: str, why: str) -> None:
    with pytest.raises(BenchError, match=f"yosys refuses {module}: .*{why}"):
        synthesise(module, rtl_dir=REFUSED, folder=FOLDER / module)


def test_synthesis_names_a_module_that_is_not_there() -> None:
    with pytest.raises(BenchError, match="there is no top module nvdla_nothing"):
        synthesise("nvdla_nothing", folder=FOLDER / "nothing")


NATIVE = pytest.mark.skipif(shutil.which("yosys") is None, reason=f"there is no yosys on the PATH: {PACKAGE}")


@NATIVE
def test_mapped_unit_tells_cells_and_longest_path() -> None:
    unit = map_unit("nvdla_clip", folder=FOLDER)
    assert unit.gate_count > 0
    assert unit.luts > 0
    assert unit.dsps == unit.registers == 0
    assert 0.1 < unit.path_ns < 5


def test_a_longer_path_than_allowed_is_named() -> None:
    unit = MappedUnit("nvdla_slow", {"$_AND_": 3, "$mem_v2": 1}, {"LUT6": 2, "FDCE": 1, "RAMB18E1": 1}, 7.25, "out [3]")
    assert longest_paths([unit], 8) == []
    [line] = longest_paths([unit], 5)
    assert line == "nvdla_slow: a path of 7.25 ns, longer than 5, ends at out [3]"


def test_unit_of_wires_alone_has_any_clock() -> None:
    wires = MappedUnit("nvdla_wires", {}, {}, 0.0, "out")
    table = unit_table([wires, wires], counts={})
    assert [list(column.cells) for column in table.columns if column.header == "MHz"] == [["-", "-", "-"]]


def test_command_fails_on_a_path_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = MappedUnit("nvdla_glb", {"$_AND_": 3}, {"LUT6": 2}, 7.25, "intr")
    monkeypatch.setattr(command, "map_unit", lambda name: slow)
    result = CliRunner().invoke(command.main, ["--unit", "nvdla_glb"])
    assert result.exit_code == 1
    assert "nvdla_glb: a path of 7.25 ns" in result.output


def test_command_tells_a_unit_that_is_not_there_in_a_line() -> None:
    result = CliRunner().invoke(command.main, ["--unit", "nvdla_nothing"])
    assert result.exit_code == 2
    assert result.stderr.startswith("make synth: error: ")
    assert result.stderr.endswith("there is no top module nvdla_nothing\n")


def test_longest_path_is_read_from_what_yosys_tells() -> None:
    told = (
        "x\nLatest arrival time in 'nvdla_a' is 12493:\n   12493 $auto$1 (FDCE.D)\n           \\sum [28]\n   12000 b\n"
    )
    assert longest_path(told, "nvdla_a") == (12.493, "sum [28]")
    with pytest.raises(BenchError, match="nvdla_a: yosys tells no path"):
        longest_path("nothing", "nvdla_a")


def test_units_of_the_core_are_what_its_wiring_connects() -> None:
    units = units_of_core()
    assert units["nvdla_cmac_regs"] == 2
    assert {"nvdla_sdp", "nvdla_cdma", "nvdla_pdp", "nvdla_cdp", "nvdla_mcif_read"} <= units.keys()
    assert "nvdla_convolution" not in units


def test_no_yosys_is_told_with_the_package_that_brings_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        BenchError, match="there is no yosys on the PATH to map nvdla_clip to cells: apt-get install yosys"
    ):
        map_unit("nvdla_clip", folder=FOLDER)


def test_yosys_that_says_no_reason_is_told_with_its_status(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    killed = tmp_path / "yosys"
    killed.write_text("#!/bin/sh\nkill -KILL $$\n")
    killed.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match="yosys refuses nvdla_fifo: ended with status -9 "):
        map_unit("nvdla_fifo", folder=SIM_BUILD / "synthesis")


def test_placed_unit_is_read_from_the_routers_report(tmp_path: Path) -> None:
    report = tmp_path / "placed.json"
    clock = {"achieved": 121.5, "constraint": 150}
    used = {"TRELLIS_COMB": {"used": 900, "available": 83640}, "DCUA": {"used": 0, "available": 2}}
    report.write_text(json.dumps({"fmax": {"clk": clock}, "utilization": used}))
    line = read_report("nvdla_sdp", report).line()
    assert line == "nvdla_sdp on an ECP5-85k after place and route: 121.5 MHz; 900 TRELLIS_COMB"
    report.write_text(json.dumps({"fmax": {}, "utilization": used}))
    with pytest.raises(BenchError, match="nvdla_sdp has no clock"):
        read_report("nvdla_sdp", report)
