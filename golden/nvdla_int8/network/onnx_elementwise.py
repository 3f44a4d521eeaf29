"""Nodes that compute each element for itself, as layers of SDP: factor and bias, addend, activation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.network.draft import Draft, Elsewhere
from nvdla_int8.network.float_network import Activation, FloatElementwise
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.network.view import View
from nvdla_int8.stages.sdp import AluAlgo

Reals = NDArray[np.float64]

PRODUCT = "the product of two tensors is not supported: X2's multiplier would have to do it"
QUOTIENT = "the quotient of two tensors: a unit that divides would have to do it, which NVDLA does not have"


def read_arithmetic(node: Node, draft: Draft) -> None:
    """Add, Sub, Mul, Div and Sum: of a tensor and constants, or sums and differences of tensors."""
    operator = "Add" if node.operator == "Sum" else node.operator
    tensors = [index for index in range(len(node.inputs)) if not node.is_constant(index)]
    if len(tensors) == 1:
        _with_constants(node, draft, operator, tensors[0])
    elif operator == "Mul":
        raise BenchError(PRODUCT)
    elif operator == "Div":
        raise BenchError(QUOTIENT)
    else:
        _of_tensors(node, draft, AluAlgo.SUM, [1.0, -1.0] if operator == "Sub" else [1.0] * len(node.inputs))


def read_extreme(node: Node, draft: Draft) -> None:
    """Max and Min: of tensors, or of one and a constant, which is a ReLU or the upper end of a Clip."""
    tensors = [index for index in range(len(node.inputs)) if not node.is_constant(index)]
    if len(tensors) > 1:
        _of_tensors(node, draft, AluAlgo[node.operator.upper()], [1.0] * len(node.inputs))
        return
    constants = [node.real(index).reshape(-1) for index in range(len(node.inputs)) if index not in tensors]
    ends = np.concatenate([*constants, np.zeros(0)])
    if ends.size == 0 or (ends != ends[0]).any():
        raise BenchError("its constant has several values, it takes one")
    _clip(node, draft, tensors[0], *((ends[0], np.inf) if node.operator == "Max" else (-np.inf, ends[0])))


def read_negative(node: Node, draft: Draft) -> None:
    """Neg."""
    view = draft.whole(node.inputs[0])
    _affine(node, draft, view, np.full(view.cube[0], -1.0), np.zeros(view.cube[0]))


def read_batch_normalisation(node: Node, draft: Draft) -> None:
    """BatchNormalization with constant statistics: one factor and one bias a channel."""
    if node.attribute("training_mode", 0) or any(draft.graph.is_used(name) for name in node.outputs[1:]):
        raise BenchError("it is in training mode")
    view = draft.whole(node.inputs[0])
    scale, shift, mean, variance = (node.real(index).reshape(-1) for index in range(1, 5))
    divisor = variance + float(node.attribute("epsilon", 1e-5))
    if (divisor <= 0).any():
        raise BenchError(f"variance {variance[divisor <= 0][0]:g} is not positive")
    factors = scale / np.sqrt(divisor)
    axes = (1, -1, *[1] * (len(view.shape) - 2))
    bias = shift - mean * factors
    _affine(node, draft, view, *(_per_channel(node, view, one.reshape(axes)) for one in (factors, bias)))


def read_activation(node: Node, draft: Draft) -> None:
    """Relu, LeakyRelu, PRelu."""
    view = draft.whole(node.inputs[0])
    if node.operator == "Relu":
        _activate(node, draft, view, Activation(relu=True))
    elif node.operator == "LeakyRelu":
        _activate(node, draft, view, Activation(slopes=np.array([float(node.attribute("alpha", 0.01))])))
    else:
        slopes = node.real(1)
        values = slopes.reshape(-1) if slopes.size == 1 else _per_channel(node, view, slopes)
        _activate(node, draft, view, Activation(slopes=values))


def read_clip(node: Node, draft: Draft) -> None:
    """Clip: from 0 it is a ReLU; its upper end is left to the output's scale."""
    low, high = (float(np.asarray(node.setting(name, index, end))) for name, index, end in _ENDS)
    _clip(node, draft, 0, low, high)


_ENDS = (("min", 1, -np.inf), ("max", 2, np.inf))
_NO_END = float(np.finfo(np.float32).max)


def _clip(node: Node, draft: Draft, index: int, low: float, high: float) -> None:
    view = draft.whole(node.inputs[index])
    if not low <= high or low > 0 or high <= 0 or -_NO_END < low < 0:
        what = "only 0 .. a positive end is a ReLU, X2's ALU would have to clip otherwise"
        raise BenchError(f"it clips to {low:g} .. {high:g}: {what}")
    _activate(node, draft, view, Activation(relu=low == 0, most=high if high < _NO_END else None))


def _with_constants(node: Node, draft: Draft, operator: str, at: int) -> None:
    """One tensor, at this place of the inputs, and constants."""
    view = draft.whole(node.inputs[at])
    channels = view.cube[0]
    factors, bias = np.ones(channels), np.zeros(channels)
    for index in range(len(node.inputs)):
        if index == at:
            continue
        values = _per_channel(node, view, node.real(index))
        match operator, index:
            case "Add", _:
                bias = bias + values
            case "Sub", 1:
                bias = -values
            case "Sub", _:
                factors, bias = -factors, values
            case "Mul", _:
                factors = values
            case _ if index == 1 and values.all():
                with np.errstate(over="ignore"):  # what is not finite is refused
                    factors = 1 / values
            case _:
                raise BenchError("divides by its input" if index == 0 else "divides by 0")
    if not np.isfinite(factors).all():
        raise BenchError(f"divides by {values[~np.isfinite(factors)][0]:g}, whose inverse is not finite")
    _affine(node, draft, view, factors, bias)


def _of_tensors(node: Node, draft: Draft, operation: AluAlgo, signs: Sequence[float]) -> None:
    """Tensors of one form, taken two at a time; constants of a Sum are added to them."""
    views = [draft.whole(name) for name in node.inputs if name not in draft.graph.constants]
    signs = [sign for sign, name in zip(signs, node.inputs, strict=True) if name not in draft.graph.constants]
    first, *others = views
    for view in others:
        if view.shape != first.shape:
            what = "X2's ALU takes one value of each for an element"
            raise BenchError(f"its inputs have shapes {first.shape} and {view.shape}: {what}")
        if view.cube != first.cube or (view.places != first.places).any():
            raise Elsewhere("the hardware has the elements of its inputs in different orders")
    bias = np.zeros(first.cube[0])
    for index in range(len(node.inputs)):
        if node.is_constant(index):
            if operation is not AluAlgo.SUM:
                raise BenchError("it takes constants beside tensors")
            bias = bias + _per_channel(node, first, node.real(index))
    source, name = first.tensor, node.outputs[0]
    for number, (view, sign) in enumerate(zip(others, signs[1:], strict=True), 1):
        last = number == len(others)
        layer = FloatElementwise(
            node.name if last else f"{node.name} ({number})",
            (source, view.tensor),
            name if last else f"{name} ({number})",
            np.full(first.cube[0], signs[0]),
            bias if last else np.zeros_like(bias),
            operation,
            sign,
        )
        if last:
            draft.add_output(node, layer, first.of(layer.output))
        else:
            draft.add(layer, first.cube, measured=False)
        source = layer.output


def _per_channel(node: Node, view: View, values: Reals) -> Reals:
    """One value a channel of the hardware's tensor, of a constant input."""
    try:
        fits = np.broadcast_shapes(values.shape, view.shape) == view.shape
    except ValueError:
        fits = False
    if not fits or values.size == 0:
        raise BenchError(f"the constant has shape {values.shape}, its input {view.shape}")
    found = view.per_channel(values)
    if found is None:
        raise BenchError(f"the constant has shape {values.shape}: SDP takes one, or {view.cube[0]}, one a channel")
    return found


def _affine(node: Node, draft: Draft, view: View, factors: Reals, bias: Reals) -> None:
    layer = FloatElementwise(node.name, (view.tensor,), node.outputs[0], factors, bias)
    draft.add_output(node, layer, view.of(layer.output))


def _activate(node: Node, draft: Draft, view: View, activation: Activation) -> None:
    channels = view.cube[0]
    layer = FloatElementwise(
        node.name, (view.tensor,), node.outputs[0], np.ones(channels), np.zeros(channels), activation=activation
    )
    draft.add_output(node, layer, view.of(layer.output))
