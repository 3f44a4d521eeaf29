"""How far INT8 is from float: the power of signal and noise, and the errors, added up batch by batch."""

import math

import numpy as np
from numpy.typing import NDArray

MOST_STEPS = 16
"""Errors of more steps than this are counted with those of this many."""


def decibels(signal: float, noise: float) -> float:
    """Signal-to-noise ratio of two powers in dB: infinite without noise, minus infinite without signal."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


class Noise:
    """Errors of a tensor against its float values.

    Attributes
    ----------
    elements
        How many values were compared.
    signal, noise
        Sums of the squares of the float values and of the errors.
    absolute, worst
        Sum and largest of the errors' magnitudes.
    counts
        (2 * MOST_STEPS + 1,) how many errors are nearest to each number of steps, from -MOST_STEPS on.
    """

    def __init__(self) -> None:
        self.elements = 0
        self.signal = 0.0
        self.noise = 0.0
        self.absolute = 0.0
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
        self.signal += float(np.square(wanted).sum())
        self.noise += float(np.square(errors).sum())
        self.absolute += float(magnitudes.sum())
        self.worst = max(self.worst, float(magnitudes.max()))
        steps = np.rint(errors / step).clip(-MOST_STEPS, MOST_STEPS).astype(np.int64)
        self.counts += np.bincount(steps.ravel() + MOST_STEPS, minlength=len(self.counts))

    @property
    def sqnr_db(self) -> float:
        """Signal-to-quantisation-noise ratio."""
        return decibels(self.signal, self.noise)

    @property
    def mean(self) -> float:
        """Mean magnitude of the errors."""
        return self.absolute / self.elements

    def steps_apart(self, steps: int) -> int:
        """How many values are so many steps from the float ones, either way, less than MOST_STEPS."""
        return int(self.counts[np.unique([MOST_STEPS - steps, MOST_STEPS + steps])].sum())
