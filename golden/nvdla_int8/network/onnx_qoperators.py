"""Operators on integers, as real operators between DequantizeLinear and QuantizeLinear: onnxruntime's QDQ."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from nvdla_int8.errors import BenchError, located

Reals = NDArray[np.float64]


class KeptScale(NamedTuple):
    """What constants in real numbers are integer multiples of.

    Attributes
    ----------
    scale
        (1,), or one for each place along the axis.
    axis
        The axis.
    """

    scale: Reals
    axis: int


class _Form(NamedTuple):
    """How a QLinear operator takes its tensors: each with a scale and a zero point behind it.

    Attributes
    ----------
    operator
        The same in real numbers.
    first
        Places of the tensors among the inputs; without end where ``repeated``.
    output
        Place of the output's scale, with its zero point behind it.
    bias
        Place of the integer bias, in steps of the first two scales' product.
    """

    operator: str
    tensors: tuple[int, ...]
    output: int
    bias: int | None = None
    repeated: bool = False


FORMS: Mapping[str, _Form] = {
    "QGemm": _Form("Gemm", (0, 3), 7, bias=6),
    "QLinearAdd": _Form("Add", (0, 3), 6),
    "QLinearAveragePool": _Form("AveragePool", (0,), 3),
    "QLinearConcat": _Form("Concat", (2,), 0, repeated=True),
    "QLinearConv": _Form("Conv", (0, 3), 6, bias=8),
    "QLinearGlobalAveragePool": _Form("GlobalAveragePool", (0,), 3),
    "QLinearLeakyRelu": _Form("LeakyRelu", (0,), 3),
    "QLinearMatMul": _Form("MatMul", (0, 3), 6),
    "QLinearMul": _Form("Mul", (0, 3), 6),
    "QLinearReduceMean": _Form("ReduceMean", (0,), 3),
    "QLinearSigmoid": _Form("Sigmoid", (0,), 3),
    "QLinearSoftmax": _Form("Softmax", (0,), 3),
}
"""ONNX's own, and those of onnxruntime's domain com.microsoft."""

DROPPED = ("channels_last", "opset")
"""Attributes that the real operators do not have."""


def with_real_operators(model: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, KeptScale]]:
    """Write integer operators as real ones between DequantizeLinear and QuantizeLinear.

    Weights and biases that are constants become real constants.

    Returns
    -------
    tuple
        The model, and by constant what its values are integer multiples of.

    Raises
    ------
    BenchError
        For an integer operator whose scales are no constants, or that takes channels last.
    """
    if not any(node.op_type in FORMS for node in model.graph.node):
        return model, {}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    writer = _Writer(copy.graph)
    del copy.graph.node[:]
    for node in model.graph.node:
        if node.op_type in FORMS:
            with located(f"{node.op_type} node {node.name or node.output[0]!r}"):
                try:
                    copy.graph.node.extend(writer.nodes(node, FORMS[node.op_type]))
                except BenchError:
                    raise
                except (ValueError, TypeError, IndexError) as error:
                    raise BenchError(f"its inputs do not fit: {' '.join(str(error).split())}") from None
        else:
            copy.graph.node.extend(writer.around(node))
    copy.graph.initializer.extend(writer.added)
    return copy, writer.kept


def real_constant(
    values: NDArray[np.generic], scale: NDArray[np.generic], zero: NDArray[np.generic] | None, axis: int
) -> tuple[NDArray[np.float32], KeptScale]:
    """Return integer constants in real numbers, with what they are multiples of."""
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
        steps = np.asarray(scale, np.float64).reshape(-1)
        shape = [1] * values.ndim
        if steps.size > 1:
            shape[axis] = steps.size
        zeros = np.zeros(1) if zero is None else np.asarray(zero, np.float64).reshape(-1)
        moved = values.astype(np.float64) - zeros.reshape(shape if zeros.size > 1 else [1] * values.ndim)
        real = (moved * steps.reshape(shape)).astype(np.float32)
    return real, KeptScale(steps, axis % max(values.ndim, 1))


class _Writer:
    def __init__(self, graph: onnx.GraphProto) -> None:
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self.added: list[onnx.TensorProto] = []
        self.kept: dict[str, KeptScale] = {}
        self._scales: dict[str, list[str]] = {}

    def nodes(self, node: onnx.NodeProto, form: _Form) -> list[onnx.NodeProto]:
        """One integer node as real ones; its output keeps its name."""
        attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        if attributes.get("channels_last"):
            raise BenchError("channels_last = 1 is not supported")
        name, inputs = node.name or node.output[0], list(node.input)
        places = range(form.tensors[0], len(inputs), 3) if form.repeated else form.tensors
        made: list[onnx.NodeProto] = []
        taken: list[str] = []
        for number, place in enumerate(places):
            given = [one for one in inputs[place : place + 3] if one]
            real = f"{node.output[0]} (real input {number})"
            if given[0] in self._constants:
                self._add_real(given, real, axis=_kernel_axis(form.operator, attributes) if number else 0)
            else:
                made.append(helper.make_node("DequantizeLinear", given, [real], name=f"{name} (input {number})"))
            taken.append(real)
        if form.bias is not None and len(inputs) > form.bias and inputs[form.bias]:
            steps = self._value(inputs[1]).astype(np.float64) * self._value(inputs[4]).astype(np.float64)
            values = self._value(inputs[form.bias]).astype(np.float64) * steps * attributes.get("alpha", 1.0)
            taken.append(f"{node.output[0]} (real bias)")
            self.added.append(numpy_helper.from_array(values.astype(np.float32), taken[-1]))
        kept = {key: value for key, value in attributes.items() if key not in DROPPED}
        scale = [one for one in inputs[form.output : form.output + 2] if one]
        real = f"{node.output[0]} (real)" if scale else node.output[0]
        made.append(helper.make_node(form.operator, taken, [real], name=name, **kept))
        if scale:
            made.append(self._quantise(real, scale, node.output[0], name))
        return made

    def around(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """Any other node, on real numbers where it took integers: it gives them the same scale."""
        if node.op_type == "QuantizeLinear":
            self._scales[node.output[0]] = list(node.input[1:])
        integers = [name for name in node.input if name in self._scales]
        if not integers or node.op_type == "DequantizeLinear":
            return [node]
        name, scale = node.name or node.output[0], self._scales[integers[0]]
        real = {one: f"{node.output[0]} (real {one})" for one in integers}
        made = [
            helper.make_node("DequantizeLinear", [one, *self._scales[one]], [real[one]], name=f"{name} (input {one})")
            for one in real
        ]
        moved = onnx.NodeProto()
        moved.CopyFrom(node)
        moved.ClearField("input")
        moved.ClearField("output")
        moved.input.extend(real.get(one, one) for one in node.input)
        moved.output.extend(f"{one} (real)" if one else "" for one in node.output)
        quantised = [self._quantise(f"{one} (real)", scale, one, name) for one in node.output if one]
        return [*made, moved, *quantised]

    def _quantise(self, real: str, scale: list[str], output: str, name: str) -> onnx.NodeProto:
        self._scales[output] = scale
        return helper.make_node("QuantizeLinear", [real, *scale], [output], name=f"{name} (output {output})")

    def _add_real(self, given: list[str], name: str, *, axis: int) -> None:
        values, scale, *zero = map(self._value, given)
        real, self.kept[name] = real_constant(values, scale, zero[0] if zero else None, axis)
        self.added.append(numpy_helper.from_array(real, name))

    def _value(self, name: str) -> NDArray[np.generic]:
        if name not in self._constants:
            raise BenchError(f"input {name!r} must be a constant")
        return numpy_helper.to_array(self._constants[name])


def _kernel_axis(operator: str, attributes: Mapping[str, object]) -> int:
    """The axis of weights along which kernels lie."""
    return 0 if operator == "Conv" or attributes.get("transB") else 1
