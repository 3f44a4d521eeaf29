"""Operands for the unit benches: every corner of a width, roundings' ties and bounds, weighted random."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.fixedpoint import signed_range

Vector = NDArray[np.int64]


def corners(width: int) -> Vector:
    """Signed values where a unit of this width may go wrong: bounds, zero, powers of two, one beside each."""
    low, high = signed_range(width)
    centres = [low, 0, high] + [sign << bit for bit in range(width - 1) for sign in (1, -1)]
    values = {centre + beside for centre in centres for beside in (-1, 0, 1)}
    return np.array(sorted(value for value in values if low <= value <= high), np.int64)


def weighted(random: np.random.Generator, width: int, count: int) -> Vector:
    """``count`` signed values: corners, small magnitudes and uniform ones in equal parts."""
    low, high = signed_range(width)
    uniform = random.integers(low, high, count, endpoint=True)
    small = uniform >> random.integers(0, width, count)
    return np.choose(random.integers(0, 3, count), [random.choice(corners(width), count), small, uniform])


def rounding_corners(shift_bits: int, in_width: int, out_width: int) -> Vector:
    """Operands of a rounding shift around its ties, on both sides of zero, and around its bounds.

    Only those that fit ``in_width`` bits; none of a shift that moves everything out.
    """
    low, high = signed_range(in_width)
    out_low, out_high = signed_range(out_width)
    half = (1 << shift_bits) >> 1
    wholes = [0, 1, 2, -1, -2, -3, out_low - 1, out_low, out_low + 1, out_high - 1, out_high, out_high + 1]
    steps = sorted({0, half, half >> 1, half >> 16})
    values = {
        (whole << shift_bits) + sign * step + beside
        for whole in wholes
        for step in steps
        for sign in (1, -1)
        for beside in (-1, 0, 1)
    }
    return np.array(sorted(value for value in values if low <= value <= high), np.int64)
