"""The constants of an ONNX graph: initializers and the outputs of Constant nodes."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from nvdla_int8.errors import BenchError

Reals = NDArray[np.float64]

NUMBERS = ("value_float", "value_floats", "value_int", "value_ints")


def label(node: onnx.NodeProto) -> str:
    """How messages call a node: its operator, and its name or that of its first output."""
    domain = f"{node.domain}." if node.domain not in ("", "ai.onnx") else ""
    return f"{domain}{node.op_type} node {node.name or node.output[0]!r}"


class Constants:
    """Values of a graph's constant tensors by name."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._values = {item.name: _to_array(item, f"initializer {item.name!r}") for item in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                self._values[node.output[0]] = self._of_node(node)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def real(self, node: onnx.NodeProto, index: int) -> Reals:
        """Input ``index`` of a node as real numbers.

        Raises
        ------
        BenchError
            When it is no constant, holds no numbers, or one that is not finite.
        """
        name = node.input[index] if index < len(node.input) else ""
        if name not in self._values:
            raise BenchError(f"{label(node)}: input {name!r} must be a constant")
        stored = self._values[name]
        try:
            values = np.asarray(stored, np.float64)
        except (ValueError, TypeError):
            raise BenchError(f"{label(node)}: tensor {name!r} holds {stored.dtype}, not numbers") from None
        for at in np.argwhere(~np.isfinite(values))[:1]:
            place = f" at {at.tolist()}" if values.ndim else ""
            raise BenchError(f"{label(node)}: tensor {name!r} holds {values[tuple(at)]}{place}")
        return values

    @staticmethod
    def _of_node(node: onnx.NodeProto) -> NDArray[np.generic]:
        if len(node.attribute) != 1:
            given = ", ".join(attribute.name for attribute in node.attribute) or "none"
            raise BenchError(f"{label(node)}: it takes one attribute, given are {given}")
        attribute = node.attribute[0]
        value = onnx.helper.get_attribute_value(attribute)
        if attribute.name == "value":
            return _to_array(value, label(node))
        if attribute.name in NUMBERS:
            return np.asarray(value)
        raise BenchError(f"{label(node)}: {attribute.name} is not supported")


def _to_array(tensor: onnx.TensorProto, place: str) -> NDArray[np.generic]:
    """Return a tensor's values; BenchError when its bytes are not those of its shape and type."""
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise BenchError(f"{place}: its values cannot be read: {' '.join(str(error).split())}") from None
