"""Which layers the compiler merges with the convolution before them, and what their numbers become in float32.

Its fast-math profile does this step by step, from the convolution on: a bias and the mean of a BatchNorm are added, its
deviations and the factors of a Scale go into the weights and what is added so far, a ReLU ends it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatElementwise
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.quantise.like_compiler.integers import Floats
from nvdla_int8.quantise.weights import WEIGHT_MAX
from nvdla_int8.stages.sdp import AluAlgo

LARGEST_MEAN = 127
"""The compiler stops with a mean below the negative of this, which it takes for one that does not fit."""


@dataclass(frozen=True)
class BatchNorm:
    """``(x + means) * factors``, (C,) each."""

    means: Floats
    factors: Floats


@dataclass(frozen=True)
class Scale:
    """``x * factors``, (C,)."""

    factors: Floats


@dataclass(frozen=True)
class Bias:
    """``x + biases``, (C,)."""

    biases: Floats


@dataclass(frozen=True)
class Relu:
    """Negative values become 0."""


Operation = BatchNorm | Scale | Bias | Relu


def operations_of(layer: FloatElementwise, node: Node) -> tuple[Operation, ...]:
    """What a layer that works on each element by itself is to the compiler; BenchError for what Caffe does not have."""
    if layer.activation.slopes is not None or layer.activation.most is not None:
        raise BenchError(f"{node.operator}: NVIDIA's compiler has no such layer")
    if layer.activation.relu:
        return (Relu(),)
    if node.operator == "BatchNormalization":
        return tuple(_normalisation(node))
    return tuple(_without_effect_left_out(layer.factors.astype(np.float32), layer.bias.astype(np.float32)))


def check_sum(layer: FloatElementwise, node: Node) -> None:
    """Refuse what the compiler does not make of two tensors."""
    plain = (layer.factors == 1).all() and not layer.bias.any() and layer.addend_factor == 1
    if layer.operation is not AluAlgo.SUM or not plain or len(node.variables) != 2:
        raise BenchError(f"{node.operator}: NVIDIA's compiler adds two tensors, and does nothing else with them")


def _normalisation(node: Node) -> Iterator[Operation]:
    """BatchNorm, and behind it the Scale that Caffe has in a layer of its own."""
    factors, biases, means, variances = (node.real(index).astype(np.float32).reshape(-1) for index in range(1, 5))
    epsilon = np.float32(node.attribute("epsilon", 1e-5))
    if means.any() or (variances != 1).any() or epsilon:
        inverse = np.float32(1) / np.sqrt(variances + epsilon)
        if -means.min() > LARGEST_MEAN or not np.isfinite(inverse).all():
            raise BenchError(f"a mean of {means.min():.6g}: NVIDIA's compiler stops")
        first, *others = _roots(inverse)
        yield BatchNorm(-means, first)
        yield from map(Scale, others)
    yield from _without_effect_left_out(factors, biases)


def _without_effect_left_out(factors: Floats, biases: Floats) -> Iterator[Operation]:
    if (factors != 1).any():
        yield Scale(factors)
    if biases.any():
        yield Bias(biases)


def _roots(inverse: Floats) -> list[Floats]:
    """Factors that int8 does not hold as several: their roots, as many for all as the largest needs.

    A factor with fewer roots than the largest is multiplied once too often: a fault of the compiler's.
    """
    counts = np.ones(inverse.shape, np.int64)
    roots = inverse.copy()
    while (large := roots > WEIGHT_MAX).any():
        counts[large] += 1
        roots[large] = inverse[large] ** (np.float32(1) / counts[large].astype(np.float32))
    most = int(counts.max())
    once = np.where(counts == 1, np.float32(1), roots)
    return [roots, *[once] * (most - 1)]


@dataclass(frozen=True)
class Merged:
    """What becomes one layer of SDP: a convolution or none, and what is done to its output.

    Attributes
    ----------
    operation
        What SDP does: behind a convolution a Bias, or the Scale of one that has none.
    weights
        (K, C, R, S), of a convolution.
    relu
        Negative values become 0; nothing is merged any more.
    """

    operation: BatchNorm | Scale | Bias
    weights: Floats | None = None
    relu: bool = False

    def then(self, operation: Operation) -> "Merged | None":
        """With one operation more; None when that is a layer of its own."""
        if self.relu:
            return None
        if isinstance(operation, Relu):
            return replace(self, relu=True)
        if self.weights is None:
            joined = _joined(self.operation, operation)
            return None if joined is None else replace(self, operation=joined)
        return _behind_convolution(self.operation, self.weights, operation)


def _behind_convolution(before: Operation, weights: Floats, operation: BatchNorm | Scale | Bias) -> Merged:
    """A convolution takes the factors of all but the last Scale; what is left is a Bias, or that Scale."""
    if isinstance(before, Scale):
        weights = _times(weights, before.factors)
        if isinstance(operation, BatchNorm):
            return Merged(Bias(operation.means * operation.factors), _times(weights, operation.factors))
        return Merged(operation, weights)
    joined = _joined(before, operation)
    if isinstance(joined, BatchNorm):
        return Merged(Bias(joined.means * joined.factors), _times(weights, joined.factors))
    assert isinstance(joined, Bias)
    return Merged(joined, weights)


def _joined(before: Operation, operation: Operation) -> BatchNorm | Scale | Bias | None:
    """Two operations as one; None when they stay two."""
    match before, operation:
        case Bias(biases), Bias(more):
            return Bias(biases + more)
        case Bias(biases), Scale(factors):
            return BatchNorm(biases, factors)
        case Bias(biases), BatchNorm(means, factors):
            return BatchNorm(biases + means, factors)
        case BatchNorm(means, factors), Scale(more):
            return BatchNorm(means, factors * more)
        case BatchNorm(means, factors), Bias(biases):
            return BatchNorm(biases * (np.float32(1) / factors) + means, factors)
    return None


def _times(weights: Floats, factors: Floats) -> Floats:
    return weights * factors[:, None, None, None]
