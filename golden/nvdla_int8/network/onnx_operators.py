"""Which operator is read by what."""

from collections.abc import Callable, Mapping

import numpy as np

from nvdla_int8.errors import BenchError
from nvdla_int8.network.draft import Draft
from nvdla_int8.network.float_network import FloatConcat
from nvdla_int8.network.onnx_convolution import read_conv, read_gemm, read_matmul
from nvdla_int8.network.onnx_elementwise import (
    read_activation,
    read_arithmetic,
    read_batch_normalisation,
    read_clip,
    read_extreme,
    read_negative,
)
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.network.onnx_host import read_resize
from nvdla_int8.network.onnx_moves import read_move, read_pad, read_rename
from nvdla_int8.network.onnx_pooling import read_global_pooling, read_lrn, read_pooling
from nvdla_int8.network.onnx_quantised import read_dequantise, read_quantise
from nvdla_int8.network.view import View

ReadNode = Callable[[Node, Draft], None]


def read_concat(node: Node, draft: Draft) -> None:
    """Concat: channels one behind the other, wherever their axis is."""
    views = [draft.whole(name) for name in node.inputs]
    sizes = {view.cube[1:] for view in views}
    if len(sizes) > 1:
        listed = ", ".join(f"{height} x {width}" for height, width in sorted(sizes))
        raise BenchError(f"its inputs are {listed}: tensors one behind the other in memory have one height and width")
    if len({view.tensor for view in views}) < len(views):
        raise BenchError("it takes a tensor twice: what lies in memory once is in one place")
    bases = np.cumsum([0, *(view.places.size for view in views[:-1])])
    parts = [view.places + base for view, base in zip(views, bases, strict=True)]
    places = np.concatenate(parts, axis=int(node.attribute("axis", 1)))
    if places.shape[0] != 1:
        raise BenchError("it joins images, not channels")
    cube = sum(view.cube[0] for view in views), *views[0].cube[1:]
    layer = FloatConcat(node.name, tuple(view.tensor for view in views), node.outputs[0])
    draft.add_output(node, layer, View(layer.output, cube, places.shape).moved(places))


READERS: Mapping[str, ReadNode] = {
    "Add": read_arithmetic,
    "AveragePool": read_pooling,
    "BatchNormalization": read_batch_normalisation,
    "Cast": read_rename,
    "Clip": read_clip,
    "Concat": read_concat,
    "Conv": read_conv,
    "DequantizeLinear": read_dequantise,
    "Div": read_arithmetic,
    "Dropout": read_rename,
    "Flatten": read_move,
    "Gather": read_move,
    "Gemm": read_gemm,
    "GlobalAveragePool": read_global_pooling,
    "GlobalMaxPool": read_global_pooling,
    "Identity": read_rename,
    "LRN": read_lrn,
    "LeakyRelu": read_activation,
    "MatMul": read_matmul,
    "Max": read_extreme,
    "MaxPool": read_pooling,
    "Min": read_extreme,
    "Mul": read_arithmetic,
    "Neg": read_negative,
    "PRelu": read_activation,
    "Pad": read_pad,
    "QuantizeLinear": read_quantise,
    "ReduceMax": read_global_pooling,
    "ReduceMean": read_global_pooling,
    "Relu": read_activation,
    "Reshape": read_move,
    "Resize": read_resize,
    "Slice": read_move,
    "Split": read_move,
    "Squeeze": read_move,
    "Sub": read_arithmetic,
    "Sum": read_arithmetic,
    "Transpose": read_move,
    "Unsqueeze": read_move,
    "Upsample": read_resize,
}
"""What becomes layers of the hardware, views, or a host operation between layers."""

HOST_FIRST = {
    "ArgMax",
    "ArgMin",
    "Exp",
    "Hardmax",
    "HardSigmoid",
    "Log",
    "LogSoftmax",
    "Sigmoid",
    "Softmax",
    "Sqrt",
    "Tanh",
    "TopK",
}
"""What the host does at a network's end."""

HOST_CURVES = {"Sigmoid", "Tanh"}
"""What NVIDIA's compiler takes between layers and leaves out: the host does it there in a network node by node."""

HOST_NEXT = HOST_FIRST | {
    "Add",
    "Cast",
    "Clip",
    "Concat",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "Flatten",
    "Gather",
    "Identity",
    "Mul",
    "QuantizeLinear",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
}
"""What the host does behind its own operations."""
