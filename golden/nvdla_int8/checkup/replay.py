"""Runs a timeline again with causes at work in some of its layers."""

from collections.abc import Mapping, Sequence
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
    scene: Scene, causes: Sequence[Cause], state: State, sites: Sites | None = None
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
    sites
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
        return run_layer(registers, build, memory, state.cbuf, lut, points, sites), points
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
    memory, cbuf = state.memory, state.cbuf
    found: dict[int, NDArray[np.uint8]] = {}
    seen_by_software: list[Written] = []
    for event in timeline.events[begin:]:
        if isinstance(event, HostWrite | HostClear):
            host_does(event, memory)
            continue
        scene = Scene(timeline, event, State(memory, cbuf))
        parts, points = run_changed(scene, acting.get(event.index, ()), State(memory, cbuf))
        cbuf = parts.cbuf
        try:
            written = write_output(memory, parts.destination, parts.output, points)
        except ValueError as error:
            raise NoRoomError(f"{event.name}: {error}") from None
        read_back = points.at(Point.READ_BACK, written)
        if read_back is not written:
            seen_by_software.append(read_back)
        for at, one in enumerate(observed):
            if one.after == event.index:
                found[at] = _read(memory, seen_by_software, one)
    for at, one in enumerate(observed):
        if one.after is None:
            found[at] = _read(memory, seen_by_software, one)
        elif at not in found:  # taken before the first changed layer
            found[at] = _read(golden_after(timeline, one.after), [], one)
    return [found[at] for at in range(len(observed))]


def golden_after(timeline: Timeline, index: int) -> Memory:
    """The golden device's memory right after a layer."""
    state = timeline.state_before(index)
    layer = timeline.layers[index]
    write_output(state.memory, layer.run.destination, layer.run.output)
    return state.memory


def _read(memory: Memory, seen_by_software: Sequence[Written], one: Observed) -> NDArray[np.uint8]:
    values = memory.read(one.addresses, 1)[:, 0]
    for written in seen_by_software:
        length = written.units.shape[-1]
        addresses = (written.starts[..., None] + np.arange(length)).ravel()
        order = np.argsort(addresses)
        addresses, units = addresses[order], written.units.ravel()[order]
        place = np.minimum(np.searchsorted(addresses, one.addresses), addresses.size - 1)
        held = addresses[place] == one.addresses
        values = np.where(held, units[place], values)
    return values
