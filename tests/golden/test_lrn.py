"""CDP's arithmetic against plain integers; the tables alone are in ``test_lut.py``.

Tests called ``test_rule_N_...``, here and there, hold the like-numbered rule of pdp_cdp.md section 6, "Where a
plausible model goes wrong".
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvdla_int8.errors import BenchError
from nvdla_int8.stages.lrn import Lrn, LutCounts, Priority
from nvdla_int8.stages.lut import LeTable, LoTable
from tests.golden.lut_draws import le_tables, lo_tables, near, plain_table
from tests.golden.plain_lrn import PlainLrn

S16 = near(-(2**15), 2**15 - 1, 0, 1, -1)
# y = 1 for every sum.
ONE: dict[str, Any] = {
    "le": LeTable(entries=(1,) * 65, exponent=False, start=-1, index_select=16)
}  # y = 1 for every sum


@st.composite
def lrns(draw: st.DrawFn) -> Lrn:
    """Any register values, the converters often without effect."""
    plain_in, plain_out = draw(st.booleans()), draw(st.booleans())
    converter_in = {} if plain_in else {
        "in_offset": draw(S16), "in_scale": draw(S16), "in_shift_bits": draw(near(0, 31, 8, 12, 24, 25)),
    }  # fmt: skip
    priority = st.sampled_from(Priority)
    return Lrn(
        normalize_length=draw(st.integers(0, 3)), square_sum_bypass=draw(st.booleans()),
        multiply_bypass=draw(st.booleans()), **converter_in, le=draw(le_tables()), lo=draw(lo_tables()),
        underflow_priority=draw(priority), overflow_priority=draw(priority), hybrid_priority=draw(priority),
        out_offset=0 if plain_out else draw(near(-(2**31), 2**31 - 1, 2**24, -(2**24), 100)),
        out_scale=draw(S16), out_shift_bits=draw(near(0, 63, 8, 14, 20, 30, 41, 42)),
    )  # fmt: skip


def plain_of(lrn: Lrn) -> PlainLrn:
    return PlainLrn(
        length=lrn.normalize_length,
        square_sum_bypass=lrn.square_sum_bypass,
        multiply_bypass=lrn.multiply_bypass,
        converter_in=(lrn.in_offset, lrn.in_scale, lrn.in_shift_bits),
        le=plain_table(lrn.le),
        lo=plain_table(lrn.lo),
        priorities=(int(lrn.underflow_priority), int(lrn.overflow_priority), int(lrn.hybrid_priority)),
        converter_out=(lrn.out_offset, lrn.out_scale, lrn.out_shift_bits),
    )


def one_pixel(lanes: list[int], channels: int | None = None, **parameters: Any) -> list[int]:
    """Every lane's output."""
    stages = Lrn(**parameters).apply(np.array(lanes, np.int8).reshape(-1, 1, 1), channels or len(lanes))
    result: list[int] = stages.output.ravel().tolist()
    return result


@settings(max_examples=150, deadline=None)
@given(lrn=lrns(), seed=st.integers(0, 2**32 - 1), channels=st.integers(1, 20))
def test_lrn_any_registers_equals_plain_integers(lrn: Lrn, seed: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    lanes = -(-channels // 8) * 8
    cube = rng.integers(-128, 128, (lanes, 2, 2)).astype(np.int8)
    cube[rng.random(cube.shape) < 0.3] = -128
    stages = lrn.apply(cube, channels)
    plain = plain_of(lrn)
    counters = dict.fromkeys(LutCounts._fields, 0)
    for y in range(2):
        for x in range(2):
            pixel = cube[:, y, x].tolist()
            assert stages.converted[:, y, x].tolist() == [plain.converted(pixel, c, channels) for c in range(lanes)]
            sums = [plain.summed(pixel, c, channels) for c in range(lanes)]
            assert stages.sums[:, y, x].tolist() == sums
            assert stages.le.value[:, y, x].tolist() == [plain.le.look_up(d)[0] for d in sums]
            assert stages.lo.value[:, y, x].tolist() == [plain.lo.look_up(d)[0] for d in sums]
            assert stages.selected[:, y, x].tolist() == [plain.selected(d)[0] for d in sums]
            outputs = [plain.output(pixel, c, channels) for c in range(lanes)]
            assert stages.output[:, y, x].tolist() == [value for value, _ in outputs]
            for _, counter in outputs:
                counters[counter] += 1
    assert stages.counts == LutCounts(**counters)


def test_counts_add_up_to_all_lanes_of_the_last_atom() -> None:
    stages = Lrn(le=LeTable(start=40000)).apply(np.arange(-96, 96, dtype=np.int8).reshape(16, 3, 4), 11)
    assert sum(stages.counts) == 16 * 3 * 4
    assert stages.counts.underflow >= 12 * 4  # four lanes whose windows reach no channel


@pytest.mark.parametrize(
    ("le_start", "lo_start", "priority", "counter"),
    [
        (1000, 1000, "underflow_priority", "underflow"),
        (-(2**20), -(2**20), "overflow_priority", "overflow"),
        (-1, -1, "hybrid_priority", "hybrid"),
        (1000, -(2**20), "hybrid_priority", "hybrid"),
        (-(2**20), 1000, "hybrid_priority", "hybrid"),
    ],
)
@pytest.mark.parametrize("taken", Priority)
def test_priority_takes_the_table_when_neither_or_both_hit(
    le_start: int, lo_start: int, priority: str, counter: str, taken: Priority
) -> None:
    others = {
        name: Priority(1 - taken)
        for name in ("underflow_priority", "overflow_priority", "hybrid_priority")
        if name != priority
    }
    tables = {
        "le": LeTable(entries=(3,) * 65, exponent=False, start=le_start),
        "lo": LoTable(entries=(5,) * 257, start=lo_start),
    }
    lrn = Lrn(multiply_bypass=True, **tables, **{priority: taken}, **others)
    stages = lrn.apply(np.zeros((8, 1, 1), np.int8), 8)
    assert stages.output.ravel().tolist() == [3 if taken is Priority.LE else 5] * 8
    assert getattr(stages.counts, counter) == 8


@pytest.mark.parametrize(
    ("le_start", "lo_start", "value", "counter"), [(-1, 1000, 3, "le_hit"), (1000, -1, 5, "lo_hit")]
)
def test_the_only_hit_is_taken_whatever_the_priorities(le_start: int, lo_start: int, value: int, counter: str) -> None:
    tables = {
        "le": LeTable(entries=(3,) * 65, exponent=False, start=le_start),
        "lo": LoTable(entries=(5,) * 257, start=lo_start),
    }
    for priority in Priority:
        every = dict.fromkeys(("underflow_priority", "overflow_priority", "hybrid_priority"), priority)
        stages = Lrn(multiply_bypass=True, **tables, **every).apply(np.zeros((8, 1, 1), np.int8), 8)
        assert stages.output.ravel().tolist() == [value] * 8
        assert getattr(stages.counts, counter) == 8


# Where a plausible model goes wrong


def test_rule_7_squares_are_of_the_converted_values() -> None:
    stages = Lrn(in_scale=-2).apply(np.array([-128, 0, 0, 0, 0, 0, 0, 127], np.int8).reshape(8, 1, 1), 8)
    assert stages.converted.ravel().tolist() == [255, 0, 0, 0, 0, 0, 0, -254]  # 256 does not fit 9 bits
    stages = Lrn(in_scale=2, normalize_length=3).apply(np.full((16, 1, 1), -128, np.int8), 16)
    assert stages.sums.max() == 9 * 256**2


def test_rule_8_of_the_offsets_8_and_25_bits_count_and_they_are_subtracted() -> None:
    assert one_pixel([10] * 8, in_offset=0x0103, **ONE) == [7] * 8
    assert one_pixel([10] * 8, in_offset=0x0083, **ONE) == [127] * 8  # 0x83 is -125: 135 is clipped at the end
    assert one_pixel([10] * 8, out_offset=4, **ONE) == [6] * 8
    assert one_pixel([10] * 8, out_offset=2**25 + 4, **ONE) == [6] * 8
    assert one_pixel([10] * 8, out_offset=2**24, out_scale=1, out_shift_bits=20, **ONE) == [16] * 8  # it is -2^24


def test_rule_9_lanes_behind_the_last_channel_are_zeroed_after_the_input_converter() -> None:
    lrn = Lrn(in_offset=-3, **ONE)
    stages = lrn.apply(np.full((8, 1, 1), 40, np.int8), 2)
    assert stages.converted.ravel().tolist() == [43, 43, 0, 0, 0, 0, 0, 0]
    assert stages.sums.ravel().tolist() == [2 * 43**2, 2 * 43**2, 43**2, 0, 0, 0, 0, 0]
    assert stages.output.ravel().tolist() == [43, 43, 0, 0, 0, 0, 0, 0]


def test_rule_10_the_multiplier_takes_the_converted_value() -> None:
    assert one_pixel([10] * 8, in_scale=3, **ONE) == [30] * 8
    assert one_pixel([10] * 8, in_scale=3, multiply_bypass=True, **ONE) == [1] * 8


def test_square_sum_bypass_looks_the_signed_value_up() -> None:
    lo = LoTable(entries=tuple(range(257)), start=-129)
    assert one_pixel([-128, -5, 0, 0, 0, 0, 0, 0], square_sum_bypass=True, multiply_bypass=True, lo=lo,
                     hybrid_priority=Priority.LO, underflow_priority=Priority.LO)[:2] == [1, 124]  # fmt: skip


def test_window_reaches_over_3_to_9_channels() -> None:
    cube = np.zeros((16, 1, 1), np.int8)
    cube[7] = 1
    for length, reach in enumerate((1, 2, 3, 4)):
        sums = Lrn(normalize_length=length).apply(cube, 16).sums.ravel()
        assert np.flatnonzero(sums).tolist() == list(range(7 - reach, 7 + reach + 1))


# Refused


def test_lrn_of_anything_but_an_int8_cube_with_its_channels_is_refused() -> None:
    with pytest.raises(BenchError, match=r"Lrn: input of int8 \(8, 1, 1\) with 9 channels"):
        Lrn().apply(np.zeros((8, 1, 1), np.int8), 9)
    with pytest.raises(BenchError, match=r"Lrn: input of uint8"):
        Lrn().apply(np.zeros((8, 1, 1), np.uint8), 8)


def test_lrn_parameters_beyond_their_bits_are_refused() -> None:
    with pytest.raises(BenchError, match="Lrn: normalize_length = 4"):
        Lrn(normalize_length=4)
    with pytest.raises(BenchError, match="LeTable: entries"):
        LeTable(entries=(0,) * 64)
