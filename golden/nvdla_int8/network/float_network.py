"""Networks in real numbers: layers in order, with what the image goes through before them."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.lrn_function import LrnFunction
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.pooling_program import PoolingProgram

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class FloatLayer:
    """One convolution with its bias and the ReLU behind it, in real numbers.

    Attributes
    ----------
    name
        The Conv node's name.
    weights, bias
        (K, C, R, S) and (K,).
    input_tensor, output_tensor
        What a calibration table calls the layer's input and its output after the ReLU.
    """

    name: str
    weights: Reals
    bias: Reals
    geometry: ConvGeometry
    relu: bool
    input_tensor: str
    output_tensor: str

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output; BenchError when there is none."""
        return self.geometry.output_size(height, width, *self.weights.shape[2:])


@dataclass(frozen=True)
class FloatPooling:
    """A pooling layer; its output is in the steps of its input.

    Attributes
    ----------
    program
        Its windows, which hold for real numbers as for int8; without pad values.
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
    """Local response normalisation over neighbouring channels; ``output_tensor`` as in :class:`FloatLayer`."""

    name: str
    function: LrnFunction
    output_tensor: str

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output, those of the input."""
        return height, width


AnyFloatLayer = FloatLayer | FloatPooling | FloatLrn


@dataclass(frozen=True)
class FloatNetwork:
    """A network read from ONNX: preprocessing, then layers in order.

    Attributes
    ----------
    path
        The file, for messages.
    graph_input
        Name of the graph's input.
    in_graph
        What the graph does to its input before the first layer.
    layers
        The layers, a convolution first.
    before_graph
        What the file leaves out: how pixels become the graph's input. None when the input is an int8
        feature map, not pixels.
    """

    path: str
    graph_input: str
    in_graph: Preprocessing
    layers: tuple[AnyFloatLayer, ...]
    before_graph: Preprocessing | None = field(default_factory=Preprocessing)

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of the tensors that need a calibration entry, in the data's order."""
        outputs = (layer.output_tensor for layer in self.layers if not isinstance(layer, FloatPooling))
        return (self.convolutions[0].input_tensor, *outputs)

    @property
    def convolutions(self) -> tuple[FloatLayer, ...]:
        """The layers with weights."""
        return tuple(layer for layer in self.layers if isinstance(layer, FloatLayer))

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return int(self.convolutions[0].weights.shape[1])

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
                f"{self.path}: the graph has a mean or scale before its first Conv, so its input is pixels, "
                "not an int8 feature map"
            )
        return replace(self, before_graph=None)
