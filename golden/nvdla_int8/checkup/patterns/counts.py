"""How many bytes are wrong in each channel, row, column, lane of an atom and byte of a bus word."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.patterns.wrong_output import WrongOutput

BUS_BYTES = 8
"""Of nv_small's memory bus."""


class Count(NamedTuple):
    """Wrong bytes at one place of an axis, and bytes compared there."""

    place: int
    wrong: int
    compared: int


class AxisCounts(NamedTuple):
    """Wrong bytes along one axis: the places that have any, ascending."""

    axis: str
    places: tuple[Count, ...]

    @property
    def worst(self) -> tuple[Count, ...]:
        """The places by how many bytes are wrong, most first."""
        return tuple(sorted(self.places, key=lambda one: (-one.wrong, one.place)))


def count_places(output: WrongOutput) -> tuple[AxisCounts, ...]:
    """Count by channel, row, column, lane, and by byte of a bus word where that is not the lane."""
    channels, height, width = output.known.shape
    channel = np.broadcast_to(np.arange(channels)[:, None, None], output.known.shape)
    row = np.broadcast_to(np.arange(height)[:, None], output.known.shape)
    column = np.broadcast_to(np.arange(width), output.known.shape)
    axes: dict[str, NDArray[np.int64]] = {
        "channel": channel,
        "row": row,
        "column": column,
        "lane of an atom": channel % output.atom,
        "byte of a bus word": output.addresses % BUS_BYTES,
    }
    lanes, word_bytes = axes["lane of an atom"], axes["byte of a bus word"]
    if np.array_equal(lanes, word_bytes):
        del axes["byte of a bus word"]
    return tuple(AxisCounts(axis, _places(output, indices)) for axis, indices in axes.items())


def _places(output: WrongOutput, indices: NDArray[np.int64]) -> tuple[Count, ...]:
    wrong, compared = (np.bincount(indices[mask]) for mask in (output.wrong, output.known))
    return tuple(Count(int(index), int(wrong[index]), int(compared[index])) for index in np.flatnonzero(wrong))
