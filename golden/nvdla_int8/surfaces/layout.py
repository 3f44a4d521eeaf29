"""What all surfaces share: limits, alignment, and cubes cut into atoms (hardware.md section 3)."""

from typing import Annotated, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import Parameters
from nvdla_int8.surfaces.memory import ADDRESS_LIMIT, Memory

SURFACE_LIMIT = 1 << 28
"""Bytes one surface may hold; a program that asks for more is wrong, not large."""

LONGEST_SIDE = 1 << 13
"""Most pixels, lines and channels of a cube."""

Address = Annotated[int, Field(strict=True, ge=0, lt=ADDRESS_LIMIT)]
Stride = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Size = Annotated[int, Field(strict=True, ge=1, le=LONGEST_SIDE)]
Atom = Annotated[int, Field(strict=True, ge=1, le=256)]

Scalar = TypeVar("Scalar", bound=np.generic)
Lines = TypeVar("Lines", int, NDArray[np.int64])


def check_bytes(size_bytes: int) -> None:
    """Refuse more than :data:`SURFACE_LIMIT` bytes."""
    if size_bytes > SURFACE_LIMIT:
        raise BenchError(f"holds {size_bytes:,} bytes, a surface may hold {SURFACE_LIMIT:,}")


def check_end(end: int) -> None:
    """Refuse a surface whose last byte lies beyond the addresses."""
    if end > ADDRESS_LIMIT:
        raise BenchError(f"reaches 0x{end - 1:x}, beyond the highest address 0x{ADDRESS_LIMIT - 1:x}")


def check_aligned(memory_atom: int, **values: int) -> None:
    """Refuse addresses and strides that are not whole atoms.

    The hardware has no wires for the bits below (read only; every proven program is aligned).
    """
    for name, value in values.items():
        if value % memory_atom:
            raise BenchError(f"{name} = 0x{value:x} is not a multiple of the memory atom, {memory_atom} bytes")


def write_runs(memory: Memory, starts: NDArray[np.int64], data: NDArray[np.uint8]) -> None:
    """Write runs that must not overlap: which of two would win is not known of the hardware."""
    overlap = first_overlap(starts, data.shape[-1])
    if overlap is not None:
        raise BenchError(f"two runs of {data.shape[-1]} bytes overlap at 0x{overlap:x}")
    memory.write(starts, data)


def first_overlap(starts: NDArray[np.int64], length: int) -> int | None:
    """Lowest address at which one run of ``length`` bytes begins within another; None when none does."""
    flat = starts.reshape(-1)
    if (flat[1:] - flat[:-1] >= length).all():  # as they mostly are, line behind line
        return None
    ordered = np.sort(flat)
    overlaps = np.flatnonzero(np.diff(ordered) < length)
    return int(ordered[overlaps[0] + 1]) if overlaps.size else None


def describe(array: object) -> str:
    """Dtype and shape of an argument that was refused."""
    return f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else repr(array)


class CubeSurface(Parameters):
    """A cube (C, H, W) as units, one for each memory atom of channels of a pixel.

    Attributes
    ----------
    base
        Byte address, a multiple of the memory atom.
    width, height, channels
        The cube's size, 1..8192 each.
    line_stride, surface_stride
        Bytes from line to line and from one atom of channels to the next: unsigned 32 bits,
        multiples of the memory atom where they are used.
    memory_atom
        Channels of a unit.
    """

    base: Address
    width: Size
    height: Size
    channels: Size
    line_stride: Stride
    surface_stride: Stride
    memory_atom: Atom

    def model_post_init(self, _context: Any) -> None:
        """Refuse a surface that the hardware cannot address."""
        used = {"base": self.base}
        if self._surface_stride_used:
            used["surface_stride"] = self.surface_stride
        if self.grid[0] > self._lines_together:
            used["line_stride"] = self.line_stride
        check_aligned(self.memory_atom, **used)
        check_bytes(self.size_bytes)
        check_end(self.extent()[1])

    @property
    def surfaces(self) -> int:
        """Atoms of channels, the last perhaps not full."""
        return -(-self.channels // self.memory_atom)

    @property
    def lanes(self) -> int:
        """Channels with those that pad the last atom."""
        return self.surfaces * self.memory_atom

    @property
    def grid(self) -> tuple[int, int]:
        """Lines and pixels in memory."""
        return self.height, self.width

    @property
    def unit_bytes(self) -> int:
        """Bytes of one unit."""
        return self.memory_atom

    @property
    def size_bytes(self) -> int:
        """Bytes of all units."""
        return self.surfaces * self.grid[0] * self.grid[1] * self.unit_bytes

    @property
    def _packs_one_pixel(self) -> bool:
        """The units of a 1x1 cube follow one another, whatever the surface stride."""
        return True

    @property
    def _lines_together(self) -> int:
        """Lines that follow one another without regard to the line stride."""
        return 1

    @property
    def _surface_stride_used(self) -> bool:
        return self.surfaces > 1 and not (self._packs_one_pixel and self.grid == (1, 1))

    def unit_addresses(self) -> NDArray[np.int64]:
        """Address of every unit, (S, H, W) with S atoms of channels."""
        surfaces, lines, pixels = self._offsets()
        return self.base + surfaces[:, None, None] + lines[:, None] + pixels

    def part(self, channels: range, rows: range, width: int | None = None) -> Self:
        """The surface of some channels, which begin with a whole atom, of some rows, from the left.

        Parameters
        ----------
        channels, rows
            Consecutive ones. Rows do not matter of a surface with one unit an atom of channels.
        width
            Pixels of a row; all without it.

        Raises
        ------
        BenchError
            One pixel of a larger cube, of several atoms: as a cube of its own it would be packed.
        """
        surfaces, lines, _ = self._offsets()
        row = rows.start if self.grid[0] > 1 else 0
        base = self.base + int(surfaces[channels.start // self.memory_atom] + lines[row])
        size = {"channels": len(channels), "height": len(rows), "width": width or self.width}
        part = self.model_copy(update={"base": base, **size})
        if part.grid == (1, 1) != self.grid and part.surfaces > 1 and part._packs_one_pixel:
            raise BenchError(f"one pixel of {self.height} x {self.width} with {part.channels} channels would be packed")
        return part

    def runs(self) -> list[tuple[NDArray[np.int64], int]]:
        """Where the units lie, as whole atoms: start addresses and the bytes from each."""
        return [(self.unit_addresses(), self.unit_bytes)]

    def locate(self, address: int) -> tuple[int, int, int] | None:
        """The (channel, y, x) whose byte lies at an address of one-byte elements; None beside them.

        The channel of a lane that pads the last atom is beyond ``channels``.
        """
        starts = self.unit_addresses()
        hits = np.argwhere((starts <= address) & (address < starts + self.unit_bytes))
        if not len(hits):
            return None
        surface, y, x = (int(index) for index in hits[0])
        return surface * self.memory_atom + address - int(starts[surface, y, x]), y, x

    def extent(self) -> tuple[int, int]:
        """Lowest address and one beyond the highest."""
        height, width = self.grid
        last = height - 1
        lines = (self._line_offset(last), self._line_offset(max(last - last % self._lines_together - 1, 0)))
        surfaces = (self.surfaces - 1) * self._surface_step
        return self.base, self.base + surfaces + max(lines) + width * self.unit_bytes

    def extents(self) -> list[tuple[int, int]]:
        """:meth:`extent` as a list of one: a cube has one plane."""
        return [self.extent()]

    def _offsets(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Offsets of the atoms of channels (S,), of the lines (H,) and of the pixels (W,)."""
        height, width = self.grid
        lines = self._line_offset(np.arange(height))
        return np.arange(self.surfaces) * self._surface_step, lines, np.arange(width) * self.unit_bytes

    @property
    def _surface_step(self) -> int:
        """From an atom of channels to the next."""
        return self.surface_stride if self._surface_stride_used else self.unit_bytes

    def _line_offset(self, line: Lines) -> Lines:
        within = line % self._lines_together
        return (line - within) * self.line_stride + within * (self.grid[1] * self.unit_bytes)

    def _with_padding(self, cube: NDArray[Scalar]) -> NDArray[Scalar]:
        """A cube of ``channels`` or ``lanes`` channels as (lanes, H, W); new lanes are 0."""
        padded = np.zeros((self.lanes, *self.grid), cube.dtype)
        padded[: len(cube)] = cube
        return padded


def channels_first(units: NDArray[Scalar]) -> NDArray[Scalar]:
    """Units (S, H, W, A) as a cube (S * A, H, W)."""
    surfaces, height, width, atom = units.shape
    return units.transpose(0, 3, 1, 2).reshape(surfaces * atom, height, width)


def channels_last(cube: NDArray[Scalar], memory_atom: int) -> NDArray[Scalar]:
    """Cube (S * A, H, W) as units (S, H, W, A)."""
    return cube.reshape(-1, memory_atom, *cube.shape[1:]).transpose(0, 2, 3, 1)
