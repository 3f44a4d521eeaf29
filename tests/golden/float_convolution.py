"""One convolution in real numbers to its program, from bare arrays."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.network.float_network import Activation, FloatConvolution
from nvdla_int8.quantise.layer import QuantisedLayer, quantise_convolution
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.tensor_scale import TensorScale


def quantise_layer(
    name: str,
    weights: NDArray[np.floating],
    bias: NDArray[np.floating],
    input_scale: TensorScale,
    output_scale: TensorScale,
    *,
    geometry: ConvGeometry | None = None,
    relu: bool = False,
    per_kernel: bool = True,
    weight_scale: float | NDArray[np.float64] | None = None,
    input_converter: InputConverter | None = None,
) -> QuantisedLayer:
    """Program a convolution without addend or slopes."""
    layer = FloatConvolution(
        name, ("x",), "y", weights.astype(np.float64), bias.astype(np.float64), geometry or ConvGeometry(),
        Activation(relu=relu), weight_scale=None if weight_scale is None else np.atleast_1d(weight_scale),
    )  # fmt: skip
    return quantise_convolution(
        layer, input_scale, output_scale, per_kernel=per_kernel, input_converter=input_converter
    )
