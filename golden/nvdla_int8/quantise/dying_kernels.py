"""Kernels that are all zero, or too small for the layer's integers: which scale they get (hardware.md section 7).

Training leaves kernels whose weights are many orders of magnitude below the others'. The factors
``Si * Sw[k] / So`` of a layer share one shift, so such a kernel's multiplier would be 0, or its bias, counted
in steps of ``Si * Sw[k]``, would not fit the accumulator. Its scale rises until both fit; its weights are then
coarser, down to 0.
"""

import numpy as np

from nvdla_int8.quantise.factor import shared_shift
from nvdla_int8.quantise.rounding import Q_MIN, Reals
from nvdla_int8.quantise.weights import WEIGHT_MAX
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.widths import ACC_OUT, ALU_OPERAND, MUL_PRODUCT

LONGEST_SHIFT_BITS = MUL_PRODUCT - 1
"""The multiplier's longest shift that does not give 0."""

LONGEST_BIAS_SHIFT_BITS = ACC_OUT - ALU_OPERAND
"""Longest left shift at which every 16-bit bias operand still fits 32 bits."""

MOST_SPREAD_BITS = 24
"""Factors of two multipliers are at least the largest one's over 2 to this; the smallest is then good to 2**-6."""

LONE_RATIO = 1 / 256
"""Factor of a layer without one kernel of a usable size: its output is its bias, in 256 steps to one of So."""


def representable_ratio(ratio: Reals, bias_lsb: Reals, taps: int) -> Reals:
    """Factors of a layer, raised where the integers could not hold them.

    Parameters
    ----------
    ratio
        (K,), each kernel's ``Si * Sw[k] / So``; 0 for an all-zero kernel.
    bias_lsb
        (K,), magnitude of each kernel's bias in output steps.
    taps
        Weights of one kernel.

    Returns
    -------
    Reals
        (K,). A kernel that is too small gets the smallest factor at which its multiplier is at least 1 and
        accumulators with its bias fit 32 bits, or a larger one, up to the layer's largest, at which the bias
        needs no left shift: the shift is shared, and would cost the other kernels' biases their precision.
        An all-zero kernel's factor only decides how its bias is represented: it gets the layer's largest.
        All others stay as they are.

    Raises
    ------
    BenchError
        When a factor is not finite or too large for a multiplier, naming the kernel.
    """
    needed = _needed_ratio(bias_lsb, taps)
    largest = _largest_ratio(ratio, needed)
    shift_bits = shared_shift(np.append(ratio, largest), longest_shift_bits=LONGEST_SHIFT_BITS)
    least = np.maximum(2.0**-shift_bits, needed)
    unshifted = np.minimum(bias_lsb / signed_range(ALU_OPERAND)[1], largest)
    return np.where(ratio == 0, largest, np.where(ratio < least, np.maximum(least, unshifted), ratio))


def distinct_ratio(ratio: Reals, bias_lsb: Reals, taps: int) -> Reals:
    """Factors of a layer with two multipliers for each kernel, raised where even those could not hold them.

    As :func:`representable_ratio`; the multipliers take factors that are :data:`MOST_SPREAD_BITS` apart, and no
    shift of one kernel's bias costs another's precision.
    """
    needed = _needed_ratio(bias_lsb, taps)
    largest = _largest_ratio(ratio, needed)
    least = np.maximum(np.ldexp(largest, -MOST_SPREAD_BITS), needed)
    return np.where(ratio == 0, largest, np.maximum(ratio, least))


def _needed_ratio(bias_lsb: Reals, taps: int) -> Reals:
    """Factors at which accumulators with their bias fit 32 bits."""
    # The inputs' zero point, at most -Q_MIN a tap, is counted with the bias.
    reach = 2 * taps * WEIGHT_MAX * -Q_MIN
    room = signed_range(ACC_OUT)[1] - 2**LONGEST_BIAS_SHIFT_BITS - reach
    return bias_lsb / room if room > 0 else np.zeros_like(bias_lsb)


def _largest_ratio(ratio: Reals, needed: Reals) -> float:
    largest = float(ratio.max())
    if largest < 2.0**-LONGEST_SHIFT_BITS:
        largest = LONE_RATIO
    return max(largest, float(needed.max()))
