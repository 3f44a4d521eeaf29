"""The device's memory: sparse, byte-addressed, read and written in runs."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError

PAGE_BITS = 12
PAGE = 1 << PAGE_BITS
FIRST_PAGES = 16
"""Room for so many before any is written."""

WRITTEN_LIMIT = 1 << 29
"""Bytes of pages that may be written; a program that wants more is wrong, not large."""

READ_LIMIT = 1 << 28
"""Bytes that one read of contiguous bytes may ask for."""

ADDRESS_LIMIT = 1 << 63
"""One beyond the highest address: addresses are int64 arrays."""

Words = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32] | NDArray[np.uint64]


class Memory:
    """Pages that exist once they are written; everything else reads as 0.

    ``_pages`` holds a page of zeros in row 0 and then the written pages in the order in which they came; ``_rows`` are
    their rows by page number, and ``_sorted`` numbers and rows sorted, when they were asked for since a page came.
    """

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._sorted: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        self._pages = np.zeros((FIRST_PAGES, PAGE), np.uint8)

    def copy(self) -> "Memory":
        """A memory with the same bytes, of its own."""
        other = Memory()
        other._rows = self._rows.copy()
        other._pages = self._pages[: len(self._rows) + 1].copy()
        return other

    def read(self, starts: NDArray[np.int64], length: int) -> NDArray[np.uint8]:
        """Read a run of ``length`` bytes at each start.

        Parameters
        ----------
        starts
            Byte addresses, any shape.
        length
            Bytes of each run.

        Returns
        -------
        NDArray[np.uint8]
            ``starts.shape + (length,)``.
        """
        starts = np.asarray(starts, np.int64)
        if not starts.size or not length:
            return np.zeros((*starts.shape, length), np.uint8)
        word = _word(starts, length)
        addresses = starts[..., None] + np.arange(0, length, word)
        found = self._words(word)[self._find(addresses >> PAGE_BITS), (addresses & (PAGE - 1)) // word]
        data: NDArray[np.uint8] = found.view(np.uint8)
        return data

    def write(self, starts: NDArray[np.int64], data: NDArray[np.uint8]) -> None:
        """Write the runs ``data`` (``starts.shape + (length,)``) at their starts; later runs win.

        Raises
        ------
        BenchError
            When the written pages would exceed :data:`WRITTEN_LIMIT`.
        """
        starts = np.asarray(starts, np.int64)
        if not data.size:
            return
        word = _word(starts, data.shape[-1])
        addresses = starts[..., None] + np.arange(0, data.shape[-1], word)
        numbers = addresses >> PAGE_BITS
        rows = self._find(numbers)
        if not rows.all():
            self._add(np.unique(numbers[rows == 0]).tolist())
            rows = self._find(numbers)
        words = np.ascontiguousarray(data).view(f"u{word}")
        self._words(word)[rows, (addresses & (PAGE - 1)) // word] = words

    def read_bytes(self, base: int, size: int) -> bytes:
        """Read ``size`` bytes from ``base``; BenchError beyond :data:`READ_LIMIT` or the addresses."""
        if size > READ_LIMIT:
            raise BenchError(f"memory: {size:,} bytes from {base:#x}, one read takes at most {READ_LIMIT:,}")
        first = base & (PAGE - 1)
        rows = [self._rows.get(number, 0) for number in _span(base, size)]
        return self._pages[rows].tobytes()[first : first + size]

    def write_bytes(self, base: int, data: bytes) -> None:
        """Write ``data`` at ``base``; BenchError as :meth:`write`, or beyond the addresses."""
        numbers = _span(base, len(data))
        self._add(numbers)
        values = np.frombuffer(data, np.uint8)
        for number in numbers:
            offset = (number << PAGE_BITS) - base  # of the page in the data
            part = values[max(offset, 0) : offset + PAGE]
            begin = max(-offset, 0)
            self._pages[self._rows[number], begin : begin + part.size] = part

    def clear(self, base: int, size: int) -> None:
        """Make ``size`` bytes from ``base`` zero; costs nothing where nothing was written.

        BenchError for a negative address or size.
        """
        _check_span(base, size)
        first, end = base >> PAGE_BITS, -(-(base + size) >> PAGE_BITS)
        numbers = range(first, end) if end - first < len(self._rows) else list(self._rows)
        for number in numbers:
            if first <= number < end and number in self._rows:
                page_base = number << PAGE_BITS
                self._pages[self._rows[number], max(base - page_base, 0) : min(base + size - page_base, PAGE)] = 0

    def differing(self, other: "Memory") -> NDArray[np.int64]:
        """Addresses of the bytes in which the two memories differ, ascending."""
        numbers = np.array(sorted(self._rows.keys() | other._rows.keys()), np.int64)
        page, byte = np.nonzero(self._pages[self._find(numbers)] != other._pages[other._find(numbers)])
        return (numbers[page] << PAGE_BITS) + byte

    def _words(self, word: int) -> Words:
        """All pages as words of this many bytes, a view."""
        return self._pages.view(f"u{word}")

    def _find(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each page; that of the page of zeros for pages that were never written."""
        if not self._rows:
            return np.zeros(numbers.shape, np.int64)
        if self._sorted is None:
            known = np.fromiter(self._rows, np.int64, len(self._rows))
            order = np.argsort(known)
            self._sorted = known[order], order + 1  # rows are given in turn
        known_numbers, rows = self._sorted
        places = known_numbers.searchsorted(numbers)
        np.minimum(places, len(rows) - 1, out=places)
        return np.where(known_numbers[places] == numbers, rows[places], 0)

    def _add(self, numbers: Iterable[int]) -> None:
        """Make sure that these pages, ascending, exist."""
        new = [number for number in numbers if number not in self._rows]
        if not new:
            return
        used = len(self._rows) + 1
        if (used - 1 + len(new)) * PAGE > WRITTEN_LIMIT:
            where = f"{new[0] << PAGE_BITS:#x}"
            raise BenchError(f"memory: writing at {where} would need more than {WRITTEN_LIMIT:,} bytes of pages")
        if used + len(new) > len(self._pages):
            doubled = min(2 * len(self._pages), WRITTEN_LIMIT // PAGE + 1)
            grown = np.zeros((max(used + len(new), doubled), PAGE), np.uint8)
            grown[:used] = self._pages[:used]
            self._pages = grown
        self._rows.update(zip(new, range(used, used + len(new)), strict=True))
        self._sorted = None


def _word(starts: NDArray[np.int64], length: int) -> int:
    """Largest of 1, 2, 4 and 8 bytes of which all starts and the length are multiples.

    Such words never cross a page, and moving words instead of bytes needs fewer addresses.
    """
    bits = int(np.bitwise_or.reduce(starts, axis=None)) | length | 8
    return bits & -bits


def _check_span(base: int, size: int) -> None:
    for what, value in (("address", base), ("size", size)):
        if value < 0:
            raise BenchError(f"memory: {what} {value} is negative")


def _span(base: int, size: int) -> range:
    """The numbers of all pages that ``size`` bytes from ``base`` touch."""
    _check_span(base, size)
    if base + size > ADDRESS_LIMIT:
        raise BenchError(f"memory: {base + size - 1:#x} is beyond the highest address {ADDRESS_LIMIT - 1:#x}")
    return range(base >> PAGE_BITS, -(-(base + size) >> PAGE_BITS))
