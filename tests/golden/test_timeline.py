"""A run gone through again equals the golden device's, whatever its engines; with something changed it does not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.expected import board_outputs
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.replay import golden_after, replay, run_changed
from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.device.points import Point, Sites
from nvdla_int8.errors import BenchError

CASES = ("layer_0", "img_3", "pair_1", "pdp_4", "cdp2_1", "reuse_3", "fly_2", "fly2_0", "sdp_2")
"""Every engine, both groups, kept rows and weights."""

OpenTimeline = Callable[[str], Timeline]


@pytest.fixture
def timeline_of(reference_traces: list[Path]) -> OpenTimeline:
    folders = {folder.name: folder for folder in reference_traces}
    return lambda case: timeline_of_trace_file(folders[case])


def whole_outputs(timeline: Timeline) -> list[Observed]:
    """Every layer's output as a faultless board has it right after the layer."""
    found = []
    for layer in timeline.layers:
        destination = layer.run.destination
        addresses = np.unique(destination.unit_addresses()[..., None] + np.arange(destination.unit_bytes))
        memory = golden_after(timeline, layer.index)
        found.append(Observed(layer.name, addresses, memory.read(addresses, 1)[:, 0], layer.index))
    return found


@pytest.mark.parametrize("case", CASES)
def test_timeline_replayed_unchanged_gives_the_bytes_of_the_device(timeline_of: OpenTimeline, case: str) -> None:
    timeline = timeline_of(case)
    observed = whole_outputs(timeline)
    for one, values in zip(observed, replay(timeline, {}, observed), strict=True):
        assert np.array_equal(values, one.values)
    for layer, board in zip(timeline.layers, board_outputs(timeline, observed), strict=True):
        assert board is not None
        assert board.known.all()
        assert np.array_equal(board.values, layer.run.output.view(np.uint8))


@pytest.mark.parametrize("point", [Point.WRITTEN, Point.READ_BACK])
def test_timeline_change_of_a_layer_reaches_its_reader_unless_only_software_sees_it(
    timeline_of: OpenTimeline, point: Point
) -> None:
    timeline = timeline_of("pair_1")
    observed = whole_outputs(timeline)
    change = Change(point, lambda written, _: written._replace(units=written.units ^ 0x55))
    cause = Cause("flipped", Family.HARDWARE, "memory", "bits are flipped", "-", (change,))
    first, second = replay(timeline, {0: [cause]}, observed)
    assert np.array_equal(first, observed[0].values ^ 0x55)
    reads = "SDP_RDMA" in timeline.layers[1].run.registers.blocks or "CDMA" in timeline.layers[1].run.registers.blocks
    assert reads
    if point is Point.READ_BACK:
        assert np.array_equal(second, observed[1].values)


@pytest.mark.parametrize("case", ["layer_0", "img_3", "sdp_2"])
def test_timeline_some_pixels_of_a_layer_equal_those_of_the_whole(timeline_of: OpenTimeline, case: str) -> None:
    timeline = timeline_of(case)
    [layer] = timeline.layers
    scene = Scene(timeline, layer, timeline.state_before(0))
    _, height, width = layer.run.output.shape
    sites = Sites(np.arange(min(height, width)), np.arange(min(height, width))[::-1])
    parts, _ = run_changed(scene, [], scene.state, sites)
    assert np.array_equal(parts.output, sites.of(layer.run.output))


def test_timeline_of_a_trace_without_a_layer_is_refused_with_what_it_waits_for(tmp_path: Path) -> None:
    cfg = tmp_path / "empty.cfg"
    cfg.write_text("reg_write(NVDLA_SDP.S_POINTER_0, 0x0);\n")
    with pytest.raises(BenchError, match="no layer ran"):
        timeline_of_trace_file(cfg)
