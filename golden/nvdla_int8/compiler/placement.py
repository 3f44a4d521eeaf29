"""Places inputs, weights and operands in the device's memory, and tensors (hardware.md section 3)."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.compiler.allocation import Allocator
from nvdla_int8.compiler.image_kernels import image_format
from nvdla_int8.compiler.register_program import Region
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import Operand
from nvdla_int8.stages.sdp_tail import SdpTail
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface, OperandUse
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface, format_channels
from nvdla_int8.surfaces.weights import pack_weights, to_image_form

Shape = tuple[int, int, int]
"""Channels, height, width."""


class Placer:
    """Places one thing after the other.

    Parameters
    ----------
    build
        The build.
    base
        First address.

    Attributes
    ----------
    images
        What must lie in memory before the run.
    """

    def __init__(self, build: Build, base: int) -> None:
        self._build = build
        self._allocator = Allocator(base, build.address_bits)
        self.images: list[Region] = []

    def _load(self, name: str, surface: FeatureSurface | PixelSurface | OperandSurface, memory: Memory) -> None:
        for low, high in surface.extents():
            self.images.append(Region(name, low, memory.read_bytes(low, high - low)))

    def room(self, size_bytes: int, what: str) -> int:
        """Address of memory that nothing else takes; ``what`` names it should there be no room."""
        return self._allocator.take(size_bytes, what)

    def place_feature_input(self, data: NDArray[np.integer]) -> FeatureSurface:
        """Place an int8 feature map (C, H, W)."""
        memory = Memory()
        channels, height, width = data.shape
        shape = channels, height, width
        feature = dense_feature(shape, self._build, self.room(dense_bytes(shape, self._build), "input"))
        feature.write(memory, data.view(np.int8))
        self._load("input", feature, memory)
        return feature

    def place_image_input(self, data: NDArray[np.integer], pixel_format: str | None) -> PixelSurface:
        """Place pixels (C, H, W) in a format, or in the usual one of their channels."""
        channels, height, width = data.shape
        atom = self._build.memory_atom
        memory = Memory()
        code = image_format(channels, pixel_format)
        lines = [-(-width * len(plane) // atom) * atom for plane in PIXEL_FORMATS[code]]
        bases = [self.room(line * height, "input") for line in lines]
        image = PixelSurface(
            pixel_format=code, base=bases[0], line_stride=lines[0], base1=bases[-1], uv_stride=lines[-1],
            width=width, height=height, memory_atom=atom,
        )  # fmt: skip
        pixels = np.zeros((format_channels(code), height, width), np.uint8)
        pixels[:channels] = data.view(np.uint8)
        image.write(memory, pixels)
        self._load("input", image, memory)
        return image

    def place_weights(self, program: LayerProgram) -> int:
        """Place a convolution's weights; the address of the stream."""
        stream = pack_weights(
            to_image_form(program.weights) if program.input_converter.pixel else program.weights, self._build
        )
        stream += bytes(-len(stream) % self._build.cbuf_entry_bytes)
        base = self.room(len(stream), f"{program.name} weights")
        self.images.append(Region(f"{program.name} weights", base, stream))
        return base

    def place_operands(self, program: SdpTail, shape: Shape) -> dict[str, OperandSurface]:
        """Place the operands of X1 and X2 for an output of this shape, by ``x1`` and ``x2``; none for an addend."""
        return {
            which: self._place_operands(program, which, shape)
            for which, alu, mul in (
                ("x1", program.x1_alu, program.x1_mul),
                ("x2", program.x2_alu, program.x2_mul),
            )
            if alu is not None or mul is not None
        }

    def _place_operands(self, program: SdpTail, which: str, shape: Shape) -> OperandSurface:
        alu: Operand | None = getattr(program, f"{which}_alu")
        mul: Operand | None = getattr(program, f"{which}_mul")
        kernels, height, width = shape
        per_element = any(operand is not None and operand.ndim == 3 for operand in (alu, mul))
        use = OperandUse.MUL if alu is None else OperandUse.ALU if mul is None else OperandUse.BOTH
        atom = self._build.memory_atom
        unit = atom * 2 * (2 if use is OperandUse.BOTH else 1)
        units_high, units_wide = (height, width) if per_element else (1, 1)
        line = unit * units_wide
        size = -(-kernels // atom) * line * units_high
        surface = OperandSurface(
            base=self.room(size, f"{program.name} {which} operands"),
            width=width,
            height=height,
            channels=kernels,
            line_stride=line,
            surface_stride=line * units_high,
            memory_atom=atom,
            element_bytes=2,
            use=use,
            per_element=per_element,
        )
        memory = Memory()
        target = shape if per_element else (kernels,)
        surface.write(memory, *(None if operand is None else _spread(operand, target) for operand in (alu, mul)))
        self._load(f"{program.name} {which} operands", surface, memory)
        return surface


def dense_bytes(shape: Shape, build: Build) -> int:
    """Bytes of a feature cube (C, H, W) without gaps."""
    channels, height, width = shape
    return -(-channels // build.memory_atom) * build.memory_atom * height * width


def dense_feature(shape: Shape, build: Build, base: int) -> FeatureSurface:
    """Return a feature cube (C, H, W) without gaps."""
    channels, height, width = shape
    line = width * build.memory_atom
    return FeatureSurface(
        base=base,
        width=width,
        height=height,
        channels=channels,
        line_stride=line,
        surface_stride=line * height,
        memory_atom=build.memory_atom,
        packs_one_pixel=True,
    )


def as_addend(tensor: FeatureSurface) -> OperandSurface:
    """A tensor as X2's ALU reads it: an operand of one byte for each element, the same bytes."""
    return OperandSurface(
        base=tensor.base,
        width=tensor.width,
        height=tensor.height,
        channels=tensor.channels,
        line_stride=tensor.line_stride,
        surface_stride=tensor.surface_stride,
        memory_atom=tensor.memory_atom,
        element_bytes=1,
        use=OperandUse.ALU,
        per_element=True,
    )


def _spread(operand: Operand, shape: tuple[int, ...]) -> Operand:
    """An operand for each element of a shape; one for each pixel is cut to what the layer computes."""
    if operand.ndim == len(shape):
        return operand[tuple(map(slice, shape))]
    return np.broadcast_to(operand.reshape(operand.shape + (1,) * (len(shape) - operand.ndim)), shape).copy()
