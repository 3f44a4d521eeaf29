"""Nodes that the host carries out in float: what stands behind the hardware's last layers, and a few between them."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from nvdla_int8.network.draft import Draft, cube_of
from nvdla_int8.network.float_network import FloatHost, FloatTensor
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.network.onnx_model import IR_VERSION
from nvdla_int8.network.view import View

IN_GRAPH = "{} (in the graph)"
"""What a host operation's model calls the graph's tensor where the hardware's, of another shape, has its name."""


def read_resize(node: Node, draft: Draft) -> None:
    """Resize and Upsample between layers: the host gives the hardware an int8 tensor again."""
    draft.notes.append(f"{node.name}: {node.operator} is on the host, nv_small has no RUBIK")
    add_host(node, draft)


def add_host(node: Node, draft: Draft) -> None:
    """Let the host carry out a node between layers of the hardware, which goes on with its output."""
    name = node.outputs[0]
    cube = cube_of(draft.graph.shape(name))
    layer = _host(node, draft, name, cube)
    draft.add_output(node, layer, View(name, cube, draft.graph.shape(name)))


def add_tail(node: Node, draft: Draft) -> None:
    """Let the host carry out a node whose outputs no layer of the hardware takes."""
    if node.operator in ("QuantizeLinear", "DequantizeLinear"):  # the host stays with real numbers
        draft.on_host[node.outputs[0]] = draft.on_host[node.inputs[0]]
        return
    for name in filter(draft.graph.is_used, node.outputs):
        draft.layers.append(_host(node, draft, name, None))
        draft.tensors[name] = FloatTensor(name, draft.graph.shape(name)[1:], measured=False)
        draft.on_host[name] = name


def add_arrangement(name: str, draft: Draft) -> None:
    """Let the host bring an output's elements into the order that the graph has them in."""
    view = draft.whole(name)
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, onnx.TensorProto] = {}
    _arrange(view, name, nodes, constants)
    model = _model(draft, name, nodes, [_float(view.tensor, view.cube)], name, constants)
    draft.layers.append(FloatHost(name, "Reshape", (view.tensor,), name, model))
    draft.tensors[name] = FloatTensor(name, view.shape[1:], measured=False)
    draft.on_host[name] = name


def _host(node: Node, draft: Draft, output: str, cube: tuple[int, ...] | None) -> FloatHost:
    """One output of a node; arranged as the hardware takes it when there is a cube."""
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, onnx.TensorProto] = {}
    inputs: dict[str, onnx.ValueInfoProto] = {}
    names: list[str] = []
    for name in node.inputs:
        if not name or name in draft.graph.constants:
            if name:
                constants[name] = numpy_helper.from_array(draft.graph.constants[name], name)
            names.append(name)
        elif name in draft.on_host:
            names.append(draft.on_host[name])
            inputs[names[-1]] = _float(names[-1], draft.graph.shape(name)[1:])
        else:
            view = draft.view(name)
            if view.places.min() < 0:
                view = draft.whole(name)
            inputs[view.tensor] = _float(view.tensor, view.cube)
            names.append(_arrange(view, IN_GRAPH.format(name), nodes, constants))
    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    proto.ClearField("input")
    proto.input.extend(names)
    given = IN_GRAPH.format(output) if cube is not None else output
    proto.ClearField("output")
    proto.output.extend(given if name == output else name for name in node.proto.output)
    nodes.append(proto)
    if cube is not None:
        nodes.append(_reshape(given, output, [0, *cube], constants))
    model = _model(draft, node.name, nodes, list(inputs.values()), output, constants)
    return FloatHost(node.name, node.operator, tuple(inputs), output, model)


def _model(
    draft: Draft,
    name: str,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    output: str,
    constants: dict[str, onnx.TensorProto],
) -> onnx.ModelProto:
    """A model of one output, whose type and shape onnxruntime finds."""
    graph = helper.make_graph(nodes, name, inputs, [onnx.ValueInfoProto(name=output)], list(constants.values()))
    opsets = [helper.make_opsetid("", draft.graph.opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _arrange(view: View, name: str, nodes: list[onnx.NodeProto], constants: dict[str, onnx.TensorProto]) -> str:
    """Bring (N, C, H, W) of the hardware into the shape and order of a graph's tensor; what it is called then."""
    if view.is_plain and len(view.shape) == len("NCHW"):
        return view.tensor
    source = view.tensor
    if view.order is not None:
        flat, taken, order = f"{name}: flat", f"{name}: taken", f"{name}: order"
        constants[order] = numpy_helper.from_array(view.order.reshape(-1), order)
        nodes.append(_reshape(source, flat, [0, -1], constants))
        nodes.append(helper.make_node("Gather", [flat, order], [taken], axis=1))
        source = taken
    nodes.append(_reshape(source, name, [0, *view.shape[1:]], constants))
    return name


def _reshape(source: str, output: str, shape: list[int], constants: dict[str, onnx.TensorProto]) -> onnx.NodeProto:
    """A Reshape; 0 keeps the number of images."""
    name = f"{output}: shape"
    constants[name] = numpy_helper.from_array(np.array(shape, np.int64), name)
    return helper.make_node("Reshape", [source, name], [output])


def _float(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
