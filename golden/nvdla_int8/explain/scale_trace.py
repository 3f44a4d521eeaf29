"""In what steps a compiled network writes each tensor and in what steps it takes it, whatever its table says.

An int8 tensor has one scale; what the compiler meant by it shows twice. The factor of the layer that writes a tensor
is Si * Sw / So; the biases of a convolution that reads it are b / (Si * Sw), which tells Si to about a thousandth. With
the real weights the two can be compared without any table, and with one each is the scale of an entry.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.explain.network_match import LayerMatch, NetworkMatch
from nvdla_int8.loadable.descriptors import PdpOperation
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.origins import Origin
from nvdla_int8.stages.tensor_scale import TensorScale

Reals = NDArray[np.float64]

FACTOR_TOLERANCE = 6e-4
"""Multipliers are cut off: 0.9997 and more of what was meant; a layer's has 14 bits and more."""

SAME_WITHIN = 2 / 254
"""Two scales that differ by less move a tensor's largest value by less than a step."""

FEWEST_STEPS = 40
"""Root of the summed squares of biases, in steps, below which they do not tell a scale to a hundredth."""


@dataclass(frozen=True)
class LayerScales:
    """The scales of one layer, as its integers have them; None where they do not tell.

    Attributes
    ----------
    read
        In what steps each tensor that makes up its source was written.
    addend_read
        In what steps its addend was written.
    taken
        Si: in what steps its biases take the source, or else its factor.
    taken_within
        How far ``taken`` may be off, as a part of it.
    written
        So: in what steps it writes its output.
    written_within
        How far ``written`` may be off, as a part of it: multipliers of 8 bits are cut off by a hundredth.
    operands
        So by the factor of the source, and by that of the addend: equal, if both have one scale.
    channels
        So of each channel by the factor of the source, (K,), NaN where it has none.
    """

    read: tuple[float | None, ...]
    addend_read: float | None
    taken: float | None
    taken_within: float
    written: float | None
    written_within: float
    operands: tuple[float | None, float | None]
    channels: Reals | None

    @property
    def source(self) -> float | None:
        """In what steps the source was written, when all of it was in the same."""
        known = [scale for scale in self.read if scale is not None]
        if not known or len(known) < len(self.read):
            return None
        return known[0] if all(same(scale, known[0]) for scale in known) else None


def same(one: float, other: float, within: float = SAME_WITHIN) -> bool:
    """Whether two scales make no difference of a step."""
    return abs(one / other - 1) <= within


def trace_scales(match: NetworkMatch) -> tuple[LayerScales, ...]:
    """The scales of every layer; a tensor that nobody's integers tell about has its table's."""
    found: list[LayerScales] = []
    of_input = next((one.source_entry.scale for one in match.layers if _reads_input(one) and one.source_entry), None)
    for one in match.layers:
        read = tuple(_written(found, of_input, one.layer.sources))
        addend = next(iter(_written(found, of_input, one.layer.addends)), None)
        begun = one.layer.sources[0] if one.begun else None
        carried = found[begun].channels if isinstance(begun, int) else None
        before = max(
            (found[origin].written_within for origin in one.layer.sources if isinstance(origin, int)), default=0.0
        )
        within = before if one.layer.sdp is None or one.begun else 0.0
        layer_scales = _of_layer(one, read, addend, match, carried, within)
        if of_input is None and _reads_input(one):
            of_input = layer_scales.taken
        found.append(layer_scales)
    return tuple(found)


def _reads_input(one: LayerMatch) -> bool:
    return one.layer.sources == ("input",)


def _written(
    found: Sequence[LayerScales], of_input: float | None, origins: tuple[Origin, ...]
) -> Iterable[float | None]:
    for origin in origins:
        if isinstance(origin, int):
            yield found[origin].written
        else:
            yield of_input if origin == "input" else None


def _of_layer(
    one: LayerMatch,
    read: tuple[float | None, ...],
    addend: float | None,
    match: NetworkMatch,
    carried: Reals | None,
    carried_within: float,
) -> LayerScales:
    """``carried`` is each channel's scale behind the layers that have begun its nodes, and how far it may be off."""
    layer = one.layer
    source = LayerScales(read, addend, None, SAME_WITHIN, None, 0.0, (None, None), None).source
    if layer.sdp is None:  # pooling does not rescale; LRN has tables of its own
        pools = isinstance(layer.operation.operation, PdpOperation)
        written = source if pools else _entry_scale(one)
        return LayerScales(read, addend, source, SAME_WITHIN, written, carried_within, (None, None), None)
    taken, within = _taken(one, source, match)
    channels = None
    gains = one.gains if one.nodes.nodes else np.ones(layer.kernels)
    factors = layer.factors
    assert factors is not None
    begin = carried if carried is not None else taken
    if gains is not None and begin is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.asarray(begin * gains) / factors
        channels = np.where(np.isfinite(steps) & (steps > 0), steps, np.nan)
    written_within = carried_within + float(np.median(factor_tolerances(layer)))
    of_source = None
    if channels is not None and np.isfinite(channels).any():
        of_source = _settled(float(np.nanmedian(channels)), one, match, written_within)
    of_addend = None
    if addend is not None and (addend_factors := layer.addend_factors) is not None and (addend_factors > 0).all():
        of_addend = _settled(float(np.median(addend / addend_factors)), one, match, FACTOR_TOLERANCE)
    written = _of_both(of_source, of_addend, _entry_scale(one))
    return LayerScales(read, addend, taken, within, written, written_within, (of_source, of_addend), channels)


def _of_both(of_source: float | None, of_addend: float | None, entry: float | None) -> float | None:
    """So by both operands of a sum; where they differ the one that is the table's.

    Without a table it is the second's, whose scale the compiler gives the first.
    """
    told = [scale for scale in (of_addend, of_source) if scale is not None]
    right = [scale for scale in told if entry is not None and same(scale, entry)]
    return next(iter((*right, *told)), entry)


def _taken(one: LayerMatch, source: float | None, match: NetworkMatch) -> tuple[float | None, float]:
    """Si and how far it may be off: by the biases, else by the factor, else what the source is written in."""
    own = [one.source_entry.scale] if one.source_entry is not None else []
    told = input_scale_of_biases(one, (*own, *(entry.scale for entry in usable_entries(match))))
    if told is not None:
        return told
    if source is not None and one.weights is not None and (other := _taken_by_factor(one, source, match)) is not None:
        return other, FACTOR_TOLERANCE
    return (source if source is not None else next(iter(own), None)), SAME_WITHIN


def _taken_by_factor(one: LayerMatch, source: float, match: NetworkMatch) -> float | None:
    """The entry as which the source is taken, if the factor is right only with it.

    None if it is right with the source's scale, the output's being its entry's or that of the sum's other operand.
    """
    factors, gains, output = one.layer.factors, one.gains, one.output_entry
    assert factors is not None
    if gains is None or output is None:
        return None
    good = (factors > 0) & (gains > 0)
    if not good.any():
        return None
    per_output = float(np.median(factors[good] / gains[good]))
    within = float(np.median(factor_tolerances(one.layer)[good]))
    outputs = (output, *match.partners(one.nodes.output))
    if any(same(entry.scale * per_output, source, within) for entry in outputs):
        return None
    near = [*([one.source_entry] if one.source_entry is not None else []), *match.partners(one.nodes.source)]
    for entry in near + usable_entries(match):
        if same(output.scale * per_output, entry.scale, within):
            return entry.scale
    return None


def factor_tolerances(layer: LoadableLayer) -> Reals:
    """How far a channel's factor may be from what was meant, as a part of it, (K,).

    Multipliers are cut off, so that a unit of each is lost; a layer's shift leaves small filters few bits.
    """
    lost = np.full(layer.kernels, FACTOR_TOLERANCE)
    for step in (layer.x1, layer.x2):
        if step is not None and step.mul is not None and not step.stage.mul_bypass:
            lost = lost + 1 / np.maximum(np.abs(step.mul), 1)
    if layer.converter is not None and layer.converter.scale != 1:
        lost = lost + 1 / max(abs(layer.converter.scale), 1)
    return lost


def _entry_scale(one: LayerMatch) -> float | None:
    return one.output_entry.scale if one.output_entry is not None else None


def usable_entries(match: NetworkMatch) -> list[TensorScale]:
    """The table's entries that give a scale."""
    if match.table is None:
        return []
    return [entry for entry in match.table.entries if isinstance(entry, TensorScale)]


def _settled(scale: float, one: LayerMatch, match: NetworkMatch, within: float) -> float:
    """The scale of the entry that a measured one is, where there is one: its own layer's before others'."""
    if one.output_entry is not None and same(scale, one.output_entry.scale, within):
        return one.output_entry.scale
    for entry in usable_entries(match):
        if same(scale, entry.scale, FACTOR_TOLERANCE):
            return entry.scale
    return scale


def input_scale_of_biases(one: LayerMatch, candidates: Iterable[float] = ()) -> tuple[float, float] | None:
    """Si by a convolution's biases, and how far it may be off as a part of it; None where they do not tell.

    One of the candidates, if the biases are those of it to a step; otherwise the scale that fits best.
    """
    layer, real = one.layer, one.real
    known, scales = one.recognised, one.weight_scales
    if known is None or scales is None or real is None or layer.bias is None or layer.x1 is None:
        return None
    unit = 1 << layer.x1.alu_shift_bits
    with np.errstate(divide="ignore", invalid="ignore"):
        ideal = np.where(known & (scales > 0), real.bias / scales, 0.0)  # b / Sw: steps times Si
    told = known & (scales > 0) & (np.abs(layer.bias) >= 16 * unit)
    size = float(np.sqrt((layer.bias[told].astype(np.float64) ** 2).sum())) / unit
    if size < FEWEST_STEPS:
        return None
    steps = layer.bias[told].astype(np.float64) + (0.5 * unit if unit > 1 else 0.0)
    ratios = ideal[told] / steps
    middle = float(np.median(ratios))
    if middle <= 0:
        return None
    near = np.abs(ratios / middle - 1) < 0.05 + unit / np.abs(steps)
    fitted = float((ideal[told][near] ** 2).sum() / (ideal[told][near] * steps[near]).sum())
    within = 1.0 / size
    for scale in candidates:
        expected = np.floor(ideal[told] / scale + 0.5)
        if (np.abs(expected - layer.bias[told]) <= unit).mean() > 0.9:
            return scale, FACTOR_TOLERANCE
    return fitted, max(within, FACTOR_TOLERANCE)
