"""Factors that weight scales can follow: moved a little, so that multipliers, and biases nearly, are whole numbers."""

import numpy as np

from nvdla_int8.quantise.dying_kernels import LONGEST_BIAS_SHIFT_BITS, LONGEST_SHIFT_BITS
from nvdla_int8.quantise.factor import shared_shift
from nvdla_int8.quantise.rounding import Reals, round_to_nearest
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.widths import ALU_OPERAND, MUL_OPERAND

FREE_ROUNDING = 128
"""From this multiplier on, a weight scale that follows its rounding moves 127 by less than half a step."""

_NEIGHBOURS = 8
_FINE = 1024
"""A multiplier changes by no more than a part in so many for the sake of its bias."""


def whole_multipliers(factors: Reals, bias: Reals, *, per_kernel: bool) -> Reals:
    """Factors (K,), positive, moved so that each is a whole multiplier at the shift they share.

    A factor that can be chosen, because a weight scale can, is then programmed without error. Multipliers of
    :data:`FREE_ROUNDING` and more are rounded to the nearest: the largest weight stays 127. Smaller ones are rounded
    up, so that weights still fit. Of large multipliers that lie close together the one is taken at which the bias is
    nearest to a whole number of accumulator steps.

    Parameters
    ----------
    factors
        (K,), positive.
    bias
        (K,), in the unit in which the factors count accumulators.
    per_kernel
        Whether each kernel's factor may move on its own.
    """
    shift_bits = shared_shift(factors, longest_shift_bits=LONGEST_SHIFT_BITS)
    exact, steps = np.ldexp(factors, shift_bits), np.ldexp(bias, shift_bits)
    limit, bias_step = signed_range(ALU_OPERAND)[1], 2.0 ** _bias_shift_bits(bias / factors)
    nearest = round_to_nearest(exact)
    free = (exact >= FREE_ROUNDING) & (np.abs(steps) <= limit * bias_step * nearest)
    whole = np.where(free, nearest, np.ceil(exact))
    if per_kernel:
        reach = np.minimum(_NEIGHBOURS, np.floor(whole / _FINE))[:, None]
        near = np.array(sorted(range(-_NEIGHBOURS, _NEIGHBOURS + 1), key=abs))[None]
        tried = np.clip(whole[:, None] + np.clip(near, -reach, reach), 1, signed_range(MUL_OPERAND)[1])
        operands = steps[:, None] / tried / bias_step
        lost = np.where(np.abs(operands) <= limit, np.abs(operands - round_to_nearest(operands)) * tried, np.inf)
        whole = np.take_along_axis(tried, lost.argmin(axis=1)[:, None], axis=1)[:, 0]
    moved: Reals = np.ldexp(whole, -shift_bits)
    return moved


def _bias_shift_bits(bias_steps: Reals) -> int:
    """The left shift that biases will share, the input's zero point aside."""
    largest = np.abs(bias_steps).max() / signed_range(ALU_OPERAND)[1]
    return int(np.clip(np.ceil(np.log2(max(largest, 1.0))), 0, LONGEST_BIAS_SHIFT_BITS))
