"""What a comparison of dumps says, in sentences."""

from collections.abc import Iterable, Iterator, Sequence

from nvdla_int8.checkup.departure import Departure, DumpComparison, LayerBytes, WrongBytes
from nvdla_int8.checkup.patterns.counts import AxisCounts
from nvdla_int8.checkup.timeline import TimelineLayer
from nvdla_int8.trace.result import Element, byte_words

MOST_PLACES = 4
"""Channels, rows and the like whose wrong bytes are counted in a sentence."""

MOST_NAMED = 4
"""Layers, or things in memory, that a sentence names."""


def layer_words(layer: TimelineLayer) -> str:
    """A layer by its name and place."""
    own = layer.name.startswith("layer ")  # of a program without names
    return layer.name if own else f"layer {layer.name} (index {layer.index})"


def answer(comparison: DumpComparison) -> str:
    """The first sentence on dumps: what departs first, or that nothing does."""
    departure = comparison.departure
    if departure is None:
        return _agreement(comparison)
    if departure.layer is None:
        compared = f"; {_agreement(comparison)}" if comparison.compared else ""
        return f"{_loaded_words(comparison)}{compared}"
    assert departure.counts is not None
    return (
        f"{layer_words(departure.layer)} is the first that departs: {count_words(departure.counts)}{_before(departure)}"
    )


def further_sentences(comparison: DumpComparison) -> Iterator[str]:
    """What else there is to say, most telling first."""
    departure = comparison.departure
    if departure is not None and departure.layer is not None and comparison.loaded is not None:
        yield _loaded_words(comparison)
    if departure is not None and departure.counts is not None and departure.counts.wrong_padding:
        counts = departure.counts
        padding = "all of them are" if counts.wrong_padding == counts.wrong else f"{counts.wrong_padding:,} of them are"
        yield f"{padding} in lanes behind the last channel, which pad the last atom and which no layer reads as data"
    if departure is not None and departure.later:
        yield f"of the layers behind it {_indices(departure.later)} {_are(departure.later)} wrong too"
    if comparison.cleared is not None:
        bytes_ = _byte_count(comparison.cleared)
        first = element_words(comparison.cleared.first)
        yield f"{bytes_} that the program clears and no layer writes are not 0, first {first}"


def count_words(counts: LayerBytes) -> str:
    """How many bytes of a layer are wrong."""
    if counts.compared == counts.size_bytes:
        return f"{counts.wrong:,} of {counts.size_bytes:,} bytes wrong"
    return f"{counts.wrong:,} of the {counts.compared:,} bytes wrong that dumps hold of its {counts.size_bytes:,}"


def element_words(element: Element) -> str:
    """Where a wrong element is, and both values."""
    where = f"{element.address:#x}"
    if element.layer is not None:
        lane = ", a lane that pads the last atom" if element.lane else ""
        where = f"channel {element.channel}, y {element.y}, x {element.x}{lane}, at {where}"
    return f"{where}: expected {byte_words(element.expected)}, actual {byte_words(element.actual)}"


def axis_words(counts: AxisCounts) -> str:
    """How many bytes are wrong at each place of an axis, most first."""
    worst = counts.worst
    listed = ", ".join(f"{one.wrong:,} of {one.compared:,} in {one.place}" for one in worst[:MOST_PLACES])
    more = f" and others in {len(worst) - MOST_PLACES:,} more" if len(worst) > MOST_PLACES else ""
    return f"by {counts.axis}: {listed}{more}"


def untold(layers: Sequence[LayerBytes]) -> str:
    """Which layers no dump tells of, and of which only a part; empty when dumps hold all of all."""
    missing = [one for one in layers if not one.compared]
    partly = [one for one in layers if 0 < one.compared < one.size_bytes]
    parts = []
    if missing:
        parts.append(f"no dump tells of {_named(one.layer for one in missing)}")
    if partly:
        held = ", ".join(
            f"{one.compared:,} of {one.size_bytes:,} bytes of {layer_words(one.layer)}" for one in partly[:MOST_NAMED]
        )
        more = f" and parts of {len(partly) - MOST_NAMED} more" if len(partly) > MOST_NAMED else ""
        parts.append(f"dumps hold only {held}{more}")
    return "; ".join(parts)


def _agreement(comparison: DumpComparison) -> str:
    agreeing = [one for one in comparison.layers if one.compared]
    right = (
        f"all {comparison.compared:,} bytes of {_named(one.layer for one in agreeing)} that the dumps hold are right"
    )
    rest = untold(comparison.layers)
    return f"{right}; {rest}" if rest else right


def _before(departure: Departure) -> str:
    layer = departure.layer
    assert layer is not None
    words = ""
    if departure.agreeing:
        words = f"; {_indices(departure.agreeing)} {'agrees' if len(departure.agreeing) == 1 else 'agree'}"
    if not departure.unknown:
        return words
    first = departure.unknown[0].index
    untold_layers = f"no dump tells of {_indices(departure.unknown)}"
    return f"{words}; {untold_layers}: the mistake is in one of layers {first} to {layer.index}"


def _loaded_words(comparison: DumpComparison) -> str:
    wrong = comparison.loaded
    assert wrong is not None
    read = f" ({', '.join(wrong.what[:MOST_NAMED])})" if wrong.what else ""
    return (
        f"what lies in memory is not what the program loads: {_byte_count(wrong)} of "
        f"{comparison.loaded_compared:,} differ{read}, first at {element_words(wrong.first)}"
    )


def _byte_count(wrong: WrongBytes) -> str:
    return f"{wrong.addresses.size:,} byte{'s' if wrong.addresses.size > 1 else ''}"


def _named(layers: Iterable[TimelineLayer]) -> str:
    every = list(layers)
    if len(every) > MOST_NAMED:
        return _indices(every)
    *others, last = map(layer_words, every)
    return f"{', '.join(others)} and {last}" if others else last


def _indices(layers: Iterable[TimelineLayer | LayerBytes]) -> str:
    """Layers by their places: "layers 0 to 2 and 5"."""
    numbers = sorted(one.index if isinstance(one, TimelineLayer) else one.layer.index for one in layers)
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    *others, last = [word for low, high in spans for word in _span_words(low, high)]
    words = f"{', '.join(others)} and {last}" if others else last
    return f"layer{'s' if len(numbers) > 1 else ''} {words}"


def _span_words(low: int, high: int) -> list[str]:
    return [f"{low} to {high}"] if high > low + 1 else [str(number) for number in range(low, high + 1)]


def _are(layers: Sequence[LayerBytes]) -> str:
    return "is" if len(layers) == 1 else "are"
