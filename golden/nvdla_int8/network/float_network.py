"""Networks in real numbers: convolutions in order, with what the image goes through before them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.convolution import ConvGeometry

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


@dataclass(frozen=True)
class FloatNetwork:
    """A network read from ONNX: preprocessing ``(pixel - mean) * scale``, then layers in order.

    Attributes
    ----------
    path
        The file, for messages.
    image_tensor
        Name of the graph's input, raw pixels.
    mean, scale
        (C,) pixel mean, and the real value of one pixel step.
    """

    path: str
    image_tensor: str
    mean: Reals
    scale: float
    layers: tuple[FloatLayer, ...]

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of the tensors that need a calibration entry, in the data's order."""
        return (self.layers[0].input_tensor, *(layer.output_tensor for layer in self.layers))
