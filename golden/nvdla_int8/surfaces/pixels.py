"""Images that CDMA reads: the 8-bit pixel formats (hardware.md section 3)."""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import U5, Parameters
from nvdla_int8.surfaces.layout import (
    Address,
    Size,
    Stride,
    check_aligned,
    check_bytes,
    check_end,
    describe,
    write_runs,
)
from nvdla_int8.surfaces.memory import Memory

# For each plane of a format: the byte of the pixel that each of the plane's channels is.
_RGBA, _BGRA = ((0, 1, 2, 3),), ((2, 1, 0, 3),)
_ARGB, _ABGR = ((1, 2, 3, 0),), ((3, 2, 1, 0),)

PIXEL_FORMATS: dict[int, tuple[tuple[int, ...], ...]] = {
    0x00: ((0,),),
    0x0C: _RGBA,
    0x0D: _BGRA,
    0x0E: _ARGB,
    0x0F: _ABGR,
    0x10: _RGBA,
    0x11: _BGRA,
    0x12: _ARGB,
    0x13: _ABGR,
    0x1A: _BGRA,
    0x1B: _ARGB,
    0x1C: ((0,), (1, 0)),
    0x1D: ((0,), (0, 1)),
}
"""The 8-bit codes of PIXEL_FORMAT."""


def format_channels(pixel_format: int) -> int:
    """Channels of one of :data:`PIXEL_FORMATS`."""
    return sum(len(channel_bytes) for channel_bytes in PIXEL_FORMATS[pixel_format])


def largest_x_offset(pixel_format: int, memory_atom: int) -> int:
    """Most pixels to skip that the hardware reads right: those within one memory atom of the first plane."""
    return memory_atom // len(PIXEL_FORMATS[pixel_format][0]) - 1


class _Plane(NamedTuple):
    """Where the pixels of one plane start, its line stride, and the byte of each of its channels."""

    start: int
    line_stride: int
    channel_bytes: tuple[int, ...]


class PixelSurface(Parameters):
    """An image of one or two planes, pixel after pixel in each line.

    Attributes
    ----------
    pixel_format
        Code of PIXEL_FORMAT, one of :data:`PIXEL_FORMATS`.
    base, line_stride
        Address and line stride of the first plane; a multiple of the memory atom.
    base1, uv_stride
        The same of the second plane; unused by formats with one plane.
    x_offset
        Pixels to skip at the start of a line; the second plane skips the same number modulo the
        pixels that a memory atom holds of it. Beyond :func:`largest_x_offset` nv_small reads
        garbage (hardware.md section 5, E5), this model what the formula says.
    width, height
        The image's size, 1..8192 each.
    memory_atom
        In bytes, a multiple of 4.

    Raises
    ------
    BenchError
        A value that the hardware cannot have, or more than 2^28 bytes.
    """

    pixel_format: Annotated[int, Field(strict=True)]
    base: Address
    line_stride: Stride
    base1: Address = 0
    uv_stride: Stride = 0
    x_offset: U5 = 0
    width: Size
    height: Size
    memory_atom: Annotated[int, Field(strict=True, ge=4, le=256, multiple_of=4)]

    def model_post_init(self, _context: Any) -> None:
        """Refuse an image that the hardware cannot read."""
        if self.pixel_format not in PIXEL_FORMATS:
            known = ", ".join(f"0x{code:02x}" for code in PIXEL_FORMATS)
            raise BenchError(f"pixel_format = 0x{self.pixel_format:02x} is not an 8-bit format ({known})")
        used = {"base": self.base, "line_stride": self.line_stride}
        if len(self._planes()) > 1:
            used |= {"base1": self.base1, "uv_stride": self.uv_stride}
        if self.height == 1:
            used = {name: value for name, value in used.items() if not name.endswith("stride")}
        check_aligned(self.memory_atom, **used)
        check_bytes(self.channels * self.height * self.width)
        for _low, end in self.extents():
            check_end(end)

    @property
    def channels(self) -> int:
        """Channels of the format."""
        return format_channels(self.pixel_format)

    def extents(self) -> list[tuple[int, int]]:
        """Lowest address and one beyond the highest, of each plane."""
        return [
            (
                plane.start,
                plane.start + (self.height - 1) * plane.line_stride + self.width * len(plane.channel_bytes),
            )
            for plane in self._planes()
        ]

    def runs(self) -> list[tuple[NDArray[np.int64], int]]:
        """Where the pixels lie, plane by plane: start addresses of the lines and the bytes from each."""
        return [(starts, self.width * len(order)) for starts, order in self._lines()]

    def read(self, memory: Memory) -> NDArray[np.uint8]:
        """Read the image, (C, H, W): bytes in the order of the channels, not converted."""
        planes = [
            memory.read(starts, self.width * len(order)).reshape(self.height, self.width, -1)[..., order]
            for starts, order in self._lines()
        ]
        return np.ascontiguousarray(np.moveaxis(np.concatenate(planes, axis=-1), -1, 0))

    def write(self, memory: Memory, image: NDArray[np.uint8]) -> None:
        """Write an image, uint8 (C, H, W).

        Raises
        ------
        BenchError
            Another dtype or shape, or lines that overlap.
        """
        shape = (self.channels, self.height, self.width)
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape != shape:
            raise BenchError(f"PixelSurface: takes uint8 {shape}, got {describe(image)}")
        first = 0
        for starts, order in self._lines():
            channels = image[first : first + len(order)]
            first += len(order)
            pixels = np.moveaxis(channels, 0, -1)[..., np.argsort(order)]
            write_runs(memory, starts, pixels.reshape(self.height, -1))

    def _lines(self) -> Iterator[tuple[NDArray[np.int64], list[int]]]:
        """Start of each line (H,) and the byte of each channel, of each plane."""
        for plane in self._planes():
            yield plane.start + np.arange(self.height) * plane.line_stride, list(plane.channel_bytes)

    def _planes(self) -> list[_Plane]:
        """The format's planes; their starts include the pixels to skip."""
        placed = zip(
            PIXEL_FORMATS[self.pixel_format],
            (self.base, self.base1),
            (self.line_stride, self.uv_stride),
            strict=False,
        )
        planes: list[_Plane] = []
        for channel_bytes, base, stride in placed:
            pixel_bytes = len(channel_bytes)
            skipped = self.x_offset if not planes else self.x_offset % (self.memory_atom // pixel_bytes)
            planes.append(_Plane(base + skipped * pixel_bytes, stride, channel_bytes))
        return planes
