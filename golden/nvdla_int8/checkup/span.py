"""From where to where in its layer a cause changes something, and so what need not be computed again to try it."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import INPUT, Cause, Change, Scene
from nvdla_int8.checkup.layer_reads import INPUTS
from nvdla_int8.device.memory_reads import MemoryReads
from nvdla_int8.device.points import Point, Sites, Written
from nvdla_int8.surfaces.layout import channels_last
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.written_ranges import Runs


class Level(IntEnum):
    """Parts of a layer in the order of the data's path: what is at one depends on those before it alone."""

    INPUT = 0
    WEIGHTS = 1
    SUMS = 2
    X1 = 3
    X2 = 4
    CONVERTER = 5
    OUTPUT = 6
    POOLING = 7
    WRITTEN = 8


LEVELS = {
    Point.INPUT: Level.INPUT,
    Point.CONVERTER: Level.INPUT,
    Point.CONVERTED: Level.INPUT,
    Point.PADDED: Level.INPUT,
    Point.WEIGHTS: Level.WEIGHTS,
    Point.SUMS: Level.SUMS,
    Point.DELIVERY: Level.SUMS,
    Point.DELIVERED: Level.SUMS,
    Point.SOURCE: Level.X1,
    Point.X1_OPERANDS: Level.X1,
    Point.X1: Level.X1,
    Point.X2_OPERANDS: Level.X2,
    Point.X2: Level.X2,
    Point.OUTPUT_CONVERTER: Level.CONVERTER,
    Point.OUTPUT: Level.OUTPUT,
    Point.POOLING_INPUT: Level.POOLING,
    Point.POOLING: Level.POOLING,
    Point.LRN_INPUT: Level.POOLING,
    Point.LRN: Level.POOLING,
    Point.WRITTEN: Level.WRITTEN,
    Point.READ_BACK: Level.WRITTEN,
}

REGISTER_LEVELS = (
    ("CDMA.D_WEIGHT_", (Level.WEIGHTS, Level.WEIGHTS)),
    ("CDMA.", (Level.INPUT, Level.INPUT)),
    ("CSC.", (Level.INPUT, Level.WEIGHTS)),
    ("CMAC_", (Level.INPUT, Level.WEIGHTS)),
    ("CACC.", (Level.SUMS, Level.SUMS)),
    ("SDP_RDMA.D_BRDMA", (Level.X1, Level.X1)),
    ("SDP_RDMA.D_BS", (Level.X1, Level.X1)),
    ("SDP_RDMA.D_NRDMA", (Level.X2, Level.X2)),
    ("SDP_RDMA.D_BN", (Level.X2, Level.X2)),
    ("SDP.D_DP_BS", (Level.X1, Level.X1)),
    ("SDP.D_DP_BN", (Level.X2, Level.X2)),
    ("SDP.D_CVT", (Level.CONVERTER, Level.CONVERTER)),
    ("SDP", (Level.X1, Level.CONVERTER)),
    ("", (Level.POOLING, Level.POOLING)),
)
"""Which levels registers are of, by the beginning of their names."""

PLACES = ("SDP.D_DATA_CUBE_", "SDP.D_DST_", "SDP.D_FEATURE_MODE_CFG", "CSC.D_DATAOUT_", "PDP.", "CDP.")
"""Registers that say how many pixels there are and where they go."""

READ_LEVELS = {
    "features": Level.INPUT,
    "pixels": Level.INPUT,
    "weights": Level.WEIGHTS,
    "X1 operands": Level.X1,
    "X2 operands": Level.X2,
}
"""Which level takes what a layer reads from memory; the source of SDP, PDP and CDP is left to the layer."""

OPERAND_POINTS = {Point.X1_OPERANDS: "x1", Point.X2_OPERANDS: "x2"}


class Span(NamedTuple):
    """The part of its layer that a cause changes.

    Attributes
    ----------
    first, last
        The levels that it changes, and those between them.
    local
        What it does to a pixel of the output does not depend on which other pixels are computed.
    moves
        Bytes go elsewhere than where the layer's output is.
    """

    first: Level
    last: Level
    local: bool
    moves: bool


def span_of(cause: Cause, scene: Scene) -> Span:
    """The part of a layer that a cause changes; errors of its changes as they come."""
    levels: list[Level] = []
    local, moves = scene.layer.run.writer == "SDP", False
    for change in cause.changes:
        if change.point is Point.REGISTERS:
            changed = _changed_registers(change, scene)
            for name in changed:
                levels += next(span for start, span in REGISTER_LEVELS if name.startswith(start))
            moved = any(name.startswith(PLACES) for name in changed)
            local, moves = local and not moved, moves or moved
        elif change.point is Point.MEMORY:
            levels += _levels_of(change, scene) if change.reads else _levels_that_read(change, scene)
        elif _has(change.point, scene):
            levels.append(LEVELS[change.point])
            moves |= LEVELS[change.point] is Level.WRITTEN and _moves(change, scene)
            local = local and not moves and _is_local(change, scene)
    return Span(min(levels, default=Level.WRITTEN), max(levels, default=Level.INPUT), local, moves)


def _has(point: Point, scene: Scene) -> bool:
    """The layer has this point: a cause of several kinds of layers names points of all of them."""
    if point in (Point.POOLING_INPUT, Point.POOLING):
        return scene.pooling is not None
    if point in (Point.LRN_INPUT, Point.LRN):
        return scene.lrn is not None
    if LEVELS[point] <= Level.SUMS:
        return scene.convolution is not None
    return LEVELS[point] is Level.WRITTEN or scene.sdp is not None


def golden_written(scene: Scene) -> Written:
    """What the layer writes on the golden device."""
    run = scene.layer.run
    units = channels_last(scene.expected, run.destination.unit_bytes)
    return Written(run.destination.unit_addresses(), units, run.overwritten)


def written_at(written: Written, sites: Sites) -> Written:
    """Some pixels of what is written, as (S, 1, P) and (S, 1, P, A)."""
    starts, units, before = (part[:, sites.y, sites.x][:, None] for part in written)
    return Written(starts.astype(np.int64), units.astype(np.uint8), before.astype(np.uint8))


def _changed_registers(change: Change, scene: Scene) -> list[str]:
    before, after = scene.registers, change.how(scene.registers, scene)
    return [name for name in before.values.keys() | after.values.keys() if before.word(name) != after.word(name)]


def _levels_that_read(change: Change, scene: Scene) -> Iterator[Level]:
    """The levels that read something else when memory is changed like this."""
    changed: Memory = change.how(scene.state.memory.copy(), scene)
    addresses = changed.differing(scene.state.memory)
    for what, runs in _reads(scene):
        if _any_within(runs, addresses):
            yield _level_of(what, scene)


def _levels_of(change: Change, scene: Scene) -> Iterator[Level]:
    """The levels of the reads that a change names, and of others that reach into these."""
    reads = list(_reads(scene))
    spans = [
        _extent(runs) for what, runs in reads if what in change.reads or (INPUT in change.reads and what in INPUTS)
    ]
    for what, runs in reads:
        low, high = _extent(runs)
        if any(low < end and begin < high for begin, end in spans):
            yield _level_of(what, scene)


def _reads(scene: Scene) -> Iterator[tuple[str, Runs]]:
    """What a layer reads from memory, and where."""
    run = scene.layer.run
    fetch = run.convolution.fetch if run.convolution is not None else None
    for what, _, runs in MemoryReads(scene.registers, scene.timeline.build, fetch).reads():
        yield what, runs


def _level_of(what: str, scene: Scene) -> Level:
    return READ_LEVELS.get(what, Level.X1 if scene.layer.run.writer == "SDP" else Level.POOLING)


def _extent(runs: Runs) -> tuple[int, int]:
    return int(np.min(runs[0])), int(np.max(runs[0])) + runs[1]


def _any_within(runs: Runs, addresses: NDArray[np.int64]) -> bool:
    starts = np.sort(runs[0], axis=None)
    place = np.searchsorted(starts, addresses, side="right") - 1
    return bool(np.any((place >= 0) & (addresses - starts[place] < runs[1])))


def _moves(change: Change, scene: Scene) -> bool:
    golden = golden_written(scene)
    changed: Written = change.how(golden, scene)
    return not np.array_equal(golden.starts, changed.starts)


def _is_local(change: Change, scene: Scene) -> bool:
    """Whether a change gives some pixels the same values when only these are there."""
    if which := OPERAND_POINTS.get(change.point):
        return scene.sdp is None or not scene.sdp.operand_surface(which).per_element
    golden: Any = _golden_value(change.point, scene)
    if golden is None:
        return True
    _, height, width = scene.expected.shape
    sites = Sites(np.array([height - 1, 0, height // 2]), np.array([width - 1, 0, width // 3]))
    try:
        if isinstance(golden, Written):
            whole = written_at(change.how(golden, scene), sites).units
            return np.array_equal(whole, change.how(written_at(golden, sites), scene).units)
        return np.array_equal(sites.of(change.how(golden, scene)), change.how(sites.of(golden), scene))
    except (ValueError, IndexError, AssertionError):
        return False


def _golden_value(point: Point, scene: Scene) -> NDArray[Any] | Written | None:
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
        case Point.WRITTEN | Point.READ_BACK:
            return golden_written(scene)
    return None
