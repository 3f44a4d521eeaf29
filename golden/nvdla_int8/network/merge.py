"""Two real-valued layers as one that computes the same, where there is one."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.network.float_network import Activation, AnyFloatLayer, FloatConvolution, FloatElementwise
from nvdla_int8.stages.sdp import AluAlgo

Reals = NDArray[np.float64]


def changes_nothing(activation: Activation) -> bool:
    """Whether every value stays as it is."""
    return not activation.relu and activation.slopes is None and activation.most is None


def swapped(layer: FloatElementwise) -> FloatElementwise | None:
    """The same sum with its two tensors changing places; None when it has one, or the first one's factors differ."""
    if len(layer.inputs) < 2 or layer.operation is not AluAlgo.SUM or (layer.factors != layer.factors[0]).any():
        return None
    return replace(
        layer,
        inputs=layer.inputs[::-1],
        factors=np.full_like(layer.factors, layer.addend_factor),
        addend_factor=float(layer.factors[0]),
    )


def behind(
    first: FloatConvolution | FloatElementwise, layer: FloatElementwise
) -> FloatConvolution | FloatElementwise | None:
    """``first`` and the layer that reads it as one with ``first``'s name; None when SDP has no such layer."""
    merged = _scaled(first, layer.factors, layer.bias)
    if merged is None:
        return None
    if len(layer.inputs) > 1:
        if len(merged.inputs) > 1 or not changes_nothing(merged.activation):
            return None
        inputs = (*merged.inputs, layer.inputs[1])
        if isinstance(merged, FloatElementwise):
            merged = replace(merged, inputs=inputs, operation=layer.operation, addend_factor=layer.addend_factor)
        elif layer.operation is AluAlgo.SUM:
            merged = replace(merged, inputs=inputs, addend_factor=layer.addend_factor)
        else:
            return None
    activation = _both(merged.activation, layer.activation)
    if activation is None or (len(merged.inputs) > 1 and activation.slopes is not None and activation.slopes.size > 1):
        return None  # slopes a kernel and an addend would both take X2's memory operand
    return _not_subtracting(replace(merged, activation=activation, output=layer.output))


def _not_subtracting(
    layer: FloatConvolution | FloatElementwise,
) -> FloatConvolution | FloatElementwise | None:
    """The layer as X2 can do it, which adds before its activation; None when the other tensor would be subtracted."""
    if len(layer.inputs) < 2 or layer.addend_factor > 0 or changes_nothing(layer.activation):
        return layer
    turned = swapped(layer) if isinstance(layer, FloatElementwise) else None
    return turned if turned is not None and turned.addend_factor > 0 else None


def with_input_changed(reader: AnyFloatLayer, layer: FloatElementwise) -> FloatConvolution | None:
    """Return a convolution that reads the layer's input and does its factors and bias itself.

    None for what is no convolution, or one whose padding would need the bias too, or whose integers are kept.
    """
    if not isinstance(reader, FloatConvolution) or reader.weight_scale is not None or layer.output in reader.inputs[1:]:
        return None
    geometry = reader.geometry
    padded = geometry.pad_top or geometry.pad_left or geometry.pad_bottom or geometry.pad_right
    if padded and layer.bias.any():
        return None
    kernels, taken = reader.weights.shape[:2]
    factors, bias = (
        np.repeat(values.reshape(geometry.groups, taken), kernels // geometry.groups, axis=0)
        for values in (layer.factors, layer.bias)
    )
    added = (reader.weights.sum(axis=(2, 3)) * bias).sum(axis=1)
    return replace(
        reader,
        inputs=(layer.inputs[0], *reader.inputs[1:]),
        weights=reader.weights * factors[:, :, None, None],
        bias=reader.bias + added,
    )


def _scaled(
    layer: FloatConvolution | FloatElementwise, factors: Reals, bias: Reals
) -> FloatConvolution | FloatElementwise | None:
    """The layer with a factor and a bias a channel on its output."""
    if (factors == 1).all() and not bias.any():
        return layer
    activation, uniform = layer.activation, bool((factors == factors[0]).all())
    if not changes_nothing(activation):
        if bias.any() or (factors <= 0).any() or (activation.most is not None and not uniform):
            return None
        if activation.most is not None:
            activation = replace(activation, most=activation.most * float(factors[0]))
    addend_factor = layer.addend_factor
    if len(layer.inputs) > 1:
        if not uniform or (isinstance(layer, FloatElementwise) and layer.operation is not AluAlgo.SUM):
            return None
        addend_factor *= float(factors[0])
    if isinstance(layer, FloatConvolution) and layer.weight_scale is not None and (factors != 1).any():
        return None
    changed = replace(layer, bias=layer.bias * factors + bias, addend_factor=addend_factor, activation=activation)
    if isinstance(changed, FloatElementwise):
        return replace(changed, factors=changed.factors * factors)
    return replace(changed, weights=changed.weights * factors[:, None, None, None])


def _both(first: Activation, second: Activation) -> Activation | None:
    """One activation for two, one behind the other; None when there is none."""
    if changes_nothing(first):
        return second
    if second.slopes is not None:
        return first if first.relu else None  # nothing is negative behind a ReLU
    if first.slopes is not None and (second.relu and (first.slopes < 0).any()):
        return None
    if first.most is not None and first.most < 0:
        return None
    slopes = None if second.relu else first.slopes
    most = min((one.most for one in (first, second) if one.most is not None), default=None)
    return Activation(first.relu or second.relu, slopes, most)
