"""How a calibration chooses the end of a tensor's range from the histogram of its magnitudes."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.histogram import BINS, Histogram

Reals = NDArray[np.float64]

STEPS = 127
"""Steps of int8 from zero to the end of a symmetric range."""

ENTROPY_BINS, ENTROPY_LEVELS = 2048, 128
"""TensorRT's: parts of its histogram, and the values that int8 has for magnitudes."""

MSE_CANDIDATES = 2048
"""Ends of the range that are tried."""


def percentile_threshold(histogram: Histogram, percentile: float) -> float:
    """The magnitude that so many percent of all values do not exceed, 0 to 100, to the width of a part above it."""
    up_to = np.cumsum(histogram.counts)
    part = int(np.searchsorted(up_to, up_to[-1] * (percentile / 100)))
    return (min(part, BINS - 1) + 1) * histogram.width


def entropy_threshold(histogram: Histogram) -> float:
    """The end of the range that loses the least information: TensorRT's method.

    For each possible end i of a histogram of 2,048 parts: P is the histogram up to there with all that clips in its
    last part; Q is what 128 levels leave of the histogram up to there, each level's values spread evenly over
    its parts that are not empty. The end is that with the least Kullback-Leibler divergence of Q from P, in
    the middle of the part behind it, as TensorRT takes it. Zeros, of which a ReLU makes many, are left out: no range
    loses them.
    """
    counts = histogram.merged(ENTROPY_BINS).astype(np.float64)
    counts[0] -= histogram.zeros
    divergences = [_divergence(counts, end) for end in range(ENTROPY_LEVELS, ENTROPY_BINS + 1)]
    best = ENTROPY_LEVELS + int(np.argmin(divergences))
    return min(best + 0.5, ENTROPY_BINS) * (histogram.reach / ENTROPY_BINS)


def mse_threshold(histogram: Histogram) -> float:
    """The end of the range with the least mean squared error of quantised values, clipped ones included."""
    ends = np.arange(1, MSE_CANDIDATES + 1, dtype=np.float64) * (histogram.reach / MSE_CANDIDATES)
    return float(ends[np.argmin(squared_errors(histogram, ends))])


def squared_errors(histogram: Histogram, ends: Reals) -> Reals:
    """Sum of the squared errors of all values in int8, for each of these ends (E,) of the range: (E,)."""
    centres: Reals = (np.arange(BINS, dtype=np.float64) + 0.5) * histogram.width
    sums: list[Reals] = [np.concatenate(([0.0], np.cumsum(histogram.counts * centres**power))) for power in range(3)]
    levels, steps = np.arange(STEPS + 1), ends[:, None] / STEPS
    # The first part whose centre is not below the middle between a level and the one before.
    starts = np.ceil((levels - 0.5) * steps / histogram.width - 0.5).clip(0, BINS).astype(np.int64)
    stops = np.append(starts[:, 1:], np.full((len(ends), 1), BINS), axis=1)
    number, first, second = (sum_[stops] - sum_[starts] for sum_ in sums)
    exact = levels * steps
    errors: Reals = (second - 2 * exact * first + exact**2 * number).sum(axis=1)
    return errors


METHODS: dict[str, Callable[[Histogram, float], float]] = {
    "minmax": lambda histogram, _percentile: histogram.reach,
    "percentile": percentile_threshold,
    "entropy": lambda histogram, _percentile: entropy_threshold(histogram),
    "mse": lambda histogram, _percentile: mse_threshold(histogram),
}
"""By name: a histogram, and the percentile that only one of them takes, to the end of the range."""


def _divergence(counts: Reals, end: int) -> float:
    """Of the levels' distribution from the clipped one, with the range ending before part ``end``."""
    kept = counts[:end]
    clipped = kept.copy()
    clipped[-1] += counts[end:].sum()
    starts = np.arange(ENTROPY_LEVELS) * end // ENTROPY_LEVELS
    filled = kept > 0
    sums, numbers = np.add.reduceat(kept, starts), np.add.reduceat(filled.astype(np.float64), starts)
    means = np.divide(sums, numbers, out=np.zeros_like(sums), where=numbers > 0)
    levels = np.where(filled, np.repeat(means, np.diff(starts, append=end)), 0.0)
    total = levels.sum()
    if total == 0 or (clipped[-1] and not filled[-1]):
        return np.inf  # all that clips falls where the levels have nothing
    p, q = clipped[filled] / clipped.sum(), levels[filled] / total
    return float((p * np.log(p / q)).sum())
