"""The scale of each tensor: its own entry's, or one for all tensors that the hardware cannot rescale between."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from nvdla_int8.errors import BenchError, Problems
from nvdla_int8.network.float_network import (
    AnyFloatLayer,
    FloatConcat,
    FloatElementwise,
    FloatHost,
    FloatNetwork,
    FloatPooling,
)
from nvdla_int8.quantise.clips import ClippedScale, clipped_scales
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.tensor_scale import TensorScale


@dataclass(frozen=True)
class SharedScale:
    """One scale of several tensors.

    Attributes
    ----------
    layers
        The layers between them, by name: pooling and concatenations.
    scale
        The scale.
    asked
        The members' own entries; a member without one is missing.
    members
        All tensors.
    """

    layers: tuple[str, ...]
    scale: TensorScale
    asked: Mapping[str, TensorScale]
    members: tuple[str, ...]

    def lost_bits(self, member: str) -> float:
        """Resolution that a member loses: 1 when its values take half of the int8 values that its entry would give."""
        return log2(self.scale.scale / self.asked[member].scale) if member in self.asked else 0.0


@dataclass(frozen=True)
class NetworkScales:
    """The scale of every tensor by name; which are shared, and which come from a Clip.

    A scale's own name is that of the entry that it comes from.
    """

    of: Mapping[str, TensorScale]
    shared: tuple[SharedScale, ...] = ()
    clipped: tuple[ClippedScale, ...] = ()


def network_scales(source: FloatNetwork, table: Mapping[str, TensorScale]) -> NetworkScales:
    """Give every tensor its scale.

    What a quantised network says itself goes first, then the table's entry. A tensor that the source does not have
    takes the scale of its layer's input, or one that covers a sum. PDP does not rescale, nor does a concatenation by
    address: what they join gets one scale, the largest that a member asks for; of entries with different zero points
    one that covers all.

    Raises
    ------
    BenchErrors
        Tensors without an entry that no other one covers, and entries that cannot be used, a line each.
    """
    in_float = _on_the_host(source)
    entries, unknown = _entries(source, table, in_float)
    clipped = tuple(clipped_scales(source, entries))
    asked = entries | {one.tensor: one.scale for one in clipped}
    covered = _covered(source, set(asked))
    problems = Problems()
    problems.lines += (problem for name, problem in unknown.items() if name not in covered or name in table)
    problems.check()
    groups = united(source.tensors, filter(None, map(joined, source.layers)))
    writers = {layer.output: layer for layer in source.layers}
    scales: dict[str, TensorScale] = {}
    for name in source.tensors:
        if name in scales or name in in_float:
            continue
        group = groups[name]
        known = [asked[member] for member in group if member in asked]
        if known or not source.tensors[name].measured:
            one = _common(known) if known else _inferred(writers[name], scales)
            scales |= dict.fromkeys(group, one)
    shared = tuple(_shared(source, groups, asked, scales))
    return NetworkScales(scales, shared, clipped)


def joined(layer: AnyFloatLayer) -> tuple[str, ...]:
    """The tensors of a layer that have one scale; none when it rescales."""
    return (*layer.inputs, layer.output) if isinstance(layer, FloatPooling | FloatConcat) else ()


def _entries(
    source: FloatNetwork, table: Mapping[str, TensorScale], in_float: set[str]
) -> tuple[dict[str, TensorScale], dict[str, str]]:
    """Entries by tensor, and of measured tensors that have none what is wrong; not of those that stay in float."""
    entries: dict[str, TensorScale] = {}
    unknown: dict[str, str] = {}
    for tensor in source.tensors.values():
        if tensor.name in in_float:
            continue
        if tensor.scale is not None:
            entries[tensor.name] = tensor.scale
        elif tensor.measured or tensor.name == source.input:
            try:
                entries[tensor.name] = table[tensor.name]
            except BenchError as error:
                unknown[tensor.name] = str(error)
    return entries, unknown


def _on_the_host(source: FloatNetwork) -> set[str]:
    """Tensors that stay in float: a host operation's outputs that the hardware does not go on with."""
    taken = {name for layer in source.layers if not isinstance(layer, FloatHost) for name in layer.inputs}
    return {layer.output for layer in source.layers if isinstance(layer, FloatHost)} - taken


def _covered(source: FloatNetwork, known: set[str]) -> set[str]:
    """Tensors whose range follows from those of known ones: a pooling's output lies within its input, and so on."""
    before = -1
    while len(known) > before:
        before = len(known)
        for layer in source.layers:
            if isinstance(layer, FloatPooling):
                is_maximum = layer.program.window.method is not PoolingMethod.AVERAGE
                if layer.inputs[0] in known:
                    known.add(layer.output)
                elif is_maximum and layer.output in known:  # the elements that count are there
                    known.add(layer.inputs[0])
            elif isinstance(layer, FloatConcat):
                if layer.output in known:
                    known.update(layer.inputs)
                elif known.issuperset(layer.inputs):
                    known.add(layer.output)
    return known


def united(names: Iterable[str], joins: Iterable[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """For each tensor all that share its scale, itself among them, in the order of the names.

    Parameters
    ----------
    names
        All tensors.
    joins
        Tensors with one scale; joins with a tensor in common are one.
    """
    order = {name: number for number, name in enumerate(names)}
    groups = {name: [name] for name in order}
    for first, *others in joins:
        for other in others:
            if groups[other] is not groups[first]:
                merged = groups[first] + groups[other]
                groups |= dict.fromkeys(merged, merged)
    return {name: tuple(sorted(group, key=order.__getitem__)) for name, group in groups.items()}


def _common(asked: list[TensorScale]) -> TensorScale:
    """The largest of entries with one zero point; of others one that covers all, or a new one if none does."""
    largest = max(asked, key=lambda entry: entry.scale)
    if len({entry.offset for entry in asked}) == 1:
        return largest
    ends = [_ends(entry) for entry in asked]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    for entry, (own_low, own_high) in zip(asked, ends, strict=True):
        if max(own_low - low, high - own_high) <= entry.scale / 2:  # rounds to its ends
            return entry
    return _covering(largest.name, low, high)


def _covering(name: str, low: float, high: float) -> TensorScale:
    """The finest scale whose int8 values reach from one real number, not above zero, to another, not below it."""
    nearest = round(Q_MIN - low * (Q_MAX - Q_MIN) / (high - low))
    offset = min(max(nearest, Q_MIN + (low < 0)), Q_MAX - (high > 0))
    below = -low / (offset - Q_MIN) if low < 0 else 0.0
    above = high / (Q_MAX - offset) if high > 0 else 0.0
    return TensorScale(name, max(below, above), offset)


def _ends(entry: TensorScale) -> tuple[float, float]:
    """Real values of int8's ends."""
    return (Q_MIN - entry.offset) * entry.scale, (Q_MAX - entry.offset) * entry.scale


def _inferred(layer: AnyFloatLayer, scales: Mapping[str, TensorScale]) -> TensorScale:
    """A scale for a tensor that nobody measures: its layer's input's; of two tensors added one that covers all sums."""
    of_inputs = [scales[name] for name in layer.inputs]
    if not isinstance(layer, FloatElementwise) or len(of_inputs) == 1:
        return of_inputs[0]
    factors = layer.factors, np.array([layer.addend_factor])
    reached = [np.outer(factor, _ends(scale)) for factor, scale in zip(factors, of_inputs, strict=True)]
    low = min(float(sum(one.min() for one in reached) + layer.bias.min()), 0.0)
    high = max(float(sum(one.max() for one in reached) + layer.bias.max()), 0.0)
    if any(scale.offset for scale in of_inputs):
        return _covering(layer.output, low, high)
    return TensorScale(layer.output, max(-low, high) / Q_MAX)


def _shared(
    source: FloatNetwork,
    groups: Mapping[str, tuple[str, ...]],
    asked: Mapping[str, TensorScale],
    scales: Mapping[str, TensorScale],
) -> Iterator[SharedScale]:
    for group in dict.fromkeys(groups.values()):
        if len(group) > 1:
            layers = tuple(layer.name for layer in source.layers if layer.output in group and joined(layer))
            entries = {name: asked[name] for name in group if name in asked}
            yield SharedScale(layers, scales[group[0]], entries, group)
