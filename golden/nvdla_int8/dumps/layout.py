"""Where a tensor's elements lie in a buffer, and where the runtime looks for them: not always the same place.

The runtime fetches elements by the format's atom. A tensor of nv_small that is marked FEATURE is int8 with atom 32 to
it, while its bytes lie in atoms of 8: such a dump is scrambled (loadables.md section 10).
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.formats import ELEMENTS, DumpFormat, Elements
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.container import TensorDescriptor
from nvdla_int8.loadable.descriptors import DataCube
from nvdla_int8.surfaces.feature import FeatureSurface

ATOMS = (32, 16, 8)
"""Memory atoms of the public builds, the largest first."""

FEATURE, FEATURE_X8 = 36, 37
"""Pixel formats of tensors that are feature cubes, of nv_full and nv_small."""

INT8 = 4
"""The data type of an int8 tensor."""

HEADER_LIMIT = 1 << 32
"""One beyond what a number in a header can be."""


@dataclass(frozen=True)
class DumpLayout:
    """What the header of a ``.dimg`` says of a buffer.

    Attributes
    ----------
    format
        What the elements are.
    shape
        (C, H, W).
    line_stride, surface_stride
        Bytes from line to line and from one atom of channels, or one channel of planes, to the next.
    size
        Bytes of the buffer.
    """

    format: DumpFormat
    shape: tuple[int, int, int]
    line_stride: int
    surface_stride: int
    size: int

    @classmethod
    def packed(cls, shape: tuple[int, int, int], format: DumpFormat = DumpFormat.CXHWX_X8_INT8) -> Self:
        """The layout without gaps."""
        elements = ELEMENTS[format]
        channels, height, width = shape
        together = elements.atom or (1 if elements.pixel is None else elements.pixel or channels)
        line = width * together * elements.dtype.itemsize
        planes = -(-channels // together)
        return cls(format, shape, line, line * height if elements.pixel is None else 0, planes * line * height)

    def with_strides(self, line_stride: int | None, surface_stride: int | None) -> "DumpLayout":
        """The layout with other strides, those without gaps where None is given, and the bytes that go with them."""
        line = self.line_stride if line_stride is None else line_stride
        surface = line * self.shape[1] if surface_stride is None else surface_stride
        surfaces = -(-self.shape[0] // (self.elements.atom or 1))
        return replace(self, line_stride=line, surface_stride=surface, size=surfaces * surface)

    @classmethod
    def of_tensor(cls, tensor: TensorDescriptor) -> Self:
        """The header that the runtime writes for a tensor of a loadable; BenchError for one that is not int8."""
        formats = {FEATURE: DumpFormat.CXHWX_X32_INT8, FEATURE_X8: DumpFormat.CXHWX_X8_INT8}
        if tensor.data_type != INT8 or tensor.pixel_format not in formats:
            raise BenchError(
                f"tensor {tensor.name!r} has data type {tensor.data_type} and pixel format {tensor.pixel_format}: "
                f"dumps are made of feature cubes ({FEATURE}, {FEATURE_X8}) of int8 ({INT8})"
            )
        shape = tensor.c, tensor.h, tensor.w
        if min(shape) < 1:
            raise BenchError(f"tensor {tensor.name!r} has the shape {shape}")
        return cls(formats[tensor.pixel_format], shape, tensor.stride_1, tensor.stride_2, tensor.size)

    @classmethod
    def of_cube(cls, cube: DataCube) -> "DumpLayout":
        """The bytes of a feature cube of nv_small as they lie in memory; BenchError for one that is empty."""
        shape = cube.channel, cube.height, cube.width
        if min(shape) < 1:
            raise BenchError(f"a cube of the shape {shape}")
        return cls.packed(shape).with_strides(cube.line_stride, cube.surf_stride)

    @property
    def elements(self) -> Elements:
        """What the format's elements are."""
        return ELEMENTS[self.format]

    @property
    def count(self) -> int:
        """Elements of the tensor."""
        channels, height, width = self.shape
        return channels * height * width

    @property
    def memory_atom(self) -> int | None:
        """Channels that lie together in the buffer: the largest atom of which a line holds all pixels.

        The format's own where a line has room for it; None for planes and pictures.
        """
        atom = self.elements.atom
        if atom is None or self.format is not DumpFormat.CXHWX_X32_INT8:
            return atom
        return next((one for one in ATOMS if self.shape[2] * one <= self.line_stride), atom)

    @property
    def scrambled(self) -> bool:
        """Whether the runtime looks for elements where they do not lie."""
        if self.memory_atom == self.elements.atom:
            return False
        return not np.array_equal(self.fetched(), self.places())

    def fetched(self) -> NDArray[np.int64]:
        """Offset in the buffer from which the runtime fetches each element, (C, H, W)."""
        channels, height, width = self.shape
        bytes_each = self.elements.dtype.itemsize
        channel, line, pixel = np.ogrid[:channels, :height, :width]
        lines = line * np.int64(self.line_stride)
        if self.elements.pixel is not None:
            step = self.elements.pixel or channels
            return np.asarray(lines + (pixel * step + channel) * bytes_each)
        atom = self.elements.atom or 1
        surfaces = channel // atom * np.int64(self.surface_stride)
        return np.asarray(surfaces + lines + (pixel * atom + channel % atom) * bytes_each)

    def places(self) -> NDArray[np.int64]:
        """Offset in the buffer at which each element lies, (C, H, W).

        Raises
        ------
        BenchError
            Strides that no feature cube has.
        """
        atom = self.memory_atom
        if atom is None or self.elements.dtype.itemsize != 1:
            return self.fetched()
        return cube_places(self.shape, self.line_stride, self.surface_stride, atom)

    def check(self) -> None:
        """Refuse numbers that no header holds, a buffer too small for its elements, strides of no cube: BenchError."""
        numbers = (*self.shape, self.line_stride, self.surface_stride, self.size)
        if min(self.shape) < 1 or not all(0 <= number < HEADER_LIMIT for number in numbers):
            raise BenchError(
                f"shape {self.shape}, strides {self.line_stride} and {self.surface_stride}, {self.size} bytes: sizes "
                "are 1 and more, and no number is above 32 bits"
            )
        channels, _, _ = self.shape
        if self.elements.pixel and channels > self.elements.pixel:
            raise BenchError(f"{channels} channels in the format {self.format.name}")
        last = int(self.fetched().max()) + self.elements.dtype.itemsize
        if last > self.size:
            raise BenchError(f"its elements reach {last:,} bytes into a buffer of {self.size:,}")
        self.places()

    def check_tensor(self, tensor: NDArray[np.generic]) -> None:
        """Refuse a tensor of another shape or type, and what :meth:`check` refuses; BenchError."""
        if tensor.dtype != self.elements.dtype or tensor.shape != self.shape:
            asked = f"the format {self.format.name} and the shape {self.shape}"
            raise BenchError(f"{tensor.dtype} {tensor.shape} is no tensor of {asked}")
        self.check()


def cube_places(shape: tuple[int, int, int], line_stride: int, surface_stride: int, atom: int) -> NDArray[np.int64]:
    """Offset of each element, (C, H, W), of a feature cube; BenchError for strides that none has."""
    channels, height, width = shape
    cube = FeatureSurface(
        base=0,
        width=width,
        height=height,
        channels=channels,
        line_stride=line_stride,
        surface_stride=surface_stride,
        memory_atom=atom,
        packs_one_pixel=True,
    )
    channel = np.arange(channels)
    return np.asarray(cube.atom_addresses()[channel // atom] + (channel % atom)[:, None, None])
