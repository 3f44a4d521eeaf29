"""Builds and runs: what is reused, what is refused, and that no run without a verdict passes."""

import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from nvdla_bench.files import RTL
from nvdla_bench.simulator import SIMULATORS
from nvdla_bench.simulator.compiled import Compiled, compile_rtl
from nvdla_bench.units.catalog import UNITS
from nvdla_int8.errors import BenchError

PIPE = UNITS["pipe"]
RUN = {"UNIT": "pipe", "REPRODUCE": "this test"}


def build_pipe(compiled_root: Path, rtl_dir: Path = RTL) -> Compiled:
    return compile_rtl("icarus", PIPE.toplevel, PIPE.parameters, rtl_dir=rtl_dir, compiled_root=compiled_root)


@pytest.fixture
def rtl_copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RTL, tmp_path / "rtl"))


def test_build_unchanged_is_reused(tmp_path: Path) -> None:
    first = build_pipe(tmp_path)
    compiled = (first.directory / "sim.vvp").stat().st_mtime_ns
    again = build_pipe(tmp_path)
    assert again.directory == first.directory
    assert (again.directory / "sim.vvp").stat().st_mtime_ns == compiled


def test_build_changed_source_or_header_is_built_again(tmp_path: Path, rtl_copy: Path) -> None:
    directories = {build_pipe(tmp_path, rtl_copy).directory}
    for name in ("nvdla_pipe.v", "nvdla_int8.vh"):
        with open(rtl_copy / name, "a") as source:
            source.write("// changed\n")
        directories.add(build_pipe(tmp_path, rtl_copy).directory)
    assert len(directories) == 3


def test_build_interrupted_is_built_again(tmp_path: Path) -> None:
    directory = build_pipe(tmp_path).directory
    (directory / "complete").unlink()
    (directory / "sim.vvp").write_text("half a file")
    assert build_pipe(tmp_path).run(PIPE.module, seed="1", results_dir=tmp_path / "run", extra_env=RUN).passed


def test_build_from_two_processes_is_usable_by_both(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        first, second = pool.map(build_pipe, [tmp_path, tmp_path])
    assert first.directory == second.directory
    assert first.run(PIPE.module, seed="1", results_dir=tmp_path / "run", extra_env=RUN).passed


def test_build_unknown_simulator_or_top_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="unknown simulator 'none', choose from verilator, icarus"):
        compile_rtl("none", PIPE.toplevel, PIPE.parameters, compiled_root=tmp_path)
    with pytest.raises(BenchError, match="there is no top module nvdla_pope"):
        compile_rtl("icarus", "nvdla_pope", {}, compiled_root=tmp_path)


@pytest.mark.parametrize(("sim", "package"), [("icarus", "iverilog"), ("verilator", "g\\+\\+")])
def test_build_missing_tool_says_what_to_install(
    sim: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match=f"run 'apt-get install .*{package}") as error:
        compile_rtl(sim, PIPE.toplevel, PIPE.parameters, compiled_root=tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("sim", SIMULATORS)
def test_build_wrong_verilog_gives_the_first_error(sim: str, tmp_path: Path, rtl_copy: Path) -> None:
    (rtl_copy / "nvdla_pipe.v").write_text("module nvdla_pipe (input wire clk;\nendmodule\n")
    with pytest.raises(BenchError, match=r"cannot compile nvdla_pipe: .*nvdla_pipe\.v:1") as error:
        compile_rtl(sim, PIPE.toplevel, PIPE.parameters, rtl_dir=rtl_copy, compiled_root=tmp_path / "build")
    assert "\n" not in str(error.value)


def test_run_without_a_test_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="ran no test on icarus"):
        build_pipe(tmp_path).run(PIPE.module, seed="1", results_dir=tmp_path / "run", testcase="no_such_test")


def test_run_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="icarus ended without a verdict on nvdla_bench\\.units\\.no_such_module"):
        build_pipe(tmp_path).run("nvdla_bench.units.no_such_module", seed="1", results_dir=tmp_path / "run")


@pytest.mark.parametrize("sim", SIMULATORS)
def test_run_with_waves_writes_a_wave_file(sim: str, tmp_path: Path) -> None:
    design = compile_rtl(sim, PIPE.toplevel, PIPE.parameters, waves=True)
    results = design.run(PIPE.module, seed="1", results_dir=tmp_path, extra_env=RUN)
    assert results.passed
    assert results.waves is not None
    assert results.waves.stat().st_size > 1000


def test_run_that_loops_without_a_cycle_is_ended(tmp_path: Path, rtl_copy: Path) -> None:
    pipe = rtl_copy / "nvdla_pipe.v"
    pipe.write_text(pipe.read_text().replace("endmodule", "  reg loop;\n  initial forever loop = 1'b1;\nendmodule"))
    design = build_pipe(tmp_path, rtl_copy)
    with pytest.raises(BenchError, match=r"icarus did not end nvdla_bench\.units\.pipe within 3 s"):
        design.run(PIPE.module, seed="1", results_dir=tmp_path / "run", extra_env=RUN, time_limit_s=3)
