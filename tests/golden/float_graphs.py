"""Networks in real numbers built layer by layer, and what they compute, in plain float64."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import TensorProto, helper

from nvdla_int8.network.float_network import (
    Activation,
    AnyFloatLayer,
    FloatConcat,
    FloatConvolution,
    FloatElementwise,
    FloatHost,
    FloatLrn,
    FloatNetwork,
    FloatPooling,
    FloatTensor,
)
from nvdla_int8.network.lrn_function import LrnFunction
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.host_program import run_model
from nvdla_int8.stages.pooling import Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.tensor_scale import TensorScale

Reals = NDArray[np.float64]


@dataclass
class GraphBuilder:
    """Adds layers to a network whose weights are drawn; each method returns its output's name."""

    rng: np.random.Generator
    shape: tuple[int, int, int]
    tensors: dict[str, FloatTensor] = field(default_factory=dict)
    layers: list[AnyFloatLayer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tensors["image"] = FloatTensor("image", self.shape)

    def conv(
        self,
        name: str,
        *inputs: str,
        kernels: int = 8,
        size: int = 3,
        groups: int = 1,
        stride: int = 1,
        activation: Activation | None = None,
        **others: Any,
    ) -> str:
        """A padded convolution, with ReLU unless told otherwise."""
        channels, height, width = self.tensors[inputs[0]].shape
        weights = self.rng.normal(0, 1, (kernels, channels // groups, size, size))
        weights /= np.sqrt(weights[0].size)
        pad = size // 2
        geometry = ConvGeometry(
            stride_y=stride, stride_x=stride, pad_top=pad, pad_left=pad, pad_bottom=pad, pad_right=pad, groups=groups
        )
        bias = self.rng.normal(0, 0.2, kernels)
        layer = FloatConvolution(
            name, inputs, name, weights, bias, geometry, activation or Activation(relu=True), **others
        )
        return self._add(layer, (kernels, *layer.output_size(height, width)))

    def elementwise(self, name: str, *inputs: str, **others: Any) -> str:
        shape = self.tensors[inputs[0]].shape
        given = {"factors": np.ones(shape[0]), "bias": np.zeros(shape[0]), **others}
        return self._add(FloatElementwise(name, inputs, name, **given), shape)

    def pool(self, name: str, source: str, *, size: int = 2, stride: int = 2, average: bool = False) -> str:
        window = Pooling(
            method=PoolingMethod.AVERAGE if average else PoolingMethod.MAX,
            kernel_h=size,
            kernel_w=size,
            stride_y=stride,
            stride_x=stride,
            reciprocal_h_q16=reciprocal_q16(size),
            reciprocal_w_q16=reciprocal_q16(size),
        )
        layer = FloatPooling(PoolingProgram(name=name, window=window), (source,), name, 1 / size, 1 / size)
        channels, height, width = self.tensors[source].shape
        return self._add(layer, (channels, *layer.output_size(height, width)))

    def lrn(self, name: str, source: str) -> str:
        return self._add(FloatLrn(name, LrnFunction(5, 1e-1, 0.75, 1.0), (source,), name), self.tensors[source].shape)

    def concat(self, name: str, *inputs: str) -> str:
        shapes = [self.tensors[one].shape for one in inputs]
        return self._add(FloatConcat(name, inputs, name), (sum(shape[0] for shape in shapes), *shapes[0][1:]))

    def softmax(self, name: str, source: str) -> str:
        return self._add(FloatHost(name, "Softmax", (source,), name, softmax_model()), self.tensors[source].shape)

    def network(self, *outputs: str, pixels: bool = False) -> FloatNetwork:
        """The network of an int8 feature map, or of pixels of which 255 is real 1."""
        return FloatNetwork(
            "graph",
            onnx.ModelProto(),
            "image",
            "image",
            Preprocessing(),
            dict(self.tensors),
            tuple(self.layers),
            outputs or (self.layers[-1].output,),
            before_graph=Preprocessing(scale=np.array([1 / 255])) if pixels else None,
        )

    def _add(self, layer: AnyFloatLayer, shape: tuple[int, ...]) -> str:
        self.layers.append(layer)
        self.tensors[layer.output] = FloatTensor(layer.output, shape)
        return layer.output


def softmax_model() -> onnx.ModelProto:
    value = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT, shape=["n", "c", "h", "w"])
    nodes = [helper.make_node("Softmax", ["x"], ["y"], axis=1)]
    graph = helper.make_graph(nodes, "softmax", [value("x")], [value("y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run_float(
    network: FloatNetwork, data: Reals, clipped_to: Mapping[str, TensorScale] | None = None
) -> dict[str, Reals]:
    """Every tensor (N, C, H, W) by name; each clipped to its scale's int8 range where one is given."""
    found = {network.input: data}
    for layer in network.layers:
        value = _value(layer, [found[name] for name in layer.inputs])
        scale = (clipped_to or {}).get(layer.output)
        if scale is not None:
            value = value.clip((-128 - scale.offset) * scale.scale, (127 - scale.offset) * scale.scale)
        found[layer.output] = value
    return found


def table_of(tensors: Mapping[str, Reals]) -> dict[str, TensorScale]:
    """Each tensor's largest magnitude as its range."""
    return {name: TensorScale(name, float(np.abs(values).max()) / 127) for name, values in tensors.items()}


def _value(layer: AnyFloatLayer, inputs: list[Reals]) -> Reals:
    if isinstance(layer, FloatConvolution):
        value = _convolved(inputs[0], layer.weights, layer.geometry) + layer.bias[:, None, None]
        return _activated(layer.activation, value + layer.addend_factor * inputs[1] if len(inputs) > 1 else value)
    if isinstance(layer, FloatElementwise):
        value = layer.factors[:, None, None] * inputs[0] + layer.bias[:, None, None]
        if len(inputs) > 1:
            operation = {AluAlgo.SUM: np.add, AluAlgo.MAX: np.maximum, AluAlgo.MIN: np.minimum}[layer.operation]
            value = operation(value, layer.addend_factor * inputs[1])
        return _activated(layer.activation, value)
    if isinstance(layer, FloatConcat):
        return np.concatenate(inputs, axis=1)
    if isinstance(layer, FloatLrn):
        half = layer.function.size // 2
        squares = np.pad(inputs[0] ** 2, ((0, 0), (half, half), (0, 0), (0, 0)))
        return inputs[0] * layer.function.factor(sliding_window_view(squares, layer.function.size, axis=1).sum(axis=-1))
    if isinstance(layer, FloatPooling):
        window = layer.program.window
        windows = sliding_window_view(inputs[0], (window.kernel_h, window.kernel_w), axis=(2, 3))
        taken = windows[:, :, :: window.stride_y, :: window.stride_x]
        is_average = window.method is PoolingMethod.AVERAGE
        return np.asarray(taken.mean(axis=(4, 5)) if is_average else taken.max(axis=(4, 5)))
    return run_model(layer.model, [one.astype(np.float32) for one in inputs]).astype(np.float64)


def _convolved(data: Reals, weights: Reals, geometry: ConvGeometry) -> Reals:
    pads = ((geometry.pad_top, geometry.pad_bottom), (geometry.pad_left, geometry.pad_right))
    padded = np.pad(data, ((0, 0), (0, 0), *pads))
    windows = sliding_window_view(padded, weights.shape[2:], axis=(2, 3))
    windows = windows[:, :, :: geometry.stride_y, :: geometry.stride_x]
    parts = zip(np.split(windows, geometry.groups, axis=1), np.split(weights, geometry.groups, axis=0), strict=True)
    return np.concatenate([np.einsum("nchwrs,kcrs->nkhw", part, kernels) for part, kernels in parts], axis=1)


def _activated(activation: Activation, value: Reals) -> Reals:
    if activation.relu:
        value = value.clip(0)
    if activation.slopes is not None:
        value = np.where(value < 0, activation.slopes[:, None, None] * value, value)
    return value if activation.most is None else value.clip(None, activation.most)
