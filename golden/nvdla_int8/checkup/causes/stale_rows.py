"""Rows that the convolution before left in the CBUF and that are taken for this one's (reuse.md section 3)."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.points import Point

ADVICE = "Compare DATA_REUSE, SKIP_DATA_RLS and RLS_SLICES with the layer before (docs/reuse.md, section 3)."


def suggest_stale_rows(scene: Scene) -> Iterator[Cause]:
    """All rows of the convolution before, or its last one: RLS_SLICES one too small."""
    rows = _rows_before(scene)
    result = scene.layer.run.convolution
    if rows is None or result is None or not result.fetch.data or result.fetch.kept_rows:
        return
    if rows.shape[::2] != result.converted.shape[::2]:
        return  # of another size in the CBUF
    for kept, what in ((rows.shape[1], "all rows of the layer before are"), (1, "the last row of the layer before is")):
        change = Change(Point.CONVERTED, partial(_behind, kept=kept))
        words = f"{what} still in the CBUF, in front of this layer's"
        yield Cause("stale-rows", Family.DATA, "CDMA", words, ADVICE, (change,))


def _rows_before(scene: Scene) -> NDArray[np.int8] | None:
    """What the convolution before had converted, int8 (C, H, W); None where there is none, or it fetched nothing."""
    for layer in reversed(scene.timeline.layers[: scene.layer.index]):
        if layer.run.convolution is not None:
            converted = layer.run.convolution.converted
            return converted if converted.shape[1] else None
    return None


def _behind(converted: NDArray[np.int8], scene: Scene, kept: int) -> NDArray[np.int8]:
    """The last rows of the layer before, then as many of this one's as there is room for; (lanes, H, W)."""
    rows = _rows_before(scene)
    if rows is None or rows.shape[2] != converted.shape[2] or len(rows) > len(converted):
        return converted
    lanes = np.zeros((len(converted), min(kept, rows.shape[1]), rows.shape[2]), np.int8)
    lanes[: len(rows)] = rows[:, rows.shape[1] - lanes.shape[1] :]
    return np.concatenate([lanes, converted], axis=1)[:, : converted.shape[1]]
