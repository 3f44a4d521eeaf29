"""Where the bytes that a layer reads come from: a layer, the network's input, the file, the CPU.

Pools of memory are reused by later layers, so that it follows from the bytes and the order of work.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.memory_contents import MemoryContents
from nvdla_int8.loadable.ranges import Ranges

Origin = int | Literal["input", "file", "cpu"]
"""The place of a layer among ``loadable_layers``; the application's input; what the file puts into memory; a CPU task.
"""

CPU = -1
"""The CPU's number among the writers, which otherwise are layers."""

MOST_PIECES = 1 << 16
"""Pieces of a memory with different writers; a file that has more is damaged."""


class _Written:
    """Who wrote which bytes of one memory last: disjoint pieces, sorted, and their writers."""

    def __init__(self) -> None:
        self._starts = np.zeros(0, np.int64)
        self._ends = np.zeros(0, np.int64)
        self._writers = np.zeros(0, np.int64)

    @property
    def pieces(self) -> int:
        """How many there are."""
        return int(self._starts.size)

    def write(self, ranges: Ranges, writer: int) -> None:
        """These bytes are the writer's now."""
        near, points, taken, written = self._against(ranges)
        old = self._writers[near.start + np.maximum(written, 0)] if near.stop > near.start else written
        writers = np.where(taken, writer, old)
        keep = taken | (written >= 0)
        self._starts = _spliced(self._starts, near, points[:-1][keep])
        self._ends = _spliced(self._ends, near, points[1:][keep])
        self._writers = _spliced(self._writers, near, writers[keep])

    def writers_of(self, ranges: Ranges) -> tuple[set[int], bool]:
        """Who wrote these bytes, and whether some were never written."""
        near, _, taken, written = self._against(ranges)
        found = self._writers[near.start + np.unique(written[taken & (written >= 0)])]
        return {int(writer) for writer in found}, bool((taken & (written < 0)).any())

    def _against(self, ranges: Ranges) -> tuple[slice, NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
        """The pieces near some ranges, cut with them.

        Returns
        -------
        tuple
            The slice of the pieces; the points at which pieces or ranges begin or end; for each interval between two
            points whether it lies in a range, and the number of its piece in the slice, -1 for none.
        """
        first = int(np.searchsorted(self._ends, ranges.starts[0], side="right"))
        last = int(np.searchsorted(self._starts, ranges.ends[-1], side="left"))
        near = slice(first, max(first, last))
        starts, ends = self._starts[near], self._ends[near]
        points = np.unique(np.concatenate((starts, ends, ranges.starts, ranges.ends)))
        at = points[:-1]
        taken = np.searchsorted(ranges.starts, at, side="right") > np.searchsorted(ranges.ends, at, side="right")
        begun = np.searchsorted(starts, at, side="right")
        written = np.where(begun > np.searchsorted(ends, at, side="right"), begun - 1, -1)
        return near, points, taken, written


def _spliced(array: NDArray[np.int64], place: slice, new: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate((array[: place.start], new, array[place.stop :]))


class Origins:
    """What was written where, in the order of work.

    Parameters
    ----------
    contents
        The memories, for what lies in them before the first layer.
    """

    def __init__(self, contents: MemoryContents) -> None:
        self._memories = contents.memories
        self._written = {number: _Written() for number in contents.memories}

    def write(self, ranges: Ranges, writer: int) -> None:
        """Note that a layer, or :data:`CPU`, wrote these bytes; BenchError for a memory in too many pieces."""
        if not ranges.starts.size:
            return
        written = self._written[ranges.memory]
        written.write(ranges, writer)
        if written.pieces > MOST_PIECES:
            raise BenchError(f"memory {ranges.memory}: it is written in more than {MOST_PIECES:,} pieces")

    def of(self, ranges: Ranges) -> tuple[Origin, ...]:
        """Who wrote these bytes last, layers in their order; empty when nobody did."""
        if not ranges.starts.size:
            return ()
        writers, missing = self._written[ranges.memory].writers_of(ranges)
        memory = self._memories[ranges.memory]
        found: list[Origin] = sorted(writers - {CPU})
        if CPU in writers:
            found.append("cpu")
        if missing and memory.is_input:
            found.append("input")
        elif missing and memory.is_set:
            found.append("file")
        return tuple(found)
