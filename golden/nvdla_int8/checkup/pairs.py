"""Two mistakes in one layer: pairs of causes held against a board's bytes."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from nvdla_int8.checkup.cause import Cause, Family
from nvdla_int8.checkup.causes.catalogue import suggest_causes
from nvdla_int8.checkup.layer_trial import LayerTrial
from nvdla_int8.checkup.replay import NoRoomError
from nvdla_int8.checkup.singles import Advance, TriedSingles
from nvdla_int8.checkup.span import Level, Span
from nvdla_int8.checkup.stacked import ELEMENTS, StackedTrial
from nvdla_int8.checkup.supposed import supposed_scene
from nvdla_int8.device.points import Sites

ALONE, LEAST_ALONE = 4_000, 400
"""How many pairs are tried one by one, because neither cause stands behind the other; of large layers fewer."""

ALONE_ELEMENTS = 40_000_000
"""Elements that these may compute."""

REARRANGED, REARRANGED_ELEMENTS = 16_000, 100_000_000
"""Pairs that are tried of which one puts the output in another order, and their bytes."""

LITTLE_FREEDOM = 8
"""Bits of freedom of a pair's causes with which it is told from what would fit any bytes."""

GENERAL = 24
"""Causes that explain most alone; a general one is only tried with others if it is among them."""

SUPPOSED = 12
"""Causes with which at work a second one is inferred from the board's bytes: those that alone explain most."""


@dataclass
class TriedPairs:
    """What was tried.

    Attributes
    ----------
    agreeing
        Pairs with which all that was looked at comes out as on the board.
    tried
        How many pairs were tried.
    left
        What was not tried, and why.
    """

    agreeing: list[tuple[Cause, Cause]] = field(default_factory=list)
    tried: int = 0
    left: list[str] = field(default_factory=list)


class PairTrial:
    """The pairs of a layer's causes.

    Parameters
    ----------
    singles
        The layer, with every single cause tried.
    advance
        Told what is tried.
    """

    def __init__(self, singles: TriedSingles, advance: Advance) -> None:
        self._singles = singles
        self._trial: LayerTrial = singles.trial
        self._advance = advance
        self._name = self._trial.scene.layer.name
        self._tried = TriedPairs()
        explaining = set(singles.agreeing)  # with one of these the other is in another layer
        gains = sorted(zip(singles.gains, range(len(singles.causes)), strict=True), key=lambda one: -one[0])
        telling = {at for gain, at in gains[:GENERAL] if gain > 0}
        self._causes = [
            cause
            for at, cause in enumerate(singles.causes)
            if cause not in explaining and (not cause.general or at in telling)
        ]
        self._spans: dict[Cause, Span] = {cause: self._trial.span(cause) for cause in singles.causes}

    def result(self) -> TriedPairs:
        """Try them."""
        for kind in self._kinds():
            for first, second in kind:
                try:
                    equal, known = self._trial.agreement([first, second])
                except NoRoomError:
                    continue
                if equal == known:
                    self._tried.agreeing.append((first, second))
            if any(one.freedom_bits + other.freedom_bits <= LITTLE_FREEDOM for one, other in self._tried.agreeing):
                break  # what follows is rarer, and much more of it
        return self._tried

    def _kinds(self) -> Iterator[Iterator[tuple[Cause, Cause]]]:
        """Pairs that are right where few pixels are looked at, each in the order in which they act; likelier first."""
        few = self._few_pixels() if self._trial.scene.layer.run.writer == "SDP" else None
        if few is not None:
            yield self._stacked(few)
        yield self._inferred()
        yield self._rearranged()
        yield self._alone(few)

    def _inferred(self) -> Iterator[tuple[Cause, Cause]]:
        """Second causes that show once the first one is supposed."""
        gains = sorted(zip(self._singles.gains, range(len(self._singles.causes)), strict=True), key=lambda one: -one[0])
        known = {(cause.key, cause.words) for cause in self._singles.causes}
        for done, (gain, at) in enumerate(gains[:SUPPOSED]):
            first = self._singles.causes[at]
            if gain <= 0 or self._spans[first].moves:
                continue
            self._advance(f"pairs of causes in {self._name}", done, SUPPOSED)
            try:
                supposed = supposed_scene(self._trial, first)
            except NoRoomError:
                continue
            for second in suggest_causes(supposed):
                if (second.key, second.words) not in known:
                    self._tried.tried += 1
                    yield first, second

    def _few_pixels(self) -> Sites:
        """The pixels with the most wrong bytes."""
        board, expected = self._trial.board, self._trial.scene.expected
        wrong = np.count_nonzero(board.known & (board.values != expected), axis=0)
        count = max(1, ELEMENTS // len(expected))
        order = np.argsort(-wrong, axis=None, kind="stable")[:count]
        return Sites(*np.unravel_index(order, wrong.shape))

    def _stacked(self, few: Sites) -> Iterator[tuple[Cause, Cause]]:
        stacked = StackedTrial(self._trial, few)
        local = [cause for cause in self._causes if self._spans[cause].local]
        for cause in local:
            with suppress(NoRoomError):
                stacked.add(cause)
        for done, cause in enumerate(local):
            self._advance(f"pairs of causes in {self._name}", done, len(local))
            self._tried.tried += stacked.combinations(cause)
            try:
                for first in stacked.agreeing(cause):
                    yield first, cause
            except NoRoomError:
                continue

    def _rearranged(self) -> Iterator[tuple[Cause, Cause]]:
        """Second causes that put the bytes of the whole output in another order; faults of hardware last."""
        seconds = [cause for cause in self._causes if self._rearranges(cause)]
        firsts = [cause for cause in self._causes if self._spans[cause].last < Level.WRITTEN]
        firsts.sort(key=lambda cause: cause.family is Family.HARDWARE)
        size = self._trial.scene.expected.size
        most = min(REARRANGED, REARRANGED_ELEMENTS // size) // max(len(seconds), 1)
        if len(firsts) > most and seconds:
            left = (len(firsts) - most) * len(seconds)
            self._tried.left.append(f"{left:,} pairs in {self._name} of which one is the order of its output: too many")
        for done, first in enumerate(firsts[:most] if seconds else ()):
            self._advance(f"pairs of causes in {self._name}", done, min(most, len(firsts)))
            self._tried.tried += len(seconds)
            with suppress(NoRoomError):
                output = self._trial.bytes_of([first], None)
                for second in seconds:
                    with suppress(NoRoomError):
                        equal, known = self._trial.counts(self._trial.as_found([second], output, None), None)
                        if equal == known:
                            yield first, second

    def _rearranges(self, cause: Cause) -> bool:
        span = self._spans[cause]
        return span.first is Level.WRITTEN and not span.local and not span.moves

    def _alone(self, few: Sites | None) -> Iterator[tuple[Cause, Cause]]:
        """Pairs of another kind: at the same level, or not local; faults of hardware last."""
        pairs = [pair for pair in combinations(self._causes, 2) if not self._can_be_stacked(*pair)]
        pairs.sort(key=lambda pair: sum(cause.family is Family.HARDWARE for cause in pair))
        local = [pair for pair in pairs if all(self._spans[cause].local for cause in pair)]
        others = [pair for pair in pairs if not all(self._spans[cause].local for cause in pair)]
        pixels = self._trial.scene.expected[0].size if few is None else few.y.size
        limit = min(ALONE, max(LEAST_ALONE, ALONE_ELEMENTS // (pixels * len(self._trial.scene.expected))))
        chosen = local[: max(limit // 2, limit - len(others))]
        chosen += others[: limit - len(chosen)]
        if len(pairs) > len(chosen):
            left, every = len(pairs) - len(chosen), self._tried.tried + len(pairs)
            self._tried.left.append(f"{left:,} of {every:,} pairs of causes in {self._name}: too many")
        for done, (first, second) in enumerate(chosen):
            self._advance(f"pairs of causes in {self._name}", done, len(chosen))
            self._tried.tried += 1
            share_a_point = {change.point for change in first.changes} & {change.point for change in second.changes}
            for pair in ((first, second), (second, first)) if share_a_point else ((first, second),):
                if self._agrees_at(few, pair):
                    yield pair

    def _agrees_at(self, few: Sites | None, pair: tuple[Cause, Cause]) -> bool:
        if few is None or not all(self._spans[cause].local for cause in pair):
            return True
        try:
            equal, known = self._trial.counts(self._trial.bytes_of(pair, few), few)
        except NoRoomError:
            return False
        return equal == known

    def _can_be_stacked(self, one: Cause, other: Cause) -> bool:
        first, second = self._spans[one], self._spans[other]
        if self._rearranges(other) and first.last < Level.WRITTEN:
            return True
        if self._rearranges(one) and second.last < Level.WRITTEN:
            return True
        return first.local and second.local and (first.last < second.first or second.last < first.first)
