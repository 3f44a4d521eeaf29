"""Whether a layer of a compiled network may be a node of a network, and how alike they are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.loadable.descriptors import PdpOperation
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.network.float_network import (
    AnyFloatLayer,
    FloatConvolution,
    FloatElementwise,
    FloatHost,
    FloatPooling,
)
from nvdla_int8.network.merge import behind, swapped
from nvdla_int8.stages.sdp import AluAlgo

LARGEST_TEMPORARY = 2**22
"""Weights that are compared at once."""


def dense_weights(layer: FloatConvolution) -> NDArray[np.float64]:
    """The weights of a convolution as (K, C, R, S): 0 between groups."""
    kernels, taken = layer.weights.shape[:2]
    groups = layer.geometry.groups
    if groups == 1:
        return layer.weights
    dense = np.zeros((kernels, taken * groups, *layer.weights.shape[2:]))
    for group, rows in enumerate(np.split(np.arange(kernels), groups)):
        dense[rows, group * taken : (group + 1) * taken] = layer.weights[rows]
    return dense


def correlations(weights: NDArray[np.int8], reals: NDArray[np.float64]) -> NDArray[np.float64]:
    """How alike the weights of each kernel are, (K,): the cosine; NaN for a kernel of zeros.

    Channels that an image's pixels have beyond the network's are left out.
    """
    found = np.full(len(weights), np.nan)
    at_once = max(1, LARGEST_TEMPORARY // max(1, reals[0].size))
    for first in range(0, len(weights), at_once):
        kernels = slice(first, first + at_once)
        steps = weights[kernels, : reals.shape[1]].reshape(len(weights[kernels]), -1).astype(np.float64)
        other = reals[kernels].reshape(len(steps), -1)
        sizes = np.sqrt((steps**2).sum(axis=1) * (other**2).sum(axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            found[kernels] = (steps * other).sum(axis=1) / sizes
    return found


def is_copy(layer: LoadableLayer) -> bool:
    """Whether a layer of SDP writes what it reads: X1, X2 and the converter change nothing."""
    converter = layer.converter
    return (
        layer.convolution is None
        and converter is not None
        and layer.x1 is None
        and layer.x2 is None
        and (converter.scale, converter.shift_bits, converter.offset) == (1, 0, 0)
    )


def relus(layer: LoadableLayer) -> int:
    """Steps of a layer that are activations."""
    return sum(step is not None and (step.relu or step.prelu) for step in (layer.x1, layer.x2))


def activates(node: AnyFloatLayer) -> bool:
    """Whether a node is a ReLU or PReLU, or ends in one."""
    activation = node.activation if isinstance(node, FloatElementwise) else None
    return activation is not None and (activation.relu or activation.slopes is not None)


def is_sum(node: AnyFloatLayer) -> bool:
    """Whether a node takes two tensors, element by element."""
    return isinstance(node, FloatElementwise) and len(node.inputs) > 1


def does_all(layer: LoadableLayer, nodes: tuple[AnyFloatLayer, ...], addend: str | None) -> bool:
    """Whether a layer's activations and addend are all among its nodes."""
    if addend is not None and not any(map(is_sum, nodes)):
        return False
    return sum(map(activates, nodes)) == relus(layer)


def is_kernel_of(node: FloatConvolution, layer: LoadableLayer) -> bool:
    """Whether a layer's kernels, strides, dilations and padding are those of a node; an image has more channels."""
    assert layer.weights is not None
    geometry = layer.geometry
    assert geometry is not None
    kernels, taken, *kernel = node.weights.shape
    has_kernels, channels, *has_kernel = layer.weights.shape
    of_image = layer.input_converter is not None and layer.input_converter.pixel
    fits = channels >= taken if of_image else channels == taken * node.geometry.groups
    if (kernels, kernel) != (has_kernels, has_kernel) or not fits:
        return False
    fields = ("stride_y", "stride_x", "dilation_y", "dilation_x", "pad_top", "pad_left")
    names = [name for name in fields if not name.startswith("dilation") or max(kernel) > 1]
    return all(getattr(node.geometry, name) == getattr(geometry, name) for name in names)


def is_window_of(node: AnyFloatLayer, layer: LoadableLayer) -> bool:
    """Whether a node is pooling with a layer's windows."""
    operation = layer.operation.operation
    if not isinstance(node, FloatPooling) or not isinstance(operation, PdpOperation):
        return False
    window = node.program.window
    return (
        operation.pool_mode == window.method
        and (window.kernel_h, window.kernel_w) == (operation.pool_height + 1, operation.pool_width + 1)
        and (window.stride_y, window.stride_x) == (operation.stride_y, operation.stride_x)
    )


def likeness(layer: LoadableLayer, node: FloatConvolution) -> float:
    """The median cosine of kernels, of the first group's."""
    assert layer.weights is not None
    found = np.abs(correlations(layer.weights, dense_weights(node)))
    of_group = found[: max(1, len(found) // node.geometry.groups)]
    return float(np.nanmedian(of_group)) if np.isfinite(of_group).any() else 0.0


def kind_words(layer: LoadableLayer) -> str:
    """What a layer is, as far as that tells nodes apart."""
    shape = "x".join(map(str, layer.output_shape))
    if layer.weights is not None:
        kernels, channels, height, width = layer.weights.shape
        return f"a convolution of {kernels} kernels of {channels}x{height}x{width}"
    if layer.sdp is not None:
        addend = "a sum" if layer.addends else "a layer of SDP"
        return f"{addend} of {shape}"
    return f"{layer.operation.type.name} of {shape}"


def node_words(node: AnyFloatLayer) -> str:
    """What a node is, in the same words."""
    match node:
        case FloatConvolution():
            kernels, channels, height, width = node.weights.shape
            geometry = node.geometry
            channels *= geometry.groups
            stride = f", stride {geometry.stride_y}" if geometry.stride_y > 1 else ""
            return f"{node.name!r}, a convolution of {kernels} kernels of {channels}x{height}x{width}{stride}"
        case FloatPooling():
            window = node.program.window
            return f"{node.name!r}, {window.method.name.lower()} pooling of {window.kernel_h}x{window.kernel_w}"
        case FloatElementwise() if len(node.inputs) > 1:
            operation = "a sum" if node.operation is AluAlgo.SUM else node.operation.value
            return f"{node.name!r}, {operation} of {node.inputs[0]!r} and {node.inputs[1]!r}"
        case FloatElementwise() if activates(node):
            return f"{node.name!r}, an activation"
        case FloatElementwise():
            return f"{node.name!r}, a factor and a bias a channel"
        case FloatHost():
            return f"{node.name!r}, {node.operator}"
    return repr(node.name)


def as_one(nodes: Sequence[AnyFloatLayer], source: str) -> FloatConvolution | FloatElementwise | None:
    """Nodes in a row behind a tensor as one; None when there is none, or they have no weights or factors in common."""
    made: FloatConvolution | FloatElementwise | None = None
    for node in nodes:
        if isinstance(node, FloatElementwise):
            if len(node.inputs) > 1 and node.inputs[0] != source:
                node = swapped(node) or node
            made = node if made is None else behind(made, node)
        elif isinstance(node, FloatConvolution) and made is None:
            made = node
        else:
            return None
        if made is None:
            return None
        source = node.output
    return made


def adds_constant(layer: LoadableLayer) -> bool:
    """Whether X1 or X2 adds something that is the same for all elements of a channel."""
    return any(step is not None and bool(step.bias.any()) for step in (layer.x1, layer.x2))
