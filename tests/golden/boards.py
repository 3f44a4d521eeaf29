"""Dumps of pretended boards: what memory holds when a layer's bytes, or loaded ones, are not as they should be."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.timeline import HostWrite, Timeline, TimelineLayer
from nvdla_int8.cli.check_subjects import Placing
from nvdla_int8.cli.image_options import AS_THEY_ARE
from nvdla_int8.compiler.allocation import DEFAULT_BASE
from nvdla_int8.device.run_layer import write_output

USUAL = Placing(None, None, DEFAULT_BASE, "nv_small", False, None, AS_THEY_ARE)
"""How programs are written when no option is given."""

Spoil = Callable[[NDArray[np.int8]], None]
"""Changes a cube (lanes, H, W) in place."""


def addresses_of(timeline: Timeline, index: int) -> NDArray[np.int64]:
    """Every byte that a layer writes, ascending."""
    destination = timeline.layers[index].run.destination
    return np.unique(destination.unit_addresses()[..., None] + np.arange(destination.unit_bytes))


def layer_dump(timeline: Timeline, index: int, spoil: Spoil = lambda cube: None) -> Observed:
    """A layer's output right after it ran, spoiled."""
    layer = timeline.layers[index]
    memory = timeline.state_before(index).memory
    cube = layer.run.output.copy()
    spoil(cube)
    write_output(memory, layer.run.destination, cube)
    addresses = addresses_of(timeline, index)
    return Observed(layer.name, addresses, memory.read(addresses, 1)[:, 0], layer.index)


def end_dump(timeline: Timeline) -> Observed:
    """Every byte that layers write or software loads, at the end of a faultless run."""
    written = [addresses_of(timeline, layer.index) for layer in timeline.layers]
    loaded = [event.base + np.arange(len(event.data)) for event in timeline.events if isinstance(event, HostWrite)]
    addresses = np.unique(np.concatenate([*written, *loaded]))
    return Observed("memory", addresses, timeline.device.memory.read(addresses, 1)[:, 0])


def output_dump(path: Path, timeline: Timeline, index: int, *wrong: int) -> str:
    """A raw file of a layer's output at the end; ``wrong`` are offsets of bytes that are."""
    low, high = timeline.layers[index].run.destination.extent()
    return save_memory(path, timeline, low, high - low, tuple(low + offset for offset in wrong))


def save_memory(path: Path, timeline: Timeline, low: int, size: int, spoiled: tuple[int, ...] = ()) -> str:
    """Write a stretch of memory as a raw file, some addresses wrong; the argument for ``--dump``."""
    data = bytearray(timeline.device.memory.read_bytes(low, size))
    for address in spoiled:
        data[address - low] ^= 0xFF
    path.write_bytes(data)
    return f"{path}@{low:#x}"


def again(timeline: Timeline, index: int) -> TimelineLayer:
    """A layer that runs once more, behind all others."""
    return replace(timeline.layers[index], index=len(timeline.layers))
