"""The nodes of a folded ONNX graph, with their attributes, constants and shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from nvdla_int8.errors import BenchError

Reals = NDArray[np.float64]

OWN_DOMAINS = ("", "ai.onnx")


class Node:
    """One node.

    Attributes
    ----------
    proto
        As in the file.
    operator
        Its type, with the domain in front where that is not ONNX's own.
    name
        The node's name, or that of its first output.
    inputs, outputs
        Tensors; trailing ones that are not given are left out.
    """

    def __init__(self, proto: onnx.NodeProto, constants: Mapping[str, NDArray[np.generic]]) -> None:
        self.proto = proto
        domain = "" if proto.domain in OWN_DOMAINS else f"{proto.domain}."
        self.operator = f"{domain}{proto.op_type}"
        self.inputs, self.outputs = _given(proto.input), _given(proto.output)
        self.name = proto.name or (self.outputs[0] if self.outputs else proto.op_type)
        self._attributes = {item.name: onnx.helper.get_attribute_value(item) for item in proto.attribute}
        self._constants = constants

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"{self.operator} node {self.name!r}"

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute's value; text as str."""
        value = self._attributes.get(name, default)
        return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value

    def numbers(self, name: str, default: Sequence[int]) -> list[int]:
        """A list of integers, as many as the default has; BenchError for another number."""
        values = list(self.attribute(name, default))
        if len(values) != len(default):
            raise BenchError(f"{name} = {values}, it takes {len(default)}")
        return values

    def has_input(self, index: int) -> bool:
        """Whether this input is given."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def is_constant(self, index: int) -> bool:
        """Whether this input is given and a constant."""
        return self.has_input(index) and self.inputs[index] in self._constants

    @property
    def variables(self) -> list[str]:
        """The inputs that are no constants."""
        return [name for name in self.inputs if name and name not in self._constants]

    def constant(self, index: int) -> NDArray[np.generic]:
        """The values of a constant input; BenchError when it is none."""
        name = self.inputs[index] if index < len(self.inputs) else ""
        if name not in self._constants:
            raise BenchError(f"input {name!r} must be a constant")
        return self._constants[name]

    def real(self, index: int) -> Reals:
        """The values of a constant input as real numbers.

        Raises
        ------
        BenchError
            When it is no constant, holds no numbers, or one that is not finite.
        """
        name, stored = self.inputs[index] if index < len(self.inputs) else "", self.constant(index)
        try:
            values = np.asarray(stored, np.float64)
        except (ValueError, TypeError):
            raise BenchError(f"tensor {name!r} holds {stored.dtype}, not numbers") from None
        for at in np.argwhere(~np.isfinite(values))[:1]:
            place = f" at {at.tolist()}" if values.ndim else ""
            raise BenchError(f"tensor {name!r} holds {values[tuple(at)]}{place}")
        return values

    def setting(self, name: str, index: int, default: Any = None) -> Any:
        """What older opsets give as an attribute and newer ones as a constant input: as an array, or the default."""
        if self.has_input(index):
            return self.constant(index)
        value = self.attribute(name)
        return default if value is None else np.asarray(value)


class OnnxGraph:
    """A graph's nodes that its outputs depend on, in execution order.

    Attributes
    ----------
    nodes
        Without constants and without what no output needs.
    constants
        Values by tensor.
    outputs
        The tensors that the graph is for.
    names
        All its tensors.
    opset
        Version of ONNX's own operators.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.constants = {tensor.name: _to_array(tensor) for tensor in graph.initializer}
        self.outputs = [value.name for value in graph.output]
        self.opset = next((one.version for one in model.opset_import if one.domain in OWN_DOMAINS), 1)
        needed = set(self.outputs)
        live: list[Node] = []
        for proto in reversed(graph.node):
            if not needed.isdisjoint(proto.output):
                needed.update(proto.input)
                live.append(Node(proto, self.constants))
        self.nodes = live[::-1]
        values = (*graph.input, *graph.value_info, *graph.output)
        self._shapes = {value.name: _shape(value) for value in values}
        self.names = {name for node in self.nodes for name in (*node.inputs, *node.outputs)}
        self._readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                self._readers.setdefault(name, []).append(node)

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape; BenchError when inference has not found it."""
        shape = self._shapes.get(name)
        if shape is None or min(shape, default=1) < 0:
            raise BenchError(f"the shape of {name!r} is not known")
        return shape

    def readers(self, name: str) -> list[Node]:
        """The nodes that take a tensor."""
        return self._readers.get(name, [])

    def is_used(self, name: str) -> bool:
        """Whether a node takes a tensor, or it is an output."""
        return bool(self.readers(name)) or name in self.outputs


def _given(names: Sequence[str]) -> list[str]:
    last = max((index for index, name in enumerate(names) if name), default=-1)
    return list(names[: last + 1])


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...] | None:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim)


def _to_array(tensor: onnx.TensorProto) -> NDArray[np.generic]:
    """Return a tensor's values; BenchError when its bytes are not those of its shape and type."""
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise BenchError(f"initializer {tensor.name!r}: its values cannot be read: {error}") from None
