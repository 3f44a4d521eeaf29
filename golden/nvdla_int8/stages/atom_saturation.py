"""Accumulators that saturate between atoms: the few kernels that can do so, again in the hardware's order."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.exact_products import LARGEST_PRODUCT
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.saturating_sum import saturating_sum

COLUMN_ELEMENTS = 2**22
"""Taps times pixels that are added up at once, at most; one pixel may take more."""


def kernels_that_may_saturate(weights: NDArray[np.int8], accumulator_bits: int) -> NDArray[np.intp]:
    """Kernels whose accumulator some input could drive out of its width; of 34 bits nearly always none."""
    _, largest = signed_range(accumulator_bits)
    if weights[0].size * LARGEST_PRODUCT <= largest:
        return np.empty(0, np.intp)
    magnitudes = np.abs(weights.astype(np.int16)).sum(axis=(1, 2, 3), dtype=np.int64)
    return np.flatnonzero(magnitudes * 128 > largest)


def saturate(
    value: NDArray[np.int64],
    saturated: NDArray[np.bool_],
    windows: NDArray[np.int8],
    weights: NDArray[np.int8],
    kernels: NDArray[np.intp],
    atomic_c: int,
    accumulator_bits: int,
) -> None:
    """Replace `value` and `saturated` of these kernels by sums clipped after every atom."""
    count, _, out_h, out_w = value.shape
    pixels = max(1, COLUMN_ELEMENTS // weights[0].size)
    for pixel in range(0, count * out_h * out_w, pixels):
        image, y, x = np.unravel_index(
            np.arange(pixel, min(pixel + pixels, count * out_h * out_w)), (count, out_h, out_w)
        )
        columns = windows[:, :, :, image, y, x]
        for first in range(0, len(kernels), atomic_c):
            some = kernels[first : first + atomic_c, np.newaxis]
            atoms = _atoms(weights[some[:, 0]], columns, atomic_c)
            value[image, some, y, x], saturated[image, some, y, x] = saturating_sum(atoms, accumulator_bits)


def _atoms(weights: NDArray[np.int8], columns: NDArray[np.int8], atomic_c: int) -> NDArray[np.int64]:
    """Sum each atom of columns (C, R, S, pixels); shape (atoms, K, pixels), atoms in hardware order."""
    channels, kernel_h, kernel_w, pixels = columns.shape
    blocks = -(-channels // atomic_c)
    fill = blocks * atomic_c - channels  # the last block may be short: zeros add nothing
    weights = np.pad(weights, ((0, 0), (0, fill), (0, 0), (0, 0)))
    columns = np.pad(columns, ((0, fill), (0, 0), (0, 0), (0, 0)))
    left = weights.reshape(-1, blocks, atomic_c, kernel_h, kernel_w).transpose(1, 3, 4, 0, 2)
    right = columns.reshape(blocks, atomic_c, kernel_h, kernel_w, pixels).transpose(0, 2, 3, 1, 4)
    sums = left.astype(np.int64) @ right.astype(np.int64)
    return sums.reshape(-1, len(weights), pixels)
