"""Nodes that move elements and compute nothing: they become views of what is there."""

import numpy as np
import onnx
from onnx import numpy_helper

from nvdla_int8.errors import BenchError
from nvdla_int8.network.draft import Draft
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.network.onnx_input import type_name
from nvdla_int8.network.onnx_model import run_alone
from nvdla_int8.network.view import NOWHERE, Places
from nvdla_int8.stages.convolution import LARGEST_CUBE


def read_rename(node: Node, draft: Draft) -> None:
    """Identity, Dropout and Cast of real numbers: their output is their input."""
    if any(draft.graph.is_used(output) for output in node.outputs[1:]):
        raise BenchError("its second output, the mask, is not supported")
    if node.operator == "Dropout" and node.has_input(2) and node.constant(2).any():
        raise BenchError("it is in training mode")
    if node.operator == "Cast" and node.attribute("to") != onnx.TensorProto.FLOAT:
        raise BenchError(f"a cast to {type_name(node.attribute('to'))} is not supported")
    draft.rename(node.outputs[0], draft.view(node.inputs[0]))


def read_move(node: Node, draft: Draft) -> None:
    """Transpose, Reshape, Flatten, Squeeze, Unsqueeze, Slice, Split, Gather: carried out on the elements' places."""
    view = draft.view(node.inputs[0])
    for name, places in zip(filter(None, node.outputs), _carry_out(node, draft, view.places), strict=True):
        if places.ndim < 2 or places.shape[0] != 1:
            raise BenchError(f"its result of one image has shape {places.shape}, the image's axis must stay the first")
        draft.rename(name, view.moved(places))


def read_pad(node: Node, draft: Draft) -> None:
    """Zeros around an image or behind its channels: the nodes behind it take them on."""
    mode, value = node.attribute("mode", "constant"), np.asarray(node.setting("value", 2, 0.0)).reshape(-1)
    if mode != "constant" or value.any():
        what = f"mode = {mode}" if mode != "constant" else f"padding with {value[0]:g}"
        raise BenchError(f"{what} is not supported: CDMA pads with one value, that of real 0")
    pads = [int(one) for one in np.asarray(node.setting("pads", 1, ())).reshape(-1)]
    view = draft.view(node.inputs[0])
    rank = len(view.shape)
    axes = [int(axis) % rank for axis in node.constant(3)] if node.has_input(3) else list(range(rank))
    if len(pads) != 2 * len(axes):
        raise BenchError(f"pads = {pads}, it takes {2 * len(axes)}")
    widths = np.zeros((rank, 2), np.int64)
    widths[axes] = np.reshape(pads, (2, -1)).T
    if widths.min() < 0:
        raise BenchError(f"pads = {pads}: negative ones, which cut off, are not supported")
    if widths.max() > LARGEST_CUBE:
        raise BenchError(f"pads = {pads}: nv_small's tensors have up to {LARGEST_CUBE} rows and columns")
    if widths[0].any():
        raise BenchError(f"pads = {pads}: it pads the images' axis")
    places = np.pad(view.places, [(int(before), int(after)) for before, after in widths], constant_values=NOWHERE)
    draft.rename(node.outputs[0], view.moved(places))


def _carry_out(node: Node, draft: Draft, places: Places) -> list[Places]:
    """Run the node itself on the elements' places."""
    value = onnx.helper.make_tensor_value_info
    given = [name for name in node.inputs[1:] if name]
    for index, name in enumerate(node.inputs[1:], 1):
        if name:
            node.constant(index)
    graph = onnx.helper.make_graph(
        [node.proto],
        "move",
        [value(node.inputs[0], onnx.TensorProto.INT64, places.shape)],
        [value(name, onnx.TensorProto.INT64, None) for name in node.outputs if name],
        [numpy_helper.from_array(draft.graph.constants[name], name) for name in given],
    )
    return [np.asarray(one, np.int64) for one in run_alone(graph, draft.graph.opset, places)]
