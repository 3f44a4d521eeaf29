"""A Caffe network as an ONNX model in memory, with the names that calibration tables have for its tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from nvdla_int8.errors import BenchError, Problems, located
from nvdla_int8.network.caffe_files import CaffeNet, read_caffe_files
from nvdla_int8.network.caffe_graph import CaffeGraph
from nvdla_int8.network.caffe_layers import KEEP_THEIR_SHAPE, convert

TENSORRT_TYPES = {
    "BatchNorm": "Scale",
    "Concat": "Concatenation",
    "Convolution": "Convolution",
    "Deconvolution": "Deconvolution",
    "Eltwise": "ElementWise",
    "InnerProduct": "Fully Connected",
    "LRN": "LRN",
    "Pooling": "Pooling",
    "Power": "Scale",
    "PReLU": "Parametric ReLU",
    "ReLU": "Activation",
    "Reshape": "Shuffle",
    "Scale": "Scale",
    "Sigmoid": "Activation",
    "Softmax": "SoftMax",
    "TanH": "Activation",
}
"""What TensorRT calls the layers that it makes of Caffe's."""

MOST_OF_INPUT = 1 << 16
"""What no dimension of an input exceeds; NVDLA's cubes have 13 bits."""

NOT_COUNTED = {"Dropout", "Flatten", "Silence", "Split"}
"""Types of which TensorRT makes no layer."""


@dataclass(frozen=True)
class CaffeModel:
    """A converted network.

    Attributes
    ----------
    model
        ONNX; a tensor is named after the layer that writes it, as in NVDLA's JSON tables, the input after its blob.
    aliases
        Other names of each tensor: its blob if nothing writes that later, as in TensorRT's caches; the caches'
        ``(Unnamed Layer* N) [Type]_output``, which all tensors but the last of a blob have there; layers that only
        rename it.
    refused
        One line for each layer that is not supported; the model is what can be said without them.
    notes
        What was decided that a user should know, a line each.
    """

    model: onnx.ModelProto
    aliases: Mapping[str, tuple[str, ...]]
    refused: tuple[str, ...]
    notes: tuple[str, ...]


def read_caffe(path: Path, weights_path: Path | None = None) -> CaffeModel:
    """Read a prototxt and its caffemodel, by default the one beside it, and convert them as far as they can be.

    Raises
    ------
    BenchError
        One line for a file that is not what it should be, or not the other's.
    """
    net = read_caffe_files(path, weights_path)
    graph = CaffeGraph()
    with located(net.path):
        _declare_input(graph, net)
    refused = Problems()
    counted = 0
    for layer in net.layers:
        before = len(refused.lines)
        with refused.gathered(), located(f"{net.path}: {layer}"):
            convert(graph, layer)
        if len(refused.lines) > before:
            graph.go_on_behind(layer, layer.type in KEEP_THEIR_SHAPE)
        if layer.type not in NOT_COUNTED:
            if layer.name in graph.aliases:
                kind = TENSORRT_TYPES.get(layer.type, layer.type)
                graph.aliases[layer.name].append(f"(Unnamed Layer* {counted}) [{kind}]_output")
            counted += 1
    return CaffeModel(graph.model(path.stem), graph.all_aliases(), tuple(refused.lines), tuple(graph.notes))


def _declare_input(graph: CaffeGraph, net: CaffeNet) -> None:
    taken = {bottom for layer in net.layers for bottom in layer.bottoms}
    inputs = [one for one in net.inputs if one.blob in taken]
    if len(inputs) != 1:
        listed = ", ".join(repr(one.blob) for one in inputs) or "none"
        raise BenchError(f"it declares {len(inputs)} inputs that layers take ({listed}), it must be 1")
    [declared] = inputs
    dims = (*declared.dims, 1, 1) if len(declared.dims) == 2 else declared.dims
    if len(dims) != 4 or not 1 <= min(dims) <= max(dims) <= MOST_OF_INPUT:
        raise BenchError(f"input {declared.blob!r} has dimensions {dims}, it takes batch, channels, height and width")
    _, channels, height, width = dims
    graph.declare(declared.blob, (channels, height, width))
    if declared.layer != declared.blob:
        graph.aliases[declared.blob].append(declared.layer)
