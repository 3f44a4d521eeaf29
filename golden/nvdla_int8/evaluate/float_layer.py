"""One layer of a float network on its own, on whatever inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from nvdla_int8.network.float_network import FloatConvolution, FloatElementwise
from nvdla_int8.quantise.rounding import Reals
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.host_program import run_model
from nvdla_int8.stages.sdp import AluAlgo

OPSET = 13
OPERATORS = {AluAlgo.SUM: "Add", AluAlgo.MAX: "Max", AluAlgo.MIN: "Min"}


def run_float_layer(layer: FloatConvolution | FloatElementwise, inputs: Sequence[Reals]) -> Reals:
    """Run one layer by onnxruntime.

    Parameters
    ----------
    layer
        The layer.
    inputs
        Its inputs, (N, C, H, W) each: x, and the addend if it has one.

    Returns
    -------
    Reals
        (N, K, Ho, Wo).
    """
    graph = _Graph([f"input{number}" for number in range(len(inputs))])
    result = graph.names[0]
    if isinstance(layer, FloatConvolution):
        result = graph.add("Conv", result, layer.weights, layer.bias, **_attributes(layer.geometry))
        operation = "Add"
    else:
        result = graph.add("Mul", result, _by_channel(layer.factors))
        result = graph.add("Add", result, _by_channel(layer.bias))
        operation = OPERATORS[layer.operation]
    if len(inputs) > 1:
        addend = graph.add("Mul", graph.names[1], np.array(layer.addend_factor))
        result = graph.add(operation, result, addend)
    activation = layer.activation
    if activation.relu:
        result = graph.add("Relu", result)
    if activation.slopes is not None:
        result = graph.add("PRelu", result, _by_channel(activation.slopes))
    if activation.most is not None:
        result = graph.add("Min", result, np.array(activation.most))
    output = run_model(graph.model(result), [each.astype(np.float32) for each in inputs])
    return np.asarray(output, np.float64)


class _Graph:
    """Nodes one behind the other."""

    def __init__(self, inputs: list[str]) -> None:
        self.names = inputs
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *operands: str | NDArray[np.floating], **attributes: Any) -> str:
        """Add a node on tensors and constants; the name of its output."""
        names = [each if isinstance(each, str) else self._constant(each) for each in operands]
        output = f"result{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, names, [output], **attributes))
        return output

    def model(self, output: str) -> onnx.ModelProto:
        """The model that gives this tensor."""
        inputs, [result] = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in names]
            for names in (self.names, [output])
        )
        graph = helper.make_graph(self._nodes, "layer", inputs, [result], self._constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)

    def _constant(self, values: NDArray[np.floating]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name


def _by_channel(values: Reals) -> Reals:
    return values[:, None, None]


def _attributes(geometry: ConvGeometry) -> dict[str, Any]:
    return {
        "strides": [geometry.stride_y, geometry.stride_x],
        "dilations": [geometry.dilation_y, geometry.dilation_x],
        "pads": [geometry.pad_top, geometry.pad_left, geometry.pad_bottom, geometry.pad_right],
        "group": geometry.groups,
    }
