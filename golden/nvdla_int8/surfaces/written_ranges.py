"""A memory that knows which of its bytes were ever written."""

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.surfaces.memory import ADDRESS_LIMIT, Memory

Runs = tuple[NDArray[np.int64], int]
"""Start addresses, any shape, and the bytes of each run."""

MOST_PENDING = 1 << 20
"""Runs that wait to be merged."""

LATEST = 16
"""Runs to look at before all are merged."""

HIGHEST = ADDRESS_LIMIT - 1

UNWRITTEN = "0 here, anything on a board"


class Unwritten(NamedTuple):
    """What is missing of the bytes asked for: how many of how many, the lowest and the highest address."""

    missing: int
    asked: int
    lowest: int
    highest: int

    def describe(self, what: str) -> str:
        """Tell it of the bytes of ``what``, as "of its weights"."""
        count = f"{self.missing:,} of the {self.asked:,} bytes {what}"
        return f"{count}, within {self.lowest:#x} to {self.highest:#x}, were never written or loaded: {UNWRITTEN}"


class WrittenBytes:
    """Ranges of addresses below 2^63 that were written.

    New runs are only noted; they are merged when they are asked for, so that writing stays cheap.
    ``_starts`` and ``_ends`` are the merged ranges: sorted, apart from one another. ``_latest`` are runs that
    came alone or one behind the other, as most tensors lie, among which most of what is asked for is found whole.
    """

    def __init__(self) -> None:
        self._starts = np.zeros(0, np.int64)
        self._ends = np.zeros(0, np.int64)
        self._pending: list[Runs] = []
        self._pending_runs = 0
        self._latest: deque[tuple[int, int]] = deque(maxlen=LATEST)

    def add(self, starts: NDArray[np.int64], length: int) -> None:
        """Note that ``length`` bytes were written at each start (any shape)."""
        if not starts.size or not length:
            return
        flat = starts.reshape(-1)
        if flat.size == 1 or (flat[1:] - flat[:-1] == length).all():  # as most tensors lie
            flat, length = flat[:1].copy(), flat.size * length  # the others need not be kept
            self._latest.append((int(flat[0]), length))
        self._pending.append((flat, length))
        self._pending_runs += flat.size
        if self._pending_runs > MOST_PENDING:
            self._merge()

    def missing_of(self, runs: list[Runs]) -> Unwritten | None:
        """What was never written of the bytes of these runs, each byte counted once; None when nothing is missing."""
        low = min(int(starts.min()) for starts, _ in runs)
        high = max(int(starts.max()) + length for starts, length in runs)
        if any(start <= low and high <= start + length for start, length in self._latest):  # as they were written
            return None
        self._merge()
        if self._skip_up(low) >= high:
            return None
        starts, ends = _merged(*_as_ranges(runs))
        missing = (ends - starts) - (self._below(ends) - self._below(starts))
        gaps = np.flatnonzero(missing)
        if not gaps.size:
            return None
        first, last = gaps[0], gaps[-1]
        return Unwritten(
            missing=int(missing.sum()),
            asked=int((ends - starts).sum()),
            lowest=self._skip_up(int(starts[first])),
            highest=self._skip_down(int(ends[last])) - 1,
        )

    def _merge(self) -> None:
        if not self._pending:
            return
        starts, ends = _as_ranges(self._pending)
        self._starts, self._ends = _merged(np.append(self._starts, starts), np.append(self._ends, ends))
        self._pending, self._pending_runs = [], 0

    def _below(self, addresses: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many bytes below each address were written."""
        before = np.append(0, np.cumsum(self._ends - self._starts))
        index = np.searchsorted(self._starts, addresses)  # ranges that begin below the address
        if not self._starts.size:
            return np.zeros(addresses.shape, np.int64)
        beyond = np.maximum(self._ends[index - 1] - addresses, 0)
        return np.where(index > 0, before[index] - beyond, 0)

    def _skip_up(self, address: int) -> int:
        """The first address from this one on that was not written."""
        index = int(np.searchsorted(self._starts, address, side="right")) - 1
        return max(address, int(self._ends[index])) if index >= 0 else address

    def _skip_down(self, end: int) -> int:
        """One beyond the last address below ``end`` that was not written."""
        index = int(np.searchsorted(self._starts, end)) - 1
        return int(self._starts[index]) if index >= 0 and self._ends[index] >= end else end


class RememberingMemory(Memory):
    """A memory that knows what was written: ``written`` holds the bytes, cleared ones among them."""

    def __init__(self) -> None:
        super().__init__()
        self.written = WrittenBytes()

    def write(self, starts: NDArray[np.int64], data: NDArray[np.uint8]) -> None:
        """As :meth:`Memory.write`."""
        super().write(starts, data)
        self.written.add(np.asarray(starts, np.int64), data.shape[-1])

    def write_bytes(self, base: int, data: bytes) -> None:
        """As :meth:`Memory.write_bytes`."""
        super().write_bytes(base, data)
        self.written.add(np.array([base]), len(data))

    def clear(self, base: int, size: int) -> None:
        """As :meth:`Memory.clear`."""
        super().clear(base, size)
        if base < HIGHEST:
            self.written.add(np.array([base]), min(size, HIGHEST - base))


def _as_ranges(runs: list[Runs]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    starts = np.concatenate([run.reshape(-1) for run, _ in runs])
    ends = np.concatenate([run.reshape(-1) + length for run, length in runs])
    return starts, ends


def _merged(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ranges in any order as disjoint ones, sorted; ranges that touch become one."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    begins = np.append(True, starts[1:] > ends[:-1])
    return starts[begins], ends[np.append(np.flatnonzero(begins)[1:] - 1, ends.size - 1)]
