"""One layer's real numbers to its converters' program, with a proven bound on the error (hardware.md section 7).

The INT8 output of a layer is ``acc * Si * Sw[k] / So``: an accumulator counts in steps of
``Si * Sw[k]``, an output byte in steps of ``So``. The factor goes, per tensor, into the output
converter, or, per kernel, into X1's multiplier stream. The bias goes into X1's ALU.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.factor import factor_error_lsb, shared_shift_factor
from nvdla_int8.quantise.rounding import Q_MIN, Reals, round_to_nearest
from nvdla_int8.quantise.weights import quantise_weights
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import ACC_OUT, ALU_OPERAND, MUL_PRODUCT, OUT_OFFSET

LONGEST_BIAS_SHIFT_BITS = ACC_OUT - ALU_OPERAND
"""Longest left shift at which every 16-bit bias operand still fits 32 bits."""


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
        0.5 + bias_error_lsb + factor_error_lsb(relative_error, reach_lsb, output_scale.offset),
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
