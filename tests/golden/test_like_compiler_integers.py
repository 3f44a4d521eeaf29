"""The compiler's arithmetic: what it rounds, truncates, shifts and wraps, against plain numbers."""

from fractions import Fraction

import numpy as np
import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.like_compiler.integers import (
    entry_scale,
    quantise_biases,
    quantise_factors,
    quantise_means,
    quantise_weights,
)
from nvdla_int8.seeds import generator

RNG = generator("tests", "like compiler")
ONE = np.float32(1)


def floats(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, np.float32)


def test_factors_are_truncated_to_15_bits_of_the_largest() -> None:
    factors = np.exp(RNG.uniform(-12, 2, 200)).astype(np.float32)
    found = quantise_factors(factors)
    assert 2**14 <= found.multipliers.max() < 2**15
    wanted = [int(Fraction(float(factor)) * 2**found.shift_bits) for factor in factors]
    assert found.multipliers.tolist() == wanted


def test_a_negative_factor_is_truncated_towards_zero() -> None:
    found = quantise_factors(floats(0.7, -0.3))
    assert found.multipliers.tolist() == [int(0.7 * 2**15), -int(0.3 * 2**15)]


@pytest.mark.parametrize(("factor", "what"), [(40000.0, "a shift of -1"), (1e-20, "a shift of 81"), (np.inf, "inf")])
def test_a_factor_that_the_compiler_refuses_is_refused(factor: float, what: str) -> None:
    with pytest.raises(BenchError, match=what):
        quantise_factors(floats(factor))


def test_one_large_bias_shifts_all_and_the_small_ones_are_lost() -> None:
    found = quantise_biases(floats(2**26 - 2**11, -33, 3427, 105), np.full(4, ONE))
    assert found.shift_bits == 11
    assert (found.operands.astype(int) << 11).tolist() == [2**26 - 2**11, -2048, 2048, 0]


@pytest.mark.parametrize(
    ("bias", "operand", "shift_bits"), [(32767, 32767, 0), (32768, -32768, 0), (-32768, -32768, 0), (32769, 16384, 1)]
)
def test_a_bias_of_exactly_16_bits_wraps(bias: float, operand: int, shift_bits: int) -> None:
    assert quantise_biases(floats(bias), floats(1)) == (np.array([operand]), shift_bits)


def test_biases_are_rounded_half_up() -> None:
    found = quantise_biases(floats(2.5, -2.5, 2.4, 0), np.full(4, ONE))
    assert found.operands.tolist() == [3, -2, 2, 0]


def test_a_mean_that_would_become_0_stops_the_shift_and_the_largest_wraps() -> None:
    means = floats(900_000, 6)
    assert quantise_biases(means, np.full(2, ONE)).operands.tolist() == [900_000 >> 5, 0]
    found = quantise_means(means, ONE)
    assert found.shift_bits == 2
    assert found.operands.tolist() == [(900_000 >> 2) % 2**16, 1]


def test_weights_are_rounded_half_up_in_steps_of_the_largest() -> None:
    weights = RNG.normal(0, 1, (6, 5, 3, 3)).astype(np.float32)
    for per_filter in (False, True):
        found = quantise_weights(weights, per_filter=per_filter)
        largest = np.abs(weights).max(axis=(1, 2, 3)) if per_filter else np.full(6, np.abs(weights).max())
        np.testing.assert_allclose(found.scales, largest / 127, rtol=1e-6)
        steps = weights / found.scales.astype(np.float64)[:, None, None, None]
        assert np.abs(found.values - steps).max() < 0.5001
        assert np.abs(found.values).max() == 127
    halves = quantise_weights(floats(127, 0.5, 1.5, -0.5).reshape(4, 1, 1, 1), per_filter=False)
    assert halves.values.ravel().tolist() == [127, 1, 2, 0]


def test_a_filter_of_zeros_has_neither_bias_nor_multiplier() -> None:
    weights = np.ones((2, 1, 1, 1), np.float32)
    weights[0] = 0
    found = quantise_weights(weights, per_filter=True)
    assert found.values.ravel().tolist() == [-128, 127]
    assert quantise_biases(floats(5, 5), found.scales).operands.tolist() == [0, 635]
    assert quantise_factors(found.scales).multipliers[0] == 0


def test_an_entry_goes_through_a_range() -> None:
    scales = RNG.uniform(1e-3, 1, 1000)
    kept = np.array([entry_scale(scale) for scale in scales])
    np.testing.assert_allclose(kept, scales, rtol=2e-7)
    assert (kept != scales.astype(np.float32)).any()
