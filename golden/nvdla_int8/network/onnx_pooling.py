"""Pooling nodes of an ONNX graph as layers of PDP (pdp_cdp.md section 2), and LRN as one of CDP (section 6)."""

import math
from collections.abc import Sequence

import numpy as np

from nvdla_int8.errors import BenchError
from nvdla_int8.network.draft import Draft
from nvdla_int8.network.float_network import FloatConvolution, FloatLrn, FloatPooling
from nvdla_int8.network.lrn_function import LrnFunction
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.network.onnx_host import add_host
from nvdla_int8.network.onnx_windows import Windows, read_windows
from nvdla_int8.network.pooling_windows import NotInPdp, Place, one_value, pooling_layers
from nvdla_int8.network.view import View
from nvdla_int8.stages.pooling import PoolingMethod

MOST_KERNEL_OF_CONVOLUTION = 32
"""Rows and columns of a kernel in CSC's registers."""

ROUNDS_TWICE = "the network is quantised, and PDP rounds an average twice and does not change its scale"


def read_pooling(node: Node, draft: Draft) -> None:
    """MaxPool and AveragePool; of what PDP does not have, averages are convolutions, and the rest is the host's."""
    if any(draft.graph.is_used(name) for name in node.outputs[1:]):
        raise BenchError("its second output, the indices, is not supported")
    average = node.operator == "AveragePool"
    counted = bool(node.attribute("count_include_pad", 0))
    windows = read_windows(node, None, draft.view(node.inputs[0]).shape[2:])
    view, windows, counted = _with_zeros(node, draft, windows, average=average, counted=counted)
    ceil = bool(node.attribute("ceil_mode", 0))
    method = PoolingMethod.AVERAGE if average else PoolingMethod.MAX
    place = Place(node.name, view.tensor, node.outputs[0])
    size = view.cube[1:]
    of_whole_windows = (counted or not any(windows.pads)) and not ceil
    as_convolution = average and of_whole_windows and max(windows.kernel) <= MOST_KERNEL_OF_CONVOLUTION
    try:
        if as_convolution and draft.is_quantised(view):
            raise NotInPdp(ROUNDS_TWICE)
        layers = pooling_layers(place, method, windows, size, ceil=ceil, counted=counted)
    except NotInPdp as reason:
        if as_convolution:
            draft.notes.append(f"{node.name}: a convolution, because {reason}")
            layer = _average_of_each_channel(node, draft, view, windows)
            draft.add_output(node, layer, _of_size(view, layer.output, layer.output_size(*size)))
        else:
            draft.notes.append(f"{node.name}: on the host, because {reason}")
            add_host(node, draft)
        return
    _add_layers(node, draft, view, layers)


def read_global_pooling(node: Node, draft: Draft) -> None:
    """GlobalAveragePool, GlobalMaxPool, and ReduceMean and ReduceMax over height and width, wherever those axes are."""
    view = draft.whole(node.inputs[0])
    rank = len(view.shape)
    axes = list(range(2, rank))
    keep = True
    if node.operator.startswith("Reduce"):
        given = np.asarray(node.setting("axes", 1, range(rank)))
        axes, keep = sorted(int(axis) % rank for axis in given.reshape(-1)), bool(node.attribute("keepdims", 1))
    channels, height, width = view.cube
    others = [axis for axis in range(rank) if axis not in axes]
    planes = view.places.transpose(*others, *axes).reshape(-1, int(np.prod([view.shape[axis] for axis in axes])))
    first = np.sort(planes, axis=1)
    if 0 in axes or planes.shape != (channels, height * width) or (np.diff(first // (height * width), axis=1)).any():
        raise BenchError(f"axes = {axes} of {view.shape} are not height and width: PDP pools windows of those")
    method = PoolingMethod.AVERAGE if node.operator in ("GlobalAveragePool", "ReduceMean") else PoolingMethod.MAX
    place = Place(node.name, view.tensor, node.outputs[0])
    shape = tuple(1 if axis in axes else view.shape[axis] for axis in (range(rank) if keep else others))
    order = (first[:, 0] // (height * width)).reshape(shape)
    plain = (order.reshape(-1) == np.arange(channels)).all()
    made = View(node.outputs[0], (channels, 1, 1), shape, None if plain else order)
    as_convolution = method is PoolingMethod.AVERAGE and max(height, width) <= MOST_KERNEL_OF_CONVOLUTION
    if as_convolution and draft.is_quantised(view):
        draft.notes.append(f"{node.name}: a convolution, because {ROUNDS_TWICE}")
        draft.add_output(node, _average_of_each_channel(node, draft, view, Windows((height, width))), made)
        return
    try:
        layers = one_value(place, method, (height, width))
    except NotInPdp as reason:
        draft.notes.append(f"{node.name}: on the host, because {reason}")
        add_host(node, draft)
        return
    _add(node, draft, layers, made)


def read_lrn(node: Node, draft: Draft) -> None:
    """LRN over channels."""
    if node.attribute("size") is None:
        raise BenchError("size is missing")
    view = draft.plain(node.inputs[0])
    alpha, beta, bias = (float(node.attribute(name, default)) for name, default in _LRN_DEFAULTS.items())
    function = LrnFunction(int(node.attribute("size")), alpha, beta, bias)
    layer = FloatLrn(node.name, function, (view.tensor,), node.outputs[0])
    draft.add_output(node, layer, view.of(layer.output))


_LRN_DEFAULTS = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0}


def _with_zeros(
    node: Node, draft: Draft, windows: Windows, *, average: bool, counted: bool
) -> tuple[View, Windows, bool]:
    """The input without the zeros that a Pad put around it, where the layer's own padding can stand for them."""
    name = node.inputs[0]
    view, planes = draft.planes(name)
    in_order = np.array_equal(planes.channels, np.arange(view.cube[0]))
    if average:  # all of the padding counts, or none
        as_padding = counted or not any(windows.pads)
    else:  # padding takes no part in a maximum, where a zero is nothing new among values that are not negative
        as_padding = draft.is_not_negative(view.tensor) and all(
            zeros + own < kernel
            for zeros, own, kernel in zip(planes.pads, windows.pads, windows.kernel * 2, strict=True)
        )
    if not any(planes.pads) or not in_order or not as_padding or node.attribute("ceil_mode", 0):
        return draft.plain(name), windows, counted
    return view, windows.with_zeros(planes.pads), True


def _average_of_each_channel(node: Node, draft: Draft, view: View, windows: Windows) -> FloatConvolution:
    """An average as a convolution of each channel by itself; of a quantised network by the integer 1."""
    channels, factor = view.cube[0], 1 / math.prod(windows.kernel)
    return FloatConvolution(
        node.name,
        (view.tensor,),
        node.outputs[0],
        np.full((channels, 1, *windows.kernel), factor),
        np.zeros(channels),
        windows.geometry(groups=channels),
        weight_scale=np.array([factor]) if draft.is_quantised(view) else None,
    )


def _add_layers(node: Node, draft: Draft, view: View, layers: Sequence[FloatPooling]) -> None:
    size = view.cube[1:]
    for layer in layers:
        size = layer.output_size(*size)
    _add(node, draft, layers, _of_size(view, node.outputs[0], size))


def _add(node: Node, draft: Draft, layers: Sequence[FloatPooling], view: View) -> None:
    """Take on layers that do a node's work together; what they hand on between them is no tensor of the graph."""
    *before, last = layers
    for layer in before:
        source = draft.tensors[layer.inputs[0]].shape
        draft.add(layer, (source[0], *layer.output_size(*source[1:])), measured=False)
    if before:
        draft.notes.append(f"{node.name}: {len(layers)} layers, because PDP's windows have up to 8 rows and columns")
    draft.add_output(node, last, view)


def _of_size(view: View, tensor: str, size: tuple[int, int]) -> View:
    """A plain view of as many channels, with as many axes, of another size."""
    cube = view.cube[0], *size
    return View(tensor, cube, (1, view.cube[0], *size[4 - len(view.shape) :]))
