"""Pairs of causes of one layer tried many at once: what first ones leave at a level goes stacked through a second."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change
from nvdla_int8.checkup.layer_trial import LayerTrial
from nvdla_int8.checkup.replay import ChangedPoints, NoRoomError
from nvdla_int8.checkup.span import Level
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.points import Point, Sites
from nvdla_int8.device.run_layer import LayerParts
from nvdla_int8.stages.convolution import taps_at
from nvdla_int8.stages.sdp import XResult

ELEMENTS = 256
"""Elements at which pairs are tried first: as many pixels as that makes, at least one."""

STACKED_ELEMENTS = 1 << 18
"""Elements that go through a layer at once."""


@dataclass
class Cut:
    """What causes leave before a level, each result once.

    Attributes
    ----------
    values
        (..., P) each.
    owners
        The causes that leave each of them.
    """

    values: list[NDArray[Any]] = field(default_factory=list)
    owners: list[list[Cause]] = field(default_factory=list)
    _known: dict[bytes, int] = field(default_factory=dict)

    def add(self, value: NDArray[Any], cause: Cause) -> None:
        """One more cause."""
        place = self._known.setdefault(blake2b(value.tobytes()).digest(), len(self.values))
        if place == len(self.values):
            self.values.append(value)
            self.owners.append([])
        self.owners[place].append(cause)


class StackedTrial:
    """A layer that ends in SDP, at a few pixels of its output.

    Parameters
    ----------
    trial
        The layer.
    sites
        The pixels.
    """

    def __init__(self, trial: LayerTrial, sites: Sites) -> None:
        self._trial = trial
        self._sites = sites
        self._values, self._known = sites.of(trial.board.values), sites.of(trial.board.known)
        self._cuts = {level: Cut() for level in Level}
        self._convolution = trial.scene.convolution

    def add(self, cause: Cause) -> None:
        """Keep what a cause leaves before every level behind its own; NoRoomError."""
        span = self._trial.span(cause)
        spied = [Point.PADDED, Point.SUMS] if self._convolution is not None and span.first <= Level.SUMS else []
        parts, seen = self._seen(cause, spied, self._sites)
        assert parts.sdp is not None, "the layer ends in SDP"
        left: dict[Level, NDArray[Any]] = {
            Level.X1: parts.sdp.source,
            Level.X2: parts.sdp.x1,
            Level.CONVERTER: parts.sdp.x2,
            Level.OUTPUT: parts.output,
            Level.WRITTEN: parts.output,
        }
        if Point.SUMS in seen:
            left[Level.SUMS] = seen[Point.SUMS]
            if span.last < Level.WEIGHTS:
                left[Level.WEIGHTS] = self._taps(seen[Point.PADDED])
        for level, value in left.items():
            if span.last < level:
                self._cuts[level].add(value, cause)

    def agreeing(self, cause: Cause) -> Iterator[Cause]:
        """The causes before it that, together with it, give the board's bytes at these pixels; NoRoomError."""
        level = self._trial.span(cause).first
        cut = self._cuts[level]
        at_once = max(1, STACKED_ELEMENTS // max(self._values.size, 1))
        for begin in range(0, len(cut.values), at_once):
            values = cut.values[begin : begin + at_once]
            output = self._through(cause, level, np.concatenate(values, axis=-1), len(values))
            split = output.reshape(len(output), len(values), -1)
            wrong = (split != self._values) & self._known
            for place in np.flatnonzero(~np.any(wrong, axis=(0, 2))):
                yield from cut.owners[begin + int(place)]

    def combinations(self, cause: Cause) -> int:
        """How many causes :meth:`agreeing` holds beside it."""
        return sum(len(owners) for owners in self._cuts[self._trial.span(cause).first].owners)

    def _through(self, cause: Cause, level: Level, stacked: NDArray[Any], count: int) -> NDArray[np.uint8]:
        """What lies before a level, through the rest of the layer with a cause at work, uint8 (lanes, 1, P)."""
        sites = Sites(np.tile(self._sites.y, count), np.tile(self._sites.x, count))
        if level >= Level.OUTPUT:
            return self._trial.as_found([cause], self._changed_output(cause, stacked).view(np.uint8), sites)
        if level <= Level.SUMS:
            return self._trial.bytes_of([cause], sites, delivered=self._delivered(cause, level, stacked))
        return self._trial.bytes_of([cause], sites, _held(level, stacked))

    def _changed_output(self, cause: Cause, stacked: NDArray[np.int8]) -> NDArray[np.int8]:
        try:
            return ChangedPoints([cause], self._trial.scene).at(Point.OUTPUT, stacked)
        except (ValueError, IndexError, AssertionError) as error:
            raise NoRoomError(f"{self._trial.scene.layer.name}: {error}") from None

    def _delivered(self, cause: Cause, level: Level, stacked: NDArray[Any]) -> NDArray[np.int32]:
        scene = self._trial.scene
        try:
            sums = stacked
            if level is Level.WEIGHTS:
                weights = self._seen(cause, [Point.WEIGHTS], Sites(self._sites.y[:1], self._sites.x[:1]))[1][
                    Point.WEIGHTS
                ]
                sums = (weights.reshape(len(weights), -1).astype(np.float64) @ stacked).astype(np.int64)[:, None]
            points = ChangedPoints([cause], scene)
            layer = ConvolutionLayer(points.at(Point.REGISTERS, scene.registers), scene.timeline.build)
            return layer.deliver(sums, points).value.astype(np.int32)
        except (ValueError, IndexError, AssertionError) as error:
            raise NoRoomError(f"{scene.layer.name}: {error}") from None

    def _seen(self, cause: Cause, points: Sequence[Point], sites: Sites) -> tuple[LayerParts, dict[Point, Any]]:
        """Run the layer with a cause at work, and what is at some points, which it changes not or has changed."""
        seen: dict[Point, Any] = {}

        def look(point: Point) -> Change:
            return Change(point, lambda value, _: seen.setdefault(point, value))

        parts = self._trial.run([cause], sites, [look(point) for point in points])
        return parts, seen

    def _taps(self, padded: NDArray[np.int8]) -> NDArray[np.float64]:
        assert self._convolution is not None, "only a convolution has taps"
        layer = self._convolution
        try:
            return taps_at(padded, (layer.kernel_h, layer.kernel_w), layer.geometry, *self._sites)
        except IndexError:
            raise NoRoomError(f"{self._trial.scene.layer.name}: its input is too small") from None


def _held(level: Level, value: NDArray[Any]) -> tuple[Change, ...]:
    """Holds what lies before a level at a value, whatever came before."""
    if level is Level.X1:
        return (Change(Point.SOURCE, lambda _value, _: value),)
    none = np.zeros(value.shape, np.bool_)
    points = (Point.X1,) if level is Level.X2 else (Point.X1, Point.X2)
    return tuple(Change(point, lambda _compute, _: lambda *_operands: XResult(value, none, none)) for point in points)
