"""One layer's real numbers to its converters' program, with a proven bound on the error (hardware.md section 7).

The INT8 output of a layer is ``acc * Si * Sw[k] / So``: an accumulator counts in steps of
``Si * Sw[k]``, an output byte in steps of ``So``. The factor goes, per tensor, into the output
converter, or, per kernel, into X1's multiplier stream. The bias goes into X1's ALU.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.quantise.dying_kernels import LONGEST_BIAS_SHIFT_BITS, LONGEST_SHIFT_BITS, representable_ratio
from nvdla_int8.quantise.factor import Factor, factor_error_lsb, shared_shift_factor
from nvdla_int8.quantise.output_reach import output_misfit
from nvdla_int8.quantise.rounding import ARITHMETIC, Q_MAX, Q_MIN, Reals, round_to_nearest
from nvdla_int8.quantise.weights import checked_weights, kept_weights, quantise_weights, symmetric_scales
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import ACC_OUT, ALU_OPERAND


@dataclass(frozen=True)
class RequantiseReport:
    """How well a layer's integers stand for its real numbers; arrays are (K,), float64 unless said.

    Attributes
    ----------
    ratio
        The exact Si * Sw[k] / So.
    weight_scale
        Sw[k].
    raised
        bool: the kernel is too small for the layer's integers, and its weight scale was raised
        (:mod:`nvdla_int8.quantise.dying_kernels`).
    relative_error
        (programmed factor - ratio) / ratio.
    bias_error_lsb
        Error of bias and zero points in output steps.
    weight_error_lsb
        How far the result on the quantised weights may be from that on the real ones, in output steps:
        every weight's error, all of one sign, at the ends of the input's range.
    bound_lsb
        No output byte is further than this from the real result on the quantised input and
        weights, both clipped to int8: 0.5 for the last rounding, the factor's error at the end of
        the output's range, and the bias's error.
    misfit
        What is wrong between the layer and the table's range of its output, for a warning; None when they fit.
    """

    layer: str
    ratio: Reals
    weight_scale: Reals
    raised: NDArray[np.bool_]
    relative_error: Reals
    bias_error_lsb: Reals
    weight_error_lsb: Reals
    bound_lsb: Reals
    misfit: str | None


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
    weight_scale: float | Reals | None = None,
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
    weight_scale
        Of weights that are integers already, as of a network trained in integers: one, or (K,). They are
        kept as they are. By default the largest weight of each kernel, or of all, becomes 127.
    input_converter
        What turns memory bytes into the input's int8; by default the bytes are int8 already.

    Raises
    ------
    BenchError
        When a number cannot be represented; the line names layer, kernel and ratio.
    """
    with located(f"layer {name}"), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        # What is not finite is refused where it is used.
        reals = checked_weights(weights)
        bias_reals = _checked_bias(bias, len(reals))
        if weight_scale is None:
            steps, scales, raised = _quantised_weights(reals, bias_reals, input_scale, output_scale, per_kernel)
        else:
            steps, scales = kept_weights(reals, weight_scale)
            raised = np.zeros(len(reals), np.bool_)
            if not per_kernel and np.ptp(scales) != 0:
                raise BenchError(f"{len(scales)} weight scales differ, per tensor there is one")
        ratio = input_scale.scale * scales / output_scale.scale
        factor = shared_shift_factor(ratio if per_kernel else ratio[:1], longest_shift_bits=LONGEST_SHIFT_BITS)
        zero_points = input_scale.offset * steps.sum(axis=(1, 2, 3), dtype=np.int64)
        wanted_bias = bias_reals / (input_scale.scale * scales) - zero_points
        operands, bias_shift_bits = _bias_operands(wanted_bias, ratio)
        program = LayerProgram(
            name=name,
            geometry=(geometry or ConvGeometry()).model_copy(update={"pad_value": input_scale.offset}),
            input_converter=input_converter or InputConverter(),
            x1=XStage(
                bypass=False,
                alu_bypass=False,
                alu_algo=AluAlgo.SUM,
                alu_source=Source.MEM,
                alu_shift_bits=bias_shift_bits,
                mul_bypass=not per_kernel,
                mul_source=Source.MEM if per_kernel else Source.REG,
                mul_shift_bits=factor.shift_bits if per_kernel else 0,
                relu=relu,
            ),
            output_converter=_output_converter(factor, ratio, output_scale.offset, per_kernel),
            input_scale=input_scale,
            output_scale=output_scale,
            weights=steps,
            x1_alu=operands,
            x1_mul=factor.multipliers if per_kernel else None,
        )
        programmed_bias = np.ldexp(operands.astype(np.float64), bias_shift_bits)
        reach = np.abs(steps.astype(np.int64)).sum(axis=(1, 2, 3)) * -Q_MIN
        _check_accumulators(reach + np.abs(programmed_bias), ratio)

    relative_error = factor.reals / ratio - 1
    zero_point_error = 0.0 if per_kernel else -program.output_converter.offset * factor.reals - output_scale.offset
    bias_error_lsb = np.abs((programmed_bias - wanted_bias) * factor.reals) + np.abs(zero_point_error)
    factor_error = factor_error_lsb(relative_error, (reach + np.abs(wanted_bias)) * ratio, output_scale.offset)
    largest_term = (reach + np.abs(wanted_bias + zero_points) + np.abs(zero_points)) * ratio - 2 * Q_MIN
    input_reach = max(Q_MAX - input_scale.offset, input_scale.offset - Q_MIN)
    weight_error = np.abs(reals - steps * scales[:, None, None, None]).sum(axis=(1, 2, 3))
    report = RequantiseReport(
        layer=name,
        ratio=ratio,
        weight_scale=scales,
        raised=raised,
        relative_error=relative_error,
        bias_error_lsb=bias_error_lsb,
        weight_error_lsb=weight_error * input_reach * input_scale.scale / output_scale.scale,
        bound_lsb=0.5 + bias_error_lsb + factor_error + ARITHMETIC * largest_term,
        misfit=output_misfit(steps, ratio, bias_reals / output_scale.scale, input_scale, output_scale, relu=relu),
    )
    return QuantisedLayer(program, report)


def _checked_bias(bias: NDArray[np.floating], kernels: int) -> Reals:
    reals = np.asarray(bias, np.float64)
    if reals.shape != (kernels,):
        raise BenchError(f"bias has shape {reals.shape}, {kernels} kernels take ({kernels},)")
    for kernel in np.flatnonzero(~np.isfinite(reals))[:1]:
        raise BenchError(f"kernel {kernel}: bias {reals[kernel]} is not finite")
    return reals


def _quantised_weights(
    weights: Reals, bias: Reals, input_scale: TensorScale, output_scale: TensorScale, per_kernel: bool
) -> tuple[NDArray[np.int8], Reals, NDArray[np.bool_]]:
    """Weights in steps, each kernel's scale, and which scales were raised."""
    natural = symmetric_scales(weights, per_kernel=per_kernel)
    bias_lsb = np.abs(bias) / output_scale.scale
    if not per_kernel:
        bias_lsb = np.full_like(bias_lsb, bias_lsb.max())
    ratio = input_scale.scale * natural / output_scale.scale
    wanted = representable_ratio(ratio, bias_lsb, weights[0].size)
    moved = wanted != ratio
    with np.errstate(over="ignore"):
        scales = np.where(moved, wanted * output_scale.scale / input_scale.scale, natural)
    for kernel in np.flatnonzero(~np.isfinite(scales))[:1]:
        raise BenchError(f"kernel {kernel}: ratio {ratio[kernel]:.9g} has no multiplier at any weight scale")
    return quantise_weights(weights, scales), scales, moved & (natural > 0)


def _output_converter(factor: Factor, ratio: Reals, zero_point: int, per_kernel: bool) -> OutputConverter:
    if per_kernel:
        return OutputConverter(offset=-zero_point)
    with located(f"kernel 0: ratio {ratio[0]:.9g}"):
        offset = factor.offset_for(zero_point)
    return OutputConverter(offset=offset, scale=int(factor.multipliers[0]), shift_bits=factor.shift_bits)


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


def _check_accumulators(sums: Reals, ratio: Reals) -> None:
    for kernel in np.flatnonzero(sums > signed_range(ACC_OUT)[1])[:1]:
        raise BenchError(
            f"kernel {kernel}: accumulators with bias up to {sums[kernel]:.0f} do not fit {ACC_OUT} bits, "
            f"ratio {ratio[kernel]:.9g}"
        )
