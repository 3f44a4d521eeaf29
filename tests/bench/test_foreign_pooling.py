"""A core of somebody's with a short description: pooling and LRN are compared by bytes and counters, without stages."""

from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_int8.trace.result import Verdict
from tests.bench.core_copy import faulty_core

SHORT = """\
name = "somebody's core"
top = "nvdla_core"
sources = ["../rtl/nvdla_core.v"]
include_dirs = ["../rtl"]
"""
PROGRAMS = ("cdp_31", "fly_5", "pdp_23", "pdp2_5")


@pytest.fixture(scope="module")
def results(reference_traces: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, RtlResult]:
    """What the programs give on a core whose counters of look-ups count nothing."""
    folder = tmp_path_factory.mktemp("foreign")
    dut = faulty_core(folder / "core", "nvdla_cdp_counters.v", ".beat   (beat)", ".beat   (1'b0)")
    dut.write_text(SHORT)
    traces = [next(path.glob("*.cfg")) for path in reference_traces if path.name in PROGRAMS]
    options = ReplayOptions(load_dut(dut), "icarus", "foreign", Settings(), runs=folder / "runs", limit_cycles=5000)
    return {Path(result.path).stem: result for result in replay_on_rtl(traces, options)}


@pytest.mark.parametrize("program", [name for name in PROGRAMS if not name.startswith("cdp")])
def test_short_description_compares_the_bytes_of_pooling(program: str, results: dict[str, RtlResult]) -> None:
    assert results[program].passed, results[program].line()
    assert results[program].stages == []


def test_short_description_compares_the_counters_of_lrn(results: dict[str, RtlResult]) -> None:
    assert results["cdp_31"].verdict in (Verdict.FAILED, Verdict.INCOMPLETE)
    assert "CDP.D_PERF_LUT_" in results["cdp_31"].message
