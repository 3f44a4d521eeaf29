"""A layer of SDP alone in real numbers to its program, with a proven bound on the error (hardware.md section 2)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatElementwise
from nvdla_int8.quantise.certificate import bound_lsb
from nvdla_int8.quantise.exact_layer import ExactLayer
from nvdla_int8.quantise.layer import GAIN_LSB, activation_slopes, check_activation, exact_addend
from nvdla_int8.quantise.output_reach import output_misfit
from nvdla_int8.quantise.requantise_report import RequantiseReport, requantise_report
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN, Reals
from nvdla_int8.quantise.sdp_candidates import (
    addend_program,
    addend_step,
    fine_step_bits,
    one_multiplier_program,
    two_multiplier_program,
)
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.stages.tensor_scale import TensorScale


class QuantisedElementwise(NamedTuple):
    """A program and how exact it is."""

    program: SdpProgram
    report: RequantiseReport


def quantise_elementwise(
    layer: FloatElementwise,
    input_scale: TensorScale,
    output_scale: TensorScale,
    *,
    addend_scale: TensorScale | None = None,
) -> QuantisedElementwise:
    """Program a layer of SDP alone from its real factors and the scales of its inputs and output.

    Parameters
    ----------
    layer
        Its factors may have either sign, and be 0.
    input_scale, output_scale
        Calibration entries.
    addend_scale
        That of the second input, exactly when there is one.

    Raises
    ------
    BenchError
        When a number cannot be represented, or the hardware has no such layer; the line names layer and channel.
    """
    with located(f"layer {layer.name}"), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        check_activation(layer.activation, output_scale)
        exact = _exact(layer, input_scale, output_scale, addend_scale)
        program = _program(layer.name, exact).model_copy(
            update={"input_scale": input_scale, "addend_scale": addend_scale, "output_scale": output_scale}
        )
        report = requantise_report(
            program, exact, np.asarray(layer.factors, np.float64), raised=np.zeros(len(exact.ratio), np.bool_),
            weight_error_lsb=np.zeros(len(exact.ratio)), misfit=_misfit(exact, layer, input_scale, output_scale),
        )  # fmt: skip
        return QuantisedElementwise(program, report)


def _program(name: str, exact: ExactLayer) -> SdpProgram:
    if exact.addend is not None:
        return addend_program(name, exact, addend_step(exact), streamed=False)
    passing_lsb = 0.0 if exact.slopes is None else float(exact.reach_lsb.max())
    split = two_multiplier_program(name, exact, fine_step_bits(exact.ratio, passing_lsb=passing_lsb), streamed=False)
    if exact.slopes is not None:
        return split
    try:
        plain = one_multiplier_program(name, exact, per_kernel=True, streamed=False)
        error_lsb = bound_lsb(plain, exact)
    except BenchError:
        return split
    if error_lsb.max() <= 0.5 + GAIN_LSB:
        return plain
    return split if (error_lsb - bound_lsb(split, exact)).max() > GAIN_LSB else plain


def _exact(
    layer: FloatElementwise, input_scale: TensorScale, output_scale: TensorScale, addend_scale: TensorScale | None
) -> ExactLayer:
    factors, bias = _checked("factors", layer.factors), _checked("bias", layer.bias)
    if len(factors) != len(bias):
        raise BenchError(f"{len(factors)} factors and {len(bias)} biases")
    ratio = input_scale.scale * factors / output_scale.scale
    addend = None
    if addend_scale is not None:
        addend = exact_addend(addend_scale, layer.addend_factor, output_scale, layer.operation)
    bias_lsb, zero_points_lsb = bias / output_scale.scale, input_scale.offset * ratio
    return ExactLayer(
        ratio=ratio,
        bias_lsb=bias_lsb - zero_points_lsb,
        least=np.full(len(ratio), float(Q_MIN)),
        most=np.full(len(ratio), float(Q_MAX)),
        stride=np.ones(len(ratio)),
        zero_point=output_scale.offset,
        relu=layer.activation.relu,
        slopes=activation_slopes(layer.activation, len(ratio)),
        addend=addend,
        magnitude_lsb=np.abs(bias_lsb) + np.abs(zero_points_lsb),
    )


def _misfit(
    exact: ExactLayer, layer: FloatElementwise, input_scale: TensorScale, output_scale: TensorScale
) -> str | None:
    """As of a convolution whose only weights are the signs of the factors; a maximum or minimum is let through."""
    if exact.addend is not None and exact.addend.operation is not AluAlgo.SUM:
        return None
    signs = np.sign(exact.ratio).astype(np.int8).reshape(-1, 1, 1, 1)
    bias_lsb = np.asarray(layer.bias, np.float64) / output_scale.scale
    return output_misfit(
        signs, np.abs(exact.ratio), bias_lsb, input_scale, output_scale, relu=exact.relu, addend_lsb=exact.addend_lsb
    )


def _checked(what: str, values: NDArray[np.floating]) -> Reals:
    reals = np.asarray(values, np.float64)
    if reals.ndim != 1 or not reals.size:
        raise BenchError(f"{what} have shape {reals.shape}, it takes (C,)")
    for channel in np.flatnonzero(~np.isfinite(reals))[:1]:
        raise BenchError(f"channel {channel}: {what} hold {reals[channel]}")
    return reals
