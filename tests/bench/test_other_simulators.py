"""``SIM=`` of simulators that are not here: stand-ins get the same sources and options, and one runs a bench."""

import os
from pathlib import Path

import cocotb_tools.config
import pytest
from cocotb_tools.runner import SUPPORTED_RUNNERS

from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.compile import compile_dut
from nvdla_bench.simulator import FOR_VHDL, SIMULATORS, UNTRIED, tools
from nvdla_bench.simulator.compiled import compile_rtl
from nvdla_bench.simulator.tools import require_simulator
from nvdla_bench.units.catalog import UNITS
from nvdla_int8.errors import BenchError
from tests.golden.command import problem

RECORDER = '#!/bin/sh\nprintf "%s\\n" "$(basename "$0")" "$@" >> "{log}"\n'

# Icarus in VCS's clothes: what VCS means, said to Icarus; "simv" is its output.
VCS = """#!/usr/bin/env python3
import os, subprocess, sys
arguments, command, output = iter(sys.argv[1:]), ["iverilog", "-g2012"], ""
for word in arguments:
    if word == "-ID":
        print("vcs of the tests")
        sys.exit()
    if word.startswith("+incdir+"):
        command.append("-I" + word.removeprefix("+incdir+"))
    elif word.startswith("-pvalue+"):
        command.append("-P" + word.removeprefix("-pvalue+"))
    elif word == "-top":
        command += ["-s", next(arguments)]
    elif word == "-o":
        output = next(arguments)
    elif word.startswith("-timescale="):
        with open("timescale.f", "w") as file:
            file.write("+timescale+" + word.removeprefix("-timescale="))
        command += ["-f", "timescale.f"]
    elif word == "-load":
        next(arguments)
    elif word.endswith(".v"):
        command.append(word)
done = subprocess.run([*command, "-o", output + ".vvp"])
with open(output, "w") as simv:
    simv.write(f'#!/bin/sh\\nexec vvp -m "{vpi}" "{{output}}.vvp"\\n')
os.chmod(output, 0o755)
sys.exit(done.returncode)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched for programs first."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    tools.simulator_version.cache_clear()
    return tmp_path


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_every_simulator_of_cocotb_is_known() -> None:
    assert sorted((*SIMULATORS, *UNTRIED, *FOR_VHDL)) == sorted(SUPPORTED_RUNNERS)


@pytest.mark.parametrize(
    ("sim", "line"),
    [
        ("vcs", "vcs is not installed: vcs executable not found in PATH"),
        ("questa", "questa is not installed: vsim executable not found in PATH"),
        ("xcelium", "xcelium is not installed: xrun executable not found in PATH"),
        ("ghdl", "ghdl simulates VHDL only, and the core and its bench are Verilog"),
        ("none", "unknown simulator 'none', choose from verilator, icarus, "),
    ],
)
def test_simulator_that_is_not_there_is_told_in_a_line(sim: str, line: str) -> None:
    with pytest.raises(BenchError) as refused:
        require_simulator(sim)
    assert str(refused.value).startswith(line)


def test_command_tells_it_in_a_line() -> None:
    assert problem("regress", "--sim", "vcs", "-n", "1") == "vcs is not installed: vcs executable not found in PATH"
    assert "VHDL only" in problem("regress", "--sim", "nvc", "-n", "1")


@pytest.mark.parametrize(
    ("sim", "names"),
    [("vcs", ["vcs"]), ("xcelium", ["xrun"]), ("questa", ["vlib", "vlog", "vsim"]), ("dsim", ["dsim"])],
)
def test_core_is_compiled_from_the_same_files(folder: Path, sim: str, names: list[str]) -> None:
    log = folder / "arguments"
    for name in names:
        program(folder / name, RECORDER.format(log=log))
    dut = load_dut(DEFAULT_DUT)
    compile_dut(dut, sim, stages=True, checkers=True, compiled_root=folder / "builds")
    words = log.read_text().splitlines()
    assert "+define+NVDLA_BENCH_CHECKERS" in words
    assert f"+incdir+{dut.files.include_folders[0]}" in words
    for path in dut.files.sources:
        assert words.count(str(path)) == 1
    assert sum(word.endswith("/nvdla_bench.v") for word in words) == 1


def test_version_that_is_told_as_an_error_is_taken(folder: Path) -> None:
    program(folder / "vcs", '#!/bin/sh\necho "vcs 2024\nof the tests" >&2\n')
    assert tools.simulator_version("vcs") == "vcs 2024"


def test_waves_that_a_runner_cannot_write_are_refused(folder: Path) -> None:
    program(folder / "vcs", RECORDER.format(log=folder / "arguments"))
    with pytest.raises(BenchError, match="cocotb's runner makes vcs write no waves"):
        compile_dut(load_dut(DEFAULT_DUT), "vcs", waves=True, compiled_root=folder / "builds")


def test_bench_runs_on_a_simulator_with_the_options_of_another(folder: Path) -> None:
    program(folder / "vcs", VCS.format(vpi=cocotb_tools.config.lib_entry("vpi", "icarus")))
    unit = UNITS["clip_17_8"]
    build = compile_rtl("vcs", unit.toplevel, unit.parameters, compiled_root=folder / "builds")
    variables = {"UNIT": "clip_17_8", "REPRODUCE": "this test"}
    results = build.run(unit.module, seed="vcs", results_dir=folder / "run", extra_env=variables)
    assert results.passed
    assert results.tests > 0
