"""Reads a chain of convolutions from an ONNX file as real-valued layers."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from nvdla_int8.errors import BenchError, file_trouble, located
from nvdla_int8.network.float_network import FloatLayer, FloatNetwork
from nvdla_int8.stages.convolution import ConvGeometry

Reals = NDArray[np.float64]


def read_onnx(path: Path) -> FloatNetwork:
    """Read a network: optional Sub and Mul on the image, then Conv nodes with optional Relu.

    Raises
    ------
    BenchError
        One line with the file, the node and what it cannot be; nothing is passed over.
    """
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        onnx.checker.check_model(model)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read as ONNX: {file_trouble(error)}") from None
    except (DecodeError, onnx.checker.ValidationError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BenchError(f"{path}: cannot be read as ONNX: {first_line}") from None
    try:
        return _Reader(str(path), model.graph).read()
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None


class _Reader:
    """Walks the graph's nodes, which ONNX keeps in execution order, along one chain of tensors."""

    def __init__(self, path: str, graph: onnx.GraphProto) -> None:
        self._path = path
        self._graph = graph
        self._constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        inputs = [value.name for value in graph.input if value.name not in self._constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise BenchError(f"the graph has {len(inputs)} inputs and {len(graph.output)} outputs, it takes 1 and 1")
        self._image = inputs[0]
        self._tensor = self._image
        self._mean = np.zeros(1)
        self._scale = 1.0
        self._layers: list[FloatLayer] = []

    def read(self) -> FloatNetwork:
        """Read all nodes."""
        for node in self._graph.node:
            handlers = {"Sub": self._sub, "Mul": self._mul, "Conv": self._conv, "Relu": self._relu}
            if node.op_type not in handlers:
                raise BenchError(f"{_label(node)} is not one of {', '.join(handlers)}")
            if node.input[0] != self._tensor:
                raise BenchError(
                    f"{_label(node)} takes {list(node.input)}, a chain continues with {self._tensor!r} first"
                )
            handlers[node.op_type](node)
            self._tensor = node.output[0]
        if not self._layers:
            raise BenchError("the graph has no Conv node")
        if self._graph.output[0].name != self._tensor:
            raise BenchError(f"the output {self._graph.output[0].name!r} is not the last tensor, {self._tensor!r}")
        channels = self._layers[0].weights.shape[1]
        if self._mean.size not in (1, channels):
            raise BenchError(f"the mean has {self._mean.size} values for {channels} channels")
        mean = np.broadcast_to(self._mean, (channels,)).copy()
        return FloatNetwork(self._path, self._image, mean, self._scale, tuple(self._layers))

    def _sub(self, node: onnx.NodeProto) -> None:
        if self._layers or self._tensor != self._image:
            raise BenchError(f"{_label(node)}: a mean may be subtracted only from the image itself")
        self._mean = self._per_channel(node)

    def _mul(self, node: onnx.NodeProto) -> None:
        if self._layers:
            raise BenchError(f"{_label(node)}: a factor may only scale the image, before the first Conv")
        factors = self._per_channel(node)
        if np.ptp(factors) != 0:
            raise BenchError(f"{_label(node)}: factors {factors.tolist()} differ, the input converter has one scale")
        self._scale *= float(factors[0])

    def _conv(self, node: onnx.NodeProto) -> None:
        weights = self._constant(node, 1)
        if weights.ndim != 4:
            raise BenchError(f"{_label(node)}: weights have shape {weights.shape}, it takes (K, C, R, S)")
        bias = self._constant(node, 2) if any(node.input[2:]) else np.zeros(weights.shape[0])
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        layer = FloatLayer(
            node.name or node.output[0],
            weights,
            bias,
            _geometry(node, attributes),
            False,
            self._tensor,
            node.output[0],
        )
        self._layers.append(layer)

    def _relu(self, node: onnx.NodeProto) -> None:
        if not self._layers or self._layers[-1].relu or self._layers[-1].output_tensor != self._tensor:
            raise BenchError(f"{_label(node)}: a Relu may only follow a Conv")
        last = self._layers.pop()
        self._layers.append(
            FloatLayer(last.name, last.weights, last.bias, last.geometry, True, last.input_tensor, node.output[0])
        )

    def _per_channel(self, node: onnx.NodeProto) -> Reals:
        """One value, or one for each channel; ONNX would spread any other shape along rows or columns."""
        values = self._constant(node, 1)
        if values.size != 1 and (values.ndim not in (3, 4) or not values.shape[-3] == values.size > 0):
            raise BenchError(f"{_label(node)}: the constant has shape {values.shape}, it takes (C, 1, 1) or one value")
        return values.reshape(-1)

    def _constant(self, node: onnx.NodeProto, index: int) -> Reals:
        name = node.input[index]
        if name not in self._constants:
            raise BenchError(f"{_label(node)}: input {name!r} must be a constant")
        return np.asarray(self._constants[name], np.float64)


def _geometry(node: onnx.NodeProto, attributes: dict[str, Any]) -> ConvGeometry:
    auto_pad = attributes.get("auto_pad", b"NOTSET").decode()
    if auto_pad != "NOTSET":
        raise BenchError(f"{_label(node)}: auto_pad = {auto_pad} is not supported, give explicit pads")
    if attributes.get("group", 1) != 1:
        raise BenchError(f"{_label(node)}: group = {attributes['group']} is not supported, only 1")
    values: list[int] = []
    for name, default in (("strides", [1, 1]), ("dilations", [1, 1]), ("pads", [0, 0, 0, 0])):
        given = attributes.get(name, default)
        if len(given) != len(default):
            raise BenchError(f"{_label(node)}: {name} = {given}, a 2-D convolution has {len(default)}")
        values.extend(given)
    fields = (
        "stride_y",
        "stride_x",
        "dilation_y",
        "dilation_x",
        "pad_top",
        "pad_left",
        "pad_bottom",
        "pad_right",
    )
    with located(_label(node)):
        return ConvGeometry(**dict(zip(fields, values, strict=True)))


def _label(node: onnx.NodeProto) -> str:
    return f"{node.op_type} node {node.name or node.output[0]!r}"
