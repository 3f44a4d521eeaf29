"""Whether a compiled network is, integer by integer, what NVIDIA's compiler makes of its network and table."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.matching import match_table
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.network_match import LayerMatch, NetworkMatch
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.sdp_steps import SdpStep
from nvdla_int8.quantise.like_compiler.modes import CompilerMode
from nvdla_int8.quantise.like_compiler.network import compile_network
from nvdla_int8.quantise.like_compiler.programs import SdpIntegers, SdpPart


@dataclass(frozen=True)
class LayerComparison:
    """A layer that SDP writes, and what of it is not as predicted, in words; nothing when all integers are equal."""

    match: LayerMatch
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Prediction:
    """What the compiler would make of a network and a table, and what is in the file.

    Attributes
    ----------
    mode
        The compiler's kind of weight scales that more layers agree with.
    layers
        Those that SDP writes, in order of work.
    """

    mode: CompilerMode
    layers: tuple[LayerComparison, ...]

    @property
    def is_exact(self) -> bool:
        """Whether every integer is as predicted."""
        return not any(layer.differences for layer in self.layers)


def compare_with_prediction(match: NetworkMatch) -> Prediction:
    """Compare every weight, operand, shift and converter with what the compiler's fast-math profile makes.

    Parameters
    ----------
    match
        Of a network with its table.

    Raises
    ------
    BenchError
        No table, or a network of which it is not known what the compiler makes.
    """
    if match.table is None:
        raise BenchError("what NVIDIA's compiler would program is not known without a table")
    found = [_compared(match, mode) for mode in CompilerMode]
    return min(found, key=lambda one: sum(bool(layer.differences) for layer in one.layers))


def _compared(match: NetworkMatch, mode: CompilerMode) -> Prediction:
    assert match.table is not None
    scales = match_table(match.table, match.network).scales
    compiled = compile_network(match.network.fed_with_int8(), scales, mode)
    predicted = {layer.output: layer for layer in compiled.integers}
    layers = [
        LayerComparison(one, tuple(_differences(one.layer, predicted.get(one.nodes.output))))
        for one in match.layers
        if one.layer.converter is not None and not _copies(one.layer)
    ]
    return Prediction(mode, tuple(layers))


def _copies(layer: LoadableLayer) -> bool:
    """Whether it is what the compiler makes of an activation that it drops."""
    return layer.geometry is None and layer.x1 is None and layer.x2 is None


def _differences(layer: LoadableLayer, predicted: SdpIntegers | None) -> Iterator[str]:
    if predicted is None:
        yield "the fast-math profile makes no layer that ends here"
        return
    if predicted.weights is not None:
        yield from _weights(layer.weights, predicted.weights.values)
    for name, step, part in (("X1", layer.x1, predicted.x1), ("X2", layer.x2, predicted.x2)):
        yield from _step(name, step, part)
    if layer.converter != predicted.converter:
        mine, theirs = predicted.converter, layer.converter
        assert theirs is not None
        yield f"converter * {theirs.scale} >> {theirs.shift_bits} in place of * {mine.scale} >> {mine.shift_bits}"


def _weights(given: NDArray[np.int8] | None, wanted: NDArray[np.int8]) -> Iterator[str]:
    """An image's have more channels, of zeros."""
    if given is None or given.shape[0] != wanted.shape[0] or given.shape[2:] != wanted.shape[2:]:
        yield f"weights of another shape than {wanted.shape}"
        return
    channels = wanted.shape[1]
    wrong = int((given[:, :channels] != wanted).sum()) + int(given[:, channels:].any())
    if wrong:
        yield f"{wrong:,} of {wanted.size:,} weights"


def _step(name: str, step: SdpStep | None, part: SdpPart | None) -> Iterator[str]:
    if step is None or part is None:
        if (step is None) != (part is None):
            yield f"{name} is {'off' if step is None else 'on'}"
        return
    if step.stage != part.stage:
        yield f"what {name} does"
    for what, given, wanted in (("biases", step.alu, part.alu_operand), ("multipliers", step.mul, part.mul_operand)):
        if wanted is not None and (given is None or not np.array_equal(given, wanted)):
            count = wanted.size if given is None or given.shape != wanted.shape else int((given != wanted).sum())
            yield f"{count} of {wanted.size} {what} of {name}"
