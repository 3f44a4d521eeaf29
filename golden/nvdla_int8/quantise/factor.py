"""Real factors as 16-bit multipliers with a shift that all of them share (hardware.md section 7)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.rounding import Reals, round_to_nearest
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.widths import MUL_OPERAND, OUT_OFFSET


class Factor(NamedTuple):
    """Integers that stand for real factors: ``multiplier / 2**shift_bits``."""

    multipliers: NDArray[np.int16]
    shift_bits: int

    @property
    def reals(self) -> Reals:
        """The factors that the integers really are."""
        return np.ldexp(self.multipliers.astype(np.float64), -self.shift_bits)

    def offset_for(self, zero_point: int) -> int:
        """Offset of an output converter with this one factor that makes real zero the byte ``zero_point``.

        Raises
        ------
        BenchError
            When the offset does not fit its register.
        """
        offset = int(round_to_nearest(-zero_point / self.reals)[0])
        low, high = signed_range(OUT_OFFSET)
        if not low <= offset <= high:
            raise BenchError(
                f"the output's zero point {zero_point} becomes an offset of {offset}, which does not fit "
                f"{OUT_OFFSET} bits"
            )
        return offset


def shared_shift(factors: Reals, *, longest_shift_bits: int) -> int:
    """Longest shift at which every factor's multiplier fits signed 16 bits on both sides of 0.

    Parameters
    ----------
    factors
        (K,), of either sign.
    longest_shift_bits
        The converter's longest shift that does not give 0.

    Raises
    ------
    BenchError
        When a factor is not finite, or the largest does not fit even unshifted; the line names the kernel.
    """
    sizes = np.abs(factors)
    for kernel in np.flatnonzero(~np.isfinite(sizes))[:1]:
        raise BenchError(f"kernel {kernel}: ratio {factors[kernel]} must be finite")
    limit = signed_range(MUL_OPERAND)[1]
    largest = int(np.argmax(sizes))
    if sizes[largest] == 0:
        return longest_shift_bits
    shift_bits = min(int(np.floor(np.log2(limit) - np.log2(sizes[largest]))), longest_shift_bits) + 1
    while shift_bits > longest_shift_bits or round_to_nearest(np.ldexp(sizes, shift_bits)).max() > limit:
        shift_bits -= 1
    if shift_bits < 0:
        raise BenchError(f"kernel {largest}: ratio {factors[largest]:.9g} is too large for a 16-bit multiplier")
    return shift_bits


def shared_shift_factor(factors: Reals, *, longest_shift_bits: int) -> Factor:
    """Factors (K,) as signed 16-bit multipliers with their :func:`shared_shift`.

    Raises
    ------
    BenchError
        As :func:`shared_shift`, and when a factor that is not 0 would round to 0; the line names kernel and ratio.
    """
    shift_bits = shared_shift(factors, longest_shift_bits=longest_shift_bits)
    multipliers = round_to_nearest(np.ldexp(factors, shift_bits))
    for kernel in np.flatnonzero((multipliers == 0) & (factors != 0))[:1]:
        largest = int(np.argmax(np.abs(factors)))
        reason = f"which kernel {largest} with ratio {factors[largest]:.9g} asks for"
        if shift_bits == longest_shift_bits:
            reason = "the longest"
        raise BenchError(
            f"kernel {kernel}: ratio {factors[kernel]:.9g} becomes multiplier 0 at shift {shift_bits}, {reason}"
        )
    return Factor(multipliers.astype(np.int16), shift_bits)
