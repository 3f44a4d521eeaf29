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

UNKNOWN_LAYER = "the fast-math profile makes no layer that ends here"

MOST_TOLD = 4
"""Layers that differ are listed up to so many."""


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
    def different(self) -> tuple[LayerComparison, ...]:
        """The layers of which some integer is not as predicted."""
        return tuple(layer for layer in self.layers if layer.differences)

    @property
    def words(self) -> str:
        """A sentence on whether the file is what the compiler makes of this network and table."""
        who = f"NVIDIA's compiler ({self.mode.value}, fast-math)"
        different = self.different
        if any(UNKNOWN_LAYER in layer.differences for layer in different):
            return f"its layers are not those that {who} makes, whose integers are known"
        if not different:
            return (
                f"every weight, operand and factor of all layers ({len(self.layers)}) is what {who} makes of this "
                "network and table"
            )
        told = "; ".join(f"{one.match.layer.name} ({', '.join(one.differences)})" for one in different[:MOST_TOLD])
        more = f"; {len(different) - MOST_TOLD} more" if len(different) > MOST_TOLD else ""
        return (
            f"layers that differ from what {who} makes of this network and table: {len(different)} of "
            f"{len(self.layers)}, so one of the three was another: {told}{more}"
        )


def prediction_words(match: NetworkMatch) -> str:
    """What :attr:`Prediction.words` says, or why it is not known; nothing without a table."""
    if match.table is None:
        return ""
    try:
        return compare_with_prediction(match).words
    except BenchError as error:
        return f"what NVIDIA's compiler makes of this network and table is not known: {error.problems[0]}"


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
    return min(found, key=lambda one: (len(one.different), sum(len(layer.differences) for layer in one.layers)))


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
        yield UNKNOWN_LAYER
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
    shifts = {"alu_shift_bits": "bias shift", "mul_shift_bits": "shift"}
    for field, what in shifts.items():
        given_bits, wanted_bits = getattr(step.stage, field), getattr(part.stage, field)
        if given_bits != wanted_bits:
            yield f"{name}'s {what} {given_bits} in place of {wanted_bits}"
    if step.stage.model_copy(update={field: getattr(part.stage, field) for field in shifts}) != part.stage:
        yield f"what {name} does"
    for what, given, wanted in (("biases", step.alu, part.alu_operand), ("multipliers", step.mul, part.mul_operand)):
        if wanted is not None and (given is None or not np.array_equal(given, wanted)):
            count = wanted.size if given is None or given.shape != wanted.shape else int((given != wanted).sum())
            yield f"{count} of {wanted.size} {what} of {name}"
