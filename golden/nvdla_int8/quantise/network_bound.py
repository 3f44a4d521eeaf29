"""A bound on the whole network's error, from each layer's own and what the layers behind make of it.

The network is compared with itself in real numbers, weights included, every tensor clipped to int8's range. Clipping,
ReLU and maxima bring no two values further apart; a sum of weighted inputs brings them apart by at most the sum of
the weights' magnitudes. That grows by a factor from layer to layer, so that only short networks have a bound that
says something.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from nvdla_int8.network.float_network import (
    AnyFloatLayer,
    FloatConcat,
    FloatConvolution,
    FloatElementwise,
    FloatLrn,
    FloatNetwork,
    FloatPooling,
)
from nvdla_int8.network.lrn_function import LrnFunction
from nvdla_int8.quantise.any_report import AnyReport, HostReport
from nvdla_int8.quantise.requantise_report import RequantiseReport
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN, Reals
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.tensor_scale import TensorScale

FURTHEST = float(Q_MAX - Q_MIN)
"""No two bytes are further apart."""

SUMS = 2.0**-30
"""What sums of up to some millions of magnitudes in float64 may be off, relatively."""


def tensor_bounds(
    network: FloatNetwork, scales: Mapping[str, TensorScale], reports: Sequence[AnyReport], input_bound_lsb: float
) -> dict[str, Reals]:
    """How far each tensor's bytes may be from the network in real numbers, on every input.

    Parameters
    ----------
    network
        The layers that were programmed.
    scales
        By tensor.
    reports
        Of each layer, in order.
    input_bound_lsb
        Error of the input's bytes.

    Returns
    -------
    dict
        (C,) in LSB by tensor, at most :data:`FURTHEST`; what a host operation makes, and all behind it, is missing.
    """
    bounds = {network.input: np.full(network.channels, input_bound_lsb)}
    for layer, report in zip(network.layers, reports, strict=True):
        if isinstance(report, HostReport) or any(name not in bounds for name in layer.inputs):
            continue
        steps = [scales[name].scale / scales[layer.output].scale for name in layer.inputs]
        own = report.bound_lsb
        if isinstance(report, RequantiseReport):
            own = own + report.weight_error_lsb
        handed_on = _handed_on(layer, [bounds[name] for name in layer.inputs], steps)
        bounds[layer.output] = np.minimum((handed_on + own) * (1 + SUMS), FURTHEST)
    return bounds


def _handed_on(layer: AnyFloatLayer, errors: list[Reals], steps: list[float]) -> Reals:
    """What a layer makes of its inputs' errors, in output steps: (C,) of the output."""
    first = errors[0]
    if isinstance(layer, FloatConvolution):
        groups = layer.geometry.groups
        # Kernel by kernel: fully connected layers are too large for a copy.
        magnitudes = np.stack([np.abs(kernel).sum(axis=(1, 2)) for kernel in layer.weights])
        of_groups = magnitudes.reshape(groups, -1, magnitudes.shape[1]) @ first.reshape(groups, -1, 1)
        error: Reals = of_groups.reshape(-1) * steps[0]
        if len(errors) > 1:
            error = error + abs(layer.addend_factor) * steps[1] * errors[1]
        return _activated(layer, error)
    if isinstance(layer, FloatElementwise):
        error = np.abs(layer.factors) * (steps[0] * first)
        if len(errors) > 1:
            other = abs(layer.addend_factor) * steps[1] * errors[1]
            error = error + other if layer.operation is AluAlgo.SUM else np.maximum(error, other)
        return _activated(layer, error)
    if isinstance(layer, FloatConcat):
        return np.concatenate(errors)
    if isinstance(layer, FloatLrn):
        furthest = first.max() * steps[0]
        return np.full_like(first, min(lrn_gain(layer.function) * furthest, FURTHEST) if furthest else 0.0)
    if isinstance(layer, FloatPooling):
        window = layer.program.window
        if window.method is PoolingMethod.AVERAGE and not layer.program.exclude_padding:
            return first * (window.kernel_h * layer.factor_h * window.kernel_w * layer.factor_w)
    return first


def _activated(layer: FloatConvolution | FloatElementwise, error: Reals) -> Reals:
    """What an activation leaves of an error: a PReLU of steep slopes makes it larger."""
    slopes = layer.activation.slopes
    return error if slopes is None else np.asarray(error * np.maximum(np.abs(slopes), 1.0), np.float64)


def lrn_gain(function: LrnFunction) -> float:
    """How much further apart LRN may bring two outputs than the furthest of the inputs in the window.

    With s the sum of squares, t = alpha / size * s and f = (bias + t)**-beta, the derivatives of x(c) * f add up in
    magnitude to at most f * (1 + 2 * |beta| * alpha / size * |x(c)| * sum |x| / (bias + t)); |x(c)| is at most
    sqrt(s), the sum at most sqrt(size * s), and t / (bias + t) below 1.
    """
    if function.beta < 0 < function.alpha:
        return math.inf  # the factor grows with the sum
    return float(function.bias**-function.beta * (1 + 2 * abs(function.beta) * math.sqrt(function.size)))
