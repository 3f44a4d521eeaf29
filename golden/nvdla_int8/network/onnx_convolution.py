"""Conv, Gemm and MatMul of an ONNX graph as convolutions of the hardware."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.network.draft import Draft, Elsewhere
from nvdla_int8.network.float_network import FloatConvolution
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.network.onnx_windows import read_windows
from nvdla_int8.network.view import NOWHERE, Planes, View

Reals = NDArray[np.float64]


def read_conv(node: Node, draft: Draft) -> None:
    """Conv, of images or lines, in groups or not; zeros of a Pad before it become its own."""
    view, planes = draft.planes(node.inputs[0])
    weights, kept = _weights(node, 1), node.kept_scale(1, 0)
    groups = int(node.attribute("group", 1))
    if weights.ndim != len(view.shape):
        raise BenchError(f"weights {node.inputs[1]!r} have shape {weights.shape}, its input has {view.shape}")
    line = weights.ndim == 3
    windows = read_windows(node, weights.shape[2:], view.shape[2:])
    if line:
        weights = weights[:, :, None]
    kernels, taken = weights.shape[:2]
    if groups < 1 or kernels % groups or taken * groups != planes.channels.size:
        raise BenchError(
            f"{node.inputs[1]!r} has shape {weights.shape} with group = {groups}, for {taken * groups} channels; "
            f"{node.inputs[0]!r} has {planes.channels.size}"
        )
    if not np.array_equal(planes.channels, np.arange(view.cube[0])):
        weights, groups = _with_channels(weights, groups, planes, view.cube[0]), 1
        draft.notes.append(f"{node.name}: its weights are brought into the order of the channels of {view.tensor!r}")
    geometry = windows.with_zeros(planes.pads).geometry(groups)
    height, width = geometry.output_size(*view.cube[1:], *weights.shape[2:])
    bias = _bias(node, 2, kernels)
    layer = FloatConvolution(node.name, (view.tensor,), node.outputs[0], weights, bias, geometry, weight_scale=kept)
    shape = (1, kernels, width) if line else (1, kernels, height, width)
    draft.add_output(node, layer, View(layer.output, (kernels, height, width), shape))


def read_gemm(node: Node, draft: Draft) -> None:
    """Gemm with constant weights: a convolution over the whole of its input."""
    if node.attribute("transA", 0):
        raise BenchError("transA = 1 is not supported")
    weights = _weights(node, 1)
    if weights.ndim != 2:
        raise BenchError(f"weights {node.inputs[1]!r} have shape {weights.shape}, it takes two axes")
    transposed = bool(node.attribute("transB", 0))
    kept, alpha = node.kept_scale(1, 0 if transposed else 1), float(node.attribute("alpha", 1.0))
    weights = (weights if transposed else weights.T) * alpha
    if kept is not None:
        kept = kept * alpha if alpha > 0 else None
    bias = np.zeros(len(weights))
    if node.has_input(2):
        given = node.real(2)
        if given.size not in (1, len(weights)) or given.shape[:-1] not in ((), (1,)):
            raise BenchError(f"bias {node.inputs[2]!r} has shape {given.shape}, it takes ({len(weights)},)")
        bias = np.broadcast_to(given.reshape(-1), bias.shape) * float(node.attribute("beta", 1.0))
    _linear(node, draft, weights, bias, kept)


def read_matmul(node: Node, draft: Draft) -> None:
    """MatMul with constant weights on its right: a convolution over all of a flat input, or 1x1 over channels."""
    if node.is_constant(0):
        raise BenchError("its constant is on the left; only x @ weights is a convolution")
    if not node.is_constant(1):
        raise BenchError("both inputs are tensors: the MACs take weights that are packed before the network runs")
    weights = _weights(node, 1)
    if weights.ndim != 2:
        raise BenchError(f"weights {node.inputs[1]!r} have shape {weights.shape}, it takes two axes")
    _linear(node, draft, weights.T, np.zeros(weights.shape[1]), node.kept_scale(1, 1))


def _linear(node: Node, draft: Draft, weights: Reals, bias: Reals, kept: Reals | None) -> None:
    """Add a convolution for (K, F) weights on the last axis of the input."""
    view = draft.view(node.inputs[0])
    kernels, features = weights.shape
    if view.shape[-1] != features:
        raise BenchError(f"{node.inputs[1]!r} is for {features} features, {node.inputs[0]!r} has shape {view.shape}")
    rows = view.places.reshape(-1, features)
    channels, height, width = view.cube
    if len(rows) == 1:
        whole = _at_places(weights, view, channels * height * width).reshape(kernels, channels, height, width)
        layer = FloatConvolution(node.name, (view.tensor,), node.outputs[0], whole, bias, weight_scale=kept)
        draft.add_output(node, layer, View(layer.output, (kernels, 1, 1), (*view.shape[:-1], kernels)))
        return
    plane = height * width
    pixels = rows[:, 0] % plane
    order = rows[0] // plane
    if not view.is_whole or (rows != pixels[:, None] + order * plane).any():
        raise Elsewhere(
            f"the last axis of {node.inputs[0]!r}, {view.shape}, is not that of channels: (C, H, W) = {view.cube}"
        )
    at_order = np.zeros((kernels, channels))
    at_order[:, order] = weights
    layer = FloatConvolution(
        node.name, (view.tensor,), node.outputs[0], at_order[:, :, None, None], bias, weight_scale=kept
    )
    places = (pixels[:, None] + np.arange(kernels) * plane).reshape(*view.shape[:-1], kernels)
    draft.add_output(node, layer, View(layer.output, (kernels, height, width), places.shape, places))


def _at_places(weights: Reals, view: View, size: int) -> Reals:
    """(K, F) weights of a view's elements as (K, size) of the hardware's tensor."""
    if view.order is None:
        return weights
    places = view.order.reshape(-1)
    taken = places != NOWHERE
    cube = np.zeros((size, len(weights)))
    if np.unique(places[taken]).size == np.count_nonzero(taken):
        cube[places[taken]] = weights.T[taken]
    else:  # an element may be there twice
        np.add.at(cube, places[taken], weights.T[taken])
    return cube.T


def _weights(node: Node, index: int) -> Reals:
    weights = node.real(index)
    if weights.size == 0:
        raise BenchError(f"weights {node.inputs[index]!r} have shape {weights.shape}, none of them may be 0")
    return weights


def _bias(node: Node, index: int, kernels: int) -> Reals:
    if not node.has_input(index):
        return np.zeros(kernels)
    bias = node.real(index)
    if bias.shape != (kernels,):
        raise BenchError(f"bias {node.inputs[index]!r} has shape {bias.shape}, {kernels} kernels take ({kernels},)")
    return bias


def _with_channels(weights: Reals, groups: int, planes: Planes, channels: int) -> Reals:
    """(K, C, R, S) for all channels of a tensor, from weights for some of its planes, in groups or not."""
    kernels, taken, *kernel = weights.shape
    dense = np.zeros((kernels, channels, *kernel))
    in_group = kernels // groups
    for group in range(groups):
        for place in range(taken):
            channel = planes.channels[group * taken + place]
            if channel != NOWHERE:
                of_group = slice(group * in_group, (group + 1) * in_group)
                dense[of_group, channel] += weights[of_group, place]
    return dense
