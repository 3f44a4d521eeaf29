"""Layers that wait for the memory port more than for the MACs come near the least cycles that they can take."""

from dataclasses import replace
from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from tests.bench.slow_layers import slow_layers
from tests.bench.test_core_limits import POINT, of_shape

SHAPES = {
    "fully connected": replace(POINT, channels=64, size=(2, 2), kernel=(2, 2), kernels=16),
    "one pixel of few channels": replace(POINT, channels=5, size=(8, 8), kernel=(8, 8), kernels=12),
    "four pixels": replace(POINT, channels=3, size=(7, 7), kernel=(6, 6), kernels=20, output=(2, 2)),
}
"""Convolutions whose weights are used one to four times."""


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    return [
        of_shape(monkeypatch, shape, (1, 2)).write(tmp_path / "traces" / name.replace(" ", "_"))
        for name, shape in SHAPES.items()
    ]


def replayed(traces: list[Path], folder: Path, settings: Settings) -> list[RtlResult]:
    return replay_on_rtl(traces, ReplayOptions(load_dut(DEFAULT_DUT), "icarus", "least", settings, runs=folder))


def test_layers_bound_by_weights_come_near_their_least_cycles(traces: list[Path], tmp_path: Path) -> None:
    results = replayed(traces, tmp_path / "calm", Settings())
    assert [result.line() for result in results if not result.passed] == []
    assert slow_layers(results) == []
    for result in results:
        assert sum(time.least.reads for time in result.layer_times) == result.stalls["r"][0], result.line()
        assert sum(time.least.writes for time in result.layer_times) == result.stalls["w"][0], result.line()


def test_layers_that_wait_for_the_memory_are_told_to_be_slow(traces: list[Path], tmp_path: Path) -> None:
    results = replayed(traces[:1], tmp_path / "stalled", Settings().with_stalls(0.5))
    [told] = slow_layers(results)
    assert told.startswith("fully_connected, layer 0: ")
