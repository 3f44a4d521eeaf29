"""A layer's registers in words: tensors, geometry, converters, CBUF (hardware.md sections 2 and 3)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer, Fetch
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.cbuf_words import cbuf_in_words
from nvdla_int8.explain.factors import less, real_factor
from nvdla_int8.explain.pooling_words import lrn_geometry, lrn_in_words, pooling_geometry, pooling_in_words
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, XStage
from nvdla_int8.stages.widths import CVT_PRODUCT, MUL_PRODUCT, MUL_SHIFT, OUT_PRODUCT
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import Operands, OperandSurface, OperandUse
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface

T = TypeVar("T")

ALU_WORDS = {AluAlgo.SUM: "adds", AluAlgo.MAX: "takes the maximum with", AluAlgo.MIN: "takes the minimum with"}
PIXEL_FORMAT = "CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT"


@dataclass(frozen=True)
class Tensor:
    """A tensor in memory; a stride is None where it is not used."""

    name: str
    shape: tuple[int, ...]
    form: str
    address: int
    line_stride: int | None
    surface_stride: int | None
    size_bytes: int


@dataclass(frozen=True)
class Step:
    """A step of the pipeline in words; ``factor`` is the smallest and the largest real factor it applies."""

    name: str
    words: str
    factor: tuple[float, float] | None = None


@dataclass(frozen=True)
class Words:
    """A layer in words.

    ``requantises`` tells whether X1, X2 or the output converter do anything to a value but clip it (a ReLU
    is no more than a clip); it is so of layers without SDP. ``trouble`` names what could not be decoded.
    """

    what: str
    tensors: tuple[Tensor, ...]
    geometry: tuple[str, ...]
    steps: tuple[Step, ...]
    cbuf: str
    macs: int
    requantises: bool
    trouble: tuple[str, ...]


def put_into_words(registers: LayerRegisters, build: Build, memory: Memory | None, fetch: Fetch | None = None) -> Words:
    """Put a layer into words, legal or not.

    Parameters
    ----------
    registers
        The layer's registers.
    build
        The build.
    memory
        Where the operands lie, for the range of their values; None when they were not loaded.
    fetch
        What CDMA fetches for a convolution that ran.
    """
    if "SDP" not in registers.blocks:
        return _without_sdp(registers, build)
    layer = _Layer(registers, build, memory, fetch or Fetch())
    trouble: list[str] = []
    tensors = tuple(_decodable(layer.tensors(), trouble))
    steps = tuple(_decodable(layer.steps(), trouble))
    convolution, sdp = layer.convolution, layer.sdp
    kind = "memory-to-memory SDP pass"
    if convolution is not None:
        kind = "convolution of an image" if convolution.pixel else "convolution of a feature cube"
    geometry = list(_geometry(convolution)) if convolution is not None else []
    if sdp.feeds_pooling:
        kind = f"{'SDP pass from memory' if convolution is None else kind} with pooling behind it"
        geometry += pooling_geometry(layer.pooling)
    idle = [_does_nothing(stage) for stage in sdp.stages.values()]
    return Words(
        kind,
        tensors,
        tuple(geometry),
        steps,
        cbuf_in_words(convolution, registers, build, fetch) if convolution is not None else "",
        convolution.macs if convolution is not None else 0,
        not (all(idle) and _is_identity(sdp.output_converter)),
        tuple(dict.fromkeys(trouble)),
    )


def _without_sdp(registers: LayerRegisters, build: Build) -> Words:
    """A layer of PDP or CDP from memory."""
    trouble: list[str] = []
    layer: PoolingLayer | LrnLayer
    if "PDP" in registers.blocks:
        layer, what = PoolingLayer(registers, build), "pooling from memory"
        geometry, steps = pooling_geometry(layer), [Step("pooling", pooling_in_words(layer))]
    else:
        layer, what = LrnLayer(registers, build), "normalisation over channels"
        geometry = lrn_geometry(layer)
        steps = [Step(name, words, factor) for name, words, factor in lrn_in_words(registers.values)]
    places = iter(
        (lambda: _cube("source", layer.source_surface()), lambda: _cube("output", layer.destination_surface()))
    )
    tensors = tuple(_decodable(places, trouble))
    return Words(what, tensors, tuple(geometry), tuple(steps), "", 0, True, tuple(dict.fromkeys(trouble)))


def _decodable(parts: Iterator[Callable[[], T]], trouble: list[str]) -> Iterator[T]:
    for part in parts:
        try:
            yield part()
        except BenchError as error:
            trouble.append(str(error))


class _Layer:
    def __init__(self, registers: LayerRegisters, build: Build, memory: Memory | None, fetch: Fetch) -> None:
        self._registers = registers
        self._fetch = fetch
        self._memory = memory
        self.sdp = SdpLayer(registers, build)
        self.convolution = ConvolutionLayer(registers, build) if self.sdp.flying else None
        self.pooling = PoolingLayer(registers, build)

    def tensors(self) -> Iterator[Callable[[], Tensor]]:
        """The tensors, each to be called, for one may be undecodable."""
        if self.convolution is None:
            yield lambda: _cube("source", self.sdp.source_surface())
        else:
            yield from self._fetched_tensors(self.convolution)
        for which, stage in self.sdp.stages.items():
            if stage.reads_alu or stage.reads_mul:
                yield partial(self._operand_stream, which)
        last = self.pooling if self.sdp.feeds_pooling else self.sdp
        yield lambda: _cube("output", last.destination_surface())

    def _fetched_tensors(self, layer: ConvolutionLayer) -> Iterator[Callable[[], Tensor]]:
        """Input and weights; what lies in the CBUF already has no place in memory that counts."""
        if self._fetch.data:
            yield self._input
            if layer.pixel and len(_channels_of_planes(self._registers)) > 1:
                yield self._second_plane
        if self._fetch.weights:
            yield self._weights

    def _operand_stream(self, which: str) -> Tensor:
        return _operands(which, self.sdp.operand_surface(which))

    def _input(self) -> Tensor:
        assert self.convolution is not None
        surface = self.convolution.input_surface
        if isinstance(surface, FeatureSurface):
            return _cube("input", surface)
        names = {code: name for name, code in _enum(PIXEL_FORMAT).items()}
        sign = "unsigned" if self.convolution.converter.unsigned else "signed"
        offset = f", X offset {surface.x_offset}" if surface.x_offset else ""
        form = f"pixels {names[surface.pixel_format]}, {sign} bytes{offset}"
        shape = (surface.channels, surface.height, surface.width)
        size = surface.channels * surface.height * surface.width
        stride = surface.line_stride if surface.height > 1 else None
        return Tensor("input", shape, form, surface.base, stride, None, size)

    def _second_plane(self) -> Tensor:
        assert self.convolution is not None
        surface = self.convolution.input_surface
        assert isinstance(surface, PixelSurface)
        count = _channels_of_planes(self._registers)[1]
        stride = surface.uv_stride if surface.height > 1 else None
        shape = (count, surface.height, surface.width)
        return Tensor("input, plane 1", shape, "part of the input", surface.base1, stride, None, 0)

    def _weights(self) -> Tensor:
        layer = self.convolution
        assert layer is not None
        shape = (layer.kernels, layer.weight_channels, layer.kernel_h, 1 if layer.pixel else layer.kernel_w)
        extension = f", post-extension {layer.post_extension}" if layer.pixel and layer.post_extension else ""
        address = self._registers.address("CDMA.D_WEIGHT_ADDR_{}")
        return Tensor("weights", shape, f"int8 stream{extension}", address, None, None, layer.weight_bytes)

    def steps(self) -> Iterator[Callable[[], Step]]:
        """The steps from the input to the output, each to be called, for one may be undecodable."""
        if self.convolution is not None:
            yield self._input_converter
            yield self._accumulator
        for which in self.sdp.stages:
            yield partial(self._x_stage, which)
        yield self._output_converter
        if self.sdp.feeds_pooling:
            yield lambda: Step("pooling", pooling_in_words(self.pooling))

    def _input_converter(self) -> Step:
        assert self.convolution is not None
        converter = self.convolution.converter
        if not self._fetch.data:
            return Step("input converter", "has nothing to do: the rows lie converted in the CBUF")
        if not converter.enabled:
            return Step("input converter", "off: bytes are read as int8")
        factor = real_factor(converter.scale, converter.truncate_bits, CVT_PRODUCT)
        what = "pixel" if converter.pixel else "value"
        if converter.mean is not None:
            means = ", ".join(str(mean) for mean in converter.mean[: self.convolution.channels])
            words = f"(pixel - its channel's mean of {means}) * {factor:g}"
        else:
            words = f"{less(what, converter.offset)} * {factor:g}"
        program = f"scale {converter.scale}, truncate {converter.truncate_bits}"
        return Step("input converter", f"{words}, clipped to int8 [{program}]", (factor, factor))

    def _accumulator(self) -> Step:
        assert self.convolution is not None
        bits = self.convolution.accumulator.truncate_bits
        if not bits:
            return Step("accumulator", "delivers 34-bit sums clipped to 32 bits")
        words = f"delivers 34-bit sums / 2^{bits}, rounded and clipped to 32 bits"
        return Step("accumulator", words, (2.0**-bits, 2.0**-bits))

    def _x_stage(self, which: str) -> Step:
        stage = self.sdp.stages[which]
        if stage.bypass:
            return Step(which.upper(), "bypassed")
        parts = []
        stored = Operands(None, None)
        place = ""
        if stage.reads_alu or stage.reads_mul:
            surface = self.sdp.operand_surface(which)
            each = "element" if surface.per_element else "kernel"
            place = f"int{8 * surface.element_bytes} per {each} from memory"
            stored = self._stored(surface)
        if not stage.alu_bypass:
            operand = f"{place}{_range(stored.alu)}" if stage.reads_alu else f"the register's {stage.alu_value}"
            shift = f" * 2^{stage.alu_shift_bits}" if stage.alu_shift_bits else ""
            parts.append(f"{ALU_WORDS[stage.alu_algo]} {operand}{shift}")
        factor = self._x_factor(stage, stored, place, parts)
        if stage.relu:
            parts.append("ReLU")
        return Step(which.upper(), "; ".join(parts) or "passes values on", factor)

    @staticmethod
    def _x_factor(stage: XStage, stored: Operands, place: str, parts: list[str]) -> tuple[float, float] | None:
        shift = stage.mul_shift_bits & ((1 << MUL_SHIFT) - 1)
        if stage.mul_bypass:
            if stage.prelu:
                parts.append("PReLU without effect, for the multiplier is bypassed")
            if not shift:
                return None
            if shift >= MUL_PRODUCT:
                parts.append(f"gives 0, for it shifts by {shift} bits (the multiplier is bypassed, its shift is not)")
                return 0.0, 0.0
            parts.append(f"divides by 2^{shift} (the multiplier is bypassed, its shift is not)")
            return 2.0**-shift, 2.0**-shift
        held = stored.mul if stage.reads_mul else np.array([stage.mul_value], np.int16)
        operand = f"{place}{_range(stored.mul)}" if stage.reads_mul else f"the register's {stage.mul_value}"
        only = " (PReLU: only negative values)" if stage.prelu else ""
        parts.append(f"multiplies by {operand}{f' / 2^{shift}' if shift else ''}{only}")
        if held is None:
            return None
        return real_factor(int(held.min()), shift, MUL_PRODUCT), real_factor(int(held.max()), shift, MUL_PRODUCT)

    def _stored(self, surface: OperandSurface) -> Operands:
        """The operands of real channels, unless they are not there or the output has overwritten them."""
        if self._memory is None:
            return Operands(None, None)
        last = self.pooling if self.sdp.feeds_pooling else self.sdp
        (low, high), (out_low, out_high) = surface.extent(), last.destination_surface().extent()
        if low < out_high and out_low < high:
            return Operands(None, None)
        alu, mul = surface.read(self._memory)
        count = surface.channels
        return Operands(None if alu is None else alu[:count], None if mul is None else mul[:count])

    def _output_converter(self) -> Step:
        converter = self.sdp.output_converter
        width = "int16, of which the low byte is written" if converter.int16 else "int8"
        if _is_identity(converter):
            return Step("output converter", f"identity: only clips to {width}")
        factor = real_factor(converter.scale, converter.shift_bits, OUT_PRODUCT)
        value = less("x", converter.offset)
        program = f"scale {converter.scale}, shift {converter.shift_bits}, offset {converter.offset}"
        return Step("output converter", f"{value} * {factor:g}, clipped to {width} [{program}]", (factor, factor))


def _does_nothing(stage: XStage) -> bool:
    """A stage that passes values on, but for a ReLU."""
    shift = stage.mul_shift_bits & ((1 << MUL_SHIFT) - 1)
    return stage.bypass or (stage.alu_bypass and stage.mul_bypass and not shift)


def _is_identity(converter: OutputConverter) -> bool:
    return (converter.offset, converter.scale, converter.shift_bits) == (0, 1, 0)


def _cube(name: str, surface: FeatureSurface) -> Tensor:
    lines, pixels = surface.grid
    packed = surface.packs_one_pixel and (lines, pixels) == (1, 1)
    together = f", {surface.packed_lines} lines packed" if surface.packed_lines > 1 else ""
    return Tensor(
        name,
        (surface.channels, lines, pixels),
        f"int8 cube, atoms of {surface.memory_atom}{', packed' if packed else ''}{together}",
        surface.base,
        surface.line_stride if lines > 1 else None,
        surface.surface_stride if surface.surfaces > 1 and not packed else None,
        surface.size_bytes,
    )


def _operands(which: str, surface: OperandSurface) -> Tensor:
    lines, pixels = surface.grid
    holds = {OperandUse.BOTH: "ALU and MUL"}.get(surface.use, surface.use.value)
    inner = surface.per_element and surface.grid != (1, 1)
    return Tensor(
        f"{which.upper()} operands",
        (surface.channels, lines, pixels) if surface.per_element else (surface.channels,),
        f"int{8 * surface.element_bytes}, {holds}, per {'element' if surface.per_element else 'kernel'}",
        surface.base,
        surface.line_stride if inner and lines > 1 else None,
        surface.surface_stride if inner and surface.surfaces > 1 else None,
        surface.size_bytes,
    )


def _geometry(layer: ConvolutionLayer) -> Iterator[str]:
    shape = layer.geometry
    reach_h, reach_w = layer.reach
    bottom = max(0, reach_h - layer.pad_top - layer.height)
    right = max(0, reach_w - layer.pad_left - layer.width)
    per_pixel = layer.channels if layer.pixel else layer.weight_channels
    yield f"{layer.kernels} kernels of {per_pixel} x {layer.kernel_h} x {layer.kernel_w} (C x R x S)"
    yield f"stride {shape.stride_y} down, {shape.stride_x} across"
    if (shape.dilation_y, shape.dilation_x) != (1, 1):
        yield f"dilation {shape.dilation_y} down, {shape.dilation_x} across"
    padding = {"top": layer.pad_top, "bottom": bottom, "left": layer.pad_left, "right": right}
    sides = ", ".join(f"{name} {size}" for name, size in padding.items())
    beside = f" above and below, {layer.side_pad_value} beside" if layer.side_pad_value != layer.pad_value else ""
    yield f"padding {sides}, with {layer.pad_value}{beside}" if any(padding.values()) else "no padding"
    yield f"output {layer.kernels} x {layer.out_height} x {layer.out_width} (K x H x W)"


def _range(operand: NDArray[np.int16] | None) -> str:
    if operand is None:
        return ""
    low, high = operand.min(), operand.max()
    return f" ({low})" if low == high else f" ({low} .. {high})"


def _channels_of_planes(registers: LayerRegisters) -> list[int]:
    """Channels of each plane of the image; none for an unknown format."""
    return [len(order) for order in PIXEL_FORMATS.get(registers.field(PIXEL_FORMAT), ())]


def _enum(name: str) -> dict[str, int]:
    register, _, field = name.rpartition(".")
    return dict(find_register(register).fields[field].enum)
