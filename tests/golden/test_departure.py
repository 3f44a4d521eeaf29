"""Which layer departs first: told in execution order, by whoever wrote a byte last; what agrees is never accused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.departure import Departure, compare_dumps, find_departure
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.stage_values import stage_values
from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.checkup.timeline import HostClear, HostWrite, Timeline
from nvdla_int8.checkup.words import answer, further_sentences
from tests.golden.boards import addresses_of, again, end_dump, layer_dump

CASES = ("layer_0", "img_3", "pair_1", "pdp_4", "cdp2_1", "reuse_3", "fly_2", "fly2_0", "sdp_2")

OpenTimeline = Callable[[str], Timeline]


@pytest.fixture(scope="module")
def timeline_of(reference_traces: list[Path]) -> OpenTimeline:
    folders = {folder.name: folder for folder in reference_traces}
    return lambda case: timeline_of_trace_file(folders[case])


def flip(channel: int, y: int, x: int) -> Callable[[NDArray[np.int8]], None]:
    def spoil(cube: NDArray[np.int8]) -> None:
        cube[channel, y, x] ^= -128

    return spoil


def departed(timeline: Timeline, *observed: Observed) -> Departure:
    departure = find_departure(timeline, observed)
    assert departure is not None
    return departure


@pytest.mark.parametrize("case", CASES)
def test_departure_of_a_faultless_board_is_none(timeline_of: OpenTimeline, case: str) -> None:
    timeline = timeline_of(case)
    every = [layer_dump(timeline, layer.index) for layer in timeline.layers]
    comparison = compare_dumps(timeline, [*every, end_dump(timeline)])
    assert comparison.departure is None
    assert [one.agrees for one in comparison.layers] == [True] * len(timeline.layers)
    assert comparison.loaded_compared > 0
    assert list(further_sentences(comparison)) == []
    assert answer(comparison).startswith(f"all {comparison.compared:,} bytes of layer")
    assert answer(comparison).endswith("are right")


@pytest.mark.parametrize("case", CASES)
def test_departure_is_the_layer_whose_byte_is_wrong(timeline_of: OpenTimeline, case: str) -> None:
    timeline = timeline_of(case)
    last = timeline.layers[-1]
    destination = last.run.destination
    place = destination.channels - 1, destination.height - 1, 0
    departure = departed(timeline, layer_dump(timeline, last.index, flip(*place)))
    assert departure.layer == last
    assert departure.counts is not None
    assert (departure.counts.wrong, departure.counts.compared) == (1, last.run.output.size)
    first = departure.first
    assert (first.channel, first.y, first.x) == place
    assert destination.locate(first.address) == place
    assert first.actual == first.expected ^ 0x80 == int(last.run.output.view(np.uint8)[place]) ^ 0x80


def test_departure_tells_which_layers_agree_and_which_nobody_dumped(timeline_of: OpenTimeline) -> None:
    timeline = timeline_of("reuse_3")
    count = len(timeline.layers)
    assert count >= 3
    wrong = layer_dump(timeline, count - 1, flip(0, 0, 0))
    alone = departed(timeline, wrong)
    assert (alone.agreeing, alone.unknown) == ((), timeline.layers[:-1])
    between = departed(timeline, layer_dump(timeline, 0), wrong)
    assert (between.agreeing, between.unknown) == (timeline.layers[:1], timeline.layers[1:-1])
    said = answer(compare_dumps(timeline, [layer_dump(timeline, 0), wrong]))
    assert f"the mistake is in one of layers 1 to {count - 1}" in said
    assert "layer 0 agrees" in said
    whole = departed(timeline, *(layer_dump(timeline, index) for index in range(count - 1)), wrong)
    assert (whole.agreeing, whole.unknown) == (timeline.layers[:-1], ())
    first = departed(timeline, layer_dump(timeline, 0, flip(0, 0, 0)), wrong)
    assert first.layer == timeline.layers[0]
    assert [one.layer for one in first.later] == [timeline.layers[-1]]


def test_departure_bytes_written_over_tell_nothing_of_the_layer_before(reference_traces: list[Path]) -> None:
    timeline = timeline_of_trace_file(next(one for one in reference_traces if one.name == "pair_1"))
    first, second = timeline.layers
    moved = Timeline(timeline.name, timeline.build, (*timeline.events, again(timeline, 0)), timeline.device)
    wrong = layer_dump(timeline, 0, flip(0, 0, 0))
    at_the_end = Observed("end", wrong.addresses, wrong.values)
    departure = departed(moved, at_the_end)
    assert departure.layer is not None
    assert departure.layer.index == 2
    assert departure.unknown == (first, second)
    comparison = compare_dumps(moved, [at_the_end])
    assert [one.compared for one in comparison.layers] == [0, 0, wrong.addresses.size]


def test_departure_bytes_that_software_wrote_over_are_the_softwares(timeline_of: OpenTimeline) -> None:
    timeline = timeline_of("layer_0")
    addresses = addresses_of(timeline, 0)
    write = HostWrite(int(addresses[0]), b"\x55" * 8)
    later = Timeline(timeline.name, timeline.build, (*timeline.events, write), timeline.device)
    right = end_dump(timeline)
    right.values[np.isin(right.addresses, addresses[:8])] = 0x55
    assert find_departure(later, [right]) is None
    departure = departed(later, end_dump(timeline))
    assert departure.layer is None
    assert departure.first.address == addresses[0]


def test_departure_weights_that_are_not_as_loaded_are_named(timeline_of: OpenTimeline) -> None:
    timeline = timeline_of("layer_0")
    written = set(addresses_of(timeline, 0).tolist())
    loads = [event for event in timeline.events if isinstance(event, HostWrite) and event.base not in written]
    said = set()
    for load in loads:
        board = end_dump(timeline)
        board.values[np.searchsorted(board.addresses, load.base)] ^= 1
        comparison = compare_dumps(timeline, [board])
        assert comparison.departure is not None
        assert comparison.departure.layer is None
        assert comparison.loaded is not None
        assert list(comparison.loaded.addresses) == [load.base]
        sentence = answer(comparison)
        assert "not what the program loads: 1 byte of" in sentence
        assert "that the dumps hold are right" in sentence
        said |= set(comparison.loaded.what)
    name = timeline.layers[0].name
    assert {f"weights of layer {name}", f"features of layer {name}"} <= said


def test_departure_in_padding_lanes_only_is_said(timeline_of: OpenTimeline) -> None:
    timeline = next(
        timeline
        for timeline in map(timeline_of, CASES)
        if timeline.layers[0].run.destination.lanes > timeline.layers[0].run.destination.channels
    )
    lane = timeline.layers[0].run.destination.channels
    comparison = compare_dumps(timeline, [layer_dump(timeline, 0, flip(lane, 0, 0))])
    assert comparison.departure is not None
    assert comparison.departure.first.lane
    assert any("all of them are in lanes behind the last channel" in one for one in further_sentences(comparison))


def test_departure_of_a_dump_that_holds_a_part_says_how_much(timeline_of: OpenTimeline) -> None:
    timeline = timeline_of("layer_0")
    whole = layer_dump(timeline, 0)
    part = Observed("part", whole.addresses[:16], whole.values[:16], 0)
    assert f"dumps hold only 16 of {whole.addresses.size:,} bytes" in answer(compare_dumps(timeline, [part]))
    part.values[3] ^= 1
    assert "1 of the 16 bytes wrong that dumps hold of its" in answer(compare_dumps(timeline, [part]))


@pytest.mark.parametrize(
    ("case", "stages"),
    [
        ("layer_0", ["accumulator", "x1", "x2", "before clip", "byte"]),
        ("sdp_2", ["from memory", "x1", "x2", "before clip", "byte"]),
        ("pdp_4", ["pooled rows and columns", "byte"]),
        ("fly2_0", ["pooled rows and columns", "byte"]),
        ("cdp2_1", ["converted", "sum of squares", "from the tables", "multiplied", "byte"]),
    ],
)
def test_stages_of_the_first_wrong_element_end_in_its_byte(
    timeline_of: OpenTimeline, case: str, stages: list[str]
) -> None:
    timeline = timeline_of(case)
    layer = timeline.layers[-1]
    first = departed(timeline, layer_dump(timeline, layer.index, flip(0, 0, 0))).first
    values = stage_values(layer, timeline.build, first)
    assert [one.stage for one in values] == stages
    assert values[-1].value == layer.run.output[0, 0, 0]
    assert values[-1].hex == f"0x{first.expected:02x}"


def test_departure_bytes_that_software_only_cleared_accuse_nobody(timeline_of: OpenTimeline) -> None:
    timeline = timeline_of("layer_0")
    clear = HostClear(0x7000_0000, 64)
    longer = replace(timeline, events=(clear, *timeline.events))
    rest = Observed("gap", clear.base + np.arange(8), np.full(8, 0xA5, np.uint8))
    comparison = compare_dumps(longer, [layer_dump(timeline, 0), rest])
    assert comparison.departure is None
    assert any(
        "8 bytes that the program clears and no layer writes are not 0" in one for one in further_sentences(comparison)
    )
