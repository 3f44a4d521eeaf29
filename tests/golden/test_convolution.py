"""The exact convolution against plain integer arithmetic, and its saturation against a plain loop."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

import nvdla_int8.stages.convolution
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.saturating_sum import saturating_sum


def int64_convolution(x: NDArray[np.int8], weights: NDArray[np.int8], geometry: ConvGeometry) -> NDArray[np.int64]:
    """Plain convolution of (N, C, H, W) in int64, by another route: full windows, then stride."""
    rows, columns = (geometry.pad_top, geometry.pad_bottom), (geometry.pad_left, geometry.pad_right)
    padded = np.pad(x, ((0, 0), (0, 0), rows, columns), constant_values=geometry.pad_value)
    reach = [
        (weights.shape[2] - 1) * geometry.dilation_y + 1,
        (weights.shape[3] - 1) * geometry.dilation_x + 1,
    ]
    windows = sliding_window_view(padded, reach, axis=(2, 3))
    windows = windows[:, :, :: geometry.stride_y, :: geometry.stride_x]
    windows = windows[..., :: geometry.dilation_y, :: geometry.dilation_x]
    result: NDArray[np.int64] = np.einsum("nchwrs,kcrs->nkhw", windows.astype(np.int64), weights.astype(np.int64))
    return result


def add_one_by_one(addends: list[int], width_bits: int) -> tuple[int, bool]:
    total, clipped = 0, False
    for addend in addends:
        total += addend
        kept = max(-(2 ** (width_bits - 1)), min(2 ** (width_bits - 1) - 1, total))
        clipped |= kept != total
        total = kept
    return total, clipped


@st.composite
def cases(draw: st.DrawFn) -> tuple[NDArray[np.int8], NDArray[np.int8], ConvGeometry]:
    def number(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    geometry = ConvGeometry(
        stride_y=number(1, 3),
        stride_x=number(1, 3),
        dilation_y=number(1, 3),
        dilation_x=number(1, 3),
        pad_top=number(0, 3),
        pad_left=number(0, 3),
        pad_bottom=number(0, 3),
        pad_right=number(0, 3),
        pad_value=number(-128, 127),
    )
    kernel_h, kernel_w = number(1, 4), number(1, 4)
    shortest_h = (kernel_h - 1) * geometry.dilation_y + 1 - geometry.pad_top - geometry.pad_bottom
    shortest_w = (kernel_w - 1) * geometry.dilation_x + 1 - geometry.pad_left - geometry.pad_right
    in_h, in_w = max(1, shortest_h) + number(0, 6), max(1, shortest_w) + number(0, 40)
    channels = number(1, 20)
    rng = generator("convolution", number(0, 2**32 - 1))
    low, high = draw(st.sampled_from([(-128, 128), (-128, -127), (127, 128)]))
    x = rng.integers(low, high, (number(1, 3), channels, in_h, in_w), np.int8)
    weights = rng.integers(low, high, (number(1, 9), channels, kernel_h, kernel_w), np.int8)
    return x, weights, geometry


@settings(max_examples=150, deadline=None)
@given(case=cases(), tile_elements=st.sampled_from([1, 200, 3000, 2**22]))
def test_convolve_any_shape_and_tiling_equals_int64(
    case: tuple[NDArray[np.int8], NDArray[np.int8], ConvGeometry], tile_elements: int
) -> None:
    x, weights, geometry = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nvdla_int8.stages.convolution, "TILE_ELEMENTS", tile_elements)
        value, saturated = convolve(x, weights, geometry)
    expected = int64_convolution(x, weights, geometry)
    assert value.dtype == np.int64
    assert not saturated.any()
    np.testing.assert_array_equal(value, expected)
    assert value.shape[2:] == geometry.output_size(*x.shape[2:], *weights.shape[2:])


def test_convolve_without_batch_drops_the_batch_dimension() -> None:
    rng = generator("convolution", "no batch")
    x, weights = rng.integers(-128, 128, (5, 6, 7), np.int8), rng.integers(-128, 128, (4, 5, 3, 3), np.int8)
    value, saturated = convolve(x, weights, ConvGeometry())
    assert value.shape == saturated.shape == (4, 4, 5)
    np.testing.assert_array_equal(value, int64_convolution(x[np.newaxis], weights, ConvGeometry())[0])


@pytest.mark.parametrize(
    ("channels", "kernel_h", "kernel_w"),
    [(1024, 1, 1), (1025, 1, 1), (2048, 3, 3), (2, 40, 40), (131_073, 1, 1), (16_385, 3, 3)],
)
def test_convolve_largest_products_stay_exact(channels: int, kernel_h: int, kernel_w: int) -> None:
    """Every product is 2^14: float32 alone rounds from 1,025 taps on, int32 wraps from 2^17 on."""
    x = np.full((channels, kernel_h + 1, kernel_w + 2), -128, np.int8)
    weights = np.full((3, channels, kernel_h, kernel_w), -128, np.int8)
    weights[1] = 127
    weights[2, -1] = -127  # odd sums, which a rounded float32 cannot hold beyond 2^24
    x[-1, :, -1] = 127
    value, saturated = convolve(x, weights, ConvGeometry())
    assert not saturated.any()
    np.testing.assert_array_equal(value, int64_convolution(x[np.newaxis], weights, ConvGeometry())[0])


@settings(max_examples=200, deadline=None)
@given(
    lists=st.integers(1, 40).flatmap(
        lambda length: st.lists(st.lists(st.integers(-9, 9), min_size=length, max_size=length), min_size=1, max_size=6)
    ),
    width_bits=st.integers(3, 6),
)
def test_saturating_sum_narrow_width_equals_a_loop(lists: list[list[int]], width_bits: int) -> None:
    value, saturated = saturating_sum(np.array(lists, np.int64).T, width_bits)
    assert list(zip(value.tolist(), saturated.tolist(), strict=True)) == [
        add_one_by_one(addends, width_bits) for addends in lists
    ]


def test_saturating_sum_touching_the_limits_is_not_saturation() -> None:
    value, saturated = saturating_sum(np.array([[7, -8, 7, -8], [0, 0, 1, -1]], np.int64), 4)
    assert value.tolist() == [7, -8, 7, -8]
    assert saturated.tolist() == [False, False, True, True]


@pytest.mark.parametrize("atomic_c", [1, 3, 8])
def test_convolve_narrow_accumulator_follows_hardware_order(monkeypatch: pytest.MonkeyPatch, atomic_c: int) -> None:
    """With 17 bits nearly every order of additions gives another result: only the right one passes."""
    monkeypatch.setattr(nvdla_int8.stages.convolution, "ACCUMULATOR_BITS", 17)
    monkeypatch.setattr(nvdla_int8.stages.convolution, "TILE_ELEMENTS", 500)
    rng = generator("convolution", "order", atomic_c)
    x = rng.integers(-128, 128, (2, 10, 4, 5), np.int8)
    weights = rng.integers(-128, 128, (11, 10, 2, 3), np.int8)
    weights[4] = weights[4].clip(-1, 1)  # cannot saturate: must keep its plain sum
    geometry = ConvGeometry(stride_x=2, pad_left=1, pad_bottom=1, pad_value=-128)
    value, saturated = convolve(x, weights, geometry, atomic_c=atomic_c)
    padded = np.pad(x, ((0, 0), (0, 0), (0, 1), (1, 0)), constant_values=-128).astype(int)
    for image, kernel, oy, ox in np.ndindex(value.shape):
        products = padded[image, :, oy : oy + 2, 2 * ox : 2 * ox + 3] * weights[kernel]
        atoms = [
            int(products[first : first + atomic_c, r, s].sum())
            for first in range(0, 10, atomic_c)
            for r in range(2)
            for s in range(3)
        ]
        found = int(value[image, kernel, oy, ox]), bool(saturated[image, kernel, oy, ox])
        assert found == add_one_by_one(atoms, 17)
    assert 0.1 < saturated.mean() < 0.9
    assert not saturated[:, 4].any()


def test_convolve_real_34_bits_saturate_on_both_sides() -> None:
    channels = 2**19 + 80  # 2^19 products of 2^14 make 2^33, one more than the accumulator holds
    x = np.full((channels, 1, 2), -128, np.int8)
    x[-8:, 0, 1] = 127  # the second pixel comes back from the limit in its last atom
    weights = np.full((4, channels, 1, 1), -128, np.int8)
    weights[1] = 127
    weights[1, -80:] = 0  # 2^19 * 128 * 127 stays inside
    weights[2, ::2] = 127  # nothing saturates where signs alternate
    weights[3, 2**19 - 1 :] = 0  # 2^33 - 2^14: the largest kernel that fits
    value, saturated = convolve(x, weights, ConvGeometry())
    back = -8 * 128 * 127
    assert value[0, 0].tolist() == [2**33 - 1, 2**33 - 1 + back]
    assert saturated[0, 0].tolist() == [True, True]
    assert not saturated[1:].any()
    np.testing.assert_array_equal(value[1:], int64_convolution(x[np.newaxis], weights[1:], ConvGeometry())[0])

    negative, clipped = convolve(
        np.full((2**19 + 2**13, 1, 1), -128, np.int8),
        np.full((1, 2**19 + 2**13, 1, 1), 127, np.int8),
        ConvGeometry(),
    )
    assert (negative.item(), clipped.item()) == (-(2**33), True)


def test_convolve_one_beyond_the_largest_accumulator_saturates() -> None:
    full = np.full((1, 2**19, 1, 1), -128, np.int8)
    value, saturated = convolve(full, full, ConvGeometry())
    assert (value.item(), saturated.item()) == (2**33 - 1, True)


@pytest.mark.parametrize(("kernels", "channels", "kernel"), [(4, 256, 3), (1024, 8, 1)])
def test_convolve_large_layer_memory_stays_bounded(kernels: int, channels: int, kernel: int) -> None:
    """Whole, the im2col of the first and the float32 sums of the second layer would take 92 and 41 MB."""
    x = np.ones((channels, 102, 102), np.int8)
    weights = np.ones((kernels, channels, kernel, kernel), np.int8)
    tracemalloc.start()
    value, _ = convolve(x, weights, ConvGeometry())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    results_bytes = value.size * 9
    padded_bytes = x.size * 4
    assert peak < results_bytes + padded_bytes + 2.5 * nvdla_int8.stages.convolution.TILE_ELEMENTS * 4


INT8_INPUT, INT8_WEIGHTS = np.zeros((4, 5, 5), np.int8), np.zeros((2, 4, 3, 3), np.int8)


@pytest.mark.parametrize(
    ("x", "weights", "atomic_c", "words"),
    [
        (INT8_INPUT.astype(np.uint8), INT8_WEIGHTS, 8, ["input", "uint8"]),
        (INT8_INPUT, INT8_WEIGHTS.astype(np.int16), 8, ["weights", "int16"]),
        (INT8_INPUT[:3], INT8_WEIGHTS, 8, ["(3, 5, 5)", "(2, 4, 3, 3)"]),
        (INT8_INPUT[0], INT8_WEIGHTS, 8, ["input", "(5, 5)"]),
        (INT8_INPUT, INT8_WEIGHTS[0], 8, ["weights", "(4, 3, 3)"]),
        (INT8_INPUT[:, :0], INT8_WEIGHTS, 8, ["input", "(4, 0, 5)"]),
        (INT8_INPUT[:, :2], INT8_WEIGHTS, 8, ["3x3", "2x5"]),
        (INT8_INPUT, INT8_WEIGHTS, 0, ["atomic_c = 0"]),
    ],
)
def test_convolve_bad_arrays_are_named_in_one_line(
    x: NDArray[Any], weights: NDArray[Any], atomic_c: int, words: list[str]
) -> None:
    with pytest.raises(BenchError) as caught:
        convolve(x, weights, ConvGeometry(), atomic_c=atomic_c)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(("field", "bad"), [("stride_y", 0), ("dilation_x", 0), ("pad_left", -1), ("pad_value", 128)])
def test_geometry_out_of_range_names_the_field(field: str, bad: int) -> None:
    with pytest.raises(BenchError, match=f"{field} = {bad}"):
        ConvGeometry(**{field: bad})
