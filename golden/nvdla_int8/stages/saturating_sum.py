"""Sums that are clipped after every addition, without a Python loop over the additions."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.fixedpoint import signed_range


def saturating_sum(addends: NDArray[np.int64], width_bits: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Add along axis 0 from zero, clipping to signed `width_bits` every time (hardware.md section 2, CACC).

    Parameters
    ----------
    addends
        Shape (A, ...), A >= 1, in the order of the additions. Their plain sums must fit 63 bits.
    width_bits
        Width of the accumulator in bits, sign included.

    Returns
    -------
    value, saturated
        Both of shape (...): the accumulator after the last addition, and whether any addition was clipped.
    """
    low, high = signed_range(width_bits)
    prefixes = np.cumsum(addends, axis=0)
    # Until the first clip the accumulator equals the plain prefix, so a clip happens exactly where some
    # plain prefix leaves the range; everywhere else the plain sum is the answer.
    saturated = np.asarray((prefixes.max(axis=0) > high) | (prefixes.min(axis=0) < low))
    value = prefixes[-1].copy()
    value[saturated] = _clipped_walk(addends[:, saturated], low, high)
    return value, saturated


def _clipped_walk(steps: NDArray[np.int64], low: int, high: int) -> NDArray[np.int64]:
    """Start at 0, add each step along axis 0 and clip to [low, high] after each.

    One addition is the function x -> clip(x + step, lower, upper). Two such functions, one after the
    other, are again one, because adding moves both bounds along and nested clips nest their bounds:

        clip(clip(x + a, l1, u1) + b, l2, u2) = clip(x + (a + b), clip(l1 + b, l2, u2), clip(u1 + b, l2, u2))

    so neighbours can be joined in pairs, halving their number each time, with the exact result.
    """
    step = steps
    lower, upper = np.full_like(step, low), np.full_like(step, high)
    while len(step) > 1:
        last = len(step) & ~1  # an odd one out joins the next round as it is
        first, second = slice(0, last, 2), slice(1, last, 2)
        bounds = lower[second], upper[second]
        joined_lower = np.clip(lower[first] + step[second], *bounds)
        joined_upper = np.clip(upper[first] + step[second], *bounds)
        step = np.concatenate([step[first] + step[second], step[last:]])
        lower = np.concatenate([joined_lower, lower[last:]])
        upper = np.concatenate([joined_upper, upper[last:]])
    end: NDArray[np.int64] = np.clip(step[0], lower[0], upper[0])
    return end
