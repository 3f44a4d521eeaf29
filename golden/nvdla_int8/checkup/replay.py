"""Runs a timeline again with causes at work in some of its layers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.timeline import HostClear, HostWrite, State, Timeline, TimelineLayer, host_does
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point, Points, Sites, Written
from nvdla_int8.device.run_layer import LayerParts, run_layer, write_output
from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.memory import Memory

Value = TypeVar("Value")
Acting = Mapping[int, Sequence[Cause]]
"""The causes at work, by the index of the layer."""


class NoRoomError(BenchError):
    """A layer that has no room for a mistake: its registers or sizes do not allow it."""


class ChangedPoints(Points):
    """The points of a layer with the changes of some causes, one after the other where several share a point."""

    def __init__(self, causes: Sequence[Cause], scene: Scene) -> None:
        self._scene = scene
        self._changes = [change for cause in causes for change in cause.changes]

    def at(self, point: Point, value: Value) -> Value:
        """The changed value."""
        changed: Any = value
        for change in self._changes:
            if change.point is point:
                changed = change.how(changed, self._scene)
        result: Value = changed
        return result


def run_changed(
    scene: Scene,
    causes: Sequence[Cause],
    state: State,
    sites: Sites | None = None,
    delivered: NDArray[np.int32] | None = None,
) -> tuple[LayerParts, ChangedPoints]:
    """Run a layer with causes at work; the state's memory is read only.

    Parameters
    ----------
    scene
        The layer, as on the golden device.
    causes
        At work in it.
    state
        What lies in memory and CBUF when it runs.
    sites, delivered
        As of :func:`nvdla_int8.device.run_layer.run_layer`.

    Raises
    ------
    NoRoomError
        The layer has no room for the mistake.
    """
    points = ChangedPoints(causes, scene)
    changes = {change.point for cause in causes for change in cause.changes}
    try:
        registers: LayerRegisters = points.at(Point.REGISTERS, scene.registers)
        memory = points.at(Point.MEMORY, state.memory.copy()) if Point.MEMORY in changes else state.memory
        build, lut = scene.timeline.build, scene.layer.run.lut
        return run_layer(registers, build, memory, state.cbuf, lut, points, sites, delivered), points
    except (ValueError, IndexError, AssertionError) as error:  # sizes that do not fit one another, illegal registers
        raise NoRoomError(f"{scene.layer.name}: {error}") from None


def replay(timeline: Timeline, acting: Acting, observed: Sequence[Observed]) -> list[NDArray[np.uint8]]:
    """Bytes that dumps would hold if these causes had been at work.

    Parameters
    ----------
    timeline
        The run.
    acting
        The causes by layer.
    observed
        The dumps.

    Returns
    -------
    list
        For each dump its bytes, uint8 (N,).

    Raises
    ------
    NoRoomError
        A layer has no room for the mistake.
    """
    first = min(acting, default=0)
    state = timeline.state_before(first)
    begin = next(
        at for at, event in enumerate(timeline.events) if isinstance(event, TimelineLayer) and event.index == first
    )
    return replay_from(timeline, begin, state, acting, observed)


def replay_from(
    timeline: Timeline, begin: int, state: State, acting: Acting, observed: Sequence[Observed]
) -> list[NDArray[np.uint8]]:
    """As :func:`replay`, from an event on whose state is known and is changed; dumps before it are golden's."""
    found: dict[int, NDArray[np.uint8]] = {}
    software = Software()
    for step in steps(timeline, begin, state, acting):
        software.meets(step)
        for at, one in enumerate(observed):
            if one.after == step.layer.index:
                found[at] = software.reads(state.memory, one)
    for at, one in enumerate(observed):
        if one.after is None:
            found[at] = software.reads(state.memory, one)
        elif at not in found:  # taken before the first changed layer
            found[at] = Software().reads(golden_after(timeline, one.after), one)
    return [found[at] for at in range(len(observed))]


@dataclass(frozen=True)
class Step:
    """A layer that ran again.

    Attributes
    ----------
    layer
        As on the golden device.
    parts
        What its parts gave.
    written, read_back
        What went to memory, and what software finds of it.
    """

    layer: TimelineLayer
    parts: LayerParts
    written: Written
    read_back: Written


def steps(
    timeline: Timeline, begin: int, state: State, acting: Acting, where_room: Collection[int] = ()
) -> Iterator[Step]:
    """Go on from an event, a step for each layer that has written; the state's memory is carried on.

    Parameters
    ----------
    timeline
        The run.
    begin
        Index of the event.
    state
        What lies in memory and CBUF before it.
    acting
        The causes by layer.
    where_room
        Layers that run as on the golden device if they have no room for their causes.

    Raises
    ------
    NoRoomError
        Another layer has no room for the mistake.
    """
    memory, cbuf = state.memory, state.cbuf
    for event in timeline.events[begin:]:
        if isinstance(event, HostWrite | HostClear):
            host_does(event, memory)
            continue
        scene = Scene(timeline, event, State(memory, cbuf))
        causes = acting.get(event.index, ())
        try:
            parts, written, read_back = run_and_write(scene, causes)
        except NoRoomError:
            if event.index not in where_room:
                raise
            parts, written, read_back = run_and_write(scene, ())
        cbuf = parts.cbuf
        yield Step(event, parts, written, read_back)


def run_and_write(scene: Scene, causes: Sequence[Cause]) -> tuple[LayerParts, Written, Written]:
    """Run a layer with causes at work and write its output into the scene's memory; NoRoomError.

    Returns
    -------
    tuple
        What its parts gave; what went to memory; what software finds of it.
    """
    parts, points = run_changed(scene, causes, scene.state)
    try:
        written = write_output(scene.state.memory, parts.destination, parts.output, points)
        return parts, written, points.at(Point.READ_BACK, written)
    except ValueError as error:
        raise NoRoomError(f"{scene.layer.name}: {error}") from None


class Software:
    """What software finds in memory, where that is not what lies there."""

    def __init__(self) -> None:
        self._seen: list[Written] = []

    def meets(self, step: Step) -> None:
        """A layer has run."""
        if step.read_back is not step.written:
            self._seen.append(step.read_back)

    def reads(self, memory: Memory, one: Observed) -> NDArray[np.uint8]:
        """Bytes that a dump would hold, uint8 (N,)."""
        values = memory.read(one.addresses, 1)[:, 0]
        for written in self._seen:
            values = written.found_at(one.addresses, values)
        return values


def golden_after(timeline: Timeline, index: int) -> Memory:
    """The golden device's memory right after a layer."""
    state = timeline.state_before(index)
    layer = timeline.layers[index]
    write_output(state.memory, layer.run.destination, layer.run.output)
    return state.memory
