"""Networks in real numbers built layer by layer, and what they compute with tensors of limited range."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import onnx
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
from nvdla_int8.stages.pooling import Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.float_evaluator import run_layer

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
        return self.add(layer, (kernels, *layer.output_size(height, width)))

    def elementwise(self, name: str, *inputs: str, **others: Any) -> str:
        shape = self.tensors[inputs[0]].shape
        given = {"factors": np.ones(shape[0]), "bias": np.zeros(shape[0]), **others}
        return self.add(FloatElementwise(name, inputs, name, **given), shape)

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
        return self.add(layer, (channels, *layer.output_size(height, width)))

    def lrn(self, name: str, source: str) -> str:
        return self.add(FloatLrn(name, LrnFunction(5, 1e-1, 0.75, 1.0), (source,), name), self.tensors[source].shape)

    def concat(self, name: str, *inputs: str) -> str:
        shapes = [self.tensors[one].shape for one in inputs]
        return self.add(FloatConcat(name, inputs, name), (sum(shape[0] for shape in shapes), *shapes[0][1:]))

    def softmax(self, name: str, source: str) -> str:
        return self.add(FloatHost(name, "Softmax", (source,), name, softmax_model()), self.tensors[source].shape)

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

    def add(self, layer: AnyFloatLayer, shape: tuple[int, ...]) -> str:
        """Any layer; its output's name."""
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
        value = run_layer(layer, *(found[name] for name in layer.inputs))
        scale = (clipped_to or {}).get(layer.output)
        if scale is not None:
            value = value.clip((-128 - scale.offset) * scale.scale, (127 - scale.offset) * scale.scale)
        found[layer.output] = value
    return found


def table_of(tensors: Mapping[str, Reals]) -> dict[str, TensorScale]:
    """Each tensor's largest magnitude as its range."""
    return {name: TensorScale(name, float(np.abs(values).max()) / 127) for name, values in tensors.items()}
