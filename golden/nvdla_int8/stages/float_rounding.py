"""RSH in float64, in place on a block, with the results and flags of :func:`~nvdla_int8.stages.fixedpoint.round_shift`.

A value v is an integer of at most 2^47 in magnitude: a 33-bit sum times a 16-bit factor, or an accumulator of 34 bits.
It is multiplied by (1 + d) / 2^shift, where d is 2^-50 but for the rounding of the factor and of the product, so
between 2^-51 and 2^-49, and rounded to the nearest integer, ties to even. That is RSH:

* A tie, v = (n + 1/2) 2^shift, moves away from zero by at least 2^-51 of itself, which 53 bits hold; it is no tie any
  more and rounds away.
* Any other v is at least 1 from the next tie t, before the shift, and moves by at most 2^47 * 2^-49 = 1/4: it stays
  on its side. Without a shift it stays within 1/4 of itself.

The same distances tell the flags before rounding: v >= (high + 1/2) 2^shift, and v < low 2^shift, the floor's.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.fixedpoint import signed_range

TIES_AWAY = 1 + 2.0**-50
BELOW_LOWEST = 1 + 2.0**-48
"""Times the lowest value: beyond where TIES_AWAY moves that one, short of where it leaves the next one below."""


class Extent(NamedTuple):
    """Bounds of a block's values, proven."""

    low: float
    high: float

    @classmethod
    def of_width(cls, width: int) -> Self:
        """The ends of signed numbers of so many bits."""
        return cls(*(float(end) for end in signed_range(width)))

    @classmethod
    def of(cls, values: NDArray[np.generic]) -> Self:
        """The least and the greatest of some values; of none, zero."""
        return cls(float(values.min()), float(values.max())) if values.size else cls(0.0, 0.0)

    def __mul__(self, other: object) -> "Extent":
        """Bounds of products, rounded as float64 rounds them."""
        assert isinstance(other, Extent)
        products = (self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high)
        return Extent(min(products), max(products))

    def limited(self, low: float, high: float) -> "Extent":
        """Bounds of the values when these are clipped."""
        return Extent(min(max(self.low, low), high), min(max(self.high, low), high))


class Scaling(NamedTuple):
    """A factor and a shift as one float64 factor, broadcast against the values, and its bounds."""

    factor: NDArray[np.float64]
    extent: Extent

    @classmethod
    def of(cls, factor: NDArray[np.integer] | int, shift_bits: int) -> Self:
        """Of signed 16 bits and a shift; one of 49 or more leaves nothing of 2^47."""
        scaled = np.asarray(factor, np.float64) * (2.0**-shift_bits * TIES_AWAY)
        return cls(scaled, Extent.of(scaled))


def round_block(
    values: NDArray[np.float64], extent: Extent, scaling: Scaling | None, out_width: int
) -> tuple[Extent, NDArray[np.bool_] | None]:
    """Multiply, shift right, round half away from zero, saturate; in place.

    Parameters
    ----------
    values
        Integers. Their products with the factor before its shift are at most 2^47 in magnitude.
    extent
        Their bounds.
    scaling
        Factor and shift, those of this block; None for a factor of 1 and no shift.
    out_width
        Of the result.

    Returns
    -------
    extent, flags
        The result's bounds, and the saturation flags of ``round_shift``; None where none can be true.
    """
    if scaling is not None:
        np.multiply(values, scaling.factor, out=values)
        extent = extent * scaling.extent
    low, high = signed_range(out_width)
    below, above = low * BELOW_LOWEST, high + 0.5
    if extent.low < below or extent.high >= above:  # as far as is known; now what is there
        extent = Extent.of(values)
    extent, flags = clip_block(values, extent, out_width, below, above)
    if scaling is not None:
        np.rint(values, out=values)
        extent = Extent(round(extent.low), round(extent.high))
    return extent, flags


def clip_block(
    values: NDArray[np.float64], extent: Extent, width: int, below: float, above: float
) -> tuple[Extent, NDArray[np.bool_] | None]:
    """Clip to signed ``width`` bits, in place.

    Returns
    -------
    extent, flags
        The new bounds, and flags of what was less than ``below`` or at least ``above``; None where the bounds allow
        neither.
    """
    if extent.low >= below and extent.high < above:
        return extent, None
    flags = values >= above if extent.high >= above else values < below
    if extent.high >= above and extent.low < below:
        flags |= values < below
    low, high = signed_range(width)
    values.clip(low, high, out=values)
    return extent.limited(low, high), flags
