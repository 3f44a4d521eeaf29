"""Random layers: their registers, what they read in memory, where they write."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.compiler.convolution_registers import PlacedConvolution
from nvdla_int8.compiler.passes import Pass
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.errors import BenchError
from nvdla_int8.generator.cbuf_chain import Kept
from nvdla_int8.generator.draws import Draws, RejectedError
from nvdla_int8.generator.inputs import (
    Input,
    draw_features,
    draw_image,
    draw_input_converter,
    feature_surface,
    place_features,
)
from nvdla_int8.generator.large_shapes import LARGE_UNITS, draw_large_cube, draw_large_shape
from nvdla_int8.generator.places import Bytes, Places, Window
from nvdla_int8.generator.registers import Values, convolution_registers, memory_registers
from nvdla_int8.generator.sdp_stages import Operands, draw_output_converter, draw_stage, place_operands
from nvdla_int8.generator.shapes import SIZES, ConvolutionShape, draw_banks, draw_shape, draw_tiny_shape
from nvdla_int8.network.float_network import Activation, FloatConvolution
from nvdla_int8.quantise.input import quantise_input
from nvdla_int8.quantise.layer import quantise_convolution
from nvdla_int8.registers.register_map import unpack
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.lrn import Lrn
from nvdla_int8.stages.sdp import OutputConverter
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import FEATURE, OUT_SCALE
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface
from nvdla_int8.surfaces.pixels import PixelSurface
from nvdla_int8.surfaces.weights import pack_weights, to_image_form

CLIP_TRUNCATES = (*(0,) * 35, *(1, 2, 3, 4, 5, 6) * 3, 10, 16, 17, 24, 31)
TINY_TRUNCATES = range(13)
"""Those of sums of one atom of channels; any two layers mostly differ."""

MOST_MEMORY_UNITS = 1200
"""Atoms of a memory-to-memory pass."""

SATURATES = OutputConverter(scale=signed_range(OUT_SCALE)[1])
"""Of a large layer: everything but 0 saturates, more often than a counter of 16 bits counts."""


TableWrites = tuple[tuple[str, int], ...]
"""Register and word of each write, in order: the same register takes entry after entry."""


@dataclass(frozen=True)
class Layer:
    """A layer ready to run.

    Attributes
    ----------
    values
        Its registers, without pointers and enables.
    windows
        What it reads and has to be loaded.
    outputs
        The windows that it writes into: several when strides are far.
    destination
        The surface in them.
    lrn
        What CDP computes, when it is an LRN.
    tables
        Writes, in this order, that load CDP's tables; empty when those of an earlier LRN stay.
    kept
        What stays in the CBUF for the next convolution, when the program reuses it.
    plain
        The registers of the same layer that reuses and keeps nothing: it must give the same output.
    """

    values: Values
    windows: tuple[Window, ...]
    outputs: tuple[Window, ...]
    destination: FeatureSurface
    lrn: Lrn | None = None
    tables: TableWrites = ()
    kept: Kept | None = None
    plain: Values | None = None

    @property
    def banks(self) -> tuple[int, int] | None:
        """Data and weight banks of a convolution."""
        if "CDMA.D_BANK" not in self.values:
            return None
        data, weight = (self._size(f"{which}_BANK") for which in ("DATA", "WEIGHT"))
        return data, weight

    def _size(self, field: str) -> int:
        return unpack("CDMA.D_BANK", self.values["CDMA.D_BANK"], field) + 1


Extent = Literal["tiny", "usual", "large"]


@dataclass(frozen=True)
class Surroundings:
    """What the layers of one program share.

    ``shares_cbuf`` tells that convolutions follow one another: without ``errata``, none may then leave
    weights behind (E6). ``banks`` are the data and weight banks of the convolution before, ``lrn`` is the LRN before,
    ``kept`` what the layer before left in the CBUF on purpose, ``extent`` how large a layer is.
    """

    draws: Draws
    build: Build
    memory: Memory
    places: Places
    errata: bool
    shares_cbuf: bool
    banks: tuple[int, int] | None = None
    lrn: Lrn | None = None
    kept: Kept | None = None
    extent: Extent = "usual"

    def after(self, layer: Layer) -> "Surroundings":
        """For the layer behind this one."""
        return replace(self, banks=layer.banks or self.banks, lrn=layer.lrn or self.lrn, kept=layer.kept)

    def destination(
        self, cube: tuple[int, int, int], *, packs_one_pixel: bool = True
    ) -> tuple[FeatureSurface, tuple[Window, ...]]:
        """Place an output (C, H, W)."""
        surface = feature_surface(
            self.draws, cube, self.build.memory_atom, packs_one_pixel=packs_one_pixel, far=self.places.far
        )
        place = self.places.take({"output": Bytes.of_runs(surface.runs())})["output"]
        return surface.model_copy(update={"base": place.base}), place.windows

    def operands(
        self, cube: tuple[int, int, int], stages: dict[str, Operands]
    ) -> tuple[dict[str, OperandSurface], list[Window]]:
        """Place the operands of a cube (C, H, W), by stage."""
        return place_operands(self.draws, self.places, self.memory, cube, stages, self.build.memory_atom)


Make = Callable[[Surroundings, FeatureSurface | None], Layer]
"""Draws a layer; the surface is the output of the layer before when it is this layer's input."""


def memory_layer(around: Surroundings, there: FeatureSurface | None) -> Layer:
    """SDP from memory to memory."""
    draws, atom = around.draws, around.build.memory_atom
    windows: tuple[Window, ...] = ()
    if there is None:
        cube = (draws.around((atom, around.build.atomic_k), 6 * atom), draws.pick(SIZES), draws.pick(SIZES))
        if draws.chance(0.15):
            cube = (cube[0], 1, 1)
        if around.extent == "large":
            cube = draw_large_cube(draws, atom)
        elif around.extent == "tiny":
            cube = (draws.around((atom,), 2 * atom), draws.between(1, 3), draws.between(1, 3))
        surface = feature_surface(draws, cube, atom, far=around.places.far)
        source, windows = place_features(draws, around.places, around.memory, surface)
    else:
        source, cube = there, (there.channels, there.height, there.width)
        if cube[1:] == (1, 1) and not there.packs_one_pixel:
            raise RejectedError("SDP reads a pixel packed")
    if source.size_bytes > (LARGE_UNITS if around.extent == "large" else MOST_MEMORY_UNITS) * atom:
        raise RejectedError(f"a cube of {source.size_bytes} bytes")
    data = source.read(around.memory).astype(np.int32)
    program, stages = with_sdp(around, _program(np.zeros((cube[0], 1, 1, 1), np.int8)), data)
    surfaces, more = around.operands(cube, stages)
    destination, outputs = around.destination(cube)
    values = memory_registers(draws, program, source, destination, surfaces)
    return Layer(values, (*windows, *more), outputs, destination)


def convolution_layer(around: Surroundings, there: FeatureSurface | None) -> Layer:
    """A convolution of features with a random SDP program."""
    return _convolution(around, there, image=False, requantised=False)


def image_layer(around: Surroundings, _there: FeatureSurface | None) -> Layer:
    """A convolution of an image with a random SDP program."""
    return _convolution(around, None, image=True, requantised=False)


def requantised_layer(around: Surroundings, there: FeatureSurface | None) -> Layer:
    """A convolution with per-kernel bias and multipliers as calibration makes them."""
    image = there is None and around.draws.chance(0.4)
    return _convolution(around, there, image=image, requantised=True)


def _convolution(around: Surroundings, there: FeatureSurface | None, *, image: bool, requantised: bool) -> Layer:
    draws, build, memory = around.draws, around.build, around.memory
    cube = None if there is None else (there.channels, there.height, there.width)
    banks = around.banks if cube is None and draws.chance(0.75) else None
    if around.extent == "tiny" and cube is None:
        shape = draw_tiny_shape(draws, build, image=image)
        banks = None
    elif around.extent == "large":
        shape = draw_large_shape(draws, build, image=image, errata=around.errata)
    else:
        shape = draw_shape(
            draws, build, image=image, errata=around.errata, cube=cube,
            fills_cbuf=around.shares_cbuf and draws.chance(0.7), within=banks,
        )  # fmt: skip
    if image:
        source = draw_image(draws, around.places, memory, shape, build.memory_atom)
    else:
        source = draw_features(draws, around.places, memory, shape, build.memory_atom, there)
    program = _requantised_program(draws, shape, source) if requantised else _plain_program(around, shape)
    weights, weight_bytes = _place_weights(around, shape, program)
    destination, outputs = around.destination((shape.kernels, *shape.output))
    data_banks, weight_banks = banks or draw_banks(draws, shape, build, tight=around.shares_cbuf)
    part = Pass(
        first_kernel=0, kernels=shape.kernels, first_row=0, rows=shape.output[0], first_input_row=0,
        input_rows=shape.size[0], pad_top=shape.padding[0], data_banks=data_banks, weight_banks=weight_banks,
    )  # fmt: skip

    def registers(program: LayerProgram, operands: dict[str, OperandSurface]) -> Values:
        layer = PlacedConvolution(program, build, source.source, destination, operands, weights.base)
        return convolution_registers(draws, layer, part, shape, weight_bytes, source.registers)

    if requantised:
        assert program.x1_alu is not None
        lanes = -(-shape.kernels // build.memory_atom) * build.memory_atom - shape.kernels
        alu, mul = (
            None if operand is None else np.pad(operand, (0, lanes)) for operand in (program.x1_alu, program.x1_mul)
        )
        stages = {"x1": Operands(alu, mul, 2)}
    else:
        alone = LayerRegisters(registers(program, {}))
        layer = ConvolutionLayer(alone, build)
        delivered = layer.run(layer.load(memory)).delivered
        program, stages = with_sdp(around, program, delivered)
    surfaces, more = around.operands((shape.kernels, *shape.output), stages)
    return Layer(registers(program, surfaces), (*source.windows, weights, *more), outputs, destination)


def _program(weights: NDArray[np.int8]) -> LayerProgram:
    return LayerProgram(name="random", weights=weights)


def _plain_program(around: Surroundings, shape: ConvolutionShape) -> LayerProgram:
    """With all of a convolution but its SDP stages."""
    draws = around.draws
    truncates = TINY_TRUNCATES if around.extent == "tiny" else CLIP_TRUNCATES
    return LayerProgram(
        name="random",
        geometry=convolution_geometry(shape, draws.signed(FEATURE)),
        input_converter=draw_input_converter(draws, shape),
        accumulator=Accumulator(truncate_bits=draws.pick(truncates)),
        weights=draws.int8((shape.kernels, shape.channels, *shape.kernel)),
    )


def convolution_geometry(shape: ConvolutionShape, pad_value: int) -> ConvGeometry:
    """The geometry of a drawn shape."""
    top, left, bottom, right = shape.padding
    return ConvGeometry(
        stride_y=shape.stride[0], stride_x=shape.stride[1], dilation_y=shape.dilation[0], dilation_x=shape.dilation[1],
        pad_top=top, pad_left=left, pad_bottom=bottom, pad_right=right, pad_value=pad_value,
    )  # fmt: skip


def _requantised_program(draws: Draws, shape: ConvolutionShape, source: Input) -> LayerProgram:
    """A calibrated layer; its outputs use most of int8."""
    weights = draws.normal((shape.kernels, shape.channels, *shape.kernel))
    weights *= np.exp(draws.normal((shape.kernels, 1, 1, 1)))
    input_scale = TensorScale("input", 10.0 ** draws.between(-4, 1), draws.pick((0, 0, draws.signed(FEATURE))))
    reach = float(np.abs(weights).sum(axis=(1, 2, 3)).max()) * input_scale.scale * 127
    output_scale = TensorScale("output", reach / draws.between(130, 2000), draws.pick((0, 0, draws.signed(FEATURE))))
    try:
        converter = None
        if isinstance(source.source, PixelSurface):
            mean = np.array([draws.between(0, 255) for _ in range(shape.channels)], np.float64)
            converter = quantise_input(mean, input_scale.scale, input_scale).converter
        layer = FloatConvolution(
            "random", ("input",), "output", weights, draws.normal((shape.kernels,)) * output_scale.scale * 20,
            convolution_geometry(shape, 0), Activation(relu=draws.chance(0.4)),
        )  # fmt: skip
        return quantise_convolution(
            layer, input_scale, output_scale, per_kernel=draws.chance(0.8), input_converter=converter
        ).program
    except BenchError as error:  # a factor that the converters cannot hold
        raise RejectedError(str(error)) from None


def _place_weights(around: Surroundings, shape: ConvolutionShape, program: LayerProgram) -> tuple[Window, int]:
    stored = program.weights if shape.pixel_format is None else to_image_form(program.weights)
    return place_stream(around, stored, shape.post_extension)


def place_stream(around: Surroundings, stored: NDArray[np.int8], post_extension: int) -> tuple[Window, int]:
    """Put weights (K, C, R, S), an image's with S = 1, into memory.

    Returns
    -------
    Window, int
        Where they are, and WEIGHT_BYTES, which may take bytes after them along.
    """
    entry = around.build.cbuf_entry_bytes
    rounding = entry
    if around.errata or not around.shares_cbuf:
        rounding = max(entry, around.draws.pick((entry, entry, 32, 128)))
    stream = pack_weights(stored, around.build, post_extension=post_extension)
    weight_bytes = -(-len(stream) // rounding) * rounding
    [window] = around.places.take({"weights": Bytes.together(weight_bytes)})["weights"].windows
    around.memory.write_bytes(window.base, stream)
    return window, weight_bytes


def with_sdp(
    around: Surroundings, program: LayerProgram, data: NDArray[np.int32]
) -> tuple[LayerProgram, dict[str, Operands]]:
    """The program with random X1, X2 and output converter for data (C, H, W), and their memory operands."""
    draws, channels = around.draws, len(data)
    changes: dict[str, object] = {}
    stages = {}
    unshifted = around.extent == "large" and draws.chance(0.5)  # then products of products pass 32 bits
    for which in ("x1", "x2"):
        stage, operands = draw_stage(draws, data, around.build.memory_atom)
        if unshifted:
            stage = stage.model_copy(update={"mul_shift_bits": 0})
        alu, mul = (
            None if operands is None or operand is None else operand[:channels]
            for operand in ((operands.alu, operands.mul) if operands else (None, None))
        )
        data = stage.apply(data, alu=alu, mul=mul).value
        changes |= {which: stage, f"{which}_alu": alu, f"{which}_mul": mul}
        if operands is not None:
            stages[which] = operands
    converter = draw_output_converter(draws, data)
    if around.extent == "large" and draws.chance(0.4):
        converter = SATURATES
    return program.model_copy(update={**changes, "output_converter": converter}), stages
