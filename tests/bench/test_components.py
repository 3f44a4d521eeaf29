"""The parts for other people's benches: the test that docs/bench.md shows runs, and fails when it must."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import nvdla_bench
from networks.digits import files
from nvdla_bench.components.golden_scoreboard import GoldenScoreboard
from nvdla_bench.files import RTL
from nvdla_bench.protocol.csb import CsbWrite
from nvdla_bench.simulator import SIMULATORS
from nvdla_bench.simulator.compiled import Results, compile_rtl
from nvdla_bench.simulator.logs import last_error
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.generator import generate
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.registers.register_map import WORD_MASK, find_register
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.written_ranges import WrittenBytes
from tests.bench.copy_traces import write_copy
from tests.bench.core_copy import faulty_core
from tests.golden.register_programs import INPUT, OUTPUT, memory_layer, place_cube

DOCUMENT = Path(__file__).parents[2] / "docs" / "bench.md"
TOP = "nvdla_core"


def shown_test() -> str:
    [code] = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return str(code)


@pytest.fixture
def run_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Results]:
    """Return what runs the code of a cocotb test with a trace on the core, in a simulator."""

    def run(code: str, trace: Path, sim: str = "icarus", rtl_dir: Path = RTL) -> Results:
        (tmp_path / "modules").mkdir()
        (tmp_path / "modules" / "shown_test.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path / "modules")
        compiled = compile_rtl(sim, TOP, {}, rtl_dir=rtl_dir)
        return compiled.run(
            "shown_test", seed="shown", results_dir=tmp_path / "run", extra_env={"TRACE": str(trace.resolve())}
        )

    return run


def said(results: Results) -> str:
    assert results.tests == 1
    return results.log.read_text()


@pytest.mark.parametrize("sim", SIMULATORS)
def test_shown_test_passes_on_the_core(sim: str, run_test: Callable[..., Results], tmp_path: Path) -> None:
    results = run_test(shown_test(), write_copy(tmp_path / "copy", layers=2), sim)
    assert results.passed, last_error(results.log)
    assert f"{2 * 24 * 3 * 5} bytes of layers' outputs are right" in said(results)


def test_shown_test_passes_a_convolution(run_test: Callable[..., Results], tmp_path: Path) -> None:
    results = run_test(shown_test(), generate("small-3", kind="convolution").write(tmp_path / "trace"), "verilator")
    assert results.passed, last_error(results.log)
    assert "outputs are right" in said(results)


@pytest.mark.parametrize("program", ["fly_5", "cdp_31"])
def test_shown_test_passes_pooling_and_lrn(
    program: str, run_test: Callable[..., Results], reference_traces: list[Path]
) -> None:
    results = run_test(shown_test(), next(path for path in reference_traces if path.name == program))
    assert results.passed, last_error(results.log)
    assert "outputs are right" in said(results)


def test_shown_test_fails_on_a_wrong_byte(run_test: Callable[..., Results], tmp_path: Path) -> None:
    dut = faulty_core(tmp_path, "nvdla_output_converter.v", ".shift    (shift)", ".shift    (shift ^ 6'd1)")
    results = run_test(shown_test(), write_copy(tmp_path / "copy"), rtl_dir=dut.parents[1] / "rtl")
    assert results.failures == 1
    assert re.search(r"bytes of the memory differ .* element \(k=\d+, y=\d, x=\d\): expected", said(results))


def test_test_whose_scoreboard_saw_nothing_fails(run_test: Callable[..., Results], tmp_path: Path) -> None:
    blind = shown_test().replace(", callback=golden.follow", "")
    assert blind != shown_test()
    results = run_test(blind, write_copy(tmp_path / "copy"))
    assert results.failures == 1
    assert "nothing was compared" in said(results)


def test_trace_that_waits_in_vain_fails_and_names_the_interrupt(
    run_test: Callable[..., Results], tmp_path: Path
) -> None:
    results = run_test(shown_test(), write_copy(tmp_path / "copy", mask=WORD_MASK), "verilator")
    assert results.failures == 1
    assert "SDP_0 never comes: waited" in said(results)


def test_register_program_is_played_like_a_trace(run_test: Callable[..., Results], tmp_path: Path) -> None:
    code = shown_test().replace('play_trace(Path(os.environ["TRACE"]))', "play_program(program())")
    code += """
def program():
    import numpy as np

    from nvdla_int8 import Network, write_program

    network = Network.load(Path(os.environ["TRACE"]))
    return write_program("digits", Network.chain(network.programs[:1]), np.arange(64, dtype=np.uint8).reshape(1, 8, 8))
"""
    quantise_network(read_onnx(files.ONNX), read_table(files.TABLE)).network.save(tmp_path / "digits")
    results = run_test(code, tmp_path / "digits", "verilator")
    assert results.passed, last_error(results.log)
    assert f"{16 * 8 * 8} bytes of layers' outputs are right" in said(results)


@pytest.fixture
def copied() -> tuple[GoldenScoreboard, SimpleNamespace]:
    """Return a scoreboard whose device has copied a cube (8, 2, 3), and a memory that has not been written."""
    core = SimpleNamespace(memory=Memory(), written=WrittenBytes())
    golden = GoldenScoreboard(core)
    cube = Memory()
    place_cube(cube, INPUT, np.arange(1, 49, dtype=np.int8).reshape(8, 2, 3))
    golden.load(INPUT, cube.read_bytes(INPUT, 48))
    layer = memory_layer(8, 2, 3)
    for register, word in layer.values.items():
        golden.follow(CsbWrite(find_register(register).address, word))
    for block in layer.blocks:
        golden.follow(CsbWrite(f"{block}.D_OP_ENABLE", 1))
    return golden, core


def test_output_that_the_core_never_wrote_fails_though_its_bytes_agree(
    copied: tuple[GoldenScoreboard, SimpleNamespace],
) -> None:
    golden, core = copied
    right = golden.device.memory.read_bytes(OUTPUT, 48)
    core.memory.write_bytes(OUTPUT, right)
    core.written.add(np.array([OUTPUT]), 40)
    with pytest.raises(
        AssertionError, match=f"never wrote 8 of 48 bytes of layer 0's output, the first at {OUTPUT + 40:#x}"
    ):
        golden.check()
    core.written.add(np.array([OUTPUT]), 48)
    assert golden.check() == 48


def test_byte_beside_the_output_fails(copied: tuple[GoldenScoreboard, SimpleNamespace]) -> None:
    golden, core = copied
    core.memory.write_bytes(OUTPUT, golden.device.memory.read_bytes(OUTPUT, 48) + b"\1")
    core.written.add(np.array([OUTPUT]), 49)
    with pytest.raises(AssertionError, match=f"first at {OUTPUT + 48:#x}, no layer's output: expected 0 "):
        golden.check()


def test_names_for_other_benches_load_cocotb_only_when_used() -> None:
    loaded = "print('cocotb' in sys.modules)"
    code = f"import sys, nvdla_bench; {loaded}; nvdla_bench.CsbDriver; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"]
    for name in nvdla_bench.__all__:
        assert getattr(nvdla_bench, name).__name__ == name
