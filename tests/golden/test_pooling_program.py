"""Pooling programs: windows of every kind against plain numbers, what PDP is given, files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatPooling
from nvdla_int8.network.network import Network
from nvdla_int8.quantise.pooling import quantise_pooling
from nvdla_int8.seeds import generator
from nvdla_int8.stages.any_program import load_program
from nvdla_int8.stages.pooling import Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.unweighted_layers import lrn_program, pooling_program


@st.composite
def programs(draw: st.DrawFn) -> PoolingProgram:
    kernel_h, kernel_w = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    method = draw(st.sampled_from(PoolingMethod))
    window = Pooling(
        method=method, kernel_h=kernel_h, kernel_w=kernel_w,
        stride_y=draw(st.integers(1, 9)), stride_x=draw(st.integers(1, 9)),
        pad_top=draw(st.integers(0, kernel_h - 1)), pad_bottom=draw(st.integers(0, kernel_h - 1)),
        pad_left=draw(st.integers(0, kernel_w - 1)), pad_right=draw(st.integers(0, kernel_w - 1)),
        reciprocal_h_q16=reciprocal_q16(kernel_h), reciprocal_w_q16=reciprocal_q16(kernel_w),
    )  # fmt: skip
    exclude = method is PoolingMethod.AVERAGE and draw(st.booleans())
    return PoolingProgram(name="pool", window=window, ceil=draw(st.booleans()), exclude_padding=exclude)


def plain_size(size: int, kernel: int, stride: int, before: int, after: int, *, ceil: bool) -> int:
    """Windows counted one by one."""
    count, start = 0, -before
    while start + kernel <= size + after or (ceil and start < size and start + kernel - stride < size + after):
        count, start = count + 1, start + stride
    return count


def fits(program: PoolingProgram, height: int, width: int) -> bool:
    try:
        program.out_size(height, width)
    except BenchError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(
    program=programs(), height=st.integers(1, 14), width=st.integers(1, 14), seed=st.integers(0, 999),
    zero=st.sampled_from([0, -128, 7]),
)  # fmt: skip
def test_pooling_any_window_is_within_its_bound_of_real_numbers(
    program: PoolingProgram, height: int, width: int, seed: int, zero: int
) -> None:
    if not fits(program, height, width):
        return
    window = program.window
    factors = 1 / window.kernel_h, 1 / window.kernel_w
    quantised, report = quantise_pooling(FloatPooling(program, ("x",), "y", *factors), TensorScale("t", 0.5, zero))
    rng = np.random.default_rng(seed)
    data = rng.integers(-128, 128, (2, height, width)).astype(np.int8)
    data[1] = rng.choice(np.array([-128, 127], np.int8), (height, width))
    output = quantised.run(data).output
    rows, columns = window.rows, window.columns
    assert output.shape[1:] == tuple(
        plain_size(size, axis.kernel, axis.stride, axis.before, axis.after, ceil=program.ceil)
        for size, axis in ((height, rows), (width, columns))
    )
    for (c, oy, ox), found in np.ndenumerate(output):
        top, left = oy * rows.stride - rows.before, ox * columns.stride - columns.before
        real = data[c, max(top, 0) : top + rows.kernel, max(left, 0) : left + columns.kernel].astype(float)
        if window.method is PoolingMethod.MAX:
            assert found == real.max()
        elif window.method is PoolingMethod.MIN:
            assert found == real.min()
        elif program.exclude_padding:
            assert abs(found - real.mean()) <= report.bound_lsb
        else:
            padding = rows.kernel * columns.kernel - real.size
            assert abs(found - (real.sum() + padding * zero) / (rows.kernel * columns.kernel)) <= report.bound_lsb


@settings(max_examples=150, deadline=None)
@given(program=programs(), height=st.integers(1, 20), width=st.integers(1, 20))
def test_pooling_regions_leave_nothing_unused_and_tile_the_output(
    program: PoolingProgram, height: int, width: int
) -> None:
    if not fits(program, height, width):
        return
    covered = np.zeros(program.out_size(height, width), int)
    for pooling, rows, columns in program.regions(height, width):
        down = slice(rows.out_first, rows.out_first + rows.out_size)
        across = slice(columns.out_first, columns.out_first + columns.out_size)
        covered[down, across] += 1
        for axis, run in ((pooling.rows, rows), (pooling.columns, columns)):
            assert axis.out_size(run.size) == run.out_size  # P0
            assert max(axis.before, axis.after) < axis.kernel  # P1
            assert (run.size + axis.before + axis.after - axis.kernel) % axis.stride == 0  # P2
            assert run.size <= (run.out_size - 1) * axis.stride - axis.before + axis.kernel  # P5, P6
    assert (covered == 1).all()


def test_pooling_batch_equals_image_by_image() -> None:
    window = Pooling(method=PoolingMethod.MAX, kernel_h=3, kernel_w=2, stride_y=2, stride_x=2)
    program = PoolingProgram(name="pool", window=window)
    data = generator("tests", "pooling", "batch").integers(-128, 128, (3, 9, 7, 5), np.int8)
    together = program.run(data)
    assert together.names == ("vertical", "output")
    for index, image in enumerate(data):
        np.testing.assert_array_equal(together.output[index], program.run(image).output)


def test_pooling_padding_as_wide_as_the_window_is_refused() -> None:
    window = Pooling(method=PoolingMethod.MAX, kernel_h=2, kernel_w=2, pad_top=2)
    with pytest.raises(BenchError, match="layer pool: padding 2 and 0 of the height must be less than its windows' 2"):
        PoolingProgram(name="pool", window=window)


def test_pooling_of_an_input_that_no_window_fits_is_refused() -> None:
    program = PoolingProgram(name="pool", window=Pooling(method=PoolingMethod.MAX, kernel_h=3, kernel_w=3))
    with pytest.raises(BenchError, match="layer pool: windows of 3 do not fit height 2 with padding 0 and 0"):
        program.run(np.zeros((1, 2, 5), np.int8))
    with pytest.raises(BenchError, match=r"layer pool: input is uint8 \(1, 5, 5\), it takes int8"):
        program.run(np.zeros((1, 5, 5), np.uint8))


def test_average_that_would_wrap_is_refused() -> None:
    """Reciprocals that give more than the average: all elements at 127 leave int8."""
    window = Pooling(
        method=PoolingMethod.AVERAGE, kernel_h=2, kernel_w=2, reciprocal_h_q16=2**15 + 300, reciprocal_w_q16=2**15
    )
    layer = FloatPooling(PoolingProgram(name="pool", window=window), ("x",), "y", 0.5, 0.5)
    with pytest.raises(BenchError, match="layer pool: a window's sum of -512 becomes an average of -129, which wraps"):
        quantise_pooling(layer, TensorScale("t", 1.0))


@pytest.mark.parametrize("kernel", range(1, 9))
def test_average_of_every_kernel_keeps_the_ends_of_int8(kernel: int) -> None:
    for other in range(1, 9):
        window = Pooling(
            method=PoolingMethod.AVERAGE, kernel_h=kernel, kernel_w=other, reciprocal_h_q16=reciprocal_q16(kernel),
            reciprocal_w_q16=reciprocal_q16(other),
        )  # fmt: skip
        program, _ = quantise_pooling(
            FloatPooling(PoolingProgram(name="pool", window=window), ("x",), "y", 1 / kernel, 1 / other),
            TensorScale("t", 1.0),
        )
        for end in (-128, 127):
            assert program.run(np.full((1, kernel, other), end, np.int8)).output.tolist() == [[[end]]]


def test_network_with_pooling_and_lrn_survives_saving(tmp_path: Path) -> None:
    rng = generator("tests", "saving")
    network = Network.chain((pooling_program(rng, "pool/1"), lrn_program(rng, "norm")))
    network.save(tmp_path / "net")
    assert Network.load(tmp_path / "net") == network
    assert load_program(tmp_path / "net" / "pool_1.json") == network.programs[0]


def test_program_file_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "layer.json"
    path.write_text('{"format": "nvdla-int8 pooling program 1", "name": "pool"}')
    with pytest.raises(BenchError, match=r"layer\.json: PoolingProgram: window is missing"):
        load_program(path)
    path.write_text('{"format": "nvdla-int8 something 1", "name": "pool"}')
    with pytest.raises(BenchError, match=r"layer\.json"):
        load_program(path)
