"""The magnitudes of a tensor's values: their range, and how many lie in each part of it."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

BINS = 1 << 15
"""Parts of a histogram: 256 for each step of int8 when the whole range is taken."""

Counts = NDArray[np.int64]


@dataclass
class Range:
    """Least and greatest value so far, and how many values there were."""

    low: float = np.inf
    high: float = -np.inf
    count: int = 0

    def add(self, values: NDArray[np.float32]) -> None:
        """Take further values; a NaN makes both ends NaN."""
        self.low = float(np.minimum(self.low, values.min()))
        self.high = float(np.maximum(self.high, values.max()))
        self.count += values.size

    def merge(self, other: Self) -> None:
        """Take the values that another one has taken."""
        self.low = float(np.minimum(self.low, other.low))
        self.high = float(np.maximum(self.high, other.high))
        self.count += other.count

    @property
    def reach(self) -> float:
        """The largest magnitude."""
        return max(abs(self.low), abs(self.high))


@dataclass
class Histogram:
    """How many magnitudes lie in each of :data:`BINS` equal parts of 0 .. reach.

    The counts do not depend on the order or the batches in which values come.

    Attributes
    ----------
    reach
        The upper end, positive and finite; larger magnitudes count in the last part.
    counts
        (BINS,).
    zeros
        How many of the first part's are exactly zero, which int8 holds whatever the range.
    """

    reach: float
    counts: Counts = field(default_factory=lambda: np.zeros(BINS, np.int64))
    zeros: int = 0

    def add(self, values: NDArray[np.float32]) -> None:
        """Count further values."""
        parts = (np.abs(values.ravel(), dtype=np.float64) * (BINS / self.reach)).astype(np.int64)
        self.counts += np.bincount(np.minimum(parts, BINS - 1), minlength=BINS)
        self.zeros += values.size - int(np.count_nonzero(values))

    def merge(self, other: Self) -> None:
        """Count what another one of the same reach has counted."""
        self.counts += other.counts
        self.zeros += other.zeros

    @property
    def width(self) -> float:
        """That of one part."""
        return self.reach / BINS

    def merged(self, bins: int) -> Counts:
        """The counts in fewer parts, a divisor of :data:`BINS`."""
        merged: Counts = self.counts.reshape(bins, -1).sum(axis=1)
        return merged

    def beyond(self, threshold: float) -> int:
        """How many magnitudes lie above a threshold, to the width of a part."""
        return int(self.counts[round(threshold / self.width) :].sum())
