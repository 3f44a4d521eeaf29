"""PDP's arithmetic and its split in width against plain integers.

Tests called ``test_rule_N_...`` hold the like-numbered rule of pdp_cdp.md section 2, "Where a plausible model goes
wrong"; rules 7 and 8 are the device's.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.stages.pooling import Axis, Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_split import WidthSplit, line_buffer_columns, pool_in_parts
from tests.golden.plain_pooling import PlainPooling

NO_PAD_VALUES = (0,) * 7


def near(low: int, high: int, *interesting: int) -> st.SearchStrategy[int]:
    """Integers of a range; often its ends or an interesting one."""
    return st.one_of(st.integers(low, high), st.sampled_from([low, high, *interesting]))


@st.composite
def axes(draw: st.DrawFn) -> tuple[Axis, int]:
    """Windows along one direction with an input size that P0 and P1 allow."""
    kernel = draw(st.integers(1, 8))
    before, after = draw(st.integers(0, kernel - 1)), draw(st.integers(0, kernel - 1))
    size = max(draw(st.integers(1, 12)), kernel - before - after)
    return Axis("size", kernel, draw(near(1, 16, 2, 3)), before, after), size


def pooling_of(rows: Axis, columns: Axis, method: PoolingMethod, **average: Any) -> Pooling:
    return Pooling(
        method=method, kernel_h=rows.kernel, kernel_w=columns.kernel, stride_y=rows.stride, stride_x=columns.stride,
        pad_top=rows.before, pad_bottom=rows.after, pad_left=columns.before, pad_right=columns.after, **average,
    )  # fmt: skip


@st.composite
def poolings(draw: st.DrawFn) -> tuple[Pooling, int, int]:
    """A layer with any register values, and the size of its input."""
    (rows, height), (columns, width) = draw(axes()), draw(axes())
    pad_value = st.one_of(near(-(2**18), 2**18 - 1, 1023, 1024, -1025, -1024), st.integers(-900, 900))
    reciprocal = near(0, 2**17 - 1, 2**16, *(reciprocal_q16(kernel) for kernel in range(1, 9)))
    pooling = pooling_of(
        rows, columns, draw(st.sampled_from(PoolingMethod)),
        pad_values=tuple(draw(st.lists(pad_value, min_size=7, max_size=7))),
        reciprocal_h_q16=draw(reciprocal), reciprocal_w_q16=draw(reciprocal),
    )  # fmt: skip
    return pooling, height, width


def cube_of(seed: int, shape: tuple[int, int, int]) -> NDArray[np.int8]:
    """Random bytes, in one of three channels only ends of the range."""
    rng = np.random.default_rng(seed)
    cube = rng.integers(-128, 128, shape).astype(np.int8)
    cube[::3] = rng.choice(np.array([-128, 127], np.int8), cube[::3].shape)
    return cube


def plain_of(pooling: Pooling) -> PlainPooling:
    return PlainPooling(
        method=int(pooling.method),
        kernel=(pooling.kernel_h, pooling.kernel_w),
        stride=(pooling.stride_y, pooling.stride_x),
        before=(pooling.pad_top, pooling.pad_left),
        pad_values=pooling.pad_values,
        reciprocal=(pooling.reciprocal_h_q16, pooling.reciprocal_w_q16),
    )


def average(kernel: int = 1, **parameters: Any) -> Pooling:
    """An average over square windows with the usual reciprocals."""
    reciprocal = reciprocal_q16(kernel)
    usual = {"kernel_h": kernel, "kernel_w": kernel, "reciprocal_h_q16": reciprocal, "reciprocal_w_q16": reciprocal}
    return Pooling(method=PoolingMethod.AVERAGE, **{**usual, **parameters})


def pooled(pooling: Pooling, rows: list[list[int]]) -> list[list[int]]:
    """The output of one channel."""
    cube = np.array([rows], np.int8)
    height, width = pooling.rows.out_size(len(rows)), pooling.columns.out_size(len(rows[0]))
    result: list[list[int]] = pooling.apply(cube, height, width).output[0].tolist()
    return result


# Any legal register value


@settings(max_examples=200, deadline=None)
@given(layer=poolings(), seed=st.integers(0, 2**32 - 1))
def test_pooling_any_registers_equals_plain_integers(layer: tuple[Pooling, int, int], seed: int) -> None:
    pooling, height, width = layer
    cube = cube_of(seed, (2, height, width))
    out_height, out_width = pooling.rows.out_size(height), pooling.columns.out_size(width)
    stages = pooling.apply(cube, out_height, out_width)
    plain = plain_of(pooling)
    outputs = [(oy, ox) for oy in range(out_height) for ox in range(out_width)]
    for found, plane in zip(stages.horizontal.tolist(), cube.tolist(), strict=True):
        assert found == [[plain.row(row, ox) for ox in range(out_width)] for row in plane]
    for found, plane in zip(stages.vertical.tolist(), cube.tolist(), strict=True):
        assert [found[oy][ox] for oy, ox in outputs] == [plain.window(plane, oy, ox) for oy, ox in outputs]
    for found, plane in zip(stages.output.tolist(), cube.tolist(), strict=True):
        assert [found[oy][ox] for oy, ox in outputs] == [plain.output(plane, oy, ox) for oy, ox in outputs]


@pytest.mark.parametrize("reciprocal_w", [2**16, 2**17 - 1, 1, 0x8000, 0xFFFF, 0x1999])
def test_average_every_window_sum_equals_plain_integers(reciprocal_w: int) -> None:
    """Every sum that 15 bits hold, also those that only pad values reach."""
    pooling = average(2, reciprocal_w_q16=reciprocal_w, reciprocal_h_q16=2**17 - 1)
    windows = np.arange(-(2**14), 2**14)
    found = pooling.averages(windows).tolist()
    plain = plain_of(pooling)
    assert found == [plain.average(window) for window in windows.tolist()]


# Where a plausible model goes wrong


def test_rule_1_pad_values_go_by_the_number_of_missing_elements_left_and_right_together() -> None:
    pooling = Pooling(
        method=PoolingMethod.AVERAGE, kernel_h=1, kernel_w=3, pad_left=1, pad_right=1,
        pad_values=(100, 7, 0, 0, 0, 0, 0), reciprocal_h_q16=2**16, reciprocal_w_q16=2**16,
    )  # fmt: skip
    assert pooled(pooling, [[5]]) == [[12]]  # both neighbours are missing: the sum for two
    assert pooled(pooling, [[5, 6]]) == [[111, 111]]  # one on either side


def test_rule_2_a_padded_row_wraps_at_11_bits_before_the_rows_are_added() -> None:
    pooling = average(2, pad_left=1, pad_values=(1000, 0, 0, 0, 0, 0, 0), reciprocal_w_q16=2**16)
    stages = pooling.apply(np.full((1, 2, 1), 30, np.int8), 1, 1)
    assert stages.horizontal.ravel().tolist() == [1030 - 2048] * 2
    assert stages.vertical.item() == 2 * (1030 - 2048)


def test_rule_3_the_pad_value_of_missing_rows_counts_kernel_width_times_in_the_corner_too() -> None:
    pooling = average(2, pad_left=1, pad_top=1, pad_values=(40, 0, 0, 0, 0, 0, 0))
    stages = pooling.apply(np.full((1, 1, 1), 10, np.int8), 1, 1)
    assert stages.vertical.item() == 10 + 40 + 2 * 40


def test_missing_rows_wrap_at_14_bits() -> None:
    pooling = average(2, pad_top=1, pad_values=(5000, 0, 0, 0, 0, 0, 0))
    stages = pooling.apply(np.zeros((1, 1, 2), np.int8), 1, 1)
    assert stages.vertical.item() == 10000 - 2**14


def test_rule_4_ties_round_away_from_zero_twice() -> None:
    assert pooled(average(2), [[1, 0], [0, 0]]) == [[1]]  # 0.5 to 1, and that times 1/2 is a tie again
    assert pooled(average(2), [[-1, 0], [0, 0]]) == [[-1]]
    assert pooled(average(2), [[3, 0], [0, 0]]) == [[1]]  # 1.5 to 2 to 1, where 0.75 in one step is 1 too
    assert pooled(average(2), [[5, 0], [0, 0]]) == [[2]]  # 2.5 to 3 to 2, where 1.25 in one step is 1
    assert pooled(average(2), [[-5, 0], [0, 0]]) == [[-2]]


@pytest.mark.parametrize(
    ("method", "value"), [(PoolingMethod.MAX, -128), (PoolingMethod.MAX, -3), (PoolingMethod.MIN, 127)]
)
def test_rule_5_maximum_and_minimum_ignore_padding(method: PoolingMethod, value: int) -> None:
    pooling = Pooling(
        method=method, kernel_h=3, kernel_w=3, pad_top=2, pad_left=2, pad_bottom=2, pad_right=2, pad_values=(55,) * 7
    )
    assert pooled(pooling, [[value]]) == [[value] * 3] * 3


def test_rule_6_an_average_beyond_the_range_wraps() -> None:
    pooling = average(2, reciprocal_w_q16=2**16, reciprocal_h_q16=0x8000)
    assert pooled(pooling, [[127, 127], [1, 0]]) == [[-128]]  # 127.5
    assert pooled(pooling, [[-128, -128], [-1, 0]]) == [[127]]  # -128.5 rounds to -129


def test_rule_6_a_positive_product_loses_its_upper_bits_before_it_is_rounded() -> None:
    pooling = average(8, reciprocal_w_q16=2**16, reciprocal_h_q16=2**16)
    stages = pooling.apply(np.full((1, 8, 8), 17, np.int8), 1, 1)  # 1088 needs 12 bits: 1088 % 1024 = 64
    assert stages.output.item() == 64
    pooling = average(2, reciprocal_w_q16=2**16, reciprocal_h_q16=2**16)
    assert pooled(pooling, [[100, 100], [0, 0]]) == [[200 % 128]]


def test_width_product_wraps_at_31_bits() -> None:
    pooling = average(8, pad_top=7, pad_values=(0,) * 6 + (1023,), reciprocal_w_q16=2**17 - 1, reciprocal_h_q16=2**16)
    plane = [[127] * 8]
    assert 9200 * (2**17 - 1) > 2**30  # 31 bits signed
    assert pooled(pooling, plane) == [[plain_of(pooling).output(plane, 0, 0)]]
    assert pooling.apply(np.array([plane], np.int8), 1, 1).vertical.item() == 1016 + 8184 == 9200


# What no window can be computed for


def test_pooling_a_layer_with_another_output_size_is_refused() -> None:
    pooling = Pooling(method=PoolingMethod.MAX, kernel_h=2, kernel_w=2, stride_y=2, stride_x=2)
    with pytest.raises(BenchError, match="output height 3, but 2 windows of 2 with stride 2 fit height 5 with"):
        pooling.apply(np.zeros((8, 5, 5), np.int8), 3, 2)
    with pytest.raises(BenchError, match=r"output width 1, but 2 windows"):
        pooling.apply(np.zeros((8, 5, 5), np.int8), 2, 1)
    with pytest.raises(BenchError, match=r"output height 1, but 0 windows of 2"):
        pooling.apply(np.zeros((8, 1, 5), np.int8), 1, 2)


def test_pooling_a_window_of_padding_only_is_refused() -> None:
    pooling = Pooling(method=PoolingMethod.MAX, kernel_h=1, kernel_w=2, pad_left=2)
    with pytest.raises(BenchError, match=r"window 0 along the width of 5 holds nothing but padding \(2 before"):
        pooling.apply(np.zeros((8, 1, 5), np.int8), 1, 6)


@pytest.mark.parametrize("cube", [np.zeros((8, 2, 2), np.uint8), np.zeros((2, 2), np.int8)])
def test_pooling_of_anything_but_an_int8_cube_is_refused(cube: NDArray[Any]) -> None:
    with pytest.raises(BenchError, match="it takes int8"):
        Pooling(method=PoolingMethod.MAX, kernel_h=1, kernel_w=1).apply(cube, 2, 2)


def test_pooling_parameters_beyond_their_bits_are_refused() -> None:
    with pytest.raises(BenchError, match="Pooling: kernel_w = 9"):
        Pooling(method=PoolingMethod.MAX, kernel_h=1, kernel_w=9)
    with pytest.raises(BenchError, match=r"Pooling: pad_values\.6 = 262144"):
        Pooling(method=PoolingMethod.MAX, kernel_h=1, kernel_w=1, pad_values=(0, 0, 0, 0, 0, 0, 2**18))


def test_reciprocals_are_rounded_to_nearest() -> None:
    assert [reciprocal_q16(kernel) for kernel in (1, 2, 3, 6, 7)] == [0x10000, 0x8000, 21845, 10923, 9362]


# Split in width


@st.composite
def splits(draw: st.DrawFn) -> tuple[Pooling, WidthSplit]:
    """A layer and a split of it that section 3 allows."""
    columns, _ = draw(axes())
    rows = Axis("height", 2, 2, 0, 0)
    parts, sx, kw = draw(st.integers(2, 5)), columns.stride, columns.kernel
    first, mid, last = (draw(st.integers(1, 6)) for _ in range(3))
    first += -(-max(0, columns.before + max(0, kw - sx) - kw) // sx)
    in_first = (first - 1) * sx - columns.before + kw
    unused = draw(st.integers(0, max(0, sx - 1)))
    in_last = (last - 1) * sx + kw - columns.after + unused - (kw - sx)
    pooling = pooling_of(
        rows, columns, draw(st.sampled_from(PoolingMethod)), pad_values=(5, 10, 15, 20, 25, 30, 35),
        reciprocal_h_q16=0x8000, reciprocal_w_q16=reciprocal_q16(kw),
    )  # fmt: skip
    split = WidthSplit(
        parts=parts, in_first=max(in_first, 1), in_mid=mid * sx, in_last=max(in_last, 1), out_first=first, out_mid=mid,
        out_last=last,
    )  # fmt: skip
    return pooling, split


def legal(pooling: Pooling, split: WidthSplit) -> bool:
    """Every part keeps P0 and starts inside the cube."""
    try:
        parts = split.cut(pooling)
    except BenchError:
        return False
    return all(part.pooling(pooling).columns.out_size(part.width) == part.out_width for part in parts)


@settings(max_examples=150, deadline=None)
@given(layer=splits().filter(lambda one: legal(*one)), seed=st.integers(0, 2**32 - 1))
def test_split_layer_equals_the_whole_one(layer: tuple[Pooling, WidthSplit], seed: int) -> None:
    pooling, split = layer
    cube = cube_of(seed, (3, 4, split.width))
    whole = pooling.apply(cube, 2, split.out_width)
    in_parts = pool_in_parts(pooling, split, cube, 2)
    assert np.array_equal(in_parts.horizontal, whole.horizontal)
    assert np.array_equal(in_parts.vertical, whole.vertical)
    assert np.array_equal(in_parts.output, whole.output)


def test_split_parts_start_where_the_specification_says() -> None:
    pooling = Pooling(
        method=PoolingMethod.MAX, kernel_h=3, kernel_w=3, stride_y=2, stride_x=2, pad_left=1, pad_right=1, pad_top=1
    )
    split = WidthSplit(parts=3, in_first=64, in_mid=64, in_last=19, out_first=32, out_mid=32, out_last=10)
    first, mid, last = split.cut(pooling)
    assert (first.start_column, first.width, first.pad_left, first.pad_right, first.out_width) == (0, 64, 1, 0, 32)
    assert (mid.start_column, mid.width, mid.pad_left, mid.pad_right) == (64 - 1, 65, 0, 0)
    assert (last.start_column, last.width, last.pad_left, last.pad_right) == (64 + 64 - 1, 20, 0, 1)
    assert (mid.out_column, last.out_column, split.width, split.out_width) == (32, 64, 147, 74)


def test_split_leaves_columns_out_when_the_stride_exceeds_the_kernel() -> None:
    pooling = Pooling(method=PoolingMethod.MAX, kernel_h=1, kernel_w=2, stride_y=1, stride_x=5)
    split = WidthSplit(parts=2, in_first=7, in_last=8, out_first=2, out_last=1)
    assert [(part.start_column, part.width) for part in split.cut(pooling)] == [(0, 7), (10, 5)]


def test_split_part_left_of_the_cube_is_refused() -> None:
    pooling = Pooling(method=PoolingMethod.MAX, kernel_h=1, kernel_w=8, pad_left=7, pad_right=7)
    split = WidthSplit(parts=2, in_first=1, in_last=9, out_first=1, out_last=16)
    with pytest.raises(BenchError, match="part 1 starts at column -6 and has 16 columns"):
        split.cut(pooling)


def test_split_names_the_part_that_cannot_be_pooled() -> None:
    pooling = Pooling(method=PoolingMethod.MAX, kernel_h=1, kernel_w=2, stride_x=2)
    split = WidthSplit(parts=2, in_first=4, in_last=4, out_first=2, out_last=3)
    with pytest.raises(BenchError, match="part 1: Pooling: output width 3, but 2 windows"):
        pool_in_parts(pooling, split, np.zeros((1, 1, 8), np.int8), 1)
    with pytest.raises(BenchError, match="the parts have 8 columns, the cube 9"):
        pool_in_parts(pooling, split, np.zeros((1, 1, 9), np.int8), 1)


def test_line_buffer_columns_follow_the_rows_in_progress() -> None:
    rows_in_progress = {1: 128, 2: 64, 3: 32, 4: 32, 5: 16, 6: 16, 7: 16, 8: 16}
    for kernel in range(2, 9):
        for stride in range(1, 17):
            rows = 1 if stride >= kernel else -(-kernel // stride)
            assert line_buffer_columns(kernel, stride) == rows_in_progress[rows]
    assert line_buffer_columns(1, 1) == 8192
