"""Where wrong bytes lie: channels, rows, columns, lanes of an atom, bytes of a word, a stretch of memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.patterns.index_words import index_words
from nvdla_int8.checkup.patterns.wrong_output import CHANCE, FEW_BYTES, Mask, WrongOutput

AXES = ("channel", "row", "column")
WORD_BYTES = (4, 8, 16, 32, 64)
"""Of a bus, a cache line or a burst."""

SHORT_STRETCH = 0.5
"""A stretch of memory with all wrong bytes is told when it is at most this part of what is told otherwise."""


def find_places(output: WrongOutput) -> Iterator[str]:
    """Sentences on where the wrong bytes lie, each of them true of all."""
    if output.wrong.sum() == output.known.sum():
        yield f"every byte that was compared is wrong, {output.count:,} of {output.count:,}"
        return
    within = output.known.copy()
    words = list(_axes(output, within))
    there = int(np.count_nonzero(within))
    if words:
        share = "every byte there" if there == output.count else f"{output.count:,} of the {there:,} bytes there"
        yield f"wrong bytes lie only in {', in '.join(words)}: {share}"
    found = [*([] if words else _bytes_of_words(output)), *_stretch(output, there)]
    yield from found
    if not words and not found and output.count >= FEW_BYTES:
        yield f"wrong bytes lie all over the output, {output.count:,} of {int(output.known.sum()):,}"


def _axes(output: WrongOutput, within: Mask) -> Iterator[str]:
    """Where on each axis that says something; the bytes elsewhere are taken out of ``within``."""
    for axis, noun in enumerate(AXES):
        others = tuple(other for other in range(3) if other != axis)
        hit, told = (np.flatnonzero(one.any(axis=others)) for one in (output.wrong, output.known))
        said = index_words(hit, told, noun, size=output.known.shape[axis])
        if said and _by_accident(hit.size, told.size, output.count) < CHANCE:
            yield said + (_lane(said, hit, output) if axis == 0 else "")
            keep = np.isin(np.arange(output.known.shape[axis]), hit)
            within &= np.expand_dims(keep, others)


def _lane(said: str, hit: NDArray[np.int64], output: WrongOutput) -> str:
    """What a step of one atom is for the hardware."""
    if np.unique(hit % output.atom).size == 1 and hit.size > 1 and said.startswith("every"):
        return f" (lane {hit[0] % output.atom} of each atom)"
    return ""


def _bytes_of_words(output: WrongOutput) -> Iterator[str]:
    """The smallest word of which wrong bytes have only some places, and larger ones that say more."""
    wrong, known = output.addresses[output.wrong], output.addresses[output.known]
    said_already = np.array([0])
    size_before = 1
    for size in WORD_BYTES:
        hit, told = np.unique(wrong % size), np.unique(known % size)
        follows = told[np.isin(told % size_before, said_already)]
        if hit.size == follows.size or _by_accident(hit.size, follows.size, output.count) >= CHANCE:
            continue
        words = index_words(hit, told, "byte", size=size)
        if words:
            yield f"wrong bytes are only {words} of each {size}-byte word of memory"
            said_already, size_before = hit, size


def _stretch(output: WrongOutput, there: int) -> Iterator[str]:
    """A stretch of memory, where it tells more than axes do, which leave so many bytes."""
    addresses = np.sort(output.addresses[output.known])
    wrong = np.sort(output.addresses[output.wrong])
    low, high = np.searchsorted(addresses, (wrong[0], wrong[-1]))
    span = int(high - low) + 1
    if span <= SHORT_STRETCH * there and _by_accident(span, addresses.size, output.count) < CHANCE:
        end = ", to the end of the output" if high == addresses.size - 1 else ""
        yield (
            f"all wrong bytes lie within {span:,} bytes of the output in the order of memory, "
            f"{wrong[0]:#x} to {wrong[-1]:#x}{end}"
        )


def _by_accident(hit: int, told: int, count: int) -> float:
    """How likely wrong bytes anywhere would lie in so few of the indices, for all choices of a place for them."""
    return float(told * (hit / told) ** min(count, 1000))
