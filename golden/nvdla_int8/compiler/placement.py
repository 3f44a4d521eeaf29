"""Places inputs, weights and operands in the device's memory, and room for outputs (hardware.md section 3)."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.compiler.allocation import Allocator
from nvdla_int8.compiler.image_kernels import image_format
from nvdla_int8.compiler.layer_registers import PlacedLayer
from nvdla_int8.compiler.register_program import Region
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import Operand
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface, OperandUse
from nvdla_int8.surfaces.pixels import PixelSurface, format_channels
from nvdla_int8.surfaces.weights import pack_weights, to_image_form


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

    def place_feature_input(self, name: str, data: NDArray[np.integer]) -> FeatureSurface:
        """Place a layer's int8 feature map (C, H, W)."""
        memory = Memory()
        feature = self.feature(data.shape, f"{name} input")
        feature.write(memory, data.view(np.int8))
        self._load("input", feature, memory)
        return feature

    def place_image_input(self, name: str, data: NDArray[np.integer]) -> PixelSurface:
        """Place a layer's pixels (C, H, W)."""
        channels, height, width = data.shape
        atom = self._build.memory_atom
        memory = Memory()
        code = image_format(channels)
        line = -(-width * format_channels(code) // atom) * atom
        image = PixelSurface(
            pixel_format=code,
            base=self._allocator.take(line * height, f"{name} input"),
            line_stride=line,
            width=width,
            height=height,
            memory_atom=atom,
        )
        pixels = np.zeros((format_channels(code), height, width), np.uint8)
        pixels[:channels] = data.view(np.uint8)
        image.write(memory, pixels)
        self._load("input", image, memory)
        return image

    def feature(self, shape: tuple[int, ...], what: str) -> FeatureSurface:
        """Room for a feature cube (C, H, W) without gaps."""
        channels, height, width = shape
        size = -(-channels // self._build.memory_atom) * self._build.memory_atom * width * height
        return dense_feature(shape, self._build, self._allocator.take(size, what))

    def place_layer(
        self, program: LayerProgram, source: FeatureSurface | PixelSurface, destination: FeatureSurface
    ) -> PlacedLayer:
        """Place a convolution's weights and operands."""
        shape = destination.channels, destination.height, destination.width
        operands = {
            which: self._place_operands(program, which, shape)
            for which in ("x1", "x2")
            if getattr(program, which).reads_alu or getattr(program, which).reads_mul
        }
        stream = pack_weights(
            to_image_form(program.weights) if program.input_converter.pixel else program.weights, self._build
        )
        stream += bytes(-len(stream) % self._build.cbuf_entry_bytes)
        weights_base = self._allocator.take(len(stream), f"{program.name} weights")
        self.images.append(Region(f"{program.name} weights", weights_base, stream))
        return PlacedLayer(program, self._build, source, destination, operands, weights_base)

    def _place_operands(self, program: LayerProgram, which: str, shape: tuple[int, int, int]) -> OperandSurface:
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
            base=self._allocator.take(size, f"{program.name} {which} operands"),
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


def dense_feature(shape: tuple[int, ...], build: Build, base: int) -> FeatureSurface:
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


def _spread(operand: Operand, shape: tuple[int, ...]) -> Operand:
    """An operand for each element of a shape; one for each pixel is cut to what the layer computes."""
    if operand.ndim == len(shape):
        return operand[tuple(map(slice, shape))]
    return np.broadcast_to(operand.reshape(operand.shape + (1,) * (len(shape) - operand.ndim)), shape).copy()
