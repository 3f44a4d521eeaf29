"""Reads a chain of convolutions, pooling and LRN from an ONNX file as real-valued layers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, file_trouble, located
from nvdla_int8.network.float_network import (
    Activation,
    FloatConvolution,
    FloatLrn,
    FloatNetwork,
    FloatPooling,
    FloatTensor,
)
from nvdla_int8.network.onnx_constants import Constants, label
from nvdla_int8.network.onnx_pooling import POOLING, read_lrn, read_pooling
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.pooling import PoolingMethod

Reals = NDArray[np.float64]

_ChainLayer = FloatConvolution | FloatPooling | FloatLrn

ELEMENTWISE = ("Add", "Sub", "Mul", "Div")
SUPPORTED = (*ELEMENTWISE, "Conv", "Relu", *POOLING, "LRN", "Constant")


NOT_A_MODEL = (
    DecodeError,
    onnx.checker.ValidationError,
    ValueError,  # tensors in files beside it that are too short, or begin before them; names that are not UTF-8
    KeyError,
    TypeError,
    OverflowError,
)
"""What ONNX's own loader and checker raise for damaged files, depending on where the damage is."""


def read_onnx(path: Path) -> FloatNetwork:
    """Read a network: Add, Sub, Mul and Div of constants on the image, then Conv nodes, Relu, pooling and LRN.

    Raises
    ------
    BenchError
        One line with the file, the node and what it cannot be; nothing is passed over.
    """
    model = load_onnx(path)
    with located(str(path)):
        return _Reader(str(path), model).read()


def load_onnx(path: Path) -> onnx.ModelProto:
    """Load and check an ONNX file, with the tensors that it keeps in files beside it; BenchError when it is none."""
    try:
        model = onnx.load(path, format="protobuf")  # whatever the suffix
        onnx.checker.check_model(model)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read as ONNX: {file_trouble(error)}") from None
    except NOT_A_MODEL as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BenchError(f"{path}: cannot be read as ONNX: {first_line}") from None
    return model


class _Reader:
    """Walks the graph's nodes, which ONNX keeps in execution order, along one chain of tensors."""

    def __init__(self, path: str, model: onnx.ModelProto) -> None:
        self._path = path
        self._model = model
        graph = self._graph = model.graph
        self._constants = Constants(graph)
        inputs = [value for value in graph.input if value.name not in self._constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise BenchError(f"the graph has {len(inputs)} inputs and {len(graph.output)} outputs, it takes 1 and 1")
        self._input = inputs[0]
        self._tensor = self._input.name
        self._preprocessing = Preprocessing()
        self._layers: list[_ChainLayer] = []
        self._channels = 0
        self._unmeasured: set[str] = set()
        self._size = self._declared_size()

    def read(self) -> FloatNetwork:
        """Read all nodes."""
        for node in self._graph.node:
            if node.op_type not in SUPPORTED or node.domain not in ("", "ai.onnx"):
                raise BenchError(f"{label(node)}: this operator is not supported, only {', '.join(SUPPORTED)} are")
            if node.op_type == "Constant":
                continue
            if self._tensor not in node.input:
                raise BenchError(
                    f"{label(node)} takes {list(node.input)} and not the last tensor, {self._tensor!r}: "
                    "only a chain without branches is supported"
                )
            if node.op_type == "Conv":
                self._conv(node)
            elif node.op_type == "Relu":
                self._relu(node)
            elif node.op_type in POOLING or node.op_type == "LRN":
                self._unweighted(node)
            else:
                self._elementwise(node)
            self._tensor = node.output[0]
        if not self._layers:
            raise BenchError("the graph has no Conv node")
        if self._graph.output[0].name != self._tensor:
            raise BenchError(f"the output {self._graph.output[0].name!r} is not the last tensor, {self._tensor!r}")
        channels = int(next(one for one in self._layers if isinstance(one, FloatConvolution)).weights.shape[1])
        self._check_channels(channels)
        return FloatNetwork(
            self._path,
            self._model,
            self._input.name,
            self._layers[0].inputs[0],
            self._preprocessing.of_channels(channels),
            self._tensors(channels),
            tuple(self._layers),
            (self._tensor,),
        )

    def _tensors(self, channels: int) -> dict[str, FloatTensor]:
        """The layers' tensors; sizes are 0 where the input's is not declared."""
        declared = self._declared_size()
        shape = channels, *(declared or (0, 0))
        tensors = {self._layers[0].inputs[0]: FloatTensor(self._layers[0].inputs[0], shape)}
        for layer in self._layers:
            if isinstance(layer, FloatConvolution):
                channels = len(layer.weights)
            size = layer.output_size(*shape[1:]) if declared else (0, 0)
            shape = channels, *size
            tensors[layer.output] = FloatTensor(layer.output, shape, measured=layer.output not in self._unmeasured)
        return tensors

    def _elementwise(self, node: onnx.NodeProto) -> None:
        if self._layers:
            raise BenchError(f"{label(node)}: {node.op_type} is only supported on the image, before the first Conv")
        position = 1 if node.input[0] == self._tensor else 0
        values = self._per_channel(node, position)
        with located(label(node)):
            self._preprocessing = self._preprocessing.then(_as_preprocessing(node.op_type, values, position))

    def _conv(self, node: onnx.NodeProto) -> None:
        if node.input[0] != self._tensor:
            raise BenchError(f"{label(node)}: {self._tensor!r} must be its first input, the image")
        weights = self._constants.real(node, 1)
        if weights.ndim != 4 or weights.size == 0:
            raise BenchError(
                f"{label(node)}: weights have shape {weights.shape}, it takes (K, C, R, S), none of them 0"
            )
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        geometry = _geometry(node, attributes)
        if list(attributes.get("kernel_shape", weights.shape[2:])) != list(weights.shape[2:]):
            raise BenchError(
                f"{label(node)}: kernel_shape = {attributes['kernel_shape']} disagrees with {node.input[1]!r}, "
                f"whose kernels are {list(weights.shape[2:])}"
            )
        if self._layers and weights.shape[1] != self._channels:
            raise BenchError(
                f"{label(node)}: {node.input[1]!r} has shape {weights.shape}, for {weights.shape[1]} channels; "
                f"{self._tensor!r} has {self._channels}"
            )
        bias = self._constants.real(node, 2) if any(node.input[2:]) else np.zeros(len(weights))
        if bias.shape != (len(weights),):
            raise BenchError(
                f"{label(node)}: bias {node.input[2]!r} has shape {bias.shape}, {len(weights)} kernels take "
                f"({len(weights)},)"
            )
        name = node.name or node.output[0]
        self._append(node, FloatConvolution(name, (self._tensor,), node.output[0], weights, bias, geometry))
        self._channels = len(weights)

    def _append(self, node: onnx.NodeProto, layer: _ChainLayer) -> None:
        """Take a layer on, and its output's size where the graph's input declares one."""
        if self._size is not None:
            _, _, height, width = self._dims()
            with located(f"{node.op_type} {layer.name!r} of input {self._input.name!r} {height} x {width}"):
                self._size = layer.output_size(*self._size)
        self._layers.append(layer)

    def _unweighted(self, node: onnx.NodeProto) -> None:
        if not self._layers:
            raise BenchError(f"{label(node)}: {node.op_type} is only supported behind a Conv")
        if node.op_type == "LRN":
            self._append(node, read_lrn(node))
            return
        for layer in read_pooling(node, self._size):
            self._append(node, layer)
            self._unmeasured.add(layer.output)

    def _relu(self, node: onnx.NodeProto) -> None:
        """Take a Relu into the convolution before it; maxima of a window are the same before and after it."""
        at = len(self._layers) - 1
        while at > 0 and _is_maximum(self._layers[at]):
            at -= 1
        convolution = self._layers[at] if self._layers else None
        if not isinstance(convolution, FloatConvolution) or convolution.activation.relu:
            raise BenchError(f"{label(node)}: a Relu may only follow a Conv, or a MaxPool behind one")
        between = [f"{node.output[0]} ({layer.name})" for layer in self._layers[at:-1]]
        outputs = [*between, node.output[0]]
        self._layers[at] = replace(convolution, activation=Activation(relu=True), output=outputs[0])
        for number, layer in enumerate(self._layers[at + 1 :], 1):
            self._layers[at + number] = replace(layer, inputs=(outputs[number - 1],), output=outputs[number])
        self._unmeasured |= set(between)
        self._unmeasured.discard(node.output[0])

    def _per_channel(self, node: onnx.NodeProto, index: int) -> Reals:
        """One value, or one for each channel; ONNX would spread any other shape along rows or columns."""
        values = self._constants.real(node, index)
        if values.size != 1 and (values.ndim not in (3, 4) or not values.shape[-3] == values.size > 0):
            raise BenchError(f"{label(node)}: the constant has shape {values.shape}, it takes (C, 1, 1) or one value")
        return values.reshape(-1)

    def _dims(self) -> list[int]:
        """(N, C, H, W) of the graph's input, 0 where it is not declared; empty when it is declared otherwise."""
        dims = [dim.dim_value for dim in self._input.type.tensor_type.shape.dim]
        return dims if len(dims) == len("NCHW") else []

    def _declared_size(self) -> tuple[int, int] | None:
        _, _, height, width = self._dims() or [0] * 4
        return (height, width) if height and width else None

    def _check_channels(self, channels: int) -> None:
        """Check the channels that the graph's input is declared with, where it is."""
        _, declared, *_ = self._dims() or [0] * 4
        if declared not in (0, channels):
            name = self._layers[0].name
            raise BenchError(f"the input {self._input.name!r} has {declared} channels, Conv {name!r} takes {channels}")


def _is_maximum(layer: _ChainLayer) -> bool:
    return isinstance(layer, FloatPooling) and layer.program.window.method is PoolingMethod.MAX


def _as_preprocessing(operator: str, values: Reals, position: int) -> Preprocessing:
    """One elementwise node with the constant as its first (0) or second (1) input."""
    zeros, ones = np.zeros(values.size), np.ones(values.size)
    match operator, position:
        case "Add", _:
            return Preprocessing(-values, ones)
        case "Sub", 1:
            return Preprocessing(values, ones)
        case "Sub", _:
            return Preprocessing(values, -ones)
        case "Mul", _:
            return Preprocessing(zeros, values)
        case _ if position == 1 and values.all():
            with np.errstate(over="ignore"):  # what is not finite is refused
                return Preprocessing(zeros, 1 / values)
        case _:
            raise BenchError("divides by the image" if position == 0 else "divides by 0")


def _geometry(node: onnx.NodeProto, attributes: dict[str, Any]) -> ConvGeometry:
    auto_pad = attributes.get("auto_pad", b"NOTSET").decode(errors="backslashreplace")
    if auto_pad not in ("NOTSET", "VALID"):  # VALID is no padding
        raise BenchError(f"{label(node)}: auto_pad = {auto_pad} is not supported, give explicit pads")
    if auto_pad == "VALID" and any(attributes.get("pads", ())):
        raise BenchError(f"{label(node)}: pads = {attributes['pads']} beside auto_pad = VALID, which is no padding")
    if attributes.get("group", 1) != 1:
        raise BenchError(f"{label(node)}: group = {attributes['group']} is not supported, only 1")
    values: list[int] = []
    for name, default in (("strides", [1, 1]), ("dilations", [1, 1]), ("pads", [0, 0, 0, 0])):
        given = attributes.get(name, default)
        if len(given) != len(default):
            raise BenchError(f"{label(node)}: {name} = {given}, a 2-D convolution has {len(default)}")
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
    with located(label(node)):
        return ConvGeometry(**dict(zip(fields, values, strict=True)))
