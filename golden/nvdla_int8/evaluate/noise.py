"""How far INT8 is from float: the power of signal and noise, and the errors, added up batch by batch."""

import math
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray

MOST_STEPS = 16
"""Errors of more steps than this are counted with those of this many."""


def decibels(signal: float, noise: float) -> float:
    """Signal-to-noise ratio of two powers in dB: infinite without noise, minus infinite without signal."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


class ExactSum:
    """A sum of floats that rounds only when it is read, so that it does not matter in which parts it was added up."""

    def __init__(self) -> None:
        self._exact = Fraction(0)
        self._not_finite = 0.0

    def add(self, number: float) -> None:
        """Add a number; infinities and NaN stay."""
        if math.isfinite(number):
            self._exact += Fraction(number)
        else:
            self._not_finite += number

    def merge(self, other: Self) -> None:
        """Add another sum."""
        self._exact += other._exact
        self._not_finite += other._not_finite

    def __float__(self) -> float:
        return self._not_finite or float(self._exact)


class Noise:
    """Errors of a tensor against its float values.

    Attributes
    ----------
    elements
        How many values were compared.
    worst
        Largest of the errors' magnitudes.
    counts
        (2 * MOST_STEPS + 1,) how many errors are nearest to each number of steps, from -MOST_STEPS on.
    """

    def __init__(self) -> None:
        self.elements = 0
        self._signal, self._noise, self._absolute = ExactSum(), ExactSum(), ExactSum()
        self.worst = 0.0
        self.counts = np.zeros(2 * MOST_STEPS + 1, np.int64)

    def add(self, reals: NDArray[np.floating], found: NDArray[np.floating], step: float) -> None:
        """Count one batch.

        Parameters
        ----------
        reals, found
            The float tensor, and INT8's in real numbers, of one shape.
        step
            Real value of one step of the INT8 tensor.
        """
        wanted = np.asarray(reals, np.float64)
        errors = found - wanted
        magnitudes = np.abs(errors)
        self.elements += errors.size
        self._signal.add(float(np.square(wanted).sum()))
        self._noise.add(float(np.square(errors).sum()))
        self._absolute.add(float(magnitudes.sum()))
        self.worst = max(self.worst, float(magnitudes.max()))
        steps = np.rint(errors / step).clip(-MOST_STEPS, MOST_STEPS).astype(np.int64)
        self.counts += np.bincount(steps.ravel() + MOST_STEPS, minlength=len(self.counts))

    def merge(self, other: Self) -> None:
        """Count the batches that another one has counted."""
        self.elements += other.elements
        self._signal.merge(other._signal)
        self._noise.merge(other._noise)
        self._absolute.merge(other._absolute)
        self.worst = max(self.worst, other.worst)
        self.counts += other.counts

    @property
    def signal(self) -> float:
        """Sum of the squares of the float values."""
        return float(self._signal)

    @property
    def noise(self) -> float:
        """Sum of the squares of the errors."""
        return float(self._noise)

    @property
    def sqnr_db(self) -> float:
        """Signal-to-quantisation-noise ratio."""
        return decibels(self.signal, self.noise)

    @property
    def mean(self) -> float:
        """Mean magnitude of the errors."""
        return float(self._absolute) / self.elements

    def steps_apart(self, steps: int) -> int:
        """How many values are so many steps from the float ones, either way, less than MOST_STEPS."""
        return int(self.counts[np.unique([MOST_STEPS - steps, MOST_STEPS + steps])].sum())
