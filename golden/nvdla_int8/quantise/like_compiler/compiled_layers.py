"""A network's layers as the compiler has them before it chooses integers: merged, nothing of it quantised."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from nvdla_int8.build import NV_SMALL
from nvdla_int8.errors import BenchError, Problems, located
from nvdla_int8.network.float_network import (
    AnyFloatLayer,
    FloatConcat,
    FloatConvolution,
    FloatElementwise,
    FloatHost,
    FloatLrn,
    FloatNetwork,
    FloatPooling,
)
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.network.onnx_reader import UnfoldedNetwork
from nvdla_int8.quantise.like_compiler.merging import (
    Bias,
    Merged,
    Operation,
    Relu,
    Scale,
    check_sum,
    operations_of,
)

CONVOLUTIONS = {"Conv": 2, "Gemm": 2, "MatMul": None}
"""Operators that are convolutions to the compiler, and which of their inputs is the bias."""

COPIED = ("Sigmoid", "Tanh")
"""Activations that the compiler drops: it makes a layer that copies its input."""

TOO_LARGE = "its windows are larger than 8: NVIDIA's compiler does not come back from them"


@dataclass(frozen=True)
class SdpLayer:
    """A layer that SDP writes: what is merged into one, or a sum.

    Attributes
    ----------
    name
        Of the first layer in it.
    inputs
        One tensor, or the two that are added.
    output
        What the last layer in it writes.
    merged
        What is done; None of a sum.
    convolution
        The layer that ``merged`` begins with, for its geometry; None without one.
    relu
        Of a sum: negative values become 0.
    """

    name: str
    inputs: tuple[str, ...]
    output: str
    merged: Merged | None
    convolution: FloatConvolution | None = None
    relu: bool = False

    def then(self, operation: Operation, output: str) -> "SdpLayer | None":
        """With one operation more; None when that is a layer of its own."""
        if self.merged is None:
            sums = isinstance(operation, Relu) and not self.relu
            return replace(self, relu=True, output=output) if sums else None
        merged = self.merged.then(operation)
        return None if merged is None else replace(self, merged=merged, output=output)


@dataclass(frozen=True)
class CopyLayer:
    """An activation that was dropped."""

    name: str
    inputs: tuple[str, ...]
    output: str


CompiledLayer = SdpLayer | CopyLayer | FloatPooling | FloatConcat | FloatHost


@dataclass(frozen=True)
class CompiledLayers:
    """The layers in execution order.

    Attributes
    ----------
    layers
        The layers.
    inner
        Tensors that are no layer's of the network, and the tensor whose entry the compiler takes for each.
    readers
        How many layers, or who reads the network's outputs, read each tensor.
    """

    layers: tuple[CompiledLayer, ...]
    inner: dict[str, str]
    readers: Counter[str]


def compiled_layers(source: UnfoldedNetwork) -> CompiledLayers:
    """Merge a network's layers as the compiler does; BenchErrors for what it does not take, a line for each layer."""
    merger = _Merger(source.network)
    problems = Problems()
    for layer in source.network.layers:
        with problems.gathered(), located(source.network.path), located(f"layer {layer.name}"):
            merger.take(layer, source.nodes.get(layer.output))
    problems.check()
    return CompiledLayers(tuple(merger.layers), merger.inner, merger.readers)


class _Merger:
    def __init__(self, network: FloatNetwork) -> None:
        self.layers: list[CompiledLayer] = []
        self.inner: dict[str, str] = {}
        self.readers = Counter(name for layer in network.layers for name in layer.inputs) + Counter(network.outputs)
        self._shapes = {name: tensor.shape for name, tensor in network.tensors.items()}

    def take(self, layer: AnyFloatLayer, node: Node | None) -> None:
        """Take the next layer on."""
        if node is None and isinstance(layer, FloatPooling):
            raise BenchError(TOO_LARGE)  # cut into parts
        if node is None:
            raise BenchError("NVIDIA's compiler does not bring channels into another order")
        if isinstance(layer, FloatConvolution):
            self.layers.append(_convolution(layer, node))
        elif isinstance(layer, FloatElementwise):
            self._take_elementwise(layer, node)
        elif isinstance(layer, FloatHost):
            copied = layer.operator in COPIED
            self.layers.append(CopyLayer(layer.name, layer.inputs, layer.output) if copied else layer)
        elif isinstance(layer, FloatLrn):
            raise BenchError("NVIDIA's compiler does not compile LRN for INT8 on nv_small")
        elif isinstance(layer, FloatPooling):
            if layer.tiles is not None:
                raise BenchError(TOO_LARGE)
            self.layers.append(layer)
        else:
            self._check_parts(layer)
            self.layers.append(layer)

    def _take_elementwise(self, layer: FloatElementwise, node: Node) -> None:
        if len(layer.inputs) > 1:
            check_sum(layer, node)
            self.layers.append(SdpLayer(layer.name, layer.inputs, layer.output, None))
            return
        source = layer.inputs[0]
        operations = operations_of(layer, node) or (Scale(np.ones(self._shapes[source][0], np.float32)),)
        for number, operation in enumerate(operations, 1):
            output = layer.output if number == len(operations) else f"{layer.output} ({number})"
            self._add(layer.name, operation, source, output)
            if output != layer.output:
                self.readers[output] = 1
                self.inner[output] = layer.output
            source = output

    def _add(self, name: str, operation: Operation, source: str, output: str) -> None:
        """Merge an operation with the layer before it, or make it one of its own."""
        at = next((at for at, one in enumerate(self.layers) if one.output == source), None)
        before = None if at is None else self.layers[at]
        if at is not None and isinstance(before, SdpLayer) and self.readers[source] == 1:
            merged = before.then(operation, output)
            if merged is not None:
                self.layers[at] = merged
                return
        self.layers.append(SdpLayer(name, (source,), output, self._alone(operation, source)))

    def _alone(self, operation: Operation, source: str) -> Merged:
        if isinstance(operation, Relu):  # a Scale changes the steps, which a ReLU does not
            return Merged(Scale(np.ones(self._shapes[source][0], np.float32)), relu=True)
        return Merged(operation)

    def _check_parts(self, layer: FloatConcat) -> None:
        """Where parts do not fill whole atoms it is not known what the compiler makes of them."""
        for name in layer.inputs[:-1]:
            channels = self._shapes[name][0]
            if channels % NV_SMALL.memory_atom:
                raise BenchError(
                    f"its input {name!r} has {channels} channels, no multiple of {NV_SMALL.memory_atom}: what "
                    "NVIDIA's compiler makes of that is not known"
                )


def _convolution(layer: FloatConvolution, node: Node) -> SdpLayer:
    if node.operator not in CONVOLUTIONS:
        raise BenchError(TOO_LARGE)
    if layer.geometry.groups > 1:
        raise BenchError(
            "NVIDIA's compiler fills the weights of all groups but the first with uninitialised memory: "
            "no two of its files are the same; one group with zeros between the groups is right"
        )
    weights = layer.weights.astype(np.float32)
    bias_input = CONVOLUTIONS[node.operator]
    if bias_input is not None and node.has_input(bias_input):
        merged = Merged(Bias(layer.bias.astype(np.float32)), weights)
    else:
        merged = Merged(Scale(np.ones(len(weights), np.float32)), weights)
    return SdpLayer(layer.name, layer.inputs, layer.output, merged, layer)
