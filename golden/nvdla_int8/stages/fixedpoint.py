"""The fixed-point primitives of every converter, vectorised and exact (hardware.md section 2, pdp_cdp.md section 1).

All arithmetic is int64; the widest value of the pipeline has 56 bits, so nothing can overflow.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nvdla_int8.errors import BenchError


class Saturating(NamedTuple):
    """A result and the unit's saturation flag, element by element."""

    value: NDArray[np.int64]
    saturated: NDArray[np.bool_]


def signed_range(width: int) -> tuple[int, int]:
    """Smallest and largest value of a signed number of ``width`` bits."""
    return -(1 << (width - 1)), (1 << (width - 1)) - 1


def check_width(what: str, value: NDArray[Any], width: int) -> None:
    """Refuse what the hardware's wires cannot hold: not an array of integers, or beyond signed ``width`` bits.

    Raises
    ------
    BenchError
        Naming ``what``, and the dtype or the first value that does not fit.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
        got = f"dtype {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise BenchError(f"{what}: data has {got}, it takes an array of integers")
    low, high = signed_range(width)
    lowest, highest = _ends(value.dtype)
    if not value.size or (lowest >= low and highest <= high):
        return
    if value.min() < low or value.max() > high:
        beyond = value[(value < low) | (value > high)]
        raise BenchError(f"{what}: {beyond[0]} does not fit signed {width} bits")


@cache
def _ends(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Smallest and largest value of a type of integers."""
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def clip(value: ArrayLike, width: int) -> Saturating:
    """Clamp to signed ``width`` bits (at most 63); flag what was clamped."""
    wide = np.asarray(value, np.int64)
    low, high = signed_range(width)
    clamped = np.clip(wide, low, high)
    return Saturating(clamped, clamped != wide)


def sign_extend(value: ArrayLike, width: int) -> NDArray[np.int64]:
    """Read the low ``width`` bits as two's complement."""
    wide = np.asarray(value, np.int64)
    unused = 64 - width
    return (wide << unused) >> unused


def round_half_away(value: ArrayLike, shift_bits: ArrayLike) -> NDArray[np.int64]:
    """RND: ``value / 2**shift_bits`` to the nearest integer, ties away from zero, exact (pdp_cdp.md section 1).

    Parameters
    ----------
    value
        Integers that fit signed 62 bits.
    shift_bits
        0..61; broadcasts against ``value``.
    """
    wide = np.asarray(value, np.int64)
    shift = np.asarray(shift_bits, np.int64)
    below_guide = np.maximum(shift - 1, 0)
    guide = (shift > 0) & (((wide >> below_guide) & 1) != 0)
    sticky = (wide & ((np.int64(1) << below_guide) - 1)) != 0
    rounded: NDArray[np.int64] = (wide >> shift) + (guide & ((wide >= 0) | sticky))
    return rounded


class Arithmetic(NamedTuple):
    """How a unit rounds, saturates and reads operands; the hardware's way unless another one is tried on purpose.

    Attributes
    ----------
    rounding
        ``value / 2**shift_bits`` as integers: takes int64 values and shifts as :func:`round_half_away`.
    clipping
        To signed ``width`` bits: takes int64 values and a width as :func:`clip`.
    reading
        The factor's bits as a number: takes operands and a width as :func:`sign_extend`.
    """

    rounding: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]] = round_half_away
    clipping: Callable[[NDArray[np.int64], int], Saturating] = clip
    reading: Callable[[ArrayLike, int], NDArray[np.int64]] = sign_extend


HARDWARE = Arithmetic()


def round_shift(
    value: ArrayLike,
    shift_bits: ArrayLike,
    in_width: int,
    out_width: int,
    fraction_bits: int | None = None,
    arithmetic: Arithmetic = HARDWARE,
) -> Saturating:
    """RSH: shift right, round half away from zero, saturate (hardware.md section 2).

    Parameters
    ----------
    value
        Integers that fit signed ``in_width`` bits (at most 62).
    shift_bits
        How far to shift, 0 or more; broadcasts against ``value``. A shift of ``in_width`` or more
        gives 0 without a flag.
    in_width, out_width
        Widths of operand and result.
    fraction_bits
        How many of the shifted-out bits take part in rounding; all of them when None. CACC keeps
        16, so a longer shift does not see its lowest bits.
    arithmetic
        How it rounds and saturates.

    Returns
    -------
    Saturating
        int64 values of ``out_width`` bits, and flags. The flag of a negative operand looks at the
        floor, before rounding: one just below the minimum is flagged even if rounding mends it.
    """
    wide = np.asarray(value, np.int64)
    shift = np.asarray(shift_bits, np.int64)
    gone = shift >= in_width
    safe = np.where(gone, 0, shift)
    ignored = np.maximum(safe - fraction_bits, 0) if fraction_bits is not None else np.zeros_like(safe)
    rounded = arithmetic.rounding((wide >> ignored) << ignored, safe)
    low, high = signed_range(out_width)
    flag = np.where(wide < 0, wide >> safe < low, rounded > high)
    return Saturating(np.where(gone, 0, arithmetic.clipping(rounded, out_width).value), flag & ~gone)


def left_shift(operand: ArrayLike, shift_bits: ArrayLike, out_width: int = 32) -> Saturating:
    """LSH: ``clip(operand * 2**shift_bits, out_width)`` for a 16-bit operand (hardware.md section 2).

    A shift of ``out_width`` already moves every operand but 0 past the bounds, so longer shifts
    are computed as that one.
    """
    exact = np.asarray(operand, np.int64) << np.minimum(np.asarray(shift_bits, np.int64), out_width)
    return clip(exact, out_width)
