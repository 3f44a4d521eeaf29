"""QuantizeLinear and DequantizeLinear: they say a tensor's scale and compute nothing."""

from dataclasses import replace

import numpy as np

from nvdla_int8.errors import BenchError
from nvdla_int8.network.draft import Draft
from nvdla_int8.network.float_network import FloatElementwise
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.network.view import View
from nvdla_int8.stages.tensor_scale import TensorScale

UNSIGNED = 128
"""What uint8 values are moved by to be int8."""


def read_quantise(node: Node, draft: Draft) -> None:
    """Give the tensor its scale; one that has another is brought to this one by a layer of SDP."""
    view = draft.view(node.inputs[0])
    scale = said_scale(node, view.tensor)
    if not _take(draft, view, scale):
        view = _rescaled(node, draft, scale)
    draft.rename(node.outputs[0], view)


def read_dequantise(node: Node, draft: Draft) -> None:
    """Give the tensor its scale, if nothing before has."""
    view = draft.view(node.inputs[0])
    scale = said_scale(node, view.tensor)
    if not _take(draft, view, scale):
        said = draft.tensors[view.tensor].scale
        assert said is not None
        raise BenchError(
            f"scale {scale.scale:.9g} and zero {scale.offset} of {node.inputs[0]!r}, which has {said.scale:.9g} and "
            f"{said.offset}"
        )
    tensor = draft.tensors[view.tensor]
    if tensor.order is view.order and node.outputs[0] in draft.graph.in_model:
        draft.int8_reals.setdefault(view.tensor, node.outputs[0])
    draft.rename(node.outputs[0], view)


def said_scale(node: Node, name: str) -> TensorScale:
    """Return the scale and zero point of a QuantizeLinear or DequantizeLinear node, as int8 has it.

    Raises
    ------
    BenchError
        For a scale a channel, or integers that are neither int8 nor uint8.
    """
    steps = node.real(1)
    zero = node.constant(2) if node.has_input(2) else np.zeros(1, np.uint8)
    if steps.size != 1 or zero.size != 1:
        raise BenchError(f"{steps.size} scales: SDP's output converter has one for all channels")
    if zero.dtype not in (np.int8, np.uint8):
        raise BenchError(f"its integers are {zero.dtype}, nv_small has int8")
    offset = int(zero.item()) - (UNSIGNED if zero.dtype == np.uint8 else 0)
    return TensorScale(name, float(steps.item()), offset)


def _take(draft: Draft, view: View, scale: TensorScale) -> bool:
    """Give a tensor a scale; False when it has another."""
    tensor = draft.tensors[view.tensor]
    if tensor.scale is None:
        draft.tensors[view.tensor] = replace(tensor, scale=scale)
        return True
    return _is_same(tensor.scale, scale)


def _is_same(one: TensorScale, other: TensorScale) -> bool:
    return (one.scale, one.offset) == (other.scale, other.offset)


def _rescaled(node: Node, draft: Draft, scale: TensorScale) -> View:
    """Add a layer that changes nothing but the scale."""
    view = draft.whole(node.inputs[0])
    name = node.outputs[0]
    channels = view.cube[0]
    layer = FloatElementwise(node.name, (view.tensor,), name, np.ones(channels), np.zeros(channels))
    made = view.of(name)
    draft.add_output(node, layer, made)
    draft.tensors[name] = replace(draft.tensors[name], scale=replace(scale, name=name))
    return made
