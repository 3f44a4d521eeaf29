"""CDP's tables against plain integers; ``test_rule_N_...`` as in ``test_lrn.py``."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvdla_int8.errors import BenchError
from nvdla_int8.stages.lut import LE_ENTRIES, LO_ENTRIES, LeTable, LoTable, LutState, LutTable, Slope
from tests.golden.lut_draws import MOST_SUM, SUMS, le_tables, lo_tables, plain_table
from tests.golden.plain_lrn import HIT, OVER, UNDER

STATES = {HIT: LutState.HIT, UNDER: LutState.UNDERFLOW, OVER: LutState.OVERFLOW}
RISING_LE = tuple(range(0, 65 * 100, 100))
RISING_LO = tuple(range(0, 257 * 100, 100))
FALL = Slope(scale=-1)
DOUBLE = Slope(scale=2)


def found(table: LutTable, *sums: int) -> list[tuple[int, LutState]]:
    lookup = table.lookup(np.array(sums, np.int64))
    return [(int(value), LutState(state)) for value, state in zip(lookup.value, lookup.state, strict=True)]


@settings(max_examples=300, deadline=None)
@given(table=st.one_of(le_tables(), lo_tables()), sums=st.lists(SUMS, min_size=1, max_size=12), data=st.data())
def test_table_any_registers_equals_plain_integers(table: LutTable, sums: list[int], data: st.DataObject) -> None:
    start = (table.start + 2**21) % 2**22 - 2**21
    powers = st.builds(lambda bit, off: start + 2**bit + off, st.integers(0, 21), st.integers(-1, 1))
    sums = [*sums, *data.draw(st.lists(powers, min_size=3, max_size=6)), start, start + 1]
    sums = [max(min(one, 2**20 - 1), -(2**20)) for one in sums]
    assert found(table, *sums) == expected(table, *sums)


def expected(table: LutTable, *sums: int) -> list[tuple[int, LutState]]:
    plain = plain_table(table)
    return [(value, STATES[state]) for value, state in map(plain.look_up, sums)]


def test_every_index_select_equals_plain_integers() -> None:
    sums = [1, 2, 3, 63, 64, 65, 255, 256, 257, 1000, 16384, 65535, 65536, MOST_SUM]
    for select in range(-128, 128):
        le = LeTable(entries=RISING_LE, exponent=False, index_select=select)
        lo = LoTable(entries=RISING_LO, index_select=select)
        assert found(le, *sums) == expected(le, *sums), select
        assert found(lo, *sums) == expected(lo, *sums), select


def test_every_index_offset_equals_plain_integers() -> None:
    sums = [0, 1, 2, 3, 64, 1000, 65535, 65536, 400000, MOST_SUM]
    for offset in range(-128, 128):
        table = LeTable(entries=RISING_LE, index_offset=offset, underflow=FALL, overflow=DOUBLE, end=77)
        assert found(table, *sums) == expected(table, *sums), offset


@pytest.mark.parametrize("scale", [-(2**15), -1, 1, 3, 2**15 - 1])
def test_every_slope_shift_equals_plain_integers(scale: int) -> None:
    """Distances up to START's and END's own 38 bits: scaled and shifted they need 71 bits."""
    sums = [-256, -1, 0, 1, 2, 3, 10, 4000, MOST_SUM]
    for shift_bits in range(-16, 16):
        slope = Slope(scale=scale, shift_bits=shift_bits)
        for bound in (-(2**37), -(2**33), -5, 0, 5, 2**33, 2**37 - 1):
            table = LoTable(entries=(2**15 - 1,) * 257, start=bound, end=bound, underflow=slope, overflow=slope)
            assert found(table, *sums) == expected(table, *sums), (shift_bits, bound)


# Where a plausible model goes wrong


def test_rule_1_a_value_at_the_start_underflows() -> None:
    lo = LoTable(entries=RISING_LO, start=10)
    assert found(lo, 9, 10, 11) == [(0, LutState.UNDERFLOW), (0, LutState.UNDERFLOW), (100, LutState.HIT)]
    le = LeTable(entries=RISING_LE, start=10)
    assert [state for _, state in found(le, 10, 11)] == [LutState.UNDERFLOW, LutState.HIT]


def test_rule_2_the_exponent_is_that_of_the_distance_from_the_start() -> None:
    assert found(LeTable(entries=RISING_LE, start=1000), 1004, 1006) == [(200, LutState.HIT), (250, LutState.HIT)]


def test_rule_3_the_start_is_cut_to_22_bits_for_the_index_and_not_for_the_slope() -> None:
    table = LoTable(entries=RISING_LO, start=2**22 + 10, underflow=Slope(scale=1, shift_bits=15))
    assert found(table, 13) == [(300, LutState.HIT)]
    assert found(table, 4) == [(-128, LutState.UNDERFLOW)]  # (4 - 2^22 - 10) / 2^15
    negative = LoTable(entries=RISING_LO, start=2**21)  # reads as -2^21
    assert found(negative, 4)[0][1] is LutState.OVERFLOW


def test_rule_4_slopes_run_from_the_start_and_the_end_register() -> None:
    lo = LoTable(entries=RISING_LO, start=10, end=300, underflow=FALL, overflow=DOUBLE)
    assert found(lo, 7) == [(3, LutState.UNDERFLOW)]
    assert found(lo, 266) == [(25600 + 2 * (266 - 300), LutState.OVERFLOW)]
    le = LeTable(entries=RISING_LE, start=10, index_offset=4, underflow=FALL)
    assert found(le, 7, 10, 25) == [(19, LutState.UNDERFLOW), (16, LutState.UNDERFLOW), (1, LutState.UNDERFLOW)]
    negative = LeTable(entries=RISING_LE, start=10, index_offset=-4, underflow=FALL)
    assert found(negative, 7) == [(3, LutState.UNDERFLOW)]
    linear = LeTable(entries=RISING_LE, exponent=False, start=10, index_offset=4, underflow=FALL)
    assert found(linear, 7) == [(3, LutState.UNDERFLOW)]


def test_rule_4_the_exponential_slope_start_wraps_at_39_bits() -> None:
    table = LeTable(start=2**37 - 1, index_offset=38, underflow=Slope(scale=1, shift_bits=15))
    assert found(table, -(2**20))[0] == (2**15 - 1, LutState.UNDERFLOW)  # 2^38 + 2^37 wraps to below 0
    table = LeTable(entries=RISING_LE, start=5, index_offset=39, underflow=FALL)
    assert found(table, 0) == [(5, LutState.UNDERFLOW)]  # 2^39 is gone


def test_rule_5_index_selects_and_slope_shifts_are_signed() -> None:
    assert found(LoTable(entries=RISING_LO, index_select=-2), 3, 63) == [(1200, LutState.HIT), (25200, LutState.HIT)]
    assert found(LoTable(entries=RISING_LO, index_select=-2), 64)[0][1] is LutState.OVERFLOW
    up = LoTable(start=10, underflow=Slope(scale=1, shift_bits=-3))
    assert found(up, 8) == [(-16, LutState.UNDERFLOW)]


def test_rule_6_the_last_entry_is_the_right_end_of_the_last_interval() -> None:
    lo = LoTable(entries=(0,) * 256 + (100,), index_select=1, end=512)
    assert found(lo, 510, 511, 512) == [(0, LutState.HIT), (50, LutState.HIT), (100, LutState.OVERFLOW)]
    le = LeTable(entries=(0,) * 64 + (100,), exponent=False, index_select=1, end=128)
    assert found(le, 127, 128) == [(50, LutState.HIT), (100, LutState.OVERFLOW)]


def test_interpolation_rounds_half_away_from_zero() -> None:
    rising, falling = (0, 1) + (0,) * 255, (0, -1) + (0,) * 255
    assert found(LoTable(entries=rising, index_select=1), 1) == [(1, LutState.HIT)]
    assert found(LoTable(entries=falling, index_select=1), 1) == [(-1, LutState.HIT)]


def test_fraction_keeps_16_bits() -> None:
    """2^18 between two entries: the lowest two bits of the distance are cut."""
    table = LoTable(entries=(-32768, 32767, *(0,) * 255), index_select=18)
    lookups = found(table, 2**18 - 4, 2**18 - 1)
    assert [value for value, _ in lookups] == [32766, 32766]  # 32767 with all bits


def test_index_select_minus_32_of_lo_acts_as_0() -> None:
    assert found(LoTable(entries=RISING_LO, index_select=-32), 7, 255) == [(700, LutState.HIT), (25500, LutState.HIT)]
    assert found(LeTable(entries=RISING_LE, exponent=False, index_select=-32), 7)[0][1] is LutState.OVERFLOW


def test_index_select_ignores_its_two_highest_bits() -> None:
    assert found(LoTable(entries=RISING_LO, index_select=64 + 3), 16) == [(200, LutState.HIT)]


def test_tables_have_65_and_257_entries() -> None:
    assert (LE_ENTRIES, LO_ENTRIES) == (65, 257)


def test_table_of_another_length_is_refused_in_a_line_that_can_be_read() -> None:
    with pytest.raises(BenchError, match=r"^LoTable: entries = \(0, 0.*\.\.\.\): .* at least 257 items") as caught:
        LoTable(entries=(0,) * 256)
    assert len(str(caught.value)) < 120
