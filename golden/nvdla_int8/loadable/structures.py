"""C structures of descriptors as dataclasses: each field says where it lies (loadables.md section 4).

A data cube is 28 bytes in old descriptors and 32 in new ones, so that a field of a surface may have two places.
"""

import struct
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, ClassVar, Self

from nvdla_int8.errors import BenchError


class Layout(Enum):
    """The two layouts of descriptors."""

    OLD = "28-byte cubes"
    """Versions 0.10 and 0.11: no ``offset`` in a cube."""
    NEW = "32-byte cubes"
    """From 0.12 on."""


@dataclass(frozen=True)
class _Place:
    """Where a field lies in each layout, and what it is: a code of ``struct``, or another structure."""

    kind: "str | type[Structure]"
    offsets: dict[Layout, int | None]
    count: int


def at(offset: int, kind: "str | type[Structure]", *, count: int = 0, old: int | None = -1) -> Any:
    """A field at a byte offset.

    Parameters
    ----------
    offset
        In the new layout.
    kind
        A code of :mod:`struct`, or a structure.
    count
        Elements of an array; 0 for a single value.
    old
        The offset in the old layout if it is another one; None if the field does not exist there, and is 0.
    """
    old_offset = offset if old == -1 else old
    return field(metadata={"place": _Place(kind, {Layout.NEW: offset, Layout.OLD: old_offset}, count)})


class Structure:
    """A structure; ``BYTES`` and ``OLD_BYTES`` are its size in the two layouts."""

    BYTES: ClassVar[int]
    OLD_BYTES: ClassVar[int]

    def __init_subclass__(cls) -> None:
        """The old size is the new one unless it is given."""
        super().__init_subclass__()
        if "BYTES" in cls.__dict__ and "OLD_BYTES" not in cls.__dict__:
            cls.OLD_BYTES = cls.BYTES

    @classmethod
    def bytes_in(cls, layout: Layout) -> int:
        """Its bytes."""
        return cls.BYTES if layout is Layout.NEW else cls.OLD_BYTES

    @classmethod
    def read(cls, data: bytes, base: int, layout: Layout) -> Self:
        """Read it; BenchError when the data ends before it does."""
        if not 0 <= base <= len(data) - cls.bytes_in(layout):
            raise BenchError(
                f"{cls.__name__} at byte {base:,} needs {cls.bytes_in(layout)} bytes, there are {len(data):,} in all"
            )
        return cls(*(_read_place(data, base, layout, one.metadata["place"]) for one in _fields(cls)))


def _fields(cls: type) -> Any:
    return fields(cls)


def _read_place(data: bytes, base: int, layout: Layout, place: _Place) -> Any:
    offset = place.offsets[layout]
    if offset is None:
        return 0
    if isinstance(place.kind, str):
        values = struct.unpack_from(f"<{place.count or 1}{place.kind}", data, base + offset)
        return values if place.count else values[0]
    step = place.kind.bytes_in(layout)
    if not place.count:
        return place.kind.read(data, base + offset, layout)
    return tuple(place.kind.read(data, base + offset + index * step, layout) for index in range(place.count))
