"""A network's input or output in the memory that the runtime binds for it (loadables.md sections 3 and 10)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.dump import Dump
from nvdla_int8.dumps.formats import DumpFormat
from nvdla_int8.dumps.layout import DumpLayout, cube_places
from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.container import TensorDescriptor
from nvdla_int8.loadable.loadable import NetworkTensor
from nvdla_int8.surfaces.layout import check_bytes
from nvdla_int8.surfaces.memory import Memory

INT8 = 4
"""The data_type of int8 tensors."""

FORMATS = {
    0: DumpFormat.R8,
    12: DumpFormat.A8B8G8R8,
    36: DumpFormat.CXHWX_X32_INT8,
    37: DumpFormat.CXHWX_X8_INT8,
}
"""By the pixel_format of the int8 tensors that the runtime takes: R8, A8B8G8R8, FEATURE, FEATURE_X8."""


@dataclass(frozen=True)
class BoundTensor:
    """A tensor and where it lies in its memory.

    Raises
    ------
    BenchError
        A tensor that the runtime does not take, or one that is larger than its memory.

    Attributes
    ----------
    bound
        The loadable's memory and description of it.
    """

    bound: NetworkTensor
    layout: DumpLayout = field(init=False)
    """Where the runtime looks for the elements of an image."""

    def __post_init__(self) -> None:
        """Refuse what the runtime does not take."""
        memory, tensor = self.bound
        with located(f"tensor {tensor.name!r}"):
            object.__setattr__(self, "layout", _layout(tensor))
            check_bytes(memory.size)
            if tensor.n < 1 or min(self.shape) < 1:
                raise BenchError(f"its size is {tensor.n} x {tensor.c} x {tensor.h} x {tensor.w}")
            check_bytes(tensor.n * self.layout.count)
            end = tensor.offset + (tensor.n - 1) * self.image_stride + self._image_bytes
            if end > memory.size:
                raise BenchError(f"it reaches {end:,} bytes into memory {memory.id}, which has {memory.size:,}")

    @property
    def name(self) -> str:
        """The tensor's name."""
        return self.bound.tensor.name

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of an image."""
        return self.layout.shape

    @property
    def images(self) -> int:
        """Images of a batch."""
        return self.bound.tensor.n

    @property
    def is_picture(self) -> bool:
        """Its elements are pixels, one after the other, not a feature cube."""
        return self.layout.elements.pixel is not None

    @property
    def image_stride(self) -> int:
        """Bytes from an image of a batch to the next: the tensor's size is that of all, or of one of them."""
        tensor = self.bound.tensor
        of_all = tensor.size // tensor.n
        return tensor.stride_3 or (of_all if of_all >= self._image_bytes else tensor.size)

    @property
    def _image_bytes(self) -> int:
        """From the first byte of an image to its last."""
        return int(self.layout.fetched().max()) + 1

    def put(self, memory: Memory, base: int, images: NDArray[np.int8]) -> None:
        """Put an input into memory as the runtime does, the rest of its memory 0.

        Parameters
        ----------
        memory, base
            The device's, and where this one begins in it.
        images
            int8 (C, H, W), or (N, C, H, W) of a batch.

        Raises
        ------
        BenchError
            Another type or shape.
        """
        batch = images if images.ndim == 4 else images[None]
        if images.dtype != np.int8 or batch.shape != (self.images, *self.shape):
            wanted = (self.images, *self.shape) if self.images > 1 else self.shape
            raise BenchError(f"input {self.name}: {images.dtype} {images.shape}, it takes int8 {wanted}")
        content = np.zeros(self.bound.memory.size, np.int8)
        content[self._of_batch(self.layout.fetched())] = batch
        memory.write_bytes(base, content.tobytes())

    def fetch(self, memory: Memory, base: int, memory_atom: int) -> NDArray[np.int8]:
        """Read what the hardware wrote in atoms of ``memory_atom``: (C, H, W), of a batch (N, C, H, W)."""
        layout = self.layout
        strides = layout.line_stride, layout.surface_stride
        places = layout.fetched() if self.is_picture else cube_places(layout.shape, *strides, memory_atom)
        images = self._content(memory, base)[self._of_batch(places)]
        return images if self.images > 1 else images[0]

    def dump(self, memory: Memory, base: int) -> Dump:
        """What the runtime puts into ``output.dimg``: by the atom of the format, of one image."""
        return Dump(self.layout, self._content(memory, base)[self.bound.tensor.offset + self.layout.fetched()])

    def _content(self, memory: Memory, base: int) -> NDArray[np.int8]:
        return np.frombuffer(memory.read_bytes(base, self.bound.memory.size), np.int8)

    def _of_batch(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Offset of each element of the batch in the memory, (N, C, H, W), from those of an image."""
        starts = self.bound.tensor.offset + np.arange(self.images) * self.image_stride
        return starts[:, None, None, None] + places


def _layout(tensor: TensorDescriptor) -> DumpLayout:
    if tensor.data_type != INT8 or tensor.pixel_format not in FORMATS:
        known = ", ".join(f"{number} {one.name}" for number, one in FORMATS.items())
        raise BenchError(
            f"data type {tensor.data_type} and pixel format {tensor.pixel_format}; what runs here is int8 ({INT8}) "
            f"in the formats {known}"
        )
    shape = tensor.c, tensor.h, tensor.w
    return DumpLayout(FORMATS[tensor.pixel_format], shape, tensor.stride_1, tensor.stride_2, tensor.size)
