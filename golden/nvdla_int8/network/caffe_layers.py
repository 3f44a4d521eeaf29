"""Each type of Caffe layer as ONNX nodes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.network.caffe_files import CaffeLayer
from nvdla_int8.network.caffe_graph import Blob, CaffeGraph
from nvdla_int8.network.caffe_pooling import convert_pooling
from nvdla_int8.network.caffe_schema import number

Reals = NDArray[np.float32]
Converter = Callable[[CaffeGraph, CaffeLayer, Blob], None]
"""Adds a layer of one bottom to the graph; BenchError for what it cannot be."""

_WITHIN_CHANNEL = number("NormRegion", "WITHIN_CHANNEL")
_ELTWISE_MAX = number("EltwiseOp", "MAX")
_ELTWISE_PROD = number("EltwiseOp", "PROD")


def _weights(layer: CaffeLayer, *shapes: tuple[int, ...]) -> list[Reals]:
    """Return the layer's blobs in these shapes; old files have ones in front."""
    if layer.weights is None or (shapes and not layer.weights):
        raise BenchError(f"the caffemodel has no weights for it{layer.near_weights}")
    stored = [blob.shape for blob in layer.weights]
    if len(stored) != len(shapes):
        raise BenchError(f"the caffemodel has {len(stored)} blobs of weights for it, it takes {len(shapes)}")
    for index, (blob, shape) in enumerate(zip(layer.weights, shapes, strict=True)):
        if blob.shape[max(blob.ndim - len(shape), 0) :] != shape or blob.size != np.prod(shape):
            raise BenchError(
                f"its blob {index} of weights has shape {blob.shape} in the caffemodel, the prototxt makes it {shape}"
            )
    return [blob.reshape(shape) for blob, shape in zip(layer.weights, shapes, strict=True)]


def _pair(given: Any, what: str, default: int | None, *apart: str) -> list[int]:
    """A height and a width: given apart, or as one or two values of a repeated field."""
    if any(given.HasField(name) for name in apart):
        return [getattr(given, name) for name in apart]
    values = list(getattr(given, what)) or ([] if default is None else [default])
    if len(values) not in (1, 2):
        raise BenchError(f"{what} = {values}, it takes one value, or height and width")
    return values * (2 // len(values))


def _convolution(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    given = layer.parameters.convolution_param
    if given.axis not in (1, -3):
        raise BenchError(f"axis = {given.axis}: channels are axis 1")
    kernel = _pair(given, "kernel_size", None, "kernel_h", "kernel_w")
    stride = _pair(given, "stride", 1, "stride_h", "stride_w")
    pad = _pair(given, "pad", 0, "pad_h", "pad_w")
    dilation = _pair(given, "dilation", 1)
    channels, height, width = blob.shape
    kernels, groups = given.num_output, given.group
    if min(*kernel, *stride, *dilation, kernels, groups) < 1:
        raise BenchError("num_output, group, kernel, stride and dilation must be at least 1")
    if channels % groups or kernels % groups:
        raise BenchError(f"group = {groups} does not divide {channels} channels and {kernels} kernels")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [(n + 2 * p - r) // s + 1 for n, p, r, s in zip((height, width), pad, reach, stride, strict=True)]
    if min(size) < 1:
        raise BenchError(f"a kernel of {kernel} does not fit the input of {height} x {width} with pad {pad}")
    _convolve(
        graph,
        layer,
        blob,
        (kernels, channels // groups, kernel[0], kernel[1]),
        size,
        bias=given.bias_term,
        strides=stride,
        pads=[*pad, *pad],
        dilations=dilation,
        group=groups,
    )


def _inner_product(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    """A convolution whose kernel is the whole input: the values' order is the same."""
    given = layer.parameters.inner_product_param
    if given.axis not in (1, -3):
        raise BenchError(f"axis = {given.axis}: it takes all values of an image, axis 1")
    if given.transpose:
        raise BenchError("transpose: true is not supported")
    if given.num_output < 1:
        raise BenchError("num_output must be at least 1")
    _convolve(graph, layer, blob, (given.num_output, *blob.shape), [1, 1], bias=given.bias_term)


def _convolve(
    graph: CaffeGraph,
    layer: CaffeLayer,
    blob: Blob,
    shape: tuple[int, int, int, int],
    size: list[int],
    *,
    bias: bool,
    **attributes: Any,
) -> None:
    """Add a Conv; the weights of an inner product have one dimension in place of three."""
    stored = shape if layer.type == "Convolution" else (shape[0], blob.size)
    values = _weights(layer, stored, *[(shape[0],)] * bias)
    values[0] = values[0].reshape(shape)
    names = [graph.constant(layer, what, value) for what, value in zip(("weights", "bias"), values, strict=False)]
    graph.write(layer, "Conv", [blob.tensor, *names], (shape[0], size[0], size[1]), **attributes)


def _affine(
    graph: CaffeGraph,
    layer: CaffeLayer,
    blob: Blob,
    *,
    factor: Reals | None = None,
    bias: Reals | None = None,
    mean: Reals | None = None,
    variance: Reals | None = None,
    eps: float = 0.0,
) -> None:
    """Add a BatchNormalization, one node for all that is linear by channel: (C,) values, by default without effect."""
    zeros, ones = np.zeros(blob.shape[0], np.float32), np.ones(blob.shape[0], np.float32)
    values = {
        "factor": ones if factor is None else factor,
        "bias": zeros if bias is None else bias,
        "mean": zeros if mean is None else mean,
        "variance": ones if variance is None else variance,
    }
    names = [graph.constant(layer, what, value) for what, value in values.items()]
    graph.write(layer, "BatchNormalization", [blob.tensor, *names], blob.shape, epsilon=eps)


def _batch_norm(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    given = layer.parameters.batch_norm_param
    if given.HasField("use_global_stats") and not given.use_global_stats:
        raise BenchError(
            "use_global_stats: false takes mean and variance of the batch; leave it out for the stored ones"
        )
    channels = blob.shape[:1]
    mean, variance, [count] = _weights(layer, channels, channels, (1,))
    factor = np.float32(0 if count == 0 else 1 / count)
    if not (variance * factor + given.eps > 0).all():
        raise BenchError(f"variance {float((variance * factor).min())} and eps {given.eps} give no standard deviation")
    _affine(graph, layer, blob, mean=mean * factor, variance=variance * factor, eps=given.eps)


def _scale(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    given = layer.parameters.scale_param
    shape = _channelwise(given, blob)
    factor, *bias = _weights(layer, shape, *[shape] * given.bias_term)
    _affine(graph, layer, blob, factor=_by_channel(factor, blob), bias=_by_channel(bias[0], blob) if bias else None)


def _bias(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    [bias] = _weights(layer, _channelwise(layer.parameters.bias_param, blob))
    _affine(graph, layer, blob, bias=_by_channel(bias, blob))


def _power(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    given = layer.parameters.power_param
    if given.power != 1:
        raise BenchError(f"power = {given.power} would need EW's look-up table, which nv_small does not have")
    factor, bias = (_by_channel(np.array([value], np.float32), blob) for value in (given.scale, given.shift))
    _affine(graph, layer, blob, factor=factor, bias=bias)


def _channelwise(given: Any, blob: Blob) -> tuple[int, ...]:
    """Shape of a Scale's or Bias's blob: one value a channel, or one for all."""
    if given.num_axes == 0:
        return ()
    if given.axis not in (1, -3) or given.num_axes != 1:
        raise BenchError(f"axis = {given.axis}, num_axes = {given.num_axes}: only one value a channel, or one for all")
    return blob.shape[:1]


def _by_channel(values: Reals, blob: Blob) -> Reals:
    return np.ascontiguousarray(np.broadcast_to(values.reshape(-1), blob.shape[:1]))


def _relu(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    slope = layer.parameters.relu_param.negative_slope
    operator, attributes = ("LeakyRelu", {"alpha": slope}) if slope else ("Relu", {})
    graph.write(layer, operator, [blob.tensor], blob.shape, flat=blob.flat, **attributes)


def _prelu(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    shared = layer.parameters.prelu_param.channel_shared
    [slopes] = _weights(layer, (1,) if shared else blob.shape[:1])
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
        raise BenchError("operation: PROD; the product of two tensors would need EW, which nv_small does not have")
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
    "BatchNorm": _batch_norm,
    "Bias": _bias,
    "Convolution": _convolution,
    "Dropout": _same,
    "Flatten": _flatten,
    "InnerProduct": _inner_product,
    "LRN": _lrn,
    "PReLU": _prelu,
    "Pooling": convert_pooling,
    "Power": _power,
    "ReLU": _relu,
    "Reshape": _reshape,
    "Scale": _scale,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
    "Split": _same,
    "TanH": _tanh,
}

_FLAT_TOO = {"Dropout", "Flatten", "InnerProduct", "ReLU", "Reshape", "Sigmoid", "Split", "TanH"}
"""Types for which it does not matter that Caffe sees their input as one row."""

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
