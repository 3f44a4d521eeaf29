"""A run as it would be with a cause at work: what a second cause is looked for in."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.layer_trial import LayerRunner
from nvdla_int8.checkup.replay import Step, steps
from nvdla_int8.checkup.timeline import Event, HostWrite, State, Timeline, TimelineLayer
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.run_layer import LayerParts, write_output
from nvdla_int8.surfaces.layout import channels_first
from nvdla_int8.surfaces.memory import Memory


def supposed_scene(runner: LayerRunner, cause: Cause) -> Scene:
    """A layer as it would be with a cause at work in it, its output what software finds then; NoRoomError."""
    scene = runner.scene
    run = _run_of(scene.layer.run, runner.run([cause], None))
    layer = replace(scene.layer, run=_with_output(run, runner.bytes_of([cause], None)))
    events = tuple(layer if event is scene.layer else event for event in scene.timeline.events)
    return Scene(replace(scene.timeline, events=events), layer, scene.state, scene.board)


def supposed_timeline(timeline: Timeline, index: int, cause: Cause, before: State) -> Timeline:
    """A run in which a cause is at work in one layer.

    Parameters
    ----------
    timeline
        The run without it.
    index
        Of the layer.
    cause
        The cause.
    before
        Memory and CBUF when the layer begins.

    Raises
    ------
    NoRoomError
        The layer has no room for it.
    """
    begin = next(
        at for at, event in enumerate(timeline.events) if isinstance(event, TimelineLayer) and event.index == index
    )
    state = State(before.memory.copy(), before.cbuf)
    found: dict[int, list[Event]] = {}
    for step in steps(timeline, begin, state, {index: [cause]}):
        found[step.layer.index] = _events(step, before.memory if step.layer.index == index else None, state.memory)
    events: list[Event] = []
    for event in timeline.events:
        events += found.get(event.index, [event]) if isinstance(event, TimelineLayer) else [event]
    return replace(timeline, events=tuple(events))


def _events(step: Step, before: Memory | None, after: Memory) -> list[Event]:
    """A layer that ran, and what else has to be done to memory if it did not write to its place."""
    run = replace(_run_of(step.layer.run, step.parts), overwritten=step.written.before)
    golden = run.destination.unit_addresses()
    if np.array_equal(golden, step.written.starts):
        run = _with_output(run, channels_first(step.written.units))
        return [replace(step.layer, run=run)]
    assert before is not None, "only the cause's own layer writes elsewhere"
    usual = before.copy()
    write_output(usual, run.destination, run.output)
    places = usual.differing(after)
    cuts = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1) if places.size else []
    mends = [HostWrite(int(some[0]), after.read_bytes(int(some[0]), some.size)) for some in cuts]
    return [replace(step.layer, run=run), *mends]


def _run_of(run: LayerRun, parts: LayerParts) -> LayerRun:
    return replace(
        run,
        convolution=parts.convolution or run.convolution,
        sdp=parts.sdp,
        pooling=parts.pooling,
        lrn=parts.lrn,
    )


def _with_output(run: LayerRun, output: NDArray[np.uint8]) -> LayerRun:
    """The same layer with other bytes, (lanes, H, W)."""
    cube = np.ascontiguousarray(output).view(np.int8)
    if run.lrn is not None:
        return replace(run, lrn=run.lrn._replace(output=cube))
    if run.pooling is not None:
        return replace(run, pooling=run.pooling._replace(output=cube))
    assert run.sdp is not None, "a layer ends in one of these"
    return replace(run, sdp=replace(run.sdp, output=cube))
