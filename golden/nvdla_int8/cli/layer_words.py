"""What a layer of a network does, in a few words."""

from nvdla_int8.network.float_network import (
    Activation,
    AnyFloatLayer,
    FloatConcat,
    FloatConvolution,
    FloatElementwise,
    FloatHost,
    FloatLrn,
    FloatPooling,
)
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.sdp import AluAlgo

METHODS = {PoolingMethod.AVERAGE: "average", PoolingMethod.MAX: "maximum", PoolingMethod.MIN: "minimum"}
OPERATIONS = {AluAlgo.SUM: "sum", AluAlgo.MAX: "larger", AluAlgo.MIN: "smaller"}


def layer_words(layer: AnyFloatLayer) -> str:
    """What a layer does."""
    if isinstance(layer, FloatConvolution):
        height, width = layer.weights.shape[2:]
        addend = f" + {layer.inputs[1]}" if len(layer.inputs) > 1 else ""
        words = f"convolution of {height} x {width}{_geometry_words(layer.geometry)}{addend}"
        return words + _activation_words(layer.activation)
    if isinstance(layer, FloatElementwise):
        two = f"{OPERATIONS[layer.operation]} of {' and '.join(layer.inputs)}"
        words = two if len(layer.inputs) > 1 else "element by element"
        return words + _activation_words(layer.activation)
    if isinstance(layer, FloatPooling):
        window = layer.program.window
        inside = " inside the input" if layer.program.exclude_padding else ""
        stride = _stride_words(window.stride_y, window.stride_x)
        return f"{METHODS[window.method]} of {window.kernel_h} x {window.kernel_w}{inside}{stride}"
    if isinstance(layer, FloatLrn):
        return f"LRN over {layer.function.size} channels"
    if isinstance(layer, FloatConcat):
        return f"{len(layer.inputs)} tensors side by side"
    assert isinstance(layer, FloatHost)
    return f"{layer.operator} on the host, in float"


def _geometry_words(geometry: ConvGeometry) -> str:
    words = _stride_words(geometry.stride_y, geometry.stride_x)
    if (geometry.dilation_y, geometry.dilation_x) != (1, 1):
        words += f", dilated {geometry.dilation_y} x {geometry.dilation_x}"
    return words + (f", in {geometry.groups} passes" if geometry.groups > 1 else "")


def _stride_words(down: int, across: int) -> str:
    return "" if (down, across) == (1, 1) else f", stride {down} x {across}"


def _activation_words(activation: Activation) -> str:
    words = ", ReLU" if activation.relu else ", PReLU" if activation.slopes is not None else ""
    return words + ("" if activation.most is None else f" up to {activation.most:g}")
