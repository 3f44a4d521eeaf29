"""How many bytes of a set of images clip in an input converter, counted before anything runs."""

from typing import NamedTuple

import numpy as np

from nvdla_int8.images.images import Images
from nvdla_int8.stages.input_converter import InputConverter

VALUES = 256


class Clipped(NamedTuple):
    """How many bytes clip, and of how many."""

    bytes: int
    of: int


def count_clipped(images: Images, converter: InputConverter) -> Clipped:
    """Count the bytes that clip in a converter.

    Each of a channel's 256 values goes through the converter once; the images only say how often it occurs.
    """
    channels = images.shape[0]
    counts = np.zeros(channels * VALUES, np.int64)
    rows = np.arange(channels)[:, None, None] * VALUES
    for batch in images.batches():
        counts += np.bincount((rows + batch.view(np.uint8)).ravel(), minlength=counts.size)
    values = np.tile(np.arange(VALUES, dtype=np.uint8), (channels, 1, 1))
    clips = converter.apply(values).saturated_8.ravel()
    return Clipped(int(counts[clips].sum()), int(counts.sum()))
