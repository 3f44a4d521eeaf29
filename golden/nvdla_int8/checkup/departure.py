"""Which layer of a run departs first: dumps held against the golden device, byte by byte, in execution order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import BoardOutput
from nvdla_int8.checkup.expected import CLEARED, LOADED, Expected, board_outputs, expected_bytes
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.timeline import Timeline, TimelineLayer
from nvdla_int8.device.memory_reads import reads_of
from nvdla_int8.surfaces.written_ranges import Runs
from nvdla_int8.trace.result import Element


@dataclass(frozen=True)
class LayerBytes:
    """What dumps tell of one layer's output.

    Attributes
    ----------
    layer
        The layer.
    compared, wrong
        Bytes that a dump holds as the layer left them, those of lanes that pad an atom among them; those that differ.
    wrong_padding
        How many of the wrong ones are in lanes that pad the last atom.
    """

    layer: TimelineLayer
    compared: int
    wrong: int
    wrong_padding: int

    @property
    def agrees(self) -> bool:
        """Something was compared and nothing differs."""
        return self.compared > 0 and self.wrong == 0

    @property
    def size_bytes(self) -> int:
        """Bytes that the layer writes."""
        return self.layer.run.output.size


@dataclass(frozen=True)
class WrongBytes:
    """Wrong bytes that no layer writes.

    Attributes
    ----------
    addresses
        int64 (N,), ascending.
    first
        The first of them.
    what
        What layers read there, such as "weights of layer conv1": in execution order, empty when none reads them.
    """

    addresses: NDArray[np.int64]
    first: Element
    what: tuple[str, ...] = ()


@dataclass(frozen=True)
class Departure:
    """The first layer whose bytes are wrong, in execution order.

    Attributes
    ----------
    layer
        The layer; None when only bytes that software loads are wrong.
    first
        The first wrong element, by channel, line and pixel, padding lanes last; without a layer the first byte.
    board
        What the dumps hold of the layer's output; None without a layer.
    counts
        Of the layer.
    agreeing
        Layers before it of which dumps hold bytes, all of them right.
    unknown
        Layers between the last of those and it of which no dump tells: the mistake may be in one of them as well.
    later
        Layers behind it with wrong bytes.
    """

    layer: TimelineLayer | None
    first: Element
    board: BoardOutput | None = None
    counts: LayerBytes | None = None
    agreeing: tuple[TimelineLayer, ...] = ()
    unknown: tuple[TimelineLayer, ...] = ()
    later: tuple[LayerBytes, ...] = ()


@dataclass(frozen=True)
class DumpComparison:
    """Dumps of a run held against the golden device.

    Attributes
    ----------
    layers
        Every layer of the run, in order.
    loaded
        Bytes that software loads and that are not in memory as loaded; None when all are, or no dump holds any.
    loaded_compared
        Loaded bytes that dumps hold.
    cleared
        Bytes that the program makes zero, that nothing else writes and that are not zero: gaps between lines and the
        like. They are told and accuse nobody: whether a board's software clears memory is its own affair.
    departure
        None when every byte of layers and of what is loaded agrees.
    """

    layers: tuple[LayerBytes, ...]
    loaded: WrongBytes | None
    loaded_compared: int
    cleared: WrongBytes | None
    departure: Departure | None

    @property
    def compared(self) -> int:
        """Bytes of layers' outputs that were compared."""
        return sum(layer.compared for layer in self.layers)


def find_departure(timeline: Timeline, observed: Sequence[Observed]) -> Departure | None:
    """The first layer that departs; None when all bytes of the dumps are right."""
    return compare_dumps(timeline, observed).departure


def compare_dumps(timeline: Timeline, observed: Sequence[Observed]) -> DumpComparison:
    """Hold every byte of the dumps against what the golden device had there at that time.

    A byte counts for the layer that wrote it last before the dump was taken: what was written over tells nothing.
    """
    expected = expected_bytes(timeline, observed)
    boards = board_outputs(timeline, observed, expected)
    layers = tuple(_counts(layer, board) for layer, board in zip(timeline.layers, boards, strict=True))
    loaded, loaded_compared = _of_no_layer(LOADED, timeline, observed, expected)
    cleared, _ = _of_no_layer(CLEARED, timeline, observed, expected)
    departure = None
    for counts, board in zip(layers, boards, strict=True):
        if counts.wrong and board is not None:
            departure = _departure(counts, board, layers)
            break
    else:
        if loaded is not None:
            departure = Departure(None, loaded.first)
    return DumpComparison(layers, loaded, loaded_compared, cleared, departure)


def _wrong(layer: TimelineLayer, board: BoardOutput) -> NDArray[np.bool_]:
    differs: NDArray[np.bool_] = board.known & (board.values != layer.run.output.view(np.uint8))
    return differs


def _counts(layer: TimelineLayer, board: BoardOutput | None) -> LayerBytes:
    if board is None:
        return LayerBytes(layer, 0, 0, 0)
    wrong = _wrong(layer, board)
    padding = wrong[layer.run.destination.channels :]
    return LayerBytes(layer, *(int(np.count_nonzero(one)) for one in (board.known, wrong, padding)))


def _departure(counts: LayerBytes, board: BoardOutput, layers: Sequence[LayerBytes]) -> Departure:
    layer = counts.layer
    before = layers[: layer.index]
    agreeing = tuple(one.layer for one in before if one.agrees)
    last = agreeing[-1].index if agreeing else -1
    return Departure(
        layer,
        _first_element(layer, board),
        board,
        counts,
        agreeing,
        tuple(one.layer for one in before[last + 1 :]),
        tuple(one for one in layers[layer.index + 1 :] if one.wrong),
    )


def _first_element(layer: TimelineLayer, board: BoardOutput) -> Element:
    destination = layer.run.destination
    lane, y, x = (int(index) for index in np.argwhere(_wrong(layer, board))[0])
    start = destination.unit_addresses()[lane // destination.unit_bytes, y, x]
    return Element(
        int(start) + lane % destination.unit_bytes,
        int(layer.run.output.view(np.uint8)[lane, y, x]),
        int(board.values[lane, y, x]),
        layer.index,
        lane,
        y,
        x,
        lane >= destination.channels,
    )


def _of_no_layer(
    writer: int, timeline: Timeline, observed: Sequence[Observed], expected: Sequence[Expected]
) -> tuple[WrongBytes | None, int]:
    """Wrong bytes of a writer that is no layer, and how many bytes of it were compared."""
    compared: list[NDArray[np.int64]] = []
    wrong: dict[int, Element] = {}
    for one, golden in zip(observed, expected, strict=True):
        held = golden.writers == writer
        compared.append(one.addresses[held])
        for at in np.flatnonzero(held & (golden.values != one.values)):
            address = int(one.addresses[at])
            wrong.setdefault(address, Element(address, int(golden.values[at]), int(one.values[at])))
    count = np.unique(np.concatenate(compared)).size if compared else 0
    if not wrong:
        return None, count
    addresses = np.array(sorted(wrong), np.int64)
    return WrongBytes(addresses, wrong[int(addresses[0])], tuple(_read_there(timeline, addresses))), count


def _read_there(timeline: Timeline, addresses: NDArray[np.int64]) -> Iterator[str]:
    """What layers read at some of the addresses."""
    for layer in timeline.layers:
        for what, _, runs in reads_of(layer.run, timeline.build):
            if _any_within(runs, addresses):
                yield f"{what} of layer {layer.name}"


def _any_within(runs: Runs, addresses: NDArray[np.int64]) -> bool:
    starts, length = runs
    starts = np.sort(starts, axis=None)
    place = np.searchsorted(starts, addresses, side="right") - 1
    return bool(((place >= 0) & (addresses - starts[place] < length)).any())
