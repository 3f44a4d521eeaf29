"""Networks in real numbers: a graph of layers in execution order, with what the image goes through before them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.lrn_function import LrnFunction
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.tensor_scale import TensorScale

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class FloatTensor:
    """A tensor between layers.

    Attributes
    ----------
    name
        What the source format calls it, and so a calibration table. Of a quantised network, where the model has int8
        values in real numbers.
    shape
        (C, H, W) of one image, H and W 0 where the file does not tell them; a host operation's output may have
        another rank.
    aliases
        Other names by which a table may call the same values: that of the layer, those of nodes that only rename.
    measured
        Whether the source has this tensor. One between two layers made of one node it has not: no table has an
        entry for it, and it takes the scale of its layer's input.
    scale
        What a quantised network says itself; None of others.
    order
        Flat place in (C, H, W) of each element of one image of the model's tensor, where the model has them in
        another order; None where it has not.
    """

    name: str
    shape: tuple[int, ...]
    aliases: tuple[str, ...] = ()
    measured: bool = True
    scale: TensorScale | None = None
    order: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Activation:
    """What a layer's output goes through last, in real numbers; the default is nothing.

    Attributes
    ----------
    relu
        Negative values become 0.
    slopes
        (1,) or (K,), what negative values are multiplied by (PReLU); None when they are not. Not with ``relu``.
    most
        The upper end of a Clip, such as 6; the output's scale must see to it, for int8 saturates there.
    """

    relu: bool = False
    slopes: Reals | None = None
    most: float | None = None


@dataclass(frozen=True)
class FloatConvolution:
    """A convolution: ``activation(conv(x) + bias + addend_factor * addend)``.

    Attributes
    ----------
    name
        The node's name.
    inputs
        Tensors: x, and the addend, of the output's shape, if there is one.
    output
        The tensor behind the activation.
    weights, bias
        (K, C / groups, R, S) and (K,); the groups are those of the geometry.
    weight_scale
        Of a quantised network, whose integers are kept: (1,) or (K,). None of others.
    """

    name: str
    inputs: tuple[str, ...]
    output: str
    weights: Reals
    bias: Reals
    geometry: ConvGeometry = field(default_factory=ConvGeometry)
    activation: Activation = field(default_factory=Activation)
    addend_factor: float = 1.0
    weight_scale: Reals | None = None

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output; BenchError when there is none."""
        return self.geometry.output_size(height, width, *self.weights.shape[2:])


@dataclass(frozen=True)
class FloatElementwise:
    """What SDP does from memory to memory: ``activation(operation(factors * x + bias, addend_factor * addend))``.

    Attributes
    ----------
    name, inputs, output, addend_factor
        As of :class:`FloatConvolution`; without an addend there is no operation.
    factors, bias
        (C,) each.
    """

    name: str
    inputs: tuple[str, ...]
    output: str
    factors: Reals
    bias: Reals
    operation: AluAlgo = AluAlgo.SUM
    addend_factor: float = 1.0
    activation: Activation = field(default_factory=Activation)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output, those of the input."""
        return height, width


@dataclass(frozen=True)
class FloatPooling:
    """A pooling layer.

    Attributes
    ----------
    program
        Its windows, which hold for real numbers as for int8; without pad values.
    inputs, output
        Tensors; one input.
    factor_h, factor_w
        Of an average: what sums over columns and rows of a window are multiplied by, 1 / kernel mostly.
    real_padding
        Padding of an average stands for real zero; otherwise it adds nothing to the sum of int8 values.
    sum_range
        Least and greatest sum of int8 values in a window, where that is less than the window's size allows.
    tiles
        The layer before, when both together do the work of one node.
    """

    program: PoolingProgram
    inputs: tuple[str, ...]
    output: str
    factor_h: float = 1.0
    factor_w: float = 1.0
    real_padding: bool = True
    sum_range: tuple[int, int] | None = None
    tiles: "FloatPooling | None" = None

    @property
    def name(self) -> str:
        """The node's name."""
        return self.program.name

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output; BenchError when there is none."""
        return self.program.out_size(height, width)


@dataclass(frozen=True)
class FloatLrn:
    """Local response normalisation over neighbouring channels."""

    name: str
    function: LrnFunction
    inputs: tuple[str, ...]
    output: str

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output, those of the input."""
        return height, width


@dataclass(frozen=True)
class FloatConcat:
    """Tensors one behind the other along channels."""

    name: str
    inputs: tuple[str, ...]
    output: str

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output, those of the inputs."""
        return height, width


@dataclass(frozen=True)
class FloatHost:
    """An operation that the hardware does not have, such as softmax: the host does it in float.

    Attributes
    ----------
    operator
        Its kind, as the source calls it.
    model
        What it computes: float32 (N, C, H, W) for each input of that shape, under the tensors' names, to ``output``.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    output: str
    model: onnx.ModelProto


AnyFloatLayer = FloatConvolution | FloatElementwise | FloatPooling | FloatLrn | FloatConcat | FloatHost


@dataclass(frozen=True)
class FloatNetwork:
    """A network as read from its file: preprocessing, then layers.

    Attributes
    ----------
    path
        The file, for messages.
    model
        What float execution runs, with the file's tensor names.
    graph_input
        Name of the model's input.
    input
        The tensor that the first layers read.
    in_graph
        What the model does to its input before that tensor.
    tensors
        Every tensor that a layer reads or writes, by name, in the data's order, ``input`` first.
    layers
        In an order in which they can run.
    outputs
        The tensors that the network is for.
    notes
        What the reader decided that a user should know, a line each: what was folded, split, left to the host.
    channels_last
        The model takes (N, H, W, C); images come as (N, C, H, W) all the same.
    before_graph
        What the file leaves out: how pixels become the model's input. None when the input is an int8
        feature map, not pixels.
    aliases
        Other names of the model's tensors, those inside layers too, as tables of the source format have them.
    """

    path: str
    model: onnx.ModelProto
    graph_input: str
    input: str
    in_graph: Preprocessing
    tensors: Mapping[str, FloatTensor]
    layers: tuple[AnyFloatLayer, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...] = ()
    channels_last: bool = False
    before_graph: Preprocessing | None = field(default_factory=Preprocessing)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the tensors that a calibration measures, in the data's order."""
        return tuple(name for name, tensor in self.tensors.items() if tensor.measured)

    @property
    def table_tensors(self) -> tuple[str, ...]:
        """Names of the tensors that a table of the source format has, ``input`` first; of Caffe's all layers'."""
        return tuple(dict.fromkeys((self.input, *self.aliases, *self.measured)))

    @property
    def convolutions(self) -> tuple[FloatConvolution, ...]:
        """The layers with weights."""
        return tuple(layer for layer in self.layers if isinstance(layer, FloatConvolution))

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self.tensors[self.input].shape[0]

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Height and width of the input; None where the file does not tell them."""
        _, height, width = self.tensors[self.input].shape
        return (height, width) if height and width else None

    @property
    def preprocessing(self) -> Preprocessing | None:
        """All that pixels go through before the first layer, (C,); None for an int8 feature map."""
        if self.before_graph is None:
            return None
        return self.before_graph.then(self.in_graph).of_channels(self.channels)

    def fed_with_pixels(self, before_graph: Preprocessing) -> "FloatNetwork":
        """Return the network with what its file leaves out; BenchError when it has other channels."""
        with located(self.path):
            before_graph.of_channels(self.channels)
        return replace(self, before_graph=before_graph)

    def fed_with_int8(self) -> "FloatNetwork":
        """Return the network with an int8 feature map as its input, in the steps of the table's entry.

        Raises
        ------
        BenchError
            When the graph itself changes its input, which a feature map has no converter for.
        """
        if not self.in_graph.changes_nothing:
            raise BenchError(
                f"{self.path}: the graph has a mean or scale before its first layer, so its input is pixels, "
                "not an int8 feature map"
            )
        return replace(self, before_graph=None)
