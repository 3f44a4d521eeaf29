"""Where the input of a layer lies, and whether software put it there: what mistakes in data are made of."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import INPUT, Change, Scene
from nvdla_int8.checkup.timeline import HostClear, TimelineLayer
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.points import Point
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.layout import channels_last
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface

Surface = FeatureSurface | PixelSurface
Pixels = NDArray[np.uint8]

_GEOMETRY = (
    "CDMA.D_DATAIN_FORMAT",
    "CDMA.D_DATAIN_SIZE_1",
    "CDMA.D_LINE_STRIDE",
    "CDMA.D_SURF_STRIDE",
    "CDMA.D_DAIN_MAP",
)
"""Registers that are alike where two convolutions read rows of one tensor."""


def input_surface(scene: Scene) -> Surface | None:
    """Where a layer reads its input in memory; None where the CBUF has it."""
    if scene.convolution is not None:
        result = scene.layer.run.convolution
        assert result is not None, "a layer with a convolution ran one"
        return scene.convolution.input_surface if result.fetch.data else None
    if scene.sdp is not None:
        return scene.sdp.source_surface()
    unit = PoolingLayer if scene.layer.run.lrn is None else LrnLayer
    return unit(scene.registers, scene.timeline.build).source_surface()


def host_tensor(scene: Scene) -> Surface | None:
    """The whole tensor, put into memory by software, of which a layer reads all rows or some; None otherwise.

    Layers that read other rows of it, as the parts of a convolution that is cut into some, tell where it ends.
    """
    surface = input_surface(scene)
    if surface is None or not _from_host(scene, surface.base):
        return None
    first, end, stride = 0, surface.height, surface.line_stride
    parts = set(_rows_nearby(scene, surface))
    while overlapping := {(begin, behind) for begin, behind in parts if begin < end and behind > first}:
        parts -= overlapping
        first = min(first, *(begin for begin, _ in overlapping))
        end = max(end, *(behind for _, behind in overlapping))
    if (first, end) == (0, surface.height):
        return surface
    whole = {"base": surface.base + first * stride, "height": end - first}
    if isinstance(surface, PixelSurface):
        whole["base1"] = surface.base1 + first * surface.uv_stride
    return surface.model_copy(update=whole)


def _rows_nearby(scene: Scene, surface: Surface) -> Iterator[tuple[int, int]]:
    """The rows that other convolutions read with the same strides, first and behind the last, from this one's first."""
    if scene.convolution is None or not surface.line_stride:
        return
    geometry = [scene.registers.word(name) for name in _GEOMETRY]
    for layer in scene.timeline.layers:
        registers = layer.run.registers
        if layer.run.convolution is None or [registers.word(name) for name in _GEOMETRY] != geometry:
            continue
        offset = registers.address("CDMA.D_DAIN_ADDR_{}_0") - surface.base
        if offset and offset % surface.line_stride == 0:
            row = offset // surface.line_stride
            yield row, row + registers.size("CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT")


def _from_host(scene: Scene, address: int) -> bool:
    """Software was the last to write this byte before the layer ran."""
    events = scene.timeline.events
    position = next(at for at, event in enumerate(events) if event is scene.layer)
    for event in reversed(events[:position]):
        if isinstance(event, TimelineLayer):
            low, high = event.run.destination.extent()
            if low <= address < high:
                return False
        elif event.base <= address < event.base + (event.size if isinstance(event, HostClear) else len(event.data)):
            return True
    return False


def read_pixels(surface: Surface, memory: Memory) -> Pixels:
    """A tensor's bytes without padding lanes, uint8 (C, H, W)."""
    return surface.read(memory).view(np.uint8)


def write_pixels(surface: Surface, memory: Memory, tensor: Pixels) -> None:
    """Put a tensor's bytes in the place of those that are there, padding lanes left alone."""
    if isinstance(surface, PixelSurface):
        surface.write(memory, tensor)
        return
    lanes = surface.read_lanes(memory)
    lanes[: surface.channels] = tensor.view(np.int8)
    memory.write(surface.unit_addresses(), channels_last(lanes, surface.memory_atom).view(np.uint8))


def at_host(transform: Callable[[Pixels], Pixels]) -> Change:
    """The change of a tensor that software put into memory otherwise: uint8 (C, H, W) to the same shape."""

    def how(memory: Memory, scene: Scene) -> Memory:
        tensor = host_tensor(scene)
        if tensor is not None:
            write_pixels(tensor, memory, np.ascontiguousarray(transform(read_pixels(tensor, memory))))
        return memory

    return Change(Point.MEMORY, how, (INPUT,))


class Layout(NamedTuple):
    """Where the elements of a tensor lie: the byte of (c, y, x) is ``channels[c] + lines[y] + pixels[x]`` from a base.

    Attributes
    ----------
    channels, lines, pixels
        int64 (C,), (H,), (W,).
    """

    channels: NDArray[np.int64]
    lines: NDArray[np.int64]
    pixels: NDArray[np.int64]

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Of all elements, (C, H, W)."""
        return self.channels[:, None, None] + self.lines[:, None] + self.pixels

    def same_as(self, other: "Layout") -> bool:
        """The elements lie in the same places."""
        return all(np.array_equal(one - one[0], two - two[0]) for one, two in zip(self, other, strict=True)) and (
            self.first == other.first
        )

    @property
    def first(self) -> int:
        """Place of the first element."""
        return int(self.channels[0] + self.lines[0] + self.pixels[0])


Shape = tuple[int, int, int]


def atoms_of(size: int, shape: Shape, line_stride: int | None = None, surface_stride: int | None = None) -> Layout:
    """Channels in atoms of a size: 1 for planes, C for pixel after pixel; without gaps where no stride is given."""
    channels, height, width = shape
    line = width * size if line_stride is None else line_stride
    surface = line * height if surface_stride is None else surface_stride
    channel = np.arange(channels)
    return Layout(channel // size * surface + channel % size, np.arange(height) * line, np.arange(width) * size)


def layout_of(surface: Surface) -> Layout | None:
    """Where a tensor lies as the hardware reads it; None for one of two planes, which is not of this form."""
    if isinstance(surface, FeatureSurface):
        starts = surface.unit_addresses() - surface.base
        channel = np.arange(surface.channels)
        first = starts[channel // surface.memory_atom, 0, 0] + channel % surface.memory_atom
        return Layout(first, starts[0, :, 0] - starts[0, 0, 0], starts[0, 0] - starts[0, 0, 0])
    planes = PIXEL_FORMATS[surface.pixel_format]
    if len(planes) > 1:
        return None
    order = np.array(planes[0], np.int64)
    size = len(order)
    begin = surface.x_offset * size
    lines = np.arange(surface.height) * surface.line_stride
    return Layout(begin + order, lines, np.arange(surface.width) * size)
