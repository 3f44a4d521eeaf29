"""How far a cause reaches within its layer, and so what need not be computed again when it is tried."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Scene
from nvdla_int8.device.points import Point, Sites

FRONT_POINTS = frozenset(
    {
        Point.INPUT,
        Point.CONVERTER,
        Point.CONVERTED,
        Point.PADDED,
        Point.WEIGHTS,
        Point.SUMS,
        Point.DELIVERY,
        Point.DELIVERED,
    }
)
"""Up to what CACC delivers."""

PLACING_POINTS = frozenset({Point.WRITTEN, Point.READ_BACK})
"""Behind the last stage, between a layer and memory."""

OPERAND_POINTS = {Point.X1_OPERANDS: "x1", Point.X2_OPERANDS: "x2"}

FRONT_BLOCKS = ("CDMA.", "CSC.", "CMAC_", "CACC.")

PLACES = ("SDP.D_DATA_CUBE_", "SDP.D_DST_", "CSC.D_DATAOUT_", "SDP.D_FEATURE_MODE_CFG")
"""Registers that say which pixels there are and where they go."""


class Reach(NamedTuple):
    """How far a cause reaches.

    Attributes
    ----------
    front
        It changes something up to what CACC delivers.
    back
        It changes something from there to the layer's bytes.
    placing
        It changes where the bytes go, or what becomes of them in memory.
    local
        What it does to a pixel of the output does not depend on which other pixels are computed.
    """

    front: bool
    back: bool
    placing: bool
    local: bool


def reach_of(cause: Cause, scene: Scene) -> Reach:
    """How far a cause reaches in a layer; errors of its changes as they come."""
    front = back = placing = False
    local = True
    for change in cause.changes:
        if change.point is Point.REGISTERS:
            changed = _changed_registers(change, scene)
            in_front = [name for name in changed if name.startswith(FRONT_BLOCKS)]
            front |= bool(in_front)
            back |= len(in_front) < len(changed)
            moved = any(name.startswith(PLACES) for name in changed)
            placing |= moved
            local &= not moved
        elif change.point is Point.MEMORY:
            front |= scene.convolution is not None
            back |= scene.sdp is None or scene.sdp.reads_memory
        elif change.point in FRONT_POINTS:
            front = True
        elif change.point in PLACING_POINTS:
            placing = True
        else:
            back = True
        local &= _is_local(change, scene)
    return Reach(front, back, placing, local)


def can_be_sampled(scene: Scene) -> bool:
    """Whether some pixels of the layer's output can be computed without the others: it ends in SDP."""
    return scene.layer.run.writer == "SDP"


def _changed_registers(change: Change, scene: Scene) -> list[str]:
    before, after = scene.registers, change.how(scene.registers, scene)
    return [name for name in before.values.keys() | after.values.keys() if before.word(name) != after.word(name)]


def _is_local(change: Change, scene: Scene) -> bool:
    """Whether a change gives some pixels the same values when only these are there."""
    if change.point in PLACING_POINTS:
        return False
    if which := OPERAND_POINTS.get(change.point):
        sdp = scene.sdp
        return sdp is None or not sdp.operand_surface(which).per_element
    golden = _golden_value(change.point, scene)
    if golden is None:
        return True
    _, height, width = golden.shape
    sites = Sites(np.array([height - 1, 0, height // 2]), np.array([width - 1, 0, width // 3]))
    try:
        return bool(np.array_equal(sites.of(change.how(golden, scene)), change.how(sites.of(golden), scene)))
    except (ValueError, IndexError, AssertionError):
        return False


def _golden_value(point: Point, scene: Scene) -> NDArray[Any] | None:
    """What is at a point that lies behind the kernels, pixel by pixel, or something like it."""
    run = scene.layer.run
    match point:
        case Point.SUMS if run.convolution:
            return run.convolution.delivered.astype(np.int64)
        case Point.DELIVERED if run.convolution:
            return run.convolution.delivered
        case Point.SOURCE if run.sdp:
            return run.sdp.source
        case Point.OUTPUT if run.sdp:
            return run.sdp.output
    return None
