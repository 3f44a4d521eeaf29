"""Real weights to int8 weights (hardware.md section 7)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.rounding import Reals, round_to_nearest

WEIGHT_MAX = 127
"""Weights are symmetric: -127..127."""


class QuantisedWeights(NamedTuple):
    """Weights (K, C, R, S) int8 and the scale of each kernel, (K,) float64; 0 for an all-zero kernel."""

    values: NDArray[np.int8]
    scales: Reals


def quantise_weights(weights: NDArray[np.floating], *, per_kernel: bool) -> QuantisedWeights:
    """Quantise real weights (K, C, R, S) symmetrically, one scale a kernel or one for the tensor.

    Raises
    ------
    BenchError
        For another shape, or a value that is not finite, naming the kernel.
    """
    reals = np.asarray(weights, np.float64)
    if reals.ndim != 4 or reals.size == 0:
        raise BenchError(f"weights have shape {reals.shape}, it takes (K, C, R, S), none of them 0")
    flat = reals.reshape(reals.shape[0], -1)
    for kernel in np.flatnonzero(~np.isfinite(flat).all(axis=1))[:1]:
        value = flat[kernel][~np.isfinite(flat[kernel])][0]
        raise BenchError(f"kernel {kernel}: weight {value} is not finite")
    largest = np.abs(flat).max(axis=1)
    if not per_kernel:
        largest = np.full_like(largest, largest.max())
    scales = largest / WEIGHT_MAX
    steps = round_to_nearest(flat / np.where(scales > 0, scales, 1.0)[:, None])
    return QuantisedWeights(steps.astype(np.int8).reshape(reals.shape), scales)
