"""Caffe's pooling as ONNX nodes: rounded up, the last window clipped, averages over the padded input."""

import math
from typing import Any

import numpy as np

from nvdla_int8.errors import BenchError
from nvdla_int8.network.caffe_files import CaffeLayer
from nvdla_int8.network.caffe_graph import Blob, CaffeGraph
from nvdla_int8.network.caffe_schema import number

_OPERATORS = {number("PoolMethod", "MAX"): "Max", number("PoolMethod", "AVE"): "Average"}
_FLOOR = number("RoundMode", "FLOOR")


def convert_pooling(graph: CaffeGraph, layer: CaffeLayer, blob: Blob) -> None:
    """Add a Pooling layer; BenchError for what Caffe itself refuses, and for stochastic pooling."""
    given = layer.parameters.pooling_param
    if given.pool not in _OPERATORS:
        raise BenchError("stochastic pooling is for training; PDP takes maxima and averages")
    operator = _OPERATORS[given.pool]
    channels, *size = blob.shape
    if given.global_pooling:
        graph.write(layer, f"Global{operator}Pool", [blob.tensor], (channels, 1, 1))
        return
    kernel, stride, pad = (
        _pair(given, what, name) for what, name in (("kernel", "kernel_size"), ("stride", "stride"), ("pad", "pad"))
    )
    if min(kernel) < 1 or min(stride) < 1 or any(p >= k for p, k in zip(pad, kernel, strict=True)):
        raise BenchError(f"kernel {kernel}, stride {stride}, pad {pad}: the padding must be below the kernel")
    rounded = math.floor if given.round_mode == _FLOOR else math.ceil
    sizes, missing = [], []
    for have, k, s, p in zip(size, kernel, stride, pad, strict=True):
        count = rounded((have + 2 * p - k) / s) + 1
        if (count - 1) * s >= have + p:
            if not any(pad):
                raise BenchError(
                    f"its last window begins behind the input of {size[0]} x {size[1]}, where Caffe has none"
                )
            count -= 1
        if count < 1:
            raise BenchError(f"a kernel of {kernel} does not fit the input of {size[0]} x {size[1]} with pad {pad}")
        sizes.append(count)
        missing.append(max((count - 1) * s + k - have - 2 * p, 0))
    shape = (channels, sizes[0], sizes[1])
    source = blob.tensor
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": stride}
    if operator == "Average":
        attributes["count_include_pad"] = int(not any(missing))
        if any(missing) and any(pad):  # Caffe counts its padding, and not what windows lack beyond it
            ends = graph.constant(layer, "pads", np.array([0, 0, *pad, 0, 0, *pad], np.int64))
            source, pad = graph.inner(layer, "padded", "Pad", [source, ends]), [0, 0]
    attributes["pads"] = [*pad, *(np.add(pad, missing).tolist())]
    graph.write(layer, f"{operator}Pool", [source], shape, **attributes)


def _pair(given: Any, what: str, name: str) -> list[int]:
    """A height and a width, given for both or apart."""
    apart = [f"{what}_h", f"{what}_w"]
    if any(given.HasField(one) for one in apart):
        return [getattr(given, one) for one in apart]
    return [getattr(given, name)] * 2
