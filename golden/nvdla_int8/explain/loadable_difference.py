"""Where two compiled networks differ: layer by layer, what the hardware computes apart from where it lies."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.explain.loadable_head import MODES, LoadableHead
from nvdla_int8.explain.loadable_layers import LayerWords
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.origins import Origin

ARRAYS_DIFFER_BY = 1e-3
"""Ratios that are constant to this share are told as one number."""

LARGE_BIAS = 64
"""Biases from here on are exact enough to tell a ratio of scales."""


@dataclass(frozen=True)
class Described:
    """A compiled network with what is known of it; ``trouble`` is why it has no layers, if they cannot be decoded."""

    loadable: Loadable
    head: LoadableHead
    layers: tuple[LoadableLayer, ...]
    words: tuple[LayerWords, ...]
    trouble: str = ""


@dataclass(frozen=True)
class LayerDifference:
    """Two layers that do the same, or one that only one network has.

    Attributes
    ----------
    one, other
        Their locations among the layers; None where a network has no such layer.
    name
        What the first one is called, and the second if it is another name.
    computed
        What they compute differently, a line each.
    elsewhere
        What lies elsewhere in memory.
    weights_only
        Of all that is computed only the weights differ.
    """

    one: int | None
    other: int | None
    name: str
    computed: tuple[str, ...]
    elsewhere: tuple[str, ...]
    weights_only: bool


@dataclass(frozen=True)
class LoadableDifference:
    """Two compiled networks.

    Attributes
    ----------
    verdict
        What to make of it, the first sentence being the answer.
    whole
        What differs of the files as a whole.
    layers
        The layers that differ, in anything.
    compared
        How many pairs of layers there are.
    """

    one: str
    other: str
    verdict: tuple[str, ...]
    whole: tuple[str, ...]
    layers: tuple[LayerDifference, ...]
    compared: int

    @property
    def computed(self) -> bool:
        """Whether the hardware computes different things."""
        return any(layer.computed for layer in self.layers)

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


def compare_loadables(one: Described, other: Described) -> LoadableDifference:
    """Compare two compiled networks; BenchError for weights that a file does not hold."""
    pairs = list(_pairs(one.layers, other.layers))
    partner = {first: second for first, second in pairs if first is not None and second is not None}
    layers = [_layer_difference(one, other, pair, partner) for pair in pairs]
    different = tuple(layer for layer in layers if layer.computed or layer.elsewhere)
    whole = tuple(_whole(one.head, other.head))
    verdict = tuple(_verdict(one.loadable.container == other.loadable.container, whole, different, len(partner)))
    return LoadableDifference(one.head.file, other.head.file, verdict, whole, different, len(partner))


def _pairs(one: Sequence[LoadableLayer], other: Sequence[LoadableLayer]) -> Iterator[tuple[int | None, int | None]]:
    """Places of layers that belong together: of one unit, with weights and output of one shape, in order."""
    matcher = SequenceMatcher(None, [_signature(layer) for layer in one], [_signature(layer) for layer in other], False)
    for what, start, end, other_start, other_end in matcher.get_opcodes():
        if what == "equal":
            yield from zip(range(start, end), range(other_start, other_end), strict=True)
        else:
            yield from ((index, None) for index in range(start, end))
            yield from ((None, index) for index in range(other_start, other_end))


def _signature(layer: LoadableLayer) -> tuple[Any, ...]:
    kernel = layer.weight_stream.shape if layer.weight_stream is not None else None
    return layer.operation.type, layer.convolution is not None, kernel, layer.output_shape


def _layer_difference(
    one: Described, other: Described, pair: tuple[int | None, int | None], partner: dict[int, int]
) -> LayerDifference:
    first, second = pair
    if first is None or second is None:
        side, index = (one, first) if first is not None else (other, second)
        assert index is not None
        words = side.words[index]
        only = f"only in the {'first' if first is not None else 'second'}: {words.does}"
        fused = f" ({', '.join(words.fused)})" if words.fused else ""
        return LayerDifference(first, second, words.name, (only + fused,), (), False)
    layer, layer_2 = one.layers[first], other.layers[second]
    words, words_2 = one.words[first], other.words[second]
    weights = tuple(_weights(layer.weights, layer_2.weights))
    rest = (
        *_said_differently("does", words.does, words_2.does),
        *_said_differently("beside", ", ".join(words.fused) or "nothing", ", ".join(words_2.fused) or "nothing"),
        *_said_differently("reads", *_inputs(layer, layer_2, partner)),
        *_biases(layer, layer_2),
        *_factors(layer, layer_2),
        *_programs(words, words_2),
        *(_scales(layer, layer_2) if layer.convolution is not None and not weights else ()),
    )
    locations = (words.location.in_words(), words_2.location.in_words())
    split = (len(words.parts) or 1, len(words_2.parts) or 1)
    elsewhere = (*_said_differently("output", *locations), *_said_differently("operations", *map(str, split)))
    name = words.name if words.name == words_2.name else f"{words.name} / {words_2.name}"
    return LayerDifference(first, second, name, weights + rest, elsewhere, bool(weights) and not rest)


def _said_differently(what: str, one: str, other: str) -> Iterator[str]:
    if one != other:
        yield f"{what}: {one} / {other}"


def _inputs(one: LoadableLayer, other: LoadableLayer, partner: dict[int, int]) -> tuple[str, str]:
    """Whose outputs they read, both in the second's numbers."""

    def told(origins: Sequence[Origin]) -> str:
        return ", ".join(f"layer {origin}" if isinstance(origin, int) else origin for origin in origins)

    translated: list[Origin] = []
    for origin in one.inputs:
        if not isinstance(origin, int):
            translated.append(origin)
        elif origin in partner:
            translated.append(partner[origin])
        else:
            return "", ""  # what it reads has no partner, and is told where that layer is
    if any(isinstance(origin, int) and origin not in partner.values() for origin in other.inputs):
        return "", ""
    return told(translated), told(other.inputs)


def _weights(one: NDArray[np.int8] | None, other: NDArray[np.int8] | None) -> Iterator[str]:
    if one is None or other is None:
        return
    differs = one != other
    count = int(np.count_nonzero(differs))
    if count:
        kernels = np.flatnonzero(differs.any(axis=(1, 2, 3)))
        most = int(np.abs(one.astype(np.int64) - other).max())
        yield (
            f"weights: {count:,} of {one.size:,} bytes, in {_places(kernels, len(one), 'kernel')}, by {most} at most"
        )


def _biases(one: LoadableLayer, other: LoadableLayer) -> Iterator[str]:
    if one.bias is None or other.bias is None:
        return
    differs = np.flatnonzero(one.bias != other.bias)
    if differs.size:
        most = int(np.abs(one.bias - other.bias).max())
        yield f"bias: of {_places(differs, len(one.bias), 'channel')}, by {most:,} accumulator steps at most"


def _factors(one: LoadableLayer, other: LoadableLayer) -> Iterator[str]:
    if one.factors is None or other.factors is None:
        return
    differs = np.flatnonzero(~np.isclose(one.factors, other.factors, rtol=1e-9, atol=0.0, equal_nan=True))
    if differs.size:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = other.factors[differs] / one.factors[differs]
        where = _places(differs, len(one.factors), "channel")
        yield f"factor: of {where}, the second's is {_span(ratios)} times as large"


def _programs(one: LayerWords, other: LayerWords) -> Iterator[str]:
    """Steps whose integers differ."""
    first, second = ({step.name: step.words for step in words.steps} for words in (one, other))
    for name in dict.fromkeys((*first, *second)):
        yield from _said_differently(name, first.get(name, "off"), second.get(name, "off"))


def _scales(one: LoadableLayer, other: LoadableLayer) -> Iterator[str]:
    """What the tables must differ in when weights are equal: bias = b / (Si Sw), factor = Si Sw / So."""
    if one.bias is None or other.bias is None or one.factors is None or other.factors is None:
        return
    usable = (np.abs(one.bias) >= LARGE_BIAS) & (np.abs(other.bias) >= LARGE_BIAS)
    if not usable.any() or np.isnan(one.factors + other.factors).any():
        return
    input_ratio = float(np.median(one.bias[usable] / other.bias[usable]))
    with np.errstate(divide="ignore", invalid="ignore"):
        output_ratio = input_ratio / float(np.median(other.factors / one.factors))
    told = [
        f"{what}'s scale {ratio:.4g} times as large"
        for what, ratio in (("its input", input_ratio), ("its output", output_ratio))
        if abs(ratio - 1) > 1 / LARGE_BIAS
    ]
    if told:
        yield f"so the second's table must have {' and '.join(told)}"


def _places(which: NDArray[np.intp], of: int, what: str) -> str:
    """Channels or kernels in words."""
    if len(which) == of:
        return f"all {of} {what}s"
    if len(which) == 1:
        return f"{what} {which[0]} of {of}"
    if which[-1] - which[0] + 1 == len(which):
        return f"{what}s {which[0]} to {which[-1]} of {of}"
    return f"{len(which)} of {of} {what}s"


def _span(ratios: NDArray[np.float64]) -> str:
    low, high = float(ratios.min()), float(ratios.max())
    return f"{low:.5g}" if high - low <= ARRAYS_DIFFER_BY * abs(high) else f"{low:.5g} .. {high:.5g}"


def _whole(one: LoadableHead, other: LoadableHead) -> Iterator[str]:
    """What differs of the files as a whole; the layers' differences are told with them."""
    for what, first, second in (
        ("compiled for", " or ".join(one.builds) or "?", " or ".join(other.builds) or "?"),
        ("descriptors", " and ".join(one.descriptors), " and ".join(other.descriptors)),
        ("operations", _operations(one), _operations(other)),
        ("on the CPU", ", ".join(one.cpu) or "nothing", ", ".join(other.cpu) or "nothing"),
        ("input", *("; ".join(t.in_words() for t in head.inputs) for head in (one, other))),
        ("output", *("; ".join(t.in_words() for t in head.outputs) for head in (one, other))),
        ("profile", one.profile or "?", other.profile or "?"),
        ("quantisation mode", MODES[one.mode], MODES[other.mode]),
        ("memory", f"{one.memory.total:,} bytes", f"{other.memory.total:,} bytes"),
    ):
        if first != second:
            yield f"{what}: {first} / {second}"


def _operations(head: LoadableHead) -> str:
    return ", ".join(f"{count} {unit}" for unit, count in head.operations.items())


def _verdict(same_bytes: bool, whole: Sequence[str], layers: Sequence[LayerDifference], compared: int) -> Iterator[str]:
    if same_bytes:
        yield "the two files hold the same, byte for byte"
        return
    computing = [layer for layer in layers if layer.computed]
    if not computing:
        yield (
            f"equal in everything that the hardware computes: operations, weights, biases, factors of all {compared} "
            "layers; what differs is below"
            if whole or layers
            else f"equal in everything that the hardware computes ({compared} layers), and in where it lies; the files "
            "differ in bytes that nothing reads"
        )
        return
    alone = sum(layer.one is None or layer.other is None for layer in computing)
    further = f", and {alone} {'layer is' if alone == 1 else 'layers are'} in one of them only" if alone else ""
    count = len(computing) - alone
    layers_compute = f"layer{'' if compared == 1 else 's'} compute{'s' if count == 1 else ''}"
    yield f"{count} of {compared} {layers_compute} something else{further}"
    if all(layer.weights_only for layer in computing):
        yield (
            "nothing but weights differs, so that both may come from one network and one table: NVIDIA's compiler "
            "leaves the expanded weights of every group but the first of a grouped convolution uninitialised, and each "
            "compilation gives others. Write the groups as convolutions of their own"
        )
