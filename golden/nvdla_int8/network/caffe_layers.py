"""Each type of Caffe layer as ONNX nodes."""

from collections.abc import Callable, Mapping

import numpy as np

from nvdla_int8.errors import BenchError
from nvdla_int8.network.caffe_affine import convert_batch_norm, convert_bias, convert_power, convert_scale
from nvdla_int8.network.caffe_convolution import convert_convolution, convert_inner_product
from nvdla_int8.network.caffe_files import CaffeLayer
from nvdla_int8.network.caffe_graph import Blob, CaffeGraph
from nvdla_int8.network.caffe_pooling import convert_pooling
from nvdla_int8.network.caffe_schema import number
from nvdla_int8.network.onnx_elementwise import PRODUCT

Converter = Callable[[CaffeGraph, CaffeLayer, Blob], None]
"""Adds a layer of one bottom to the graph; BenchError for what it cannot be."""

_WITHIN_CHANNEL = number("NormRegion", "WITHIN_CHANNEL")
_ELTWISE_MAX = number("EltwiseOp", "MAX")
_ELTWISE_PROD = number("EltwiseOp", "PROD")


def _relu(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    slope = layer.parameters.relu_param.negative_slope
    operator, attributes = ("LeakyRelu", {"alpha": slope}) if slope else ("Relu", {})
    graph.write(layer, operator, [blob.tensor], blob.shape, flat=blob.flat, **attributes)


def _prelu(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    shared = layer.parameters.prelu_param.channel_shared
    [slopes] = layer.shaped_weights((1,) if shared else blob.shape[:1])
    name = graph.constant(layer, "slopes", slopes.reshape(-1, 1, 1))
    graph.write(layer, "PRelu", [blob.tensor, name], blob.shape)


def _sigmoid(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    graph.write(layer, "Sigmoid", [blob.tensor], blob.shape, flat=blob.flat)


def _tanh(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    graph.write(layer, "Tanh", [blob.tensor], blob.shape, flat=blob.flat)


def _softmax(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    axis = layer.parameters.softmax_param.axis
    if axis not in (1, -3):
        raise BenchError(f"axis = {axis}: only over channels, axis 1")
    graph.write(layer, "Softmax", [blob.tensor], blob.shape, axis=1)


def _lrn(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    given = layer.parameters.lrn_param
    if given.norm_region == _WITHIN_CHANNEL:
        raise BenchError("norm_region: WITHIN_CHANNEL; CDP normalises across channels only")
    graph.write(
        layer,
        "LRN",
        [blob.tensor],
        blob.shape,
        size=given.local_size,
        alpha=given.alpha,
        beta=given.beta,
        bias=given.k,
    )


def _same(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    graph.rename(layer, blob, flat=blob.flat)


def _flatten(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    given = layer.parameters.flatten_param if layer.parameters.DESCRIPTOR.fields_by_name.get("flatten_param") else None
    if given is not None and (given.axis not in (1, -3) or given.end_axis not in (-1, 3)):
        raise BenchError(f"axis = {given.axis}, end_axis = {given.end_axis}: only all values of an image in one row")
    graph.rename(layer, blob, flat=blob.size != blob.shape[0])


def _reshape(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    given = layer.parameters.reshape_param
    dims = list(given.shape.dim)
    old = [0, blob.size] if blob.flat else [0, *blob.shape]
    new = [old[at] if dim == 0 and at < len(old) else dim for at, dim in enumerate(dims)][1:]
    if -1 in new and new.count(-1) == 1:
        rest = -int(np.prod(new))
        new[new.index(-1)] = blob.size // rest if rest > 0 and blob.size % rest == 0 else 0
    squeezed = [dim for dim in new if dim != 1]
    if given.axis or given.num_axes != -1 or squeezed not in ([d for d in blob.shape if d != 1], [blob.size]):
        raise BenchError(f"shape {dims} of {blob.shape}: only to the same or to all values of an image in one row")
    graph.rename(layer, blob, flat=squeezed == [blob.size] and blob.size != blob.shape[0])


def _eltwise(graph: CaffeGraph, layer: CaffeLayer, blobs: list[Blob]) -> None:
    """Add an Eltwise layer: a sum with coefficients, or the maximum."""
    given = layer.parameters.eltwise_param
    _check_alike(blobs, lambda blob: blob.shape)
    if given.operation == _ELTWISE_PROD:
        raise BenchError(f"operation: PROD; {PRODUCT}")
    names = [blob.tensor for blob in blobs]
    shape = blobs[0].shape
    if given.operation == _ELTWISE_MAX:
        graph.write(layer, "Max", names, shape)
        return
    factors = list(given.coeff) or [1.0] * len(blobs)
    if len(factors) != len(blobs):
        raise BenchError(f"{len(factors)} coefficients for {len(blobs)} blobs")
    if factors == [1, -1]:
        graph.write(layer, "Sub", names, shape)
        return
    for index, factor in enumerate(factors):
        if factor != 1:
            value = graph.constant(layer, f"coeff{index}", np.array(factor, np.float32))
            names[index] = graph.inner(layer, f"term{index}", "Mul", [names[index], value])
    graph.write(layer, "Add" if len(names) == 2 else "Sum", names, shape)


def _concat(graph: CaffeGraph, layer: CaffeLayer, blobs: list[Blob]) -> None:
    """Add a Concat layer along channels."""
    given = layer.parameters.concat_param
    axis = given.concat_dim if given.HasField("concat_dim") else given.axis
    if axis not in (1, -3):
        raise BenchError(f"axis = {axis}: only along channels, axis 1")
    _check_alike(blobs, lambda blob: blob.shape[1:])
    channels = sum(blob.shape[0] for blob in blobs)
    graph.write(layer, "Concat", [blob.tensor for blob in blobs], (channels, *blobs[0].shape[1:]), axis=1)


def _check_alike(blobs: list[Blob], part: Callable[[Blob], object]) -> None:
    if len({part(blob) for blob in blobs}) != 1:
        raise BenchError(f"its blobs have shapes {', '.join(str(blob.shape) for blob in blobs)}")


SEVERAL_BOTTOMS: Mapping[str, Callable[[CaffeGraph, CaffeLayer, list[Blob]], None]] = {
    "Concat": _concat,
    "Eltwise": _eltwise,
}

ONE_BOTTOM: Mapping[str, Converter] = {
    "BatchNorm": convert_batch_norm,
    "Bias": convert_bias,
    "Convolution": convert_convolution,
    "Dropout": _same,
    "Flatten": _flatten,
    "InnerProduct": convert_inner_product,
    "LRN": _lrn,
    "PReLU": _prelu,
    "Pooling": convert_pooling,
    "Power": convert_power,
    "ReLU": _relu,
    "Reshape": _reshape,
    "Scale": convert_scale,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
    "Split": _same,
    "TanH": _tanh,
}

_FLAT_TOO = {"Dropout", "Flatten", "InnerProduct", "ReLU", "Reshape", "Sigmoid", "Split", "TanH"}
"""Types for which it does not matter that Caffe sees their input as one row."""

KEEP_THEIR_SHAPE = {
    *("AbsVal", "BNLL", "BatchNorm", "Bias", "Clip", "ELU", "Eltwise", "Exp", "LRN", "Log", "PReLU", "Power", "ReLU"),
    *("Scale", "Softmax", "Swish"),
}
"""Types whose output has the shape of their first input, also where they are refused."""

_TRAINING = "it belongs to training; a deploy.prototxt ends before it"
_DATA_BASE = "it reads a data base; a deploy.prototxt declares the input by its shape"
_LOOK_UP = "it would need EW's look-up table, which nv_small does not have"
_NO_UNIT = "no unit of nv_small does that"

_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("AbsVal", "BNLL", "ELU", "Exp", "Log", "Swish", "Clip"), _LOOK_UP),
    **dict.fromkeys(
        ("Data", "DummyData", "HDF5Data", "ImageData", "MemoryData", "WindowData", "AnnotatedData"), _DATA_BASE
    ),
    **dict.fromkeys(
        (
            "Accuracy",
            "ContrastiveLoss",
            "EuclideanLoss",
            "HDF5Output",
            "HingeLoss",
            "InfogainLoss",
            "MultinomialLogisticLoss",
            "SigmoidCrossEntropyLoss",
            "SoftmaxWithLoss",
        ),
        _TRAINING,
    ),
    "Deconvolution": "the MACs have no transposed convolution",
    "Slice": "SDP, PDP and CDP write one tensor a layer",
}


def convert(graph: CaffeGraph, layer: CaffeLayer) -> None:
    """Add a layer to the graph; behind one that was refused there is nothing to add.

    Raises
    ------
    BenchError
        What the layer cannot be, and where that is the point, which unit would have to do it.
    """
    if layer.type not in ONE_BOTTOM and layer.type not in SEVERAL_BOTTOMS and layer.type != "Silence":
        raise BenchError(_REFUSED.get(layer.type, _NO_UNIT))
    blobs = graph.take(layer)
    if layer.type == "Silence":
        return
    if layer.type != "Split" and len(layer.tops) != 1:
        raise BenchError(f"it has {len(layer.tops)} tops, it takes 1")
    if layer.type in ONE_BOTTOM and len(layer.bottoms) != 1:
        raise BenchError(f"it has {len(layer.bottoms)} bottoms; nv_small takes 1 here, the rest is constant")
    if not layer.bottoms:
        raise BenchError("it has no bottom")
    if blobs is None:
        graph.blobs.update(dict.fromkeys(layer.tops))
        return
    for blob, name in zip(blobs, layer.bottoms, strict=True):
        if blob.flat and layer.type not in _FLAT_TOO:
            raise BenchError(f"it takes the flattened {name!r}, whose values nv_small keeps by channel, row and column")
    if layer.type in ONE_BOTTOM:
        ONE_BOTTOM[layer.type](graph, layer, blobs[0])
    else:
        SEVERAL_BOTTOMS[layer.type](graph, layer, blobs)
