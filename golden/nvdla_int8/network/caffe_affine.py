"""Caffe's layers that are linear by channel as ONNX's BatchNormalization, one node each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.network.caffe_files import CaffeLayer
from nvdla_int8.network.caffe_graph import Blob, CaffeGraph

Reals = NDArray[np.float32]


def convert_batch_norm(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    """Add a BatchNorm layer; BenchError for what it cannot be."""
    given = layer.parameters.batch_norm_param
    if given.HasField("use_global_stats") and not given.use_global_stats:
        graph.notes.append(
            f"{layer.name}: its stored mean and variance are taken, not the batch's (use_global_stats: false)"
        )
    channels = blob.shape[:1]
    mean, variance, [count] = layer.shaped_weights(channels, channels, (1,))
    factor = np.float32(0 if count == 0 else 1 / count)
    if not (variance * factor + given.eps > 0).all():
        raise BenchError(f"variance {float((variance * factor).min())} and eps {given.eps} give no standard deviation")
    _affine(graph, layer, blob, mean=mean * factor, variance=variance * factor, eps=given.eps)


def convert_scale(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    """Add a Scale layer; BenchError for what it cannot be."""
    given = layer.parameters.scale_param
    shape = _channelwise(given, blob)
    factor, *bias = layer.shaped_weights(shape, *[shape] * given.bias_term)
    _affine(graph, layer, blob, factor=_by_channel(factor, blob), bias=_by_channel(bias[0], blob) if bias else None)


def convert_bias(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    """Add a Bias layer; BenchError for what it cannot be."""
    [bias] = layer.shaped_weights(_channelwise(layer.parameters.bias_param, blob))
    _affine(graph, layer, blob, bias=_by_channel(bias, blob))


def convert_power(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    """Add a Power layer; BenchError for what it cannot be."""
    given = layer.parameters.power_param
    if given.power != 1:
        raise BenchError(f"power = {given.power} would need EW's look-up table, which nv_small does not have")
    factor, bias = (_by_channel(np.array([value], np.float32), blob) for value in (given.scale, given.shift))
    _affine(graph, layer, blob, factor=factor, bias=bias)


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
    """Add the node; values are (C,), by default without effect."""
    zeros, ones = np.zeros(blob.shape[0], np.float32), np.ones(blob.shape[0], np.float32)
    values = {
        "factor": ones if factor is None else factor,
        "bias": zeros if bias is None else bias,
        "mean": zeros if mean is None else mean,
        "variance": ones if variance is None else variance,
    }
    names = [graph.constant(layer, what, value) for what, value in values.items()]
    graph.write(layer, "BatchNormalization", [blob.tensor, *names], blob.shape, epsilon=eps)


def _channelwise(given: Any, blob: Blob) -> tuple[int, ...]:
    """Shape of a Scale's or Bias's blob: one value a channel, or one for all."""
    if given.num_axes == 0:
        return ()
    if given.axis not in (1, -3) or given.num_axes != 1:
        raise BenchError(f"axis = {given.axis}, num_axes = {given.num_axes}: only one value a channel, or one for all")
    return blob.shape[:1]


def _by_channel(values: Reals, blob: Blob) -> Reals:
    return np.ascontiguousarray(np.broadcast_to(values.reshape(-1), blob.shape[:1]))
