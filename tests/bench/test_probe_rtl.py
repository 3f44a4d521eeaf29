"""The probes on our core: all sound."""

from pathlib import Path

from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_int8.compiler.forms import write_as_trace
from tests.golden.probe_board import all_probes_once
from tests.sample import drawn


def test_probes_are_sound_on_our_core(tmp_path: Path) -> None:
    probes = drawn(all_probes_once(), "probes on RTL")
    traces = [write_as_trace(probe, tmp_path / probe.name)[0] for probe in probes]
    options = ReplayOptions(load_dut(DEFAULT_DUT), "verilator", "probes", Settings(), runs=tmp_path / "runs")
    results = replay_on_rtl(traces, options)
    assert [result.line() for result in results if not result.passed] == []
    assert len(results) == len(probes)
