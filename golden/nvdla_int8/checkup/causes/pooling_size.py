"""Pooling outputs whose size is rounded up, and columns of PDP's line buffer that lose what they hold."""

from collections.abc import Callable, Iterator
from functools import partial
from math import log2

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.faults import fault
from nvdla_int8.checkup.wrong_places import wrong_bytes
from nvdla_int8.device.points import Point, Written
from nvdla_int8.stages.pooling import PoolingMethod, PoolingStages
from nvdla_int8.surfaces.layout import channels_last

Run = Callable[[NDArray[np.int8]], PoolingStages]

MOST_COLUMNS = 2
"""Columns of a line buffer that may be bad together."""


def suggest_pooling_sizes(scene: Scene) -> Iterator[Cause]:
    """Rounded-up sizes, then bad columns of the line buffer."""
    if scene.pooling is not None:
        yield from _rounded_up(scene)
        yield from _bad_columns(scene)


def _rounded_up(scene: Scene) -> Iterator[Cause]:
    """A row or column more, the output packed by the larger size; only of an output without gaps between lines."""
    layer, destination = scene.pooling, scene.layer.run.destination
    assert layer is not None, "a layer of PDP"
    pooling = layer.pooling
    rows = pooling.rows.out_size(layer.height, ceil=True) - layer.out_height
    columns = pooling.columns.out_size(layer.width, ceil=True) - layer.out_width
    if destination.line_stride != layer.out_width * destination.unit_bytes or layer.split is not None:
        return
    for more in dict.fromkeys(((rows, columns), (rows, 0), (0, columns))):
        if more != (0, 0):
            size = f"{layer.out_height + more[0]} x {layer.out_width + more[1]}"
            yield Cause(
                "pooling-size",
                Family.CONTROL,
                "PDP",
                f"the output is {size}, rounded up, not {layer.out_height} x {layer.out_width}, and lies packed",
                "PDP's output is (size + padding - kernel) / stride + 1, rounded down; ceil_mode needs padding behind.",
                (Change(Point.WRITTEN, partial(_larger, more)),),
            )


def _larger(more: tuple[int, int], written: Written, scene: Scene) -> Written:
    layer, run = scene.pooling, scene.layer.run
    assert layer is not None, "a layer of PDP"
    if layer.flying:
        assert run.sdp is not None, "SDP hands its output on"
        cube = run.sdp.output
    else:
        cube = layer.source_surface().read_lanes(scene.state.memory)
    height, width = layer.out_height + more[0], layer.out_width + more[1]
    output = layer.pooling.pool(cube, height, width).output
    units = channels_last(output, written.units.shape[-1]).view(np.uint8)
    starts = int(written.starts.min()) + np.arange(units[..., 0].size, dtype=np.int64) * units.shape[-1]
    starts = starts.reshape(units.shape[:-1])
    return Written(starts, units, scene.state.memory.read(starts, units.shape[-1]))


# ---- The line buffer ----------------------------------------------------------------------------


def _bad_columns(scene: Scene) -> Iterator[Cause]:
    """All that is wrong lies in a column or two: what the line buffer held of earlier rows is 0, or lost."""
    layer, wrong = scene.pooling, wrong_bytes(scene)
    assert layer is not None, "a layer of PDP"
    if wrong is None or layer.pooling.kernel_h == 1:
        return
    columns = np.flatnonzero(np.any(wrong, axis=(0, 1))).tolist()
    if not 1 <= len(columns) <= MOST_COLUMNS or layer.out_width <= len(columns):
        return
    told = " and ".join(map(str, columns))
    lost = [("is lost: only the last row counts", _last_row)]
    zeros = [("is 0", _with_zeros)] if layer.pooling.method is not PoolingMethod.AVERAGE else []
    for state, combine in zeros + lost:
        change = Change(Point.POOLING, partial(_in_columns, columns, combine))
        words = f"what the line buffer holds for column {told} of the output {state}"
        freedom_bits = log2(layer.out_width) * len(columns)
        yield fault("bad-line-buffer", "PDP", words, change, freedom_bits=freedom_bits)


Combine = Callable[[PoolingStages, Scene], NDArray[np.int64]]
"""Windows, (C, Ho, Wo), of the pooled rows."""


def _in_columns(columns: list[int], combine: Combine, run: Run, scene: Scene) -> Run:
    def pool(cube: NDArray[np.int8]) -> PoolingStages:
        stages = run(cube)
        output = stages.output.copy()
        layer = scene.pooling
        if layer is None or max(columns) >= output.shape[2]:
            return stages
        windows = combine(stages, scene)
        if layer.pooling.method is PoolingMethod.AVERAGE:
            windows = layer.pooling.averages(windows)
        output[:, :, columns] = windows.astype(np.int8)[:, :, columns]
        return stages._replace(output=output)

    return pool


def _last_row(stages: PoolingStages, scene: Scene) -> NDArray[np.int64]:
    """The last real row of each window, pooled along it."""
    assert scene.pooling is not None, "a layer of PDP"
    rows = scene.pooling.pooling.rows
    height = stages.horizontal.shape[1]
    last = np.arange(stages.output.shape[1]) * rows.stride - rows.before + rows.kernel - 1
    return stages.horizontal[:, np.minimum(last, height - 1)].astype(np.int64)


def _with_zeros(stages: PoolingStages, scene: Scene) -> NDArray[np.int64]:
    """The last row and rows of 0."""
    assert scene.pooling is not None, "a layer of PDP"
    last, method = _last_row(stages, scene), scene.pooling.pooling.method
    if method is PoolingMethod.MAX:
        return np.maximum(last, 0)
    return np.minimum(last, 0)
