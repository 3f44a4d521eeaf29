"""The beats in which CSC hands weights to CMAC: whole kernel atoms of a tile, only the lanes that it has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class WeightBeats:
    """Weights of tiles, one behind the other.

    Attributes
    ----------
    data
        (B, 2 * atomic-C) uint8: kernel atoms one behind the other, then 0.
    lanes
        (B,) int64, bytes of each kernel atom.
    last
        (B,) bool, the last beat of each tile.
    """

    data: NDArray[np.uint8]
    lanes: NDArray[np.int64]
    last: NDArray[np.bool_]


def kernels_of_a_beat(lanes: int, *, atomic_c: int, atomic_k: int) -> int:
    """As many kernel atoms as 2 * atomic-C bytes hold when each takes the next power of two, at most atomic-K."""
    return min(atomic_k, 2 * atomic_c >> (lanes - 1).bit_length())


def weight_beats(tiles: NDArray[np.int8], kernels: NDArray[np.int64], lanes: NDArray[np.int64]) -> WeightBeats:
    """Lay tiles out as beats.

    Parameters
    ----------
    tiles
        int8 (T, atomic-K, atomic-C), each kernel's atom.
    kernels, lanes
        (T,): how many kernels a tile has, and how many lanes of each, 1 or more; the others hold 0.
    """
    _, atomic_k, atomic_c = tiles.shape
    data, beat_lanes, last = [], [], []
    for tile, count, used in zip(tiles, kernels.tolist(), lanes.tolist(), strict=True):
        step = kernels_of_a_beat(used, atomic_c=atomic_c, atomic_k=atomic_k)
        for kernel in range(0, count, step):
            atoms = tile[kernel : min(kernel + step, count), :used].reshape(-1)
            data.append(np.pad(atoms, (0, 2 * atomic_c - len(atoms))))
            beat_lanes.append(used)
            last.append(kernel + step >= count)
    return WeightBeats(np.stack(data).view(np.uint8), np.array(beat_lanes), np.array(last))
