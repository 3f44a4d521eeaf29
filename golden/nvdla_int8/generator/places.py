"""Where a register program's surfaces lie: side by side or far apart, at any alignment, with bytes around them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.compiler.register_program import Region
from nvdla_int8.generator.draws import Draws, RejectedError
from nvdla_int8.surfaces.memory import PAGE, Memory

BASES = (0x8000_0000, 0x8000_0000, 0xC000_0000, 0x0000_0000, 0x0001_0000, 0x7FFF_F000, 0xFFE0_0000)

BUS_LIMIT = 1 << 32
"""One beyond the highest address of the memory port."""

FAR_BITS = range(12, 32)
"""A surface that lies far crosses a multiple of two to one of these powers."""

TRIES = 50

MOST_PIECES = 6
"""Pieces of a surface that does not lie in one; each takes a page or two of the bench's memory."""

MOST_FAR_PAGES = 100
"""Pages of :data:`BENCH_PAGE` bytes that surfaces far apart may take: fewer than a bench's memory has."""

BENCH_PAGE = 1 << 16


@dataclass(frozen=True)
class Window:
    """The bytes ``low`` to ``low + size`` hold a surface or a piece of one from ``base`` on, and what lies around."""

    name: str
    base: int
    low: int
    size: int

    def region(self, memory: Memory) -> Region:
        """The window's bytes in memory."""
        return Region(self.name, self.low, memory.read_bytes(self.low, self.size))


@dataclass(frozen=True)
class Bytes:
    """What a surface at address 0 would take: runs of ``length`` bytes at ``starts`` (N,), in ascending order."""

    starts: NDArray[np.int64]
    length: int

    @classmethod
    def together(cls, size_bytes: int) -> "Bytes":
        """So many bytes in one run."""
        return cls(np.zeros(1, np.int64), size_bytes)

    @classmethod
    def of_runs(cls, runs: list[tuple[NDArray[np.int64], int]]) -> "Bytes":
        """The one plane of a surface's runs."""
        [(starts, length)] = runs
        return cls(np.sort(starts, axis=None), length)

    @property
    def size(self) -> int:
        """From the first byte to the last."""
        return int(self.starts[-1]) + self.length

    def pieces(self) -> list[tuple[int, int]]:
        """Offset and size of what lies closer together than a page."""
        gaps = np.flatnonzero(np.diff(self.starts) >= self.length + PAGE) + 1
        return [(int(piece[0]), int(piece[-1] - piece[0]) + self.length) for piece in np.split(self.starts, gaps)]


@dataclass(frozen=True)
class Place:
    """Where a surface lies: its base, and its windows."""

    base: int
    windows: tuple[Window, ...]


class Places:
    """Hands out places; none overlaps another.

    Parameters
    ----------
    draws
        The source of every choice.
    memory
        Receives random bytes wherever a window is.
    memory_atom
        Every base is a multiple of it.
    far
        Surfaces lie anywhere, each across a multiple of a power of two, and their strides may be as large as
        the registers take; otherwise upwards from a random base.
    base
        Upwards from this one instead, without the widest gaps.
    """

    def __init__(
        self, draws: Draws, memory: Memory, memory_atom: int, *, far: bool = False, base: int | None = None
    ) -> None:
        self.far = far and base is None
        self._gaps = (0, 0, memory_atom, 64, 0x1000, *((0x1_0000,) if base is None else ()))
        self._draws = draws
        self._memory = memory
        self._atom = memory_atom
        self._next = draws.pick(BASES) if base is None else base
        self._windows: list[Window] = []

    def take(self, wanted: Mapping[str, Bytes]) -> dict[str, Place]:
        """Place surfaces, by name, in a random order.

        Raises
        ------
        RejectedError
            There seems to be no room.
        """
        take = self._take_far if self.far else self._take_next
        return {name: take(name, wanted[name]) for name in self._draws.order(list(wanted))}

    def _take_next(self, name: str, wanted: Bytes) -> Place:
        draws, atom = self._draws, self._atom
        before, after = self._around()
        gap = draws.pick(self._gaps)
        alignment = draws.pick((atom, 32, 256, PAGE))
        base = -(-(self._next + gap + before) // alignment) * alignment
        window = Window(name, base, base - before, before + self._whole(wanted.size) + after)
        self._next = window.low + window.size
        return self._filled(base, (window,))

    def _take_far(self, name: str, wanted: Bytes) -> Place:
        for _ in range(TRIES):
            base = self._base_across(wanted)
            windows = tuple(self._windows_at(name, base, wanted)) if base >= 0 else ()
            if windows and self._fit(windows):
                return self._filled(base, windows)
        raise RejectedError(f"no place for {name}")

    def _base_across(self, wanted: Bytes) -> int:
        """A base with which a multiple of a power of two lies inside, between any two atoms; negative if none does."""
        draws, atom = self._draws, self._atom
        bit = draws.pick(FAR_BITS)
        multiple = 1 << bit
        if draws.chance(0.4):  # with anything above the bit
            multiple |= draws.between(0, (1 << (31 - bit)) - 1) << (bit + 1)
        start = int(wanted.starts[draws.between(0, len(wanted.starts) - 1)])
        return multiple - (start + draws.between(0, wanted.length)) // atom * atom

    def _windows_at(self, name: str, base: int, wanted: Bytes) -> Iterator[Window]:
        for offset, size in wanted.pieces():
            before, after = self._around()
            low = max(0, base + offset - before)
            yield Window(name, base + offset, low, base + offset - low + self._whole(size) + after)

    def _fit(self, windows: tuple[Window, ...]) -> bool:
        if max(window.low + window.size for window in windows) > BUS_LIMIT:
            return False
        every = sorted([*self._windows, *windows], key=lambda window: window.low)
        if any(one.low + one.size > other.low for one, other in pairwise(every)):
            return False
        pages = sum((one.low + one.size - 1) // BENCH_PAGE - one.low // BENCH_PAGE + 1 for one in every)
        return pages <= MOST_FAR_PAGES

    def _filled(self, base: int, windows: tuple[Window, ...]) -> Place:
        self._windows += windows
        for window in windows:
            self._memory.write_bytes(window.low, self._draws.data(window.size))
        return Place(base, windows)

    def _around(self) -> tuple[int, int]:
        """Bytes before and after a surface."""
        before, after = (self._atom * self._draws.pick((0, 0, 1, 4)) for _ in range(2))
        return before, after

    def _whole(self, size_bytes: int) -> int:
        return -(-size_bytes // self._atom) * self._atom


def far_stride(draws: Draws, memory_atom: int, least: int, pieces: int) -> int | None:
    """A stride of about a power of two, such that so many pieces of a surface lie that far apart; None if none does."""
    if not 1 < pieces <= MOST_PIECES:
        return None
    most = (BUS_LIMIT // (pieces - 1)).bit_length() - 1
    stride = (1 << draws.between(16, min(most, 31))) + memory_atom * draws.pick((-1, 0, 0, 1, 3))
    return stride if stride >= least and stride * (pieces - 1) < BUS_LIMIT // 2 + PAGE else None
