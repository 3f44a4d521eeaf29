"""The device's memory: sparse, byte-addressed, read and written in runs."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError

PAGE_BITS = 12
PAGE = 1 << PAGE_BITS
WRITTEN_LIMIT = 1 << 29
"""Bytes of pages that may be written; a program that wants more is wrong, not large."""

READ_LIMIT = 1 << 28
"""Bytes that one read of contiguous bytes may ask for."""

ADDRESS_LIMIT = 1 << 63
"""One beyond the highest address: addresses are int64 arrays."""

Words = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32] | NDArray[np.uint64]


class Memory:
    """Pages that exist once they are written; everything else reads as 0.

    ``_pages`` holds a page of zeros in row 0 and then the written pages in the order in which they
    came; ``_numbers`` are their page numbers, sorted, ``_rows`` the row of each of them.
    """

    def __init__(self) -> None:
        self._numbers = np.zeros(0, np.int64)
        self._rows = np.zeros(0, np.int64)
        self._pages = np.zeros((1, PAGE), np.uint8)

    def copy(self) -> "Memory":
        """A memory with the same bytes, of its own."""
        other = Memory()
        other._numbers, other._rows = self._numbers.copy(), self._rows.copy()
        other._pages = self._pages[: self._numbers.size + 1].copy()
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
        self._add(np.unique(numbers))
        words = np.ascontiguousarray(data).view(f"u{word}")
        self._words(word)[self._find(numbers), (addresses & (PAGE - 1)) // word] = words

    def read_bytes(self, base: int, size: int) -> bytes:
        """Read ``size`` bytes from ``base``; BenchError beyond :data:`READ_LIMIT` or the addresses."""
        if size > READ_LIMIT:
            raise BenchError(f"memory: {size:,} bytes from {base:#x}, one read takes at most {READ_LIMIT:,}")
        first, numbers = _span(base, size)
        return self._pages[self._find(numbers)].tobytes()[first : first + size]

    def write_bytes(self, base: int, data: bytes) -> None:
        """Write ``data`` at ``base``; BenchError as :meth:`write`, or beyond the addresses."""
        first, numbers = _span(base, len(data))
        self._add(numbers)
        rows = self._find(numbers)
        pages = self._pages[rows]
        pages.reshape(-1)[first : first + len(data)] = np.frombuffer(data, np.uint8)
        self._pages[rows] = pages

    def clear(self, base: int, size: int) -> None:
        """Make ``size`` bytes from ``base`` zero; costs nothing where nothing was written.

        BenchError for a negative address or size.
        """
        _check_span(base, size)
        first, last = base >> PAGE_BITS, (base + size - 1) >> PAGE_BITS
        low, high = np.searchsorted(self._numbers, [first, last + 1])
        for number, row in zip(self._numbers[low:high], self._rows[low:high], strict=True):
            page_base = int(number) << PAGE_BITS
            begin, end = max(base - page_base, 0), min(base + size - page_base, PAGE)
            self._pages[row, begin:end] = 0

    def differing(self, other: "Memory") -> NDArray[np.int64]:
        """Addresses of the bytes in which the two memories differ, ascending."""
        numbers = np.union1d(self._numbers, other._numbers)
        page, byte = np.nonzero(self._pages[self._find(numbers)] != other._pages[other._find(numbers)])
        return (numbers[page] << PAGE_BITS) + byte

    def _words(self, word: int) -> Words:
        """All pages as words of this many bytes, a view."""
        return self._pages.view(f"u{word}")

    def _find(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each page; that of the page of zeros for pages that were never written."""
        if not self._numbers.size:
            return np.zeros(numbers.shape, np.int64)
        places = np.minimum(np.searchsorted(self._numbers, numbers), self._numbers.size - 1)
        return np.where(self._numbers[places] == numbers, self._rows[places], 0)

    def _add(self, numbers: NDArray[np.int64]) -> None:
        """Make sure that these pages, sorted and different, exist."""
        new = numbers[self._find(numbers) == 0]
        if not new.size:
            return
        used = self._numbers.size + 1
        if (used - 1 + new.size) * PAGE > WRITTEN_LIMIT:
            where = f"{int(new[0]) << PAGE_BITS:#x}"
            raise BenchError(f"memory: writing at {where} would need more than {WRITTEN_LIMIT:,} bytes of pages")
        if used + new.size > len(self._pages):
            doubled = min(2 * len(self._pages), WRITTEN_LIMIT // PAGE + 1)
            grown = np.zeros((max(used + new.size, doubled), PAGE), np.uint8)
            grown[:used] = self._pages[:used]
            self._pages = grown
        places = np.searchsorted(self._numbers, new)
        self._numbers = np.insert(self._numbers, places, new)
        self._rows = np.insert(self._rows, places, np.arange(used, used + new.size))


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


def _span(base: int, size: int) -> tuple[int, NDArray[np.int64]]:
    """Place of ``base`` in its page, and the numbers of all pages that ``size`` bytes touch."""
    _check_span(base, size)
    if base + size > ADDRESS_LIMIT:
        raise BenchError(f"memory: {base + size - 1:#x} is beyond the highest address {ADDRESS_LIMIT - 1:#x}")
    return base & (PAGE - 1), np.arange(base >> PAGE_BITS, -(-(base + size) >> PAGE_BITS))
