"""Which entries of a table a programmed factor would fit, when it is not Si * Sw / So of its own layer."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.explain.network_match import LayerMatch, NetworkMatch
from nvdla_int8.explain.scale_trace import factor_tolerances, same, usable_entries

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class FactorFit:
    """What a factor is beside the ideal one.

    Attributes
    ----------
    ratio
        Programmed over ideal: the median over channels.
    words
        Such as ``0.8177 = 0.0515 / 0.0630: as if the output had the scale of "relu1"``; only the ratio when no entry
        would give it.
    entries
        Names of the entries in the place of the layer's own; empty when none fits.
    """

    ratio: float
    words: str
    entries: tuple[str, ...]


def deviations(one: LayerMatch) -> Reals | None:
    """Programmed factor over Si * Sw / So, (K,), NaN for kernels of zeros; None without table or factors."""
    ideal, factors = one.ideal_factors, one.layer.factors
    if ideal is None or factors is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(ideal > 0, factors / ideal, np.nan)


def fit_factor(one: LayerMatch, match: NetworkMatch) -> FactorFit | None:
    """The entries that a layer's factor would fit; None when it is Si * Sw / So, or that is not known."""
    found = deviations(one)
    if found is None or one.source_entry is None or one.output_entry is None:
        return None
    known = np.isfinite(found) & (found > 0)
    if one.recognised is not None:
        known &= one.recognised
    if not known.any():
        return None
    ratio = float(np.median(found[known]))
    within = float(np.median(factor_tolerances(one.layer)[known]))
    if same(ratio, 1.0, within):
        return None
    for words, entries in _fits(one, match, ratio, within):
        return FactorFit(ratio, f"{ratio:.4f} = {words}", entries)
    return FactorFit(ratio, f"{ratio:.4f}, which no entry of the table would give", ())


def _fits(one: LayerMatch, match: NetworkMatch, ratio: float, within: float) -> Iterator[tuple[str, tuple[str, ...]]]:
    """One other entry, nearest tensors first; then two, of nearby tensors only: of all, some two always fit."""
    source, output = one.source_entry, one.output_entry
    assert source is not None
    assert output is not None
    near = _near_entries(one, match)
    entries = sorted(usable_entries(match), key=lambda entry: entry.name not in near)
    for entry in entries:
        if same(output.scale / entry.scale, ratio, within):
            words = f'{output.scale:.4f} / {entry.scale:.4f}: as if the output had the scale of "{entry.name}"'
            yield words, (entry.name,)
        if same(entry.scale / source.scale, ratio, within):
            words = f'{entry.scale:.4f} / {source.scale:.4f}: as if the input had the scale of "{entry.name}"'
            yield words, (entry.name,)
    close = [entry for entry in entries if entry.name in near]
    for taken in close:
        for given in close:
            if same(taken.scale * output.scale / (source.scale * given.scale), ratio, within):
                yield (
                    f"({taken.scale:.4f} / {source.scale:.4f}) * ({output.scale:.4f} / {given.scale:.4f}): as if the "
                    f'input had the scale of "{taken.name}" and the output that of "{given.name}"',
                    (taken.name, given.name),
                )


def _near_entries(one: LayerMatch, match: NetworkMatch) -> set[str]:
    """Names of the entries of what the layer and its neighbours read and write."""
    tensors = {one.nodes.source, one.nodes.addend, one.nodes.output}
    near = [
        other
        for other in match.layers
        if not tensors.isdisjoint((other.nodes.source, other.nodes.addend, other.nodes.output))
    ]
    entries = (entry for other in near for entry in (other.source_entry, other.addend_entry, other.output_entry))
    return {entry.name for entry in entries if entry is not None}
