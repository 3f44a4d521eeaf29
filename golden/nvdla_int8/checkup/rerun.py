"""A run gone through again and again, each time with other causes at work, and held against its dumps."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import BoardOutput, Scene
from nvdla_int8.checkup.evidence import surprise_bits
from nvdla_int8.checkup.expected import CLEARED, board_outputs, expected_bytes
from nvdla_int8.checkup.explanation import Acting, Explanation
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.replay import NoRoomError, Software, steps
from nvdla_int8.checkup.timeline import State, Timeline, TimelineLayer
from nvdla_int8.device.points import Point
from nvdla_int8.surfaces.layout import channels_last

STATES_KEPT = 3
"""Memories before a layer that are kept: as large as the network."""

MOVING_POINTS = frozenset({Point.REGISTERS, Point.WRITTEN})
"""Points at which the bytes of a layer can be sent elsewhere than where its output goes."""


class Rerun:
    """A run, its dumps, and what the golden device would have had in them.

    Bytes that software makes zero, that nothing else writes and that are not zero on the board are left out: whether a
    board's software clears memory is its own affair.

    Parameters
    ----------
    timeline
        The run.
    observed
        The dumps.
    """

    def __init__(self, timeline: Timeline, observed: Sequence[Observed]) -> None:
        self.timeline = timeline
        self.layers = timeline.layers
        expected = expected_bytes(timeline, observed)
        counts = [
            (golden.writers != CLEARED) | (one.values == 0) for golden, one in zip(expected, observed, strict=True)
        ]
        self.observed = [_part(one, some) for one, some in zip(observed, counts, strict=True)]
        self.golden = [golden.values[some] for golden, some in zip(expected, counts, strict=True)]
        self.actual = _joined([one.values for one in self.observed])
        self.surprise_bits = surprise_bits(_joined(self.golden), self.actual)
        self.boards = board_outputs(timeline, self.observed)
        self.work = 0
        self._in_layers = [_known(layer, board) for layer, board in zip(self.layers, self.boards, strict=True)]
        self._states: OrderedDict[int, State] = OrderedDict()
        self._events = {event.index: at for at, event in enumerate(timeline.events) if isinstance(event, TimelineLayer)}

    @property
    def departs(self) -> bool:
        """The board has other bytes than the golden device."""
        return not np.array_equal(_joined(self.golden), self.actual)

    def scene(self, index: int) -> Scene:
        """A layer as on the golden device, with what the board made of it."""
        return Scene(self.timeline, self.layers[index], self.state_before(index), self.boards[index])

    def state_before(self, index: int) -> State:
        """Memory and CBUF when a layer began; not to be changed."""
        if index not in self._states:
            self._states[index] = self.timeline.state_before(index)
            while len(self._states) > STATES_KEPT:
                self._states.popitem(last=False)
        self._states.move_to_end(index)
        return self._states[index]

    def wrong_in(self, index: int) -> bool:
        """A dump tells that the layer's output is wrong."""
        board = self.boards[index]
        expected = self.layers[index].run.output.view(np.uint8)
        return board is not None and bool(np.any(board.known & (board.values != expected)))

    def replayed(self, acting: Sequence[Acting], *, until_wrong: bool = False) -> list[NDArray[np.uint8]] | None:
        """What the dumps would hold.

        Parameters
        ----------
        acting
            The causes at work, at least one.
        until_wrong
            Give up at the first layer that does not come out as on the board.

        Returns
        -------
        list or None
            For each dump its bytes, uint8 (N,); None when it was given up.

        Raises
        ------
        NoRoomError
            A layer that is meant has no room for its cause.
        """
        by_layer = {
            layer.index: causes
            for layer in self.layers
            if (causes := [one.cause for one in acting if _acts_in(one, layer)])
        }
        own = {one.layer.index for one in acting}
        moves = any(change.point in MOVING_POINTS for one in acting for change in one.cause.changes)
        first, last = min(by_layer), max(by_layer)
        before = self.state_before(first)
        state = State(before.memory.copy(), before.cbuf)
        found: dict[int, NDArray[np.uint8]] = {}
        software = Software()
        for step in steps(self.timeline, self._events[first], state, by_layer, by_layer.keys() - own):
            self.work += step.parts.output.size + step.layer.run.macs // 256
            software.meets(step)
            for at, one in enumerate(self.observed):
                if one.after == step.layer.index:
                    found[at] = software.reads(state.memory, one)
                    if until_wrong and not np.array_equal(found[at], one.values):
                        return None
            final = not moves or step.layer.index >= last  # no later layer is led to where this one writes
            known = self._in_layers[step.layer.index]
            if until_wrong and final and not np.array_equal(software.reads(state.memory, known), known.values):
                return None
        for at, one in enumerate(self.observed):
            if one.after is None:
                found[at] = software.reads(state.memory, one)
            elif at not in found:  # taken before the first changed layer
                found[at] = self.golden[at]
        return [found[at] for at in range(len(self.observed))]

    def explanation(self, acting: Sequence[Acting], tried: int, *, until_wrong: bool = False) -> Explanation | None:
        """How well causes explain the board's bytes.

        Parameters
        ----------
        acting
            The causes.
        tried
            From how many alternatives of their kind they were picked.
        until_wrong
            Give up when it is not exact.

        Returns
        -------
        Explanation or None
            None when it was given up, or when a layer has no room for the causes.
        """
        try:
            replayed = self.replayed(acting, until_wrong=until_wrong)
        except NoRoomError:
            return None
        if replayed is None:
            return None
        values = _joined(replayed)
        left = surprise_bits(values, self.actual)
        wrong = int(np.count_nonzero(values != self.actual))
        freedom = float(np.log2(max(tried, 1))) + sum(one.cause.freedom_bits for one in acting)
        return Explanation(tuple(acting), not wrong, wrong, self.surprise_bits - left, freedom, left)


def _acts_in(one: Acting, layer: TimelineLayer) -> bool:
    return layer.index >= one.layer.index if one.onwards else layer.index == one.layer.index


def _part(one: Observed, some: NDArray[np.bool_]) -> Observed:
    return Observed(one.source, one.addresses[some], one.values[some], one.after)


def _known(layer: TimelineLayer, board: BoardOutput | None) -> Observed:
    """What is known of a layer's output, as a dump right after it."""
    if board is None:
        return Observed(layer.name, np.zeros(0, np.int64), np.zeros(0, np.uint8), layer.index)
    destination = layer.run.destination
    length = destination.unit_bytes
    known = channels_last(board.known, length)
    addresses = (destination.unit_addresses()[..., None] + np.arange(length))[known]
    addresses, first = np.unique(addresses, return_index=True)
    return Observed(layer.name, addresses, channels_last(board.values, length)[known][first], layer.index)


def _joined(parts: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.concatenate([np.zeros(0, np.uint8), *parts])
