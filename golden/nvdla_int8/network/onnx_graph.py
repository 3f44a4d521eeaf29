"""The nodes of a folded ONNX graph, with their attributes, constants and shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from nvdla_int8.errors import BenchError
from nvdla_int8.network.onnx_qoperators import KeptScale, real_constant
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.widths import FEATURE

Reals = NDArray[np.float64]

Q_MIN, Q_MAX = signed_range(FEATURE)

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

    def __init__(
        self,
        proto: onnx.NodeProto,
        constants: Mapping[str, NDArray[np.generic]],
        kept: Mapping[str, KeptScale] | None = None,
    ) -> None:
        self.proto = proto
        self._kept = kept or {}
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
            with np.errstate(invalid="ignore"):  # what is not finite is refused
                values = np.asarray(stored, np.float64)
        except (ValueError, TypeError):
            raise BenchError(f"tensor {name!r} holds {stored.dtype}, not numbers") from None
        for at in np.argwhere(~np.isfinite(values))[:1]:
            place = f" at {at.tolist()}" if values.ndim else ""
            raise BenchError(f"tensor {name!r} holds {values[tuple(at)]}{place}")
        return values

    def kept_scale(self, index: int, axis: int) -> Reals | None:
        """What a constant's values are multiples of, int8 each: (1,), or one for each place along the axis.

        None for a constant in real numbers, one whose integers do not fit int8, or scales along another axis.
        """
        kept = self._kept.get(self.inputs[index])
        if kept is None or (kept.scale.size > 1 and kept.axis != axis):
            return None
        values = self.real(index)
        shape = [1] * values.ndim
        if kept.scale.size > 1:
            shape[axis] = kept.scale.size
        steps = np.rint(values / kept.scale.reshape(shape))
        return kept.scale if steps.min() >= Q_MIN and steps.max() <= Q_MAX else None

    def setting(self, name: str, index: int, default: Any = None) -> Any:
        """What older opsets give as an attribute and newer ones as a constant input: as an array, or the default."""
        if self.has_input(index):
            return self.constant(index)
        value = self.attribute(name)
        return default if value is None else np.asarray(value)


class OnnxGraph:
    """A graph's nodes that its outputs depend on, in execution order.

    Parameters
    ----------
    model
        The graph, folded.
    of
        What it was before.
    kept
        What the values of constants are integer multiples of.

    Attributes
    ----------
    nodes
        Without constants and without what no output needs.
    constants
        Values by tensor.
    inputs, outputs
        The tensors that the graph takes, and those that it is for.
    names
        All its tensors.
    in_model
        Those that the model computes as it was before; onnxruntime adds a few.
    opset
        Version of ONNX's own operators.
    """

    def __init__(
        self, model: onnx.ModelProto, of: onnx.ModelProto | None = None, kept: Mapping[str, KeptScale] | None = None
    ) -> None:
        graph = model.graph
        self.in_model = {name for node in (of or model).graph.node for name in node.output}
        self._kept = dict(kept or {})
        self.constants = {tensor.name: _to_array(tensor) for tensor in graph.initializer}
        self.inputs = [value.name for value in graph.input if value.name not in self.constants]
        self.outputs = [value.name for value in graph.output]
        self.opset = next((one.version for one in model.opset_import if one.domain in OWN_DOMAINS), 1)
        nodes = [proto for proto in graph.node if not self._computed(proto)]
        needed = set(self.outputs)
        live: list[Node] = []
        for proto in reversed(nodes):
            if not needed.isdisjoint(proto.output):
                needed.update(proto.input)
                live.append(Node(proto, self.constants, self._kept))
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

    def _computed(self, proto: onnx.NodeProto) -> bool:
        """Compute a node that makes real constants of integers, or transposes them: onnxruntime leaves these."""
        node = Node(proto, self.constants)
        if node.operator not in ("DequantizeLinear", "Transpose") or node.variables:
            return False
        values, [output] = node.constant(0), node.outputs
        if node.operator == "DequantizeLinear":
            zero = node.constant(2) if node.has_input(2) else None
            real = real_constant(values, node.constant(1), zero, node.attribute("axis", 1))
            self.constants[output], self._kept[output] = real
        else:
            perm = node.numbers("perm", range(values.ndim)[::-1])
            self.constants[output] = values.transpose(perm)
            if (kept := self._kept.get(node.inputs[0])) is not None:
                self._kept[output] = kept._replace(axis=perm.index(kept.axis))
        return True


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
