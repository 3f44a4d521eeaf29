"""How many bytes of a set of images clip in an input converter, counted before anything runs."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.input_converter import InputConverter

VALUES = 256


class Clipped(NamedTuple):
    """How many bytes clip, and of how many."""

    bytes: int
    of: int


def count_clipped(batches: Iterable[NDArray[np.integer]], converter: InputConverter) -> Clipped:
    """Count the bytes that clip in a converter, of images (..., C, H, W).

    Each of a channel's 256 values goes through the converter once; the images only say how often it occurs.
    """
    counts = np.zeros(0, np.int64)
    channels = 0
    for batch in batches:
        channels = batch.shape[-3]
        rows = np.arange(channels)[:, None, None] * VALUES
        found = np.bincount((rows + batch.view(np.uint8)).ravel(), minlength=channels * VALUES)
        counts = counts + found if counts.size else found
    values = np.tile(np.arange(VALUES, dtype=np.uint8), (channels, 1, 1))
    clips = converter.apply(values).saturated_8.ravel()
    return Clipped(int(counts[clips].sum()), int(counts.sum()))
