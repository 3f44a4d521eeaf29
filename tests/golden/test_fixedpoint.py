"""The fixed-point primitives against plain Python integers: every shift, every width that is used."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvdla_int8.stages.fixedpoint import clip, left_shift, round_shift, sign_extend, signed_range
from tests.golden import plain

# (operand's width, result's width, fraction bits): input converter, CACC, X stages, output converter.
ROUNDINGS = [(34, 17, None), (34, 32, 16), (49, 32, None), (49, 17, None)]
WIDTHS = [8, 16, 17, 32, 33, 34, 49]


def wide_integers(width: int) -> st.SearchStrategy[int]:
    """Signed integers of `width` bits, with many near powers of two, halves of them, and the ends."""
    low, high = signed_range(width)
    near = st.builds(
        lambda sign, bit, part, off: sign * ((part << bit) >> 1) + off,
        st.sampled_from([-1, 1]), st.integers(0, width - 1), st.sampled_from([1, 2, 3]), st.integers(-1, 1),
    )  # fmt: skip
    ends = st.sampled_from([low, low + 1, -1, 0, 1, high - 1, high])
    return st.one_of(st.integers(low, high), near.map(lambda v: min(max(v, low), high)), ends)


@pytest.mark.parametrize("width", WIDTHS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_clip_and_sign_extend_any_value_equal_plain_integers(width: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(wide_integers(62), min_size=1, max_size=20))
    clipped = clip(values, width)
    assert clipped.value.tolist() == [plain.clip(value, width) for value in values]
    assert clipped.saturated.tolist() == [plain.clip(value, width) != value for value in values]
    assert sign_extend(values, width).tolist() == [plain.sx(value, width) for value in values]


@pytest.mark.parametrize(("in_width", "out_width", "fraction_bits"), ROUNDINGS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_round_shift_every_shift_equals_plain_integers(
    in_width: int, out_width: int, fraction_bits: int | None, data: st.DataObject
) -> None:
    """64 shifts for each operand in one call: also shows that arrays of shifts broadcast."""
    values = data.draw(st.lists(wide_integers(in_width), min_size=1, max_size=4))
    result = round_shift(np.array(values)[:, None], np.arange(64), in_width, out_width, fraction_bits)
    for row, value in enumerate(values):
        expected = [plain.rsh(value, n, in_width, out_width, fraction_bits) for n in range(64)]
        assert result.value[row].tolist() == [one for one, _ in expected]
        assert result.saturated[row].tolist() == [flag for _, flag in expected]


@pytest.mark.parametrize("shift_bits", range(1, 49))
def test_round_shift_ties_go_away_from_zero_on_both_sides(shift_bits: int) -> None:
    half = 1 << (shift_bits - 1)
    operands = np.array([half, -half, half - 1, 1 - half, half + 1, -half - 1])
    found = round_shift(operands, shift_bits, 50, 32).value.tolist()
    assert found == [1, -1, 0, 0, 1, -1]


def test_round_shift_shift_as_wide_as_operand_is_zero_without_flag() -> None:
    low, high = signed_range(34)
    result = round_shift([low, high, -1], [[34], [35], [63]], 34, 17)
    assert not result.value.any()
    assert not result.saturated.any()
    assert round_shift([low, high], 33, 34, 17).value.tolist() == [-1, 1]


def test_round_shift_negative_floor_below_minimum_flags_though_rounding_mends_it() -> None:
    floor_below = -(2**16) * 4 - 1  # floor(x / 4) = -65537, rounded -65536, which fits 17 bits
    mended = round_shift(floor_below, 2, 49, 17)
    assert (mended.value.item(), mended.saturated.item()) == (-(2**16), True)
    at_minimum = round_shift(-(2**16) * 4, 2, 49, 17)
    assert (at_minimum.value.item(), at_minimum.saturated.item()) == (-(2**16), False)


def test_round_shift_positive_flags_only_after_rounding() -> None:
    top = (2**16 - 1) * 4
    result = round_shift([top + 1, top + 2], 2, 49, 17)
    assert result.value.tolist() == [2**16 - 1, 2**16 - 1]
    assert result.saturated.tolist() == [False, True]


def test_round_shift_fraction_bits_hide_the_lowest_bits() -> None:
    """A negative tie whose only sticky bit lies 17 below the point: CACC takes it for a tie."""
    operand = -(1 << 17) + 1  # -0.5 + 2**-18 at shift 18
    assert round_shift(operand, 18, 34, 32).value.item() == 0
    assert round_shift(operand, 18, 34, 32, fraction_bits=16).value.item() == -1
    highest_hidden = -(1 << 17) + 2
    assert round_shift(highest_hidden, 18, 34, 32, fraction_bits=16).value.item() == -1
    seen = -(1 << 17) + 4  # the lowest bit that is still among the 16
    assert round_shift(seen, 18, 34, 32, fraction_bits=16).value.item() == 0


def test_round_shift_49_bit_extremes_are_exact() -> None:
    low, high = signed_range(49)
    result = round_shift([low, low, high, high], [0, 48, 0, 48], 49, 49)
    assert result.value.tolist() == [low, -1, high, 1]
    assert not result.saturated.any()


@settings(max_examples=60, deadline=None)
@given(operands=st.lists(wide_integers(16), min_size=1, max_size=6))
def test_left_shift_every_shift_equals_plain_integers(operands: list[int]) -> None:
    result = left_shift(np.array(operands)[:, None], np.arange(64))
    for row, operand in enumerate(operands):
        assert result.value[row].tolist() == [plain.lsh(operand, n) for n in range(64)]
        assert result.saturated[row].tolist() == [plain.lsh(operand, n) != operand * 2**n for n in range(64)]


def test_left_shift_of_zero_never_saturates() -> None:
    result = left_shift(0, np.arange(64))
    assert not result.value.any()
    assert not result.saturated.any()
