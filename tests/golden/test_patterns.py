"""What wrong bytes have in common: said when it is true of all of them, and not when one byte breaks it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.departure import find_departure
from nvdla_int8.checkup.patterns.find import find_patterns
from nvdla_int8.checkup.patterns.index_words import index_words
from nvdla_int8.checkup.patterns.wrong_output import WrongOutput
from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.checkup.timeline import Timeline, TimelineLayer
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.layout import channels_first, channels_last
from tests.golden.boards import Spoil, layer_dump

Cube = NDArray[np.int8]
SIGNED, RELU, TIES = "layer_0", "layer_1", "layer_36"
"""Outputs of 24 x 6 x 8 over all of int8, of 40 x 13 x 14 without negatives; one with ties."""


class Case(NamedTuple):
    """A spoiled output, the sentence, and a place where another wrong byte breaks it."""

    trace: str
    spoil: Spoil
    sentence: str
    stray: tuple[int, int, int] = (2, 2, 3)


def part(*index: object) -> Spoil:
    """Other bytes at some places, of no other pattern."""

    def spoil(cube: Cube) -> None:
        chosen = cube[index]  # type: ignore[index]
        cube[index] = chosen ^ generator("tests", "patterns").integers(1, 128, chosen.shape).astype(np.int8)  # type: ignore[index]

    return spoil


def assign(change: Callable[[Cube], NDArray[np.generic]]) -> Spoil:
    """Another cube in place of the right one."""

    def spoil(cube: Cube) -> None:
        cube[:] = change(cube.copy()).astype(np.int8)

    return spoil


def moved(axis: int, by: int) -> Spoil:
    """What lies at an index of an axis goes to another one; the first ones stay."""

    def spoil(cube: Cube) -> None:
        view = np.moveaxis(cube, axis, 0)
        view[by:] = view[:-by].copy()

    return spoil


def swapped(*pairs: tuple[int, int]) -> Spoil:
    def spoil(cube: Cube) -> None:
        for one, other in pairs:
            cube[[one, other]] = cube[[other, one]]

    return spoil


def halves(cube: Cube) -> Cube:
    """Lanes of an atom with the 4 bytes of each word in the opposite order."""
    return cube.reshape(-1, 2, 4, *cube.shape[1:])[:, :, ::-1].reshape(cube.shape)


def in_memory(change: Callable[[Cube], Cube]) -> Spoil:
    """Other bytes in the order of memory of an output without gaps."""

    def spoil(cube: Cube) -> None:
        data = channels_last(cube, 8)
        cube[:] = channels_first(change(data.ravel()).reshape(data.shape))

    return spoil


ALL = slice(None)
PLACES = [
    Case(SIGNED, part(slice(3, None, 8)), "wrong bytes lie only in every eighth channel from 3 (lane 3 of each atom)"),
    Case(SIGNED, part(slice(8, 16)), "wrong bytes lie only in channels 8 to 15: every byte there"),
    Case(SIGNED, part(5), "wrong bytes lie only in channel 5: every byte there"),
    Case(SIGNED, part(ALL, ALL, -1), "wrong bytes lie only in the last column: every byte there"),
    Case(
        SIGNED,
        part(ALL, ALL, slice(3, None, 4)),
        "wrong bytes lie only in the last column of each 4: every byte",
        (2, 2, 2),
    ),
    Case(SIGNED, part(ALL, slice(2, 5)), "wrong bytes lie only in rows 2 to 4: every byte there", (2, 0, 3)),
    Case(
        SIGNED, part(ALL, 0, slice(1, 3)), "wrong bytes lie only in the first row, in columns 1 and 2: every byte there"
    ),
    Case(SIGNED, part(slice(0, 2), 3), "wrong bytes lie only in channels 0 and 1, in row 3: every byte there"),
    Case(RELU, part(slice(4, 8)), "wrong bytes lie only in channels 4 to 7: every byte there", (9, 2, 3)),
    Case(SIGNED, assign(lambda cube: cube ^ 0x55), "every byte that was compared is wrong, 1,152 of 1,152", (0, 0, 0)),
]

VALUES = [
    Case(SIGNED, assign(np.zeros_like), "all 1,152 bytes compared are 0"),
    Case(SIGNED, assign(lambda cube: np.full_like(cube, -3)), "all 1,152 bytes compared are -3"),
    Case(SIGNED, assign(lambda cube: np.where(np.arange(8) < 4, cube, 77)), "all wrong bytes are 77", (2, 2, 1)),
    Case(
        SIGNED,
        assign(lambda cube: np.where(cube > 40, 127, np.where(cube < -40, -128, cube))),
        "the wrong bytes are all 127 or -128: saturated",
    ),
    Case(
        SIGNED,
        assign(lambda cube: np.where(np.abs(cube.astype(int) + 0.5) > 127, 3, cube)),
        "bytes are wrong only where 127 or -128 is right: where the last clip is at work",
    ),
    Case(
        SIGNED,
        assign(lambda cube: np.maximum(cube, 0)),
        "the bytes are the right ones with 0 for all that is negative: a ReLU too many",
    ),
    Case(
        RELU,
        assign(lambda cube: np.where(cube == 0, -1 - np.arange(14), cube)),
        "all wrong bytes are negative where 0 is right, and no right one is negative: a ReLU is missing?",
    ),
    Case(
        SIGNED,
        assign(lambda cube: np.clip(-cube.astype(int), -128, 127)),
        "the wrong bytes are the right ones with the other sign",
    ),
    Case(SIGNED, assign(lambda cube: cube + (np.arange(8) == 2)), "wrong bytes are 1 too large, wrapped to 8 bits"),
    Case(RELU, assign(lambda cube: cube - (cube > 50)), "are exactly 1 too small"),
    Case(
        SIGNED,
        assign(lambda cube: np.where(np.abs(cube.astype(int)) > 20, cube - np.sign(cube), cube)),
        "are exactly 1 nearer to 0",
    ),
    Case(SIGNED, assign(lambda cube: cube // 2), "every byte is half of the right one, to within one"),
    Case(
        SIGNED,
        assign(lambda cube: np.clip(cube.astype(int) * 2, -128, 127)),
        "every byte is twice the right one, to within one",
    ),
    Case(SIGNED, assign(lambda cube: cube ^ -128), "only bit 7 is wrong"),
    Case(SIGNED, assign(lambda cube: cube & ~4), "only bit 2 is wrong, which is 0 in every byte"),
    Case(SIGNED, assign(lambda cube: ~cube), "in the wrong bytes every bit is inverted"),
]

MOVES = [
    Case(SIGNED, moved(0, 1), "each wrong channel holds the channel before it"),
    Case(SIGNED, moved(0, 8), "each wrong channel holds the channel 8 before it", (20, 2, 3)),
    Case(SIGNED, moved(1, 1), "each wrong row holds the row before it"),
    Case(SIGNED, moved(2, 1), "each wrong column holds the column before it"),
    Case(SIGNED, swapped((3, 7)), "channels 3 and 7 are swapped", (3, 2, 3)),
    Case(SIGNED, assign(lambda cube: cube[np.arange(24) ^ 7]), "the channels of each 8 are in the opposite order"),
    Case(SIGNED, assign(lambda cube: cube[::-1]), "the channels are in the opposite order"),
    Case(SIGNED, assign(halves), "the four bytes of each 32-bit word are in the opposite order"),
    Case(
        SIGNED,
        in_memory(lambda data: np.roll(data, 8)),
        "every byte lies one atom (8 bytes) behind its place in memory",
    ),
    Case(SIGNED, in_memory(lambda data: np.roll(data, -1)), "every byte lies one byte before its place in memory"),
    Case(SIGNED, in_memory(lambda data: data.reshape(-1, 2)[:, ::-1]), "the two bytes of each 16-bit word are swapped"),
    Case(
        SIGNED,
        in_memory(lambda data: data.reshape(-1, 2, 4)[:, ::-1]),
        "the 32-bit halves of each 64-bit word are swapped",
    ),
]


@pytest.fixture(scope="module")
def timelines(reference_traces: list[Path]) -> dict[str, Timeline]:
    folders = {folder.name: folder for folder in reference_traces}
    return {name: timeline_of_trace_file(folders[name]) for name in (SIGNED, RELU, TIES, "pair_1")}


def patterns(timeline: Timeline, spoil: Spoil, index: int = -1) -> tuple[str, ...]:
    departure = find_departure(timeline, [layer_dump(timeline, index % len(timeline.layers), spoil)])
    assert departure is not None
    assert departure.layer is not None
    assert departure.board is not None
    return find_patterns(WrongOutput(timeline, departure.layer, departure.board))


def says(found: tuple[str, ...], sentence: str) -> bool:
    return any(sentence in one for one in found)


@pytest.mark.parametrize("case", [*PLACES, *VALUES, *MOVES], ids=lambda case: case.sentence[:60])
def test_pattern_is_said_of_all_wrong_bytes_and_not_when_one_breaks_it(
    timelines: dict[str, Timeline], case: Case
) -> None:
    timeline = timelines[case.trace]

    def broken(cube: Cube) -> None:
        right = int(cube[case.stray])
        case.spoil(cube)
        actual = int(cube[case.stray])
        cube[case.stray] = next(value for value in (33, 34, 35) if value not in (right, actual))
        if case.sentence.startswith("every byte that"):
            cube[case.stray] = right

    found = patterns(timeline, case.spoil)
    assert says(found, case.sentence), found
    assert not says(patterns(timeline, broken), case.sentence)


def test_pattern_old_memory_is_told_with_who_wrote_it(timelines: dict[str, Timeline]) -> None:
    timeline = timelines[SIGNED]
    old = channels_first(timeline.layers[0].run.overwritten).view(np.int8)

    def unwritten(cube: Cube) -> None:
        cube[:] = old

    def half_written(cube: Cube) -> None:
        cube[:, 3:] = old[:, 3:]

    def broken(cube: Cube) -> None:
        half_written(cube)
        cube[2, 4, 3] = old[2, 4, 3] ^ 0x11

    [whole, *_] = patterns(timeline, unwritten)
    assert whole.startswith("all 1,152 bytes compared are what lay there before the layer ran (")
    assert whole.endswith("): perhaps none was written")
    sentence = "the wrong bytes are what lay there before the layer ran"
    assert says(patterns(timeline, half_written), sentence)
    assert not says(patterns(timeline, broken), sentence)


def test_pattern_stale_lines_of_a_cache_are_told_when_they_are_whole(timelines: dict[str, Timeline]) -> None:
    timeline = timelines[SIGNED]
    old = channels_first(timeline.layers[0].run.overwritten).view(np.int8)
    destination = timeline.layers[0].run.destination
    addresses = channels_first(destination.unit_addresses()[..., None] + np.arange(8))

    def stale(lines: NDArray[np.int64]) -> Spoil:
        def spoil(cube: Cube) -> None:
            cube[np.isin(addresses // 64, lines)] = old[np.isin(addresses // 64, lines)]

        return spoil

    some = np.unique(addresses // 64)[2:7:2]

    def torn(cube: Cube) -> None:
        right = cube.copy()
        stale(some)(cube)
        first = np.argwhere(cube != right)[0]
        cube[tuple(first)] = right[tuple(first)]

    assert says(patterns(timeline, stale(some)), "they are whole lines of 64 bytes, as of a cache")
    assert not says(patterns(timeline, torn), "whole lines of 64 bytes")


def test_pattern_bytes_of_the_layers_input_or_of_another_layer(timelines: dict[str, Timeline]) -> None:
    timeline = timelines["pair_1"]
    other = generator("tests", "stale").integers(-128, 128, timeline.layers[1].run.output.shape).astype(np.int8)
    run = timeline.layers[1].run
    assert run.sdp is not None
    sibling = TimelineLayer(2, "sibling", replace(run, sdp=replace(run.sdp, output=other)))
    longer = replace(timeline, events=(*timeline.events, sibling))

    def stale(cube: Cube) -> None:
        cube[:] = other

    def broken(cube: Cube) -> None:
        stale(cube)
        cube[3, 2, 2] ^= 0x11

    assert says(patterns(longer, stale, 1), "all bytes compared are the output of layer sibling")
    assert not says(patterns(longer, broken, 1), "the output of layer")


def test_pattern_bytes_of_what_the_layer_reads(reference_traces: list[Path]) -> None:
    timeline = timeline_of_trace_file(next(one for one in reference_traces if one.name == "sdp_2"))
    [layer] = timeline.layers
    assert layer.run.sdp is not None
    source = layer.run.sdp.source.astype(np.int8)

    def copied(cube: Cube) -> None:
        cube[:] = source

    def broken(cube: Cube) -> None:
        copied(cube)
        cube[0, 0, 0] ^= 0x11

    assert says(patterns(timeline, copied), "all bytes compared are what the layer reads as its source")
    assert not says(patterns(timeline, broken), "what the layer reads")


def test_pattern_differences_at_ties_and_never_at_ties(timelines: dict[str, Timeline]) -> None:
    timeline = timelines[TIES]
    run = timeline.layers[0].run
    assert run.sdp is not None
    converter = SdpLayer(run.registers, timeline.build).output_converter
    left = ((run.sdp.x2.astype(np.int64) - converter.offset) * converter.scale) % (1 << converter.shift_bits)
    ties = (left == 1 << (converter.shift_bits - 1)) & (np.abs(run.output.astype(int)) < 100)
    others = (left != 1 << (converter.shift_bits - 1)) & (np.abs(run.output.astype(int)) < 100)

    def at(where: NDArray[np.bool_]) -> Spoil:
        def spoil(cube: Cube) -> None:
            cube[where] += 1

        return spoil

    assert says(patterns(timeline, at(ties)), "only where the output converter rounds exactly half a step")
    assert says(patterns(timeline, at(others)), "never where the output converter rounds exactly half a step")
    assert not says(patterns(timeline, at(ties | others)), "half a step")


def test_pattern_a_stretch_of_memory(timelines: dict[str, Timeline]) -> None:
    timeline = timelines[SIGNED]

    def stretch(cube: Cube) -> None:
        in_memory(lambda data: np.where((np.arange(data.size) >= 300) & (np.arange(data.size) < 333), ~data, data))(
            cube
        )

    def broken(cube: Cube) -> None:
        stretch(cube)
        cube[-1, -1, -1] ^= 0x11

    sentence = "all wrong bytes lie within 33 bytes of the output in the order of memory"
    assert says(patterns(timeline, stretch), sentence)
    assert not says(patterns(timeline, broken), "all wrong bytes lie within")


def test_pattern_bytes_of_a_word_wherever_they_are(timelines: dict[str, Timeline]) -> None:
    timeline = timelines[RELU]

    def third_of_four(cube: Cube) -> None:
        cube[2::4] ^= 1
        cube[2, 0, 0] ^= 1

    assert says(patterns(timeline, third_of_four), "every fourth channel from 2")


@pytest.mark.parametrize(
    ("hit", "told", "words"),
    [
        ([3, 11, 19], 24, "every eighth item from 3"),
        ([3, 11], 24, "items 3 and 11"),
        ([3, 7], 8, "the last item of each 4"),
        ([7, 15, 23], 24, "the last item of each 8"),
        ([0, 1, 2, 3, 8, 9, 10, 11], 16, "items 0 to 3 of every 8"),
        ([5], 8, "item 5"),
        ([0], 8, "the first item"),
        ([7], 8, "the last item"),
        ([2, 3], 8, "items 2 and 3"),
        ([2, 3, 4], 8, "items 2 to 4"),
        ([1, 4, 6], 8, "items 1, 4 and 6"),
        ([0, 1, 3, 6, 7], 8, ""),
        (list(range(8)), 8, ""),
    ],
)
def test_indices_are_said_exactly_or_not_at_all(hit: list[int], told: int, words: str) -> None:
    assert index_words(np.array(hit), np.arange(told), "item", size=told) == words
