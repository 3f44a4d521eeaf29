"""What docs/rtl.md allows of another RAM in place of ours: the core's bytes do not depend on it."""

from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from tests.bench.core_copy import faulty_core

PROGRAMS = ("dc_1", "dc_16", "img_21", "pair_3", "layer_3")


@pytest.mark.usefixtures("quick_compile")
def test_data_of_a_read_during_a_write_are_not_used(reference_traces: list[Path], tmp_path: Path) -> None:
    other = "rd_data_q <= (wr_enable && wr_address == rd_address) ? ~wr_data : word_q[rd_address]"
    dut = faulty_core(tmp_path / "core", "nvdla_ram_1r1w.v", "rd_data_q <= word_q[rd_address]", other)
    traces = [next(trace.glob("*.cfg")) for trace in reference_traces if trace.name in PROGRAMS]
    options = ReplayOptions(load_dut(dut), "verilator", "rams", Settings().with_stalls(0.4), runs=tmp_path / "runs")
    results = replay_on_rtl(traces, options)
    assert len(results) == len(PROGRAMS)
    assert [result.line() for result in results if not result.passed] == []
