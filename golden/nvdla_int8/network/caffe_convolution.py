"""Caffe's convolutions and inner products as ONNX's Conv."""

from typing import Any

from nvdla_int8.errors import BenchError
from nvdla_int8.network.caffe_files import CaffeLayer
from nvdla_int8.network.caffe_graph import Blob, CaffeGraph


def convert_convolution(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    """Add a Convolution layer; BenchError for what it cannot be."""
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


def convert_inner_product(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    """Add an InnerProduct layer as a convolution whose kernel is the whole input: the values' order is the same."""
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
    values = layer.shaped_weights(stored, *[(shape[0],)] * bias)
    values[0] = values[0].reshape(shape)
    names = [graph.constant(layer, what, value) for what, value in zip(("weights", "bias"), values, strict=False)]
    graph.write(layer, "Conv", [blob.tensor, *names], (shape[0], size[0], size[1]), **attributes)


def _pair(given: Any, what: str, default: int | None, *apart: str) -> list[int]:
    """A height and a width: given apart, or as one or two values of a repeated field."""
    if any(given.HasField(name) for name in apart):
        return [getattr(given, name) for name in apart]
    values = list(getattr(given, what)) or ([] if default is None else [default])
    if len(values) not in (1, 2):
        raise BenchError(f"{what} = {values}, it takes one value, or height and width")
    return values * (2 // len(values))
