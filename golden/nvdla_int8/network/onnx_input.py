"""How images lie in the input of an ONNX graph: its axes and sizes."""

from collections.abc import Iterator
from dataclasses import dataclass

import onnx

from nvdla_int8.errors import BenchError

CHANNELS_TO_THE_FRONT = {3: [0, 2, 1], 4: [0, 3, 1, 2]}
"""What a Transpose does to (N, L, C) and (N, H, W, C)."""

READERS = ("Conv", "Gemm", "MatMul", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LRN")
"""Operators that take their input's axes as they are; those before them pass the order on, or change it."""

OF_PIXELS = (onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8)


@dataclass(frozen=True)
class InputLayout:
    """A graph's input for one image.

    Attributes
    ----------
    name
        The input.
    shape
        As the graph takes it, of one image: (1, C, H, W), (1, C, L), (1, C), or with channels last.
    channels_last
        Whether C is the last axis.
    """

    name: str
    shape: tuple[int, ...]
    channels_last: bool

    @property
    def cube(self) -> tuple[int, int, int]:
        """(C, H, W); a line is of height 1."""
        _, *rest = self.shape
        if self.channels_last:
            rest = [rest[-1], *rest[:-1]]
        channels, *space = rest
        height, width = ([1, 1, *space])[-2:]
        return channels, height, width


def type_name(kind: int) -> str:
    """How ONNX calls a type of elements."""
    return next((name for name, value in onnx.TensorProto.DataType.items() if value == kind), f"type {kind}")


def find_layout(graph: onnx.GraphProto, image_size: tuple[int, int] | None) -> InputLayout:
    """Find how a graph's only input takes one image.

    Raises
    ------
    BenchError
        Another number of inputs, another rank or type, a size that is neither declared nor given, or both and others.
    """
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(repr(value.name) for value in inputs) or "none"
        raise BenchError(f"the graph has {len(inputs)} inputs ({names}), it takes 1")
    [value] = inputs
    kind = value.type.tensor_type
    if kind.elem_type not in OF_PIXELS:
        raise BenchError(f"the input {value.name!r} holds {type_name(kind.elem_type)}, not pixels")
    dims = [dim.dim_value for dim in kind.shape.dim]
    if not 2 <= len(dims) <= 4:
        raise BenchError(f"the input {value.name!r} has {len(dims)} axes, it takes (N, C, H, W), (N, C, L) or (N, C)")
    readers = list(_first_readers(graph, value.name))
    perm = CHANNELS_TO_THE_FRONT.get(len(dims))
    channels_last = any(_perm(node) == perm is not None for node in readers)
    channel_axis = len(dims) - 1 if channels_last else 1
    space = [axis for axis in range(1, len(dims)) if axis != channel_axis]
    if dims[channel_axis] < 1:
        dims[channel_axis] = _channels_of(graph, readers, value.name)
    _set_size(dims, space, image_size, value.name)
    return InputLayout(value.name, (1, *dims[1:]), channels_last)


def _set_size(dims: list[int], space: list[int], image_size: tuple[int, int] | None, name: str) -> None:
    """Fill in height and width, in place; a line has no height."""
    if not space:
        return
    declared = tuple(dims[axis] for axis in space)
    if image_size is None:
        if min(declared) < 1:
            raise BenchError(f"the input {name!r} declares no height and width: give them with --size H,W")
        return
    given = image_size[-len(space) :]
    for axis, size in zip(space, given, strict=True):
        if dims[axis] not in (0, size):
            text, wanted = " x ".join(map(str, declared)), " x ".join(map(str, given))
            raise BenchError(f"the input {name!r} is declared {text}, --size says {wanted}")
        dims[axis] = size


def _first_readers(graph: onnx.GraphProto, name: str) -> Iterator[onnx.NodeProto]:
    """Nodes on the ways from a tensor to the first that depend on its axes: these, or a Transpose."""
    seen = {name}
    for node in graph.node:  # in execution order
        if not seen.isdisjoint(node.input):
            if node.op_type in (*READERS, "Transpose"):
                yield node
            else:
                seen.update(node.output)


def _perm(node: onnx.NodeProto) -> list[int] | None:
    found = (onnx.helper.get_attribute_value(item) for item in node.attribute if item.name == "perm")
    return next((list(perm) for perm in found), None)


def _channels_of(graph: onnx.GraphProto, readers: list[onnx.NodeProto], name: str) -> int:
    """Channels by the weights of the first convolution."""
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for node in readers:
        if node.op_type == "Conv" and len(shapes.get(node.input[1], ())) >= 3:
            groups = next((item.i for item in node.attribute if item.name == "group"), 1)
            return int(shapes[node.input[1]][1]) * groups
    raise BenchError(f"the input {name!r} declares no channels")
