"""Whose bytes wrong bytes are: another channel's, those of an address nearby, of another tensor."""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.patterns.wrong_output import FEW_BYTES, FEW_VALUES, Bytes, WrongOutput

Element = TypeVar("Element", bound=np.generic)

AXES = ("channel", "row", "column")

SWAPS = (
    (1, "the two bytes of each 16-bit word are swapped"),
    (3, "the four bytes of each 32-bit word are in the opposite order"),
    (7, "the eight bytes of each 64-bit word are in the opposite order"),
    (2, "the 16-bit halves of each 32-bit word are swapped"),
    (4, "the 32-bit halves of each 64-bit word are swapped"),
)
"""What is added to an address without carry, and what that does."""

FEW_SWAPS = 2

MOST_BESIDE = 0.25
"""Of the wrong bytes, how many may have come from beyond the output: nothing is said of them."""


def find_moves(output: WrongOutput) -> Iterator[str]:
    """Sentences on where the wrong bytes would be right, each of them true of all."""
    if not output.tells_values:
        return
    other = list(_other_tensors(output))
    yield from other
    if other:
        return
    by_address = _ByAddress(output)
    yield from by_address.swapped()
    along = [sentence for axis in range(3) for sentence in _along_axis(output, axis, most_beside=0.0)]
    shifted = by_address.shifted() if not along else _Shift((), whole=False)
    if not along and not shifted.whole:
        along = [sentence for axis in range(3) for sentence in _along_axis(output, axis, most_beside=MOST_BESIDE)]
    yield from along or shifted.sentences


def _other_tensors(output: WrongOutput) -> Iterator[str]:
    """Wrong bytes that are those of what the layer reads, or of another layer, at the same places."""
    candidates = [(f"what the layer reads as its {what}", cube) for what, cube in output.inputs()]
    for layer in output.timeline.layers:
        cube = layer.run.output.view(np.uint8)
        if layer.index != output.layer.index and cube.shape == output.layer.run.output.shape:
            candidates.append((f"the output of layer {layer.name}", cube[output.lanes]))
    for what, cube in candidates:
        if np.array_equal(cube[output.known], output.actual[output.known]):
            yield f"all bytes compared are {what}"
        elif np.array_equal(cube[output.wrong], output.actual[output.wrong]):
            yield f"the wrong bytes are {what}"


def _along_axis(output: WrongOutput, axis: int, *, most_beside: float) -> Iterator[str]:
    """Channels, rows or columns that are another one's: told when there is one simple rule for all of them."""
    right, actual = (_by_index(one, axis) for one in (output.expected, output.actual))
    known, wrong = (_by_index(one, axis) for one in (output.known, output.wrong))

    def same(index: int, sources: Bytes) -> NDArray[np.bool_]:
        there = known[index]
        equal: NDArray[np.bool_] = (sources[:, there] == actual[index, there]).all(axis=1)
        return equal

    hit = [int(index) for index in np.flatnonzero(wrong.any(axis=1))]
    found = {index: np.flatnonzero(same(index, right)) for index in hit}
    pairs = [(index, int(sources[0])) for index, sources in found.items() if sources.size == 1]
    beside = [index for index in hit if found[index].size != 1]
    if len(beside) > most_beside * len(hit) or not _telling(right, [source for _, source in pairs]):
        return
    steps = {source - index for index, source in pairs}
    if beside:
        if len(steps) != 1:
            return
        [step] = steps
        inside = [index for index in beside if 0 <= index + step < len(right)]
        if not all(same(index, right[index + step : index + step + 1])[0] for index in inside):
            return
    if rule := _rule(pairs, len(right), AXES[axis]):
        yield rule


def _by_index(cube: NDArray[Element], axis: int) -> NDArray[Element]:
    """A row for each index of an axis."""
    return np.moveaxis(cube, axis, 0).reshape(cube.shape[axis], -1)


def _telling(right: Bytes, sources: list[int]) -> bool:
    """Whether the values are enough to recognise where they are from."""
    return (
        bool(sources)
        and len({right[source].tobytes() for source in sources}) == len(set(sources))
        and (np.unique(right[sources]).size >= FEW_VALUES)
    )


def _rule(pairs: list[tuple[int, int]], size: int, noun: str) -> str:
    steps = {source - index for index, source in pairs}
    if len(pairs) == 1:
        [(index, source)] = pairs
        return f"{noun} {index} holds {noun} {source}"
    if len(steps) == 1:
        [step] = steps
        far = "" if abs(step) == 1 else f"{abs(step)} "
        return f"each wrong {noun} holds the {noun} {far}{'before' if step < 0 else 'behind'} it"
    if all(index + source == size - 1 for index, source in pairs):
        return f"the {noun}s are in the opposite order"
    swaps = [f"{index} and {source}" for index, source in pairs if index < source and (source, index) in pairs]
    if 2 * len(swaps) == len(pairs) and len(swaps) <= FEW_SWAPS:
        return f"{noun}s {', '.join(swaps)} are swapped"
    masks = {source ^ index for index, source in pairs}
    if len(masks) == 1:
        mask = masks.pop()
        if mask & (mask + 1) == 0:
            return f"the {noun}s of each {mask + 1} are in the opposite order"
        return f"{noun}s are swapped with those {mask} away" if mask & (mask - 1) == 0 else ""
    return f"the {noun}s are all there, in another order" if sorted(dict(pairs)) == sorted(dict(pairs).values()) else ""


class _Shift(NamedTuple):
    """What is said of bytes that lie some way from their place; whether it is so of all bytes, right or wrong."""

    sentences: tuple[str, ...]
    whole: bool


class _ByAddress:
    """The output's bytes in the order of memory."""

    def __init__(self, output: WrongOutput) -> None:
        self._output = output
        order = np.argsort(output.addresses, axis=None)
        self._addresses = output.addresses.ravel()[order]
        self._right, self._actual = (one.ravel()[order] for one in (output.expected, output.actual))
        self._known, self._wrong = (one.ravel()[order] for one in (output.known, output.wrong))

    def swapped(self) -> Iterator[str]:
        """Bytes of words in another order."""
        for mask, sentence in SWAPS:
            if self._agrees(self._addresses ^ mask, of_all=True):
                yield sentence
                return

    def shifted(self) -> _Shift:
        """Bytes that lie some way from their place."""
        for distance, words in self._distances():
            for sign, side in ((1, "behind"), (-1, "before")):
                sources = self._addresses - sign * distance
                if not self._agrees(sources, of_all=False):
                    continue
                if self._whole(sources):
                    return _Shift((f"every byte lies {words} {side} its place in memory",), whole=True)
                return _Shift((f"the wrong bytes lie {words} {side} their place in memory",), whole=False)
        return _Shift((), whole=False)

    def _distances(self) -> Iterator[tuple[int, str]]:
        destination = self._output.layer.run.destination
        named = {1: "one byte", destination.memory_atom: f"one atom ({destination.memory_atom} bytes)"}
        if destination.height > 1:
            named.setdefault(destination.line_stride, f"one line ({destination.line_stride} bytes)")
        if destination.surfaces > 1:
            named.setdefault(destination.surface_stride, f"one surface ({destination.surface_stride} bytes)")
        for distance in (2, 4, 8, 16, 32, 64, 128, 256):
            named.setdefault(distance, f"{distance} bytes")
        return iter(named.items())

    def _sources(self, addresses: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        place = np.minimum(np.searchsorted(self._addresses, addresses), self._addresses.size - 1)
        return place, self._addresses[place] == addresses

    def _agrees(self, addresses: NDArray[np.int64], *, of_all: bool) -> bool:
        """Whether the wrong bytes are right at other addresses; of a few there may be none in the output."""
        place, inside = self._sources(addresses)
        looked_at = self._wrong & inside
        count = int(looked_at.sum())
        if count < FEW_BYTES or (self._wrong.sum() - count) > (0 if of_all else MOST_BESIDE * self._wrong.sum()):
            return False
        moved = self._right[place][looked_at]
        if np.unique(moved).size < FEW_VALUES or (of_all and not self._whole(addresses)):
            return False
        return bool((self._actual[looked_at] == moved).all())

    def _whole(self, addresses: NDArray[np.int64]) -> bool:
        """Whether that is so of all bytes, right or wrong."""
        place, inside = self._sources(addresses)
        inside &= self._known
        return bool((self._actual[inside] == self._right[place][inside]).all())
