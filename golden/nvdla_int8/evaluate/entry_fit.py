"""How well the entries of a table fit the values of their tensors, and which scale would fit them better."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.histogram import Histogram, Range
from nvdla_int8.calibration.methods import STEPS, mse_threshold, squared_errors
from nvdla_int8.evaluate.int8_reals import real
from nvdla_int8.evaluate.noise import Noise, decibels
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN, quantise
from nvdla_int8.stages.tensor_scale import TensorScale


class EntryFit:
    """The values of one tensor over all images, against the int8 steps of its entry.

    Parameters
    ----------
    entry
        What the tensor's bytes mean.
    range_
        The range of its values over all images.
    reach
        The largest magnitude of all tensors that have the same scale.

    Attributes
    ----------
    noise
        Of int8 at its best with this entry: each value rounded and clipped.
    clipped
        How many values lie beyond the entry's range.
    histogram
        Of the magnitudes.
    """

    def __init__(self, entry: TensorScale, range_: Range, reach: float) -> None:
        self.entry, self.range = entry, range_
        self.noise = Noise()
        self.clipped = 0
        self.histogram = Histogram(reach or 1.0)

    def add(self, reals: NDArray[np.float32]) -> None:
        """Count one batch of values, any shape."""
        low, high = ((q - self.entry.offset) * self.entry.scale for q in (Q_MIN - 0.5, Q_MAX + 0.5))
        self.clipped += int(((reals < low) | (reals > high)).sum())
        self.noise.add(reals, real(quantise(reals, self.entry), self.entry), self.entry.scale)
        self.histogram.add(reals)

    def empty(self) -> "EntryFit":
        """The same without values."""
        return EntryFit(self.entry, self.range, self.histogram.reach)

    def merge(self, other: "EntryFit") -> None:
        """Count the values of another one."""
        self.noise.merge(other.noise)
        self.clipped += other.clipped
        self.histogram.merge(other.histogram)

    @property
    def clipped_share(self) -> float:
        """Share of the values that the entry clips."""
        return self.clipped / self.noise.elements

    @property
    def unused_bits(self) -> float:
        """How often the entry's range could be halved before it clips; negative when the values reach beyond it."""
        ends = (Q_MIN - self.entry.offset) * self.entry.scale, (Q_MAX - self.entry.offset) * self.entry.scale
        reached = max(value / end for value, end in zip((self.range.low, self.range.high), ends, strict=True) if end)
        return -math.log2(reached) if reached > 0 else math.inf

    def squared_error(self, scale: float) -> float:
        """What :attr:`noise` would be with a symmetric scale, to the width of the histogram's parts."""
        return float(squared_errors(self.histogram, np.array([scale * STEPS]))[0])


class ScaleFit:
    """Tensors that share a scale, against the scale that would fit them better.

    Attributes
    ----------
    fits
        By tensor, in the data's order.
    scale
        The scale that they have.
    better
        The symmetric scale with the least squared error; ``scale`` itself where all values are 0, or none is better.
    """

    def __init__(self, fits: Mapping[str, EntryFit]) -> None:
        self.fits = fits
        self.scale = next(iter(fits.values())).entry.scale
        of_all = [fit.histogram for fit in fits.values()]
        together = Histogram(of_all[0].reach, np.sum([each.counts for each in of_all], axis=0))
        self.better = mse_threshold(together) / STEPS if self.has_values else self.scale

    @property
    def has_values(self) -> bool:
        """Whether any value is not 0."""
        return any(fit.range.reach for fit in self.fits.values())

    @property
    def tensors(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.fits)

    @property
    def excess_bits(self) -> float:
        """By how many bits the scale is wider than the better one; negative when it is narrower."""
        return math.log2(self.scale / self.better)

    @property
    def gain_db(self) -> float:
        """How much less noise int8 itself would have in these tensors with the better scale."""
        noise = sum(fit.noise.noise for fit in self.fits.values())
        return decibels(noise, sum(fit.squared_error(self.better) for fit in self.fits.values())) if noise else 0.0

    @property
    def unused_bits(self) -> float:
        """The least of the tensors'."""
        return min(fit.unused_bits for fit in self.fits.values())

    @property
    def clipped_share(self) -> float:
        """Share of all their values."""
        elements = sum(fit.noise.elements for fit in self.fits.values())
        return sum(fit.clipped for fit in self.fits.values()) / elements
