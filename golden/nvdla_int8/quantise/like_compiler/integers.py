"""The compiler's arithmetic in float32: weights, biases and factors as its integers (loadables.md section 11).

Every step rounds to float32 as the compiler's does, and its faults are kept: what overflows wraps.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.weights import WEIGHT_MAX
from nvdla_int8.stages.fixedpoint import sign_extend, signed_range
from nvdla_int8.stages.widths import FEATURE

Floats = NDArray[np.float32]

FACTOR_BITS = 15
"""A factor becomes an integer of so many bits and a shift."""

MOST_SHIFT = 63
"""Of a factor; the compiler gives up on smaller ones."""

MOST_BIAS_SHIFT = 16
BIAS_BITS = 16

NOT_AN_INT = -(2**31)
"""What its processor makes of a float that no int32 holds: infinities, and the NaN of a filter of zeros."""

HALF = np.float32(0.5)


class Factors(NamedTuple):
    """Factors as ``multipliers / 2**shift_bits``; (K,), 16 bits each."""

    multipliers: NDArray[np.int16]
    shift_bits: int


class Biases(NamedTuple):
    """Biases as ``operands * 2**shift_bits``; (K,), 16 bits each."""

    operands: NDArray[np.int16]
    shift_bits: int


class Weights(NamedTuple):
    """int8 weights (K, C, R, S) and the real value of a step of each kernel, (K,)."""

    values: NDArray[np.int8]
    scales: Floats


def entry_scale(scale: float) -> np.float32:
    """A table's entry as the compiler keeps it: it makes a range of 127 steps of it, and a scale of the range again."""
    reach = np.float32(scale) * np.float32(WEIGHT_MAX)
    return np.float32(float(reach) / WEIGHT_MAX)


def quantise_weights(weights: Floats, *, per_filter: bool) -> Weights:
    """Weights (K, C, R, S) in steps of the largest of each filter, or of all, over 127; halves are rounded up.

    A filter of zeros has steps of 0 and weights of -128.
    """
    flat = weights.reshape(len(weights), -1)
    largest = np.abs(flat).max(axis=1)
    if not per_filter:
        largest = np.full_like(largest, largest.max())
    scales = largest / np.float32(WEIGHT_MAX)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        steps = _to_int(np.floor(weights * (np.float32(1) / scales)[:, None, None, None] + HALF))
    return Weights(steps.clip(*signed_range(FEATURE)).astype(np.int8), scales)


def quantise_biases(biases: Floats, steps: Floats) -> Biases:
    """Biases (K,) in (K,) steps, all shifted by as many bits as the largest needs beyond 16."""
    values = _steps(biases, steps)
    shift_bits = _common_shift(values)
    return Biases(_low_bits(values >> shift_bits), shift_bits)


def quantise_means(means: Floats, step: np.float32) -> Biases:
    """What a BatchNorm of its own adds, (K,): as biases, but shifted less where one of them would become 0."""
    values = _steps(means, np.full_like(means, step))
    shift_bits = _common_shift(values)
    while shift_bits and not _low_bits(values >> shift_bits).all():
        shift_bits -= 1
    return Biases(_low_bits(values >> shift_bits), shift_bits)


def quantise_factors(factors: Floats, *, largest: float | None = None) -> Factors:
    """Factors (K,) truncated to multipliers with the shift that gives the largest 15 bits.

    Parameters
    ----------
    factors
        Finite.
    largest
        The factor that the shift is chosen for; by default that of the largest magnitude.

    Raises
    ------
    BenchError
        For a factor that the compiler refuses.
    """
    for factor in factors[~np.isfinite(factors)][:1]:
        raise BenchError(f"a factor of {factor}: its tensors' entries, weights or statistics are out of range")
    chosen = float(factors[np.argmax(np.abs(factors))]) if largest is None else largest
    shift_bits = _shift_bits(chosen)
    multipliers = [int(2.0**shift_bits * abs(float(factor))) * (-1 if factor < 0 else 1) for factor in factors]
    for factor, multiplier in zip(factors, multipliers, strict=True):
        if abs(multiplier) >= 1 << FACTOR_BITS:
            raise BenchError(f"a factor of {factor:.6g} beside {chosen:.6g}: the compiler refuses it")
    return Factors(np.array(multipliers, np.int16), shift_bits)


def _shift_bits(factor: float) -> int:
    if factor == 0:
        return 1
    whole_bits = math.floor(math.log(abs(factor)) / math.log(2)) + 1
    shift_bits = FACTOR_BITS - whole_bits
    if not 0 < shift_bits <= MOST_SHIFT:
        raise BenchError(f"a factor of {factor:.6g} needs a shift of {shift_bits}: the compiler refuses it")
    return shift_bits


def _steps(values: Floats, steps: Floats) -> NDArray[np.int64]:
    """Rounded half up."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _to_int(np.floor(values / steps + HALF))


def _common_shift(values: NDArray[np.int64]) -> int:
    """How many bits the largest of int32 values has beyond 16, its sign counted; a power of two has one less."""
    largest = int(np.abs(values[values != NOT_AN_INT]).max(initial=0))
    if largest == 0:
        return 0
    bits = math.ceil(math.log(largest) / math.log(2)) + 1
    return min(MOST_BIAS_SHIFT, max(0, bits - BIAS_BITS))


def _to_int(values: Floats) -> NDArray[np.int64]:
    """Values as int32, as a processor converts them."""
    fits = np.abs(values) < -float(NOT_AN_INT)
    return np.where(fits, values, np.float32(0)).astype(np.int64) + np.where(fits, 0, NOT_AN_INT)


def _low_bits(values: NDArray[np.int64]) -> NDArray[np.int16]:
    return sign_extend(values, BIAS_BITS).astype(np.int16)
