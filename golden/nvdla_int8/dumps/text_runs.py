"""Runs of bytes as a text gives them: in any order, perhaps twice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.memory import ADDRESS_LIMIT

BYTE_LIMIT = 1 << 28
"""Bytes of one text, with those that ``*`` stands for."""


@dataclass(frozen=True)
class TextRuns:
    """Runs in the order of the text.

    Attributes
    ----------
    starts, lengths
        int64 (R,).
    values
        uint8: the bytes of all runs, one after the other.
    lines
        int64 (R,): the line, from 1, that each run begins in.
    notes
        How the text was read, sentences.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    values: NDArray[np.uint8]
    lines: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def merged(self) -> "TextRuns":
        """By rising address, those that touch as one; BenchError where two disagree about a byte."""
        order = np.argsort(self.starts, kind="stable")
        starts, lengths, lines = self.starts[order], self.lengths[order], self.lines[order]
        ends = starts + lengths
        if (ends > ADDRESS_LIMIT - 1).any() or (starts < 0).any():
            raise BenchError(f"line {lines[-1]}: an address beyond {ADDRESS_LIMIT - 1:#x}")
        reached = np.maximum.accumulate(ends)
        overlapping = bool((starts[1:] < reached[:-1]).any())
        if overlapping:
            return self._without_repeats()
        if (order[1:] < order[:-1]).any():
            firsts = (np.cumsum(self.lengths) - self.lengths)[order]
            into = np.cumsum(lengths) - lengths
            values = self.values[np.arange(self.values.size) + np.repeat(firsts - into, lengths)]
        else:
            values = self.values
        begins = np.flatnonzero(np.concatenate([[True], starts[1:] != ends[:-1]]))
        joined = np.add.reduceat(lengths, begins)
        return TextRuns(starts[begins], joined, values, lines[begins], self.notes)

    def _without_repeats(self) -> "TextRuns":
        """Every byte once."""
        firsts = np.cumsum(self.lengths) - self.lengths
        addresses = np.arange(self.values.size) + np.repeat(self.starts - firsts, self.lengths)
        order = np.argsort(addresses, kind="stable")
        addresses, values = addresses[order], self.values[order]
        again = np.flatnonzero(addresses[1:] == addresses[:-1])
        unequal = again[values[again] != values[again + 1]]
        if unequal.size:
            at = int(unequal[0])
            one, other = (
                int(self.lines[np.searchsorted(firsts, order[place], side="right") - 1]) for place in (at, at + 1)
            )
            raise BenchError(
                f"line {other}: byte {int(addresses[at]):#x} is {values[at + 1]:#04x}, in line {one} {values[at]:#04x}"
            )
        keep = np.concatenate([[True], addresses[1:] != addresses[:-1]])
        ones = np.ones(int(keep.sum()), np.int64)
        lines = np.repeat(self.lines, self.lengths)[order][keep]
        return TextRuns(addresses[keep], ones, values[keep], lines, self.notes).merged()
