"""What a compiled network's layers are in the network that it was made of, and what their factors should be."""

from dataclasses import dataclass

import numpy as np

from nvdla_int8.explain.loadable_layers import factor_range
from nvdla_int8.explain.network_match import LayerMatch
from nvdla_int8.stages.tensor_scale import TensorScale

Span = tuple[float, float]


@dataclass(frozen=True)
class MatchWords:
    """A layer beside the network's nodes and the table's entries.

    Attributes
    ----------
    names
        Of the nodes that it does.
    source_scale, addend_scale, output_scale
        The table's entries of what it reads, adds and writes; None without.
    weight_scale
        Smallest and largest real value of a weight's step.
    ideal_factors
        Si * Sw / So of each channel; empty when the network or the table has none.
    deviation
        Smallest and largest ratio of the programmed factor to the ideal one, of channels that have both.
    """

    names: tuple[str, ...]
    source_scale: float | None
    addend_scale: float | None
    output_scale: float | None
    weight_scale: Span | None
    ideal_factors: tuple[float, ...]
    deviation: Span | None


def put_match_into_words(match: LayerMatch) -> MatchWords:
    """Put a layer's match into words; BenchError for weights that the file does not hold."""
    ideal = match.ideal_factors
    return MatchWords(
        names=match.names,
        source_scale=_scale(match.source_entry),
        addend_scale=_scale(match.addend_entry),
        output_scale=_scale(match.output_entry),
        weight_scale=factor_range(match.weight_scales),
        ideal_factors=() if ideal is None else tuple(ideal.tolist()),
        deviation=_deviation(match),
    )


def _scale(entry: TensorScale | None) -> float | None:
    return None if entry is None else entry.scale


def _deviation(match: LayerMatch) -> Span | None:
    ideal, factors = match.ideal_factors, match.layer.factors
    if ideal is None or factors is None:
        return None
    usable = (ideal != 0) & np.isfinite(factors)
    return factor_range(factors[usable] / ideal[usable]) if usable.any() else None
