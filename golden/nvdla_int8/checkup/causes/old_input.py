"""Inputs that are old: the layer began before its data was in memory, wholly or in part."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.history import bytes_before, last_writers, position_of
from nvdla_int8.checkup.layer_reads import Read, layer_reads
from nvdla_int8.checkup.timeline import HostWrite, Timeline, TimelineLayer
from nvdla_int8.device.points import Point
from nvdla_int8.surfaces.memory import Memory

MOST_WRITERS = 4
"""Of what a layer reads, how many of those who wrote it are looked at."""


def suggest_old_input(scene: Scene) -> Iterator[Cause]:
    """Each thing that the layer reads as it was before somebody wrote it."""
    for read in layer_reads(scene):
        for position in writers_of(scene, read)[:MOST_WRITERS]:
            yield _before(scene, read, position)


def writers_of(scene: Scene, read: Read) -> list[int]:
    """Positions of the events from which on a read finds what it finds, latest first."""
    here = position_of(scene.timeline, scene.layer.index)
    return _stretches(scene.timeline, last_writers(scene.timeline, here, read.addresses))


def _stretches(timeline: Timeline, writers: Sequence[int]) -> list[int]:
    """The layers among some writers, and the first write of each time that software loaded memory."""
    found: dict[int, int] = {}
    for position in writers:  # latest first
        event = timeline.events[position]
        if isinstance(event, TimelineLayer):
            found[position] = position
        elif isinstance(event, HostWrite):
            layers = (at for at in range(position, -1, -1) if isinstance(timeline.events[at], TimelineLayer))
            found[-2 - next(layers, -1)] = position
    return list(found.values())


def _before(scene: Scene, read: Read, position: int) -> Cause:
    writer = scene.timeline.events[position]
    if isinstance(writer, TimelineLayer):
        words = f"it read its {read.what} before {writer.name} wrote there"
        advice = f"Enable it only after the interrupt of {writer.name}, and after its writes have landed."
        key = "started-early"
    else:
        words = f"it read its {read.what} before software wrote at {writer.base:#x}"
        advice = "Load the memory before the layer is enabled, and flush the cache over it."
        key = "not-loaded"
    change = Change(Point.MEMORY, partial(_put_older, read.addresses, position))
    return Cause(key, Family.CONTROL, "the driver", words, advice, (change,))


def _put_older(addresses: NDArray[np.int64], position: int, memory: Memory, scene: Scene) -> Memory:
    older = bytes_before(scene.timeline, position, addresses)
    memory.write(addresses, older[:, None])
    return memory
