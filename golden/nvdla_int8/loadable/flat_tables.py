"""Tables of a FlatBuffers file by the ``flatbuffers`` package, no byte read outside the file.

The package trusts its input: an offset that leads out of the file, or back into it, is followed. Here each offset is
checked, and what all tables, vectors and strings take as Python objects is limited by the file's size, because many
offsets may lead to one of them.
"""

from collections.abc import Iterator

import numpy as np
from flatbuffers import encode
from flatbuffers import number_types as numbers
from flatbuffers.table import Table
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, one_line

VTABLE_HEAD = 4
"""Bytes of a vtable before its first field: its own length and the table's."""

COPIES = 4
"""How often the file's size may be read over: shared strings are legal, ten thousand tables with one vector are not."""

ALLOWANCE = 1 << 20
"""Bytes that may be read of any file, however small."""

TABLE_BYTES, TEXT_BYTES, NUMBER_BYTES = 256, 64, 16
"""What a table, a string and a number in a vector count for beside their bytes: about a third of the object's size."""

LONGEST_TEXT = 1 << 12
"""Bytes of a name."""

SCALARS = {
    flags.__name__.removesuffix("Flags").lower(): flags
    for flags in (
        numbers.Uint8Flags, numbers.Uint16Flags, numbers.Uint32Flags, numbers.Uint64Flags,
        numbers.Int8Flags, numbers.Int16Flags, numbers.Int32Flags,
    )
}  # fmt: skip
"""The package's description of each kind of number, by its name such as ``uint16``."""


class FlatFile:
    """A whole file.

    Parameters
    ----------
    data
        Its bytes.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._budget = COPIES * len(data) + ALLOWANCE

    def root(self) -> "FlatTable":
        """The root table; BenchError when the file is too short to have one."""
        return FlatTable(self, self.indirect(0))

    def word(self, position: int, scalar: str) -> int:
        """The number at a position; BenchError outside the file."""
        flags = SCALARS[scalar]
        if not 0 <= position <= len(self.data) - flags.bytewidth:
            raise BenchError(f"is cut off or damaged: it has {len(self.data):,} bytes and points at byte {position:,}")
        return int(encode.Get(flags.packer_type, self.data, position))

    def indirect(self, position: int) -> int:
        """Where the offset at a position leads; BenchError outside the file."""
        offset = self.word(position, "uint32")
        target = position + offset
        if not offset or target > len(self.data) - 4:
            raise BenchError(f"is cut off or damaged: the offset {offset:,} at byte {position:,} leads out of the file")
        return target

    def spend(self, count: int, what: str) -> None:
        """Count bytes that are read; BenchError when tables, vectors and strings hold more than the file can."""
        self._budget -= count
        if self._budget < 0:
            raise BenchError(f"is damaged: {what} and what lies before it overlap many times over")


class FlatTable:
    """One table: its fields by number, each absent field as 0 or empty.

    Parameters
    ----------
    file
        The file.
    position
        Of the table.
    """

    def __init__(self, file: FlatFile, position: int) -> None:
        self._file = file
        self._table = Table(file.data, position)
        self._vtable = position - self._signed(position)
        self._vtable_bytes = file.word(self._vtable, "uint16")
        file.word(self._vtable + self._vtable_bytes - 1, "uint8")

    def _signed(self, position: int) -> int:
        value = self._file.word(position, "int32")
        if not 0 <= position - value <= len(self._file.data) - VTABLE_HEAD:
            raise BenchError(f"is cut off or damaged: the table at byte {position:,} has no description in the file")
        return value

    def _place(self, number: int) -> int:
        """Where a field's value lies; 0 for an absent one."""
        slot = VTABLE_HEAD + 2 * number
        if slot + 2 > self._vtable_bytes:
            return 0
        offset = int(self._table.Offset(slot))
        return int(self._table.Pos) + offset if offset else 0

    def scalar(self, number: int, kind: str) -> int:
        """A number; ``kind`` such as ``uint16``."""
        place = self._place(number)
        return self._file.word(place, kind) if place else 0

    def struct(self, number: int, count: int) -> tuple[int, ...]:
        """A struct of ``count`` bytes, which lies inside the table."""
        place = self._place(number)
        return tuple(self._file.word(place + index, "uint8") for index in range(count)) if place else (0,) * count

    def text(self, number: int) -> str:
        """A string; bytes that are no text, and what cannot be printed, stand as escapes."""
        place = self._place(number)
        return self._text(place) if place else ""

    def texts(self, number: int) -> tuple[str, ...]:
        """A vector of strings."""
        return tuple(self._text(place) for place in self._offsets(number))

    def tables(self, number: int) -> "Iterator[FlatTable]":
        """A vector of tables."""
        for place in self._offsets(number):
            self._file.spend(TABLE_BYTES, f"the table named at byte {place:,}")
            yield FlatTable(self._file, self._file.indirect(place))

    def numbers(self, number: int, kind: str) -> tuple[int, ...]:
        """A vector of numbers."""
        array = self._array(number, kind)
        self._file.spend(NUMBER_BYTES * array.size, f"a vector of {array.size:,} numbers")
        return tuple(array.tolist())

    def data(self, number: int) -> bytes:
        """A vector of bytes."""
        return self._array(number, "uint8").tobytes()

    def _array(self, number: int, kind: str) -> NDArray[np.generic]:
        flags = SCALARS[kind]
        place = self._place(number)
        if not place:
            return np.zeros(0, numbers.to_numpy_type(flags))
        start, count = self._vector(place, flags.bytewidth)
        dtype = numbers.to_numpy_type(flags)
        array: NDArray[np.generic] = np.frombuffer(self._file.data, dtype, count, start)
        return array

    def _offsets(self, number: int) -> range:
        """Where the offsets of a vector of strings or tables lie."""
        place = self._place(number)
        if not place:
            return range(0)
        start, count = self._vector(place, 4)
        return range(start, start + 4 * count, 4)

    def _vector(self, place: int, element_bytes: int) -> tuple[int, int]:
        """First byte and number of elements of the vector that an offset at ``place`` leads to."""
        start = self._file.indirect(place)
        count = self._file.word(start, "uint32")
        if start + 4 + count * element_bytes > len(self._file.data):
            raise BenchError(
                f"is cut off or damaged: the vector at byte {start:,} claims {count:,} x {element_bytes} bytes"
            )
        self._file.spend(count * element_bytes, f"the vector at byte {start:,}")
        return start + 4, count

    def _text(self, place: int) -> str:
        start, count = self._vector(place, 1)
        if count > LONGEST_TEXT:
            raise BenchError(f"is damaged: the name at byte {start:,} has {count:,} bytes, at most {LONGEST_TEXT:,}")
        self._file.spend(TEXT_BYTES, f"the name at byte {start:,}")
        return one_line(self._file.data[start : start + count].decode("utf-8", "backslashreplace"))
