"""What faults of hardware share: bits and lanes of bytes, and where in a layer of any kind they act."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.points import Point
from nvdla_int8.registers.lrn import LutEntries
from nvdla_int8.stages.lrn import LrnStages
from nvdla_int8.stages.pooling import PoolingStages

BYTE_BITS = 8
LEVELS = (0, 1)

Units = NDArray[np.uint8]
"""Bytes whose last axis are the lanes of an atom."""

OnUnits = Callable[[Units], Units]


def fault(
    key: str,
    unit: str,
    words: str,
    *changes: Change,
    freedom_bits: float = 0.0,
) -> Cause:
    """A fault of hardware: the same in every layer that takes the unit."""
    advice = f"Run the probe of {unit} alone; a fault of this kind shows in every layer that takes it."
    return Cause(key, Family.HARDWARE, unit, words, advice, changes, everywhere=True, freedom_bits=freedom_bits)


# ---- Bytes --------------------------------------------------------------------------------------


def stuck(bit: int, level: int, lane: int | None, units: Units) -> Units:
    """A bit of every byte, or of one lane, at a level."""
    changed = units.copy()
    where = slice(None) if lane is None else lane
    mask = np.uint8(1 << bit)
    changed[..., where] = changed[..., where] | mask if level else changed[..., where] & ~mask
    return changed


def constant(lane: int, value: int, units: Units) -> Units:
    """A lane that always has one value."""
    changed = units.copy()
    changed[..., lane] = value
    return changed


def ordered(order: Sequence[int], units: Units) -> Units:
    """Lanes that have what belongs into others."""
    return units[..., list(order)]


def swapped(lanes: int, one: int, other: int) -> list[int]:
    """The order in which two lanes have changed places."""
    order = list(range(lanes))
    order[one], order[other] = other, one
    return order


# ---- Where they act -----------------------------------------------------------------------------


def at_output(how: OnUnits) -> tuple[Change, ...]:
    """On the bytes that a layer of any kind writes."""
    return (
        Change(Point.OUTPUT, partial(_sdp_output, how)),
        Change(Point.POOLING, partial(_pooled, how)),
        Change(Point.LRN, partial(_normalised, how)),
    )


def _sdp_output(how: OnUnits, output: NDArray[np.int8], scene: Scene) -> NDArray[np.int8]:
    return output if scene.pooling is not None else on_lanes(how, output, scene)


def _pooled(
    how: OnUnits, run: Callable[[NDArray[np.int8]], PoolingStages], scene: Scene
) -> Callable[[NDArray[np.int8]], PoolingStages]:
    def pool(cube: NDArray[np.int8]) -> PoolingStages:
        stages = run(cube)
        return stages._replace(output=on_lanes(how, stages.output, scene))

    return pool


def _normalised(
    how: OnUnits, run: Callable[[NDArray[np.int8], LutEntries], LrnStages], scene: Scene
) -> Callable[[NDArray[np.int8], LutEntries], LrnStages]:
    def normalise(cube: NDArray[np.int8], entries: LutEntries) -> LrnStages:
        stages = run(cube, entries)
        return stages._replace(output=on_lanes(how, stages.output, scene))

    return normalise


def on_lanes(how: OnUnits, cube: NDArray[Any], scene: Scene) -> NDArray[Any]:
    """Change a cube of bytes, (lanes, ...) of some dtype, atom by atom."""
    atom = scene.timeline.build.memory_atom
    units = np.moveaxis(cube.astype(np.int8).view(np.uint8).reshape(-1, atom, *cube.shape[1:]), 1, -1)
    changed = np.ascontiguousarray(np.moveaxis(how(units), -1, 1).reshape(cube.shape))
    return changed.view(np.int8).astype(cube.dtype)


READ_UNITS = {
    Point.INPUT: "CDMA",
    Point.SOURCE: "SDP_RDMA",
    Point.POOLING_INPUT: "PDP_RDMA",
    Point.LRN_INPUT: "CDP_RDMA",
}
"""Which block takes a cube from memory at which point."""


def input_point(scene: Scene) -> Point | None:
    """Where a layer takes a cube from memory; None of an image and of what is in the CBUF."""
    if scene.lrn is not None:
        return Point.LRN_INPUT
    if scene.pooling is not None and not scene.pooling.flying:
        return Point.POOLING_INPUT
    if scene.convolution is None:
        return Point.SOURCE
    fetched = scene.layer.run.convolution
    return Point.INPUT if fetched is not None and fetched.fetch.data and not scene.convolution.pixel else None


def at_input(point: Point, how: OnUnits) -> Change:
    """On a cube that the block of this point takes from memory; of no effect where it takes none there."""

    def changed(cube: NDArray[Any], scene: Scene) -> NDArray[Any]:
        return on_lanes(how, cube, scene) if input_point(scene) is point else cube

    return Change(point, changed)
