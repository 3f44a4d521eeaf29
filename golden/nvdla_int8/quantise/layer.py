"""Real numbers to converter programs, with a proven bound on the error (spec section 7).

The INT8 output of a layer is ``acc * Si * Sw[k] / So``: an accumulator counts in steps of
``Si * Sw[k]``, an output byte in steps of ``So``. The factor goes, per tensor, into the output
converter, or, per kernel, into X1's multiplier stream. The bias goes into X1's ALU.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.input_converter import MEAN_CHANNELS, InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import (
    ACC_OUT,
    ALU_OPERAND,
    CVT_PRODUCT,
    CVT_SCALE,
    FEATURE,
    MUL_OPERAND,
    MUL_PRODUCT,
    OUT_OFFSET,
)

Reals = NDArray[np.float64]

WEIGHT_MAX = 127
"""Weights are symmetric: -127..127."""
Q_MIN, Q_MAX = signed_range(FEATURE)
LONGEST_BIAS_SHIFT_BITS = ACC_OUT - ALU_OPERAND
"""Longest left shift at which every 16-bit bias operand still fits 32 bits."""


def round_to_nearest(values: Reals) -> Reals:
    """Nearest integers, ties away from zero, as the converters round."""
    return np.trunc(values + np.copysign(0.5, values))


def quantise(values: NDArray[np.floating], scale: TensorScale) -> NDArray[np.int8]:
    """Real values to int8, any shape: nearest step, values beyond the range at its end; BenchError for NaN."""
    if np.isnan(values).any():
        raise BenchError(f"layer {scale.name!r}: a value is NaN, which has no int8")
    steps = round_to_nearest(np.asarray(values, np.float64) / scale.scale) + scale.offset
    return np.clip(steps, Q_MIN, Q_MAX).astype(np.int8)


def dequantise(values: NDArray[np.integer], scale: TensorScale) -> NDArray[np.float32]:
    """int8 to real values, any shape: ``(q - offset) * scale``."""
    return ((values.astype(np.float64) - scale.offset) * scale.scale).astype(np.float32)


class QuantisedWeights(NamedTuple):
    """Weights (K, C, R, S) int8 and the scale of each kernel, (K,) float64; 0 for an all-zero kernel."""

    values: NDArray[np.int8]
    scales: Reals


def quantise_weights(weights: NDArray[np.floating], *, per_kernel: bool) -> QuantisedWeights:
    """Quantise real weights (K, C, R, S) symmetrically, one scale a kernel or one for the tensor.

    Raises
    ------
    BenchError
        For another shape, or a value that is not finite, naming the kernel.
    """
    reals = np.asarray(weights, np.float64)
    if reals.ndim != 4 or reals.size == 0:
        raise BenchError(f"weights have shape {reals.shape}, it takes (K, C, R, S), none of them 0")
    flat = reals.reshape(reals.shape[0], -1)
    for kernel in np.flatnonzero(~np.isfinite(flat).all(axis=1))[:1]:
        value = flat[kernel][~np.isfinite(flat[kernel])][0]
        raise BenchError(f"kernel {kernel}: weight {value} is not finite")
    largest = np.abs(flat).max(axis=1)
    if not per_kernel:
        largest = np.full_like(largest, largest.max())
    scales = largest / WEIGHT_MAX
    steps = round_to_nearest(flat / np.where(scales > 0, scales, 1.0)[:, None])
    return QuantisedWeights(steps.astype(np.int8).reshape(reals.shape), scales)


class Factor(NamedTuple):
    """Integers that stand for real factors: ``multiplier / 2**shift_bits``."""

    multipliers: NDArray[np.int16]
    shift_bits: int

    @property
    def reals(self) -> Reals:
        """The factors that the integers really are."""
        return np.ldexp(self.multipliers.astype(np.float64), -self.shift_bits)


def shared_shift_factor(factors: Reals, *, longest_shift_bits: int) -> Factor:
    """Positive factors as signed 16-bit multipliers with the longest shift that all of them share.

    Parameters
    ----------
    factors
        (K,), positive.
    longest_shift_bits
        The converter's longest shift that does not give 0.

    Raises
    ------
    BenchError
        When the largest does not fit even unshifted, or the smallest would round to 0; the line
        names kernel and ratio.
    """
    for kernel in np.flatnonzero(~(np.isfinite(factors) & (factors > 0)))[:1]:
        raise BenchError(f"kernel {kernel}: ratio {factors[kernel]} must be positive and finite")
    limit = signed_range(MUL_OPERAND)[1]
    largest = int(np.argmax(factors))
    shift_bits = min(int(np.floor(np.log2(limit) - np.log2(factors[largest]))), longest_shift_bits) + 1
    while shift_bits > longest_shift_bits or round_to_nearest(np.ldexp(factors, shift_bits)).max() > limit:
        shift_bits -= 1
    if shift_bits < 0:
        raise BenchError(f"kernel {largest}: ratio {factors[largest]:.9g} is too large for a 16-bit multiplier")
    multipliers = round_to_nearest(np.ldexp(factors, shift_bits))
    for kernel in np.flatnonzero(multipliers == 0)[:1]:
        reason = f"which kernel {largest} with ratio {factors[largest]:.9g} asks for"
        if shift_bits == longest_shift_bits:
            reason = "the longest"
        raise BenchError(
            f"kernel {kernel}: ratio {factors[kernel]:.9g} becomes multiplier 0 at shift {shift_bits}, {reason}"
        )
    return Factor(multipliers.astype(np.int16), shift_bits)


@dataclass(frozen=True)
class RequantiseReport:
    """How well a layer's integers stand for its real numbers; arrays are (K,) float64.

    Attributes
    ----------
    ratio
        The exact Si * Sw[k] / So.
    relative_error
        (programmed factor - ratio) / ratio.
    bias_error_lsb
        Error of bias and zero points in output steps.
    bound_lsb
        No output byte is further than this from the real result on the quantised input and
        weights, both clipped to int8: 0.5 for the last rounding, the factor's error at the end of
        the output's range, and the bias's error.
    """

    layer: str
    ratio: Reals
    relative_error: Reals
    bias_error_lsb: Reals
    bound_lsb: Reals


class QuantisedLayer(NamedTuple):
    """A program and how exact it is."""

    program: LayerProgram
    report: RequantiseReport


def quantise_layer(
    name: str,
    weights: NDArray[np.floating],
    bias: NDArray[np.floating],
    input_scale: TensorScale,
    output_scale: TensorScale,
    *,
    geometry: ConvGeometry | None = None,
    relu: bool = False,
    per_kernel: bool = True,
    input_converter: InputConverter | None = None,
) -> QuantisedLayer:
    """Program one convolution from its real weights and the scales of its input and output.

    Parameters
    ----------
    name
        For messages.
    weights, bias
        (K, C, R, S) and (K,), real.
    input_scale, output_scale
        Calibration entries; their offsets are the zero points of asymmetric tensors.
    geometry
        Stride, dilation and padding; the padded value becomes the input's zero point.
    relu
        Clamp at real zero.
    per_kernel
        Per-kernel scales, in X1's multiplier stream; otherwise one scale, in the output converter.
    input_converter
        What turns memory bytes into the input's int8; by default the bytes are int8 already.

    Raises
    ------
    BenchError
        When a number cannot be represented; the line names layer, kernel and ratio.
    """
    try:
        return _quantise_layer(
            name, weights, np.asarray(bias, np.float64), input_scale, output_scale, geometry or ConvGeometry(),
            relu, per_kernel, input_converter or InputConverter(),
        )  # fmt: skip
    except BenchError as error:
        raise BenchError(f"layer {name}: {error}") from None


def _quantise_layer(
    name: str,
    weights: NDArray[np.floating],
    bias: Reals,
    input_scale: TensorScale,
    output_scale: TensorScale,
    geometry: ConvGeometry,
    relu: bool,
    per_kernel: bool,
    input_converter: InputConverter,
) -> QuantisedLayer:
    quantised = quantise_weights(weights, per_kernel=per_kernel)
    kernels = quantised.values.shape[0]
    if bias.shape != (kernels,):
        raise BenchError(f"bias has shape {bias.shape}, {kernels} kernels take ({kernels},)")
    for kernel in np.flatnonzero(~np.isfinite(bias))[:1]:
        raise BenchError(f"kernel {kernel}: bias {bias[kernel]} is not finite")
    weight_scales = _fill_zero_kernels(quantised.scales, input_scale, output_scale)
    ratio = input_scale.scale * weight_scales / output_scale.scale
    taps = quantised.values.reshape(kernels, -1).astype(np.int64)
    factor = shared_shift_factor(ratio if per_kernel else ratio[:1], longest_shift_bits=MUL_PRODUCT - 1)

    wanted_bias = bias / (input_scale.scale * weight_scales) - input_scale.offset * taps.sum(axis=1)
    operands, alu_shift_bits = _bias_operands(wanted_bias, ratio)
    programmed_bias = np.ldexp(operands.astype(np.float64), alu_shift_bits)
    bias_error = programmed_bias - wanted_bias
    reach = np.abs(taps).sum(axis=1) * -Q_MIN
    sums = reach + np.abs(programmed_bias)
    for kernel in np.flatnonzero(sums > signed_range(ACC_OUT)[1])[:1]:
        raise BenchError(
            f"kernel {kernel}: accumulators with bias up to {sums[kernel]:.0f} do not fit {ACC_OUT} bits, "
            f"ratio {ratio[kernel]:.9g}"
        )
    if per_kernel:
        output_converter = OutputConverter(offset=-output_scale.offset)
        zero_point_error = np.zeros(kernels)
    else:
        offset = round_to_nearest(-output_scale.offset / factor.reals)
        low, high = signed_range(OUT_OFFSET)
        if not low <= offset[0] <= high:
            raise BenchError(
                f"kernel 0: ratio {ratio[0]:.9g} makes the output's zero point {output_scale.offset} an offset of "
                f"{offset[0]:.0f}, which does not fit {OUT_OFFSET} bits"
            )
        output_converter = OutputConverter(
            offset=int(offset[0]), scale=int(factor.multipliers[0]), shift_bits=factor.shift_bits
        )
        zero_point_error = -offset * factor.reals - output_scale.offset

    program = LayerProgram(
        name=name,
        geometry=geometry.model_copy(update={"pad_value": input_scale.offset}),
        input_converter=input_converter,
        x1=XStage(
            bypass=False,
            alu_bypass=False,
            alu_algo=AluAlgo.SUM,
            alu_source=Source.MEM,
            alu_shift_bits=alu_shift_bits,
            mul_bypass=not per_kernel,
            mul_source=Source.MEM if per_kernel else Source.REG,
            mul_shift_bits=factor.shift_bits if per_kernel else 0,
            relu=relu,
        ),
        output_converter=output_converter,
        input_scale=input_scale,
        output_scale=output_scale,
        weights=quantised.values,
        x1_alu=operands,
        x1_mul=factor.multipliers if per_kernel else None,
    )
    relative_error = factor.reals / ratio - 1
    bias_error_lsb = np.abs(bias_error * factor.reals) + np.abs(zero_point_error)
    reach_lsb = (reach + np.abs(wanted_bias)) * ratio
    report = RequantiseReport(
        name, ratio, relative_error, bias_error_lsb,
        0.5 + bias_error_lsb + _factor_error_lsb(relative_error, reach_lsb, output_scale.offset),
    )  # fmt: skip
    return QuantisedLayer(program, report)


def _fill_zero_kernels(scales: Reals, input_scale: TensorScale, output_scale: TensorScale) -> Reals:
    # An all-zero kernel's scale only decides how its bias is represented. The largest scale of the
    # others keeps the shared shifts as they are; alone, 256 steps to one output step.
    largest = scales.max()
    fallback = largest if largest > 0 else output_scale.scale / input_scale.scale / 256
    return np.where(scales > 0, scales, fallback)


def _bias_operands(wanted: Reals, ratio: Reals) -> tuple[NDArray[np.int16], int]:
    """16-bit operands and the shortest left shift that all of them share."""
    low, high = signed_range(ALU_OPERAND)
    for shift_bits in range(LONGEST_BIAS_SHIFT_BITS + 1):
        operands = round_to_nearest(np.ldexp(wanted, -shift_bits))
        if operands.min() >= low and operands.max() <= high:
            return operands.astype(np.int16), shift_bits
    kernel = int(np.argmax(np.abs(wanted)))
    raise BenchError(
        f"kernel {kernel}: bias of {wanted[kernel]:.9g} accumulator steps does not fit a 16-bit operand shifted "
        f"left by {LONGEST_BIAS_SHIFT_BITS}, ratio {ratio[kernel]:.9g}"
    )


def _factor_error_lsb(relative_error: Reals, reach_lsb: Reals, zero_point: int) -> Reals:
    # Real result y, programmed y * (1 + e): both grow with y, so beyond an end of the output's range,
    # span away from zero, the clipped values differ by no more than at that end. Nor can |y| exceed what
    # weights and bias reach.
    span = max(Q_MAX - zero_point, zero_point - Q_MIN)
    return np.abs(relative_error) * np.minimum(span, reach_lsb)


class InputProgram(NamedTuple):
    """An input converter, the factor it stands for, and the largest error of a pixel in LSB."""

    converter: InputConverter
    ratio: float
    bound_lsb: float


def quantise_input(mean: Reals, scale: float, tensor: TensorScale) -> InputProgram:
    """Program the input converter for unsigned pixels: ``real = (pixel - mean) * scale``.

    Parameters
    ----------
    mean
        (C,) with 1 to 4 channels, in pixel steps. The mean registers hold integers.
    scale
        Real value of one pixel step; positive.
    tensor
        The calibration entry of the converted tensor.

    Raises
    ------
    BenchError
        When a mean or the ratio does not fit its register, or the scale is not positive and finite.
    """
    if not (np.isfinite(scale) and scale > 0):
        raise BenchError(f"layer {tensor.name}: pixel scale = {scale} must be positive and finite")
    if not 1 <= mean.size <= MEAN_CHANNELS:
        raise BenchError(f"layer {tensor.name}: mean has {mean.size} values, the hardware 1 to {MEAN_CHANNELS}")
    ratio = scale / tensor.scale
    try:
        factor = shared_shift_factor(np.array([ratio]), longest_shift_bits=CVT_PRODUCT - 1)
    except BenchError as error:
        raise BenchError(f"layer {tensor.name}: pixel {str(error).removeprefix('kernel 0: ')}") from None
    wanted = mean - tensor.offset / factor.reals
    means = round_to_nearest(wanted)
    low, high = signed_range(CVT_SCALE)
    for channel in np.flatnonzero(~((means >= low) & (means <= high)))[:1]:
        raise BenchError(f"layer {tensor.name}: mean {wanted[channel]:.9g} of channel {channel} does not fit 16 bits")
    converter = InputConverter(
        enabled=True,
        pixel=True,
        unsigned=True,
        scale=int(factor.multipliers[0]),
        truncate_bits=factor.shift_bits,
        mean=tuple(int(value) for value in means),
    )
    pixel_reach = np.maximum(np.abs(mean), np.abs(255 - mean)).max() * ratio
    relative_error = factor.reals / ratio - 1
    factor_error = _factor_error_lsb(relative_error, np.array([pixel_reach]), tensor.offset)
    mean_error = np.abs(means - wanted).max() * factor.reals
    return InputProgram(converter, ratio, float((0.5 + factor_error + mean_error)[0]))
