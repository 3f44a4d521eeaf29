"""Real numbers to layer programs: the bound on every output byte, and what cannot be represented."""

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.factor import shared_shift_factor
from nvdla_int8.quantise.input import quantise_input
from nvdla_int8.quantise.layer import QuantisedLayer
from nvdla_int8.quantise.rounding import dequantise, quantise, round_to_nearest
from nvdla_int8.quantise.weights import quantise_weights, symmetric_scales
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.sdp import OutputConverter
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import CVT_OFFSET
from tests.golden.float_convolution import quantise_layer

Reals = NDArray[np.float64]
INPUT, OUTPUT = TensorScale("data", 0.02), TensorScale("conv1", 0.05)
SLACK = 1e-6


def weights_of(*kernels: float) -> Reals:
    """One 1x1 kernel over one channel for each number."""
    return np.array(kernels).reshape(-1, 1, 1, 1)


def random_weights(rng: np.random.Generator, kernels: int, spread: float) -> Reals:
    """(K, 3, 3, 3) reals; the kernels' sizes are up to 10**spread apart."""
    return rng.normal(0, 1, (kernels, 3, 3, 3)) * 10 ** rng.uniform(-spread, 0, (kernels, 1, 1, 1))


def real_output(
    layer: QuantisedLayer, weights: Reals, bias: Reals, data: NDArray[np.int8], *, relu: bool, per_kernel: bool
) -> Reals:
    """The layer in real numbers on the quantised input and weights, in output steps, clipped to int8."""
    program, geometry = layer.program, layer.program.geometry
    assert program.input_scale is not None
    assert program.output_scale is not None
    real_weights = program.weights * layer.report.weight_scale[:, None, None, None]
    rows, columns = (geometry.pad_top, geometry.pad_bottom), (geometry.pad_left, geometry.pad_right)
    reals = np.pad(dequantise(data, program.input_scale).astype(np.float64), ((0, 0), rows, columns))
    out_h, out_w = geometry.output_size(*data.shape[1:], *weights.shape[2:])
    result = np.empty((len(weights), out_h, out_w))
    for oy, ox in itertools.product(range(out_h), range(out_w)):
        window = reals[:, oy : oy + weights.shape[2], ox : ox + weights.shape[3]]
        result[:, oy, ox] = np.tensordot(real_weights, window, 3) + bias
    if relu:
        result = np.maximum(result, 0)
    return np.asarray((result / program.output_scale.scale + program.output_scale.offset).clip(-128, 127))


# --- the bound


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6), kernels=st.integers(1, 6), spread=st.sampled_from([0.0, 1.0, 3.0]),
    output_range=st.floats(0.01, 300.0), bias_size=st.sampled_from([0.0, 0.1, 3.0, 100.0]),
    input_offset=st.sampled_from([0, 0, 13, -128, 127]), output_offset=st.sampled_from([0, 0, -20, -128, 127]),
    relu=st.booleans(), per_kernel=st.booleans(), zero_kernel=st.booleans(),
)  # fmt: skip
def test_quantise_layer_every_byte_is_within_the_reported_bound(
    seed: int, kernels: int, spread: float, output_range: float, bias_size: float, input_offset: int,
    output_offset: int, relu: bool, per_kernel: bool, zero_kernel: bool,
) -> None:  # fmt: skip
    rng = generator("quantise", seed)
    weights = random_weights(rng, kernels, spread)
    if zero_kernel:
        weights[0] = 0
    bias = rng.normal(0, bias_size, kernels)
    scales = TensorScale("data", 0.02, input_offset), TensorScale("conv1", output_range / 127, output_offset)
    geometry = ConvGeometry(pad_top=1, pad_left=1, pad_right=1)
    try:
        layer = quantise_layer("conv1", weights, bias, *scales, geometry=geometry, relu=relu, per_kernel=per_kernel)
    except BenchError as error:
        assume("ratio" not in str(error))  # spread too far for one shift: not this test's concern
        raise
    data = rng.integers(-128, 128, (3, 6, 6), np.int8)
    data[:, :3, :3] = np.where(layer.program.weights[0] < 0, -128, 127)  # as far as a kernel reaches
    expected = real_output(layer, weights, bias, data, relu=relu, per_kernel=per_kernel)
    distance = np.abs(layer.program.run(data).output - expected)
    assert (distance <= layer.report.bound_lsb[:, None, None] + SLACK).all(), distance.max()


@pytest.mark.parametrize("per_kernel", [True, False])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("number", range(5))
def test_bound_of_an_ordinary_layer_is_little_more_than_the_last_rounding(
    number: int, per_kernel: bool, relu: bool
) -> None:
    rng = generator("quantise", "ordinary", number)
    weights, bias = random_weights(rng, 16, 0.5) / 5, rng.normal(0, 0.3, 16)
    layer = quantise_layer("conv1", weights, bias, INPUT, OUTPUT, relu=relu, per_kernel=per_kernel)
    assert (layer.report.bound_lsb > 0.49).all()
    assert (layer.report.bound_lsb < 0.51).all()
    assert (np.abs(layer.report.relative_error) < 2**-14).all()


def test_bound_is_nearly_reached() -> None:
    """With a wrongly small bound the property test could not fail; half a step does occur."""
    scales = TensorScale("data", 0.5), TensorScale("c", 127.0)
    layer = quantise_layer("conv1", weights_of(127.0), np.zeros(1), *scales, weight_scale=1.0)
    data = np.arange(-128, 128).astype(np.int8).reshape(1, 1, -1)
    real = data * 0.5
    errors = np.abs(layer.program.run(data).output - real)
    assert errors.max() == 0.5 <= layer.report.bound_lsb[0]


@pytest.mark.parametrize("kept", [False, True])
def test_small_kernel_beside_a_large_one_is_as_exact(kept: bool) -> None:
    """With one multiplier kernel 0's would have one or two bits; with 64 taps it still reaches many output steps."""
    weights = np.ones((2, 64, 1, 1))
    weights[1] = 12_000
    output = TensorScale("conv1", 1 / 127 / 1e-4)  # ratio 1e-4 and 1.2
    weight_scale = np.array([1.0, 12_000]) / 127 if kept else None
    layer = quantise_layer("conv1", weights, np.zeros(2), TensorScale("data", 1.0), output, weight_scale=weight_scale)
    assert layer.report.bound_lsb.max() < 0.51
    assert layer.program.x2.reads_mul
    assert layer.report.weight_error_lsb.max() < 1
    real = 64 * 100 * 127 * 1e-4
    distance = abs(layer.program.run(np.full((64, 1, 1), 100, np.int8)).output[0].item() - real)
    assert distance <= layer.report.bound_lsb[0]


def test_bound_covers_an_output_zero_point_between_two_steps() -> None:
    """Per tensor the zero point is counted in accumulators: here 50 / 20 = 2.5 of them."""
    output = TensorScale("conv1", 1 / 20, -50)
    layer = quantise_layer("conv1", weights_of(127.0), np.zeros(1), TensorScale("data", 1.0), output, per_kernel=False)
    distance = abs(layer.program.run(np.zeros((1, 1, 1), np.int8)).output.item() + 50)
    assert 5 < distance <= layer.report.bound_lsb[0]


def test_report_relative_error_is_that_of_the_programmed_factor() -> None:
    scales = np.array([0.3, 0.001]) / 127
    layer = quantise_layer("conv1", weights_of(0.3, 0.001), np.zeros(2), INPUT, OUTPUT, weight_scale=scales)
    ratio = 0.02 * scales / 0.05
    np.testing.assert_allclose(layer.report.ratio, ratio, rtol=1e-12)
    assert layer.program.x1_mul is not None
    programmed = layer.program.x1_mul / 2.0**layer.program.x1.mul_shift_bits
    np.testing.assert_allclose(layer.report.relative_error, (programmed - ratio) / ratio, rtol=1e-6)


def test_factor_goes_to_x1_per_kernel_and_to_the_output_converter_per_tensor() -> None:
    weights, bias = weights_of(0.3, 0.1), np.array([0.5, -0.5])
    per_kernel = quantise_layer("conv1", weights, bias, INPUT, OUTPUT).program
    assert per_kernel.output_converter == OutputConverter()
    assert per_kernel.x1.reads_mul
    assert per_kernel.weights.ravel().tolist() == [127, 127]
    per_tensor = quantise_layer("conv1", weights, bias, INPUT, OUTPUT, per_kernel=False).program
    assert not per_tensor.x1.reads_mul
    assert per_tensor.weights.ravel().tolist() == [127, 42]
    converter = per_tensor.output_converter
    assert converter.scale / 2**converter.shift_bits == pytest.approx(0.02 * 0.3 / 127 / 0.05, rel=2**-14)
    assert 2**14 <= converter.scale < 2**15, "the multiplier uses all of its 16 bits"


def test_padding_is_the_inputs_zero_point() -> None:
    geometry = ConvGeometry(pad_top=1)
    layer = quantise_layer(
        "conv1", np.ones((1, 1, 2, 1)), np.zeros(1), TensorScale("data", 0.1, -7), OUTPUT, geometry=geometry
    )
    assert layer.program.geometry == ConvGeometry(pad_top=1, pad_value=-7)


def test_zero_bias_stays_exact() -> None:
    layer = quantise_layer("conv1", weights_of(0.3, 0.1), np.zeros(2), INPUT, OUTPUT)
    assert layer.program.x1_alu is not None
    assert not layer.program.x1_alu.any()
    assert layer.report.bias_error_lsb.tolist() == [0, 0]


@pytest.mark.parametrize("per_kernel", [True, False])
@pytest.mark.parametrize("kernels", [(0.0,), (0.0, 0.5), (0.5, 0.0, 2.0)])
def test_all_zero_kernel_gives_its_bias(kernels: tuple[float, ...], per_kernel: bool) -> None:
    bias = np.full(len(kernels), 2.0)
    layer = quantise_layer("conv1", weights_of(*kernels), bias, INPUT, OUTPUT, per_kernel=per_kernel)
    zero = kernels.index(0.0)
    assert layer.program.run(np.full((1, 1, 1), 99, np.int8)).output[zero].item() == 40
    assert layer.report.bound_lsb[zero] < 1


# --- what cannot be represented


@pytest.mark.parametrize(
    ("weights", "bias", "scales", "per_kernel", "words"),
    [
        (weights_of(1.0, 1e6), [0, 0], (1.0, 0.001), True, ["kernel 1", "ratio 7874015.75", "too large"]),
        (weights_of(1e6), [0], (1.0, 0.001), False, ["kernel 0", "ratio 7874015.75", "too large"]),
        (weights_of(1.0), [0], (1e-320, 1.0), True, ["kernel 0", "ratio 7.9", "no multiplier at any weight scale"]),
        (weights_of(1e300), [0], (1e300, 1.0), True, ["kernel 0", "ratio inf", "finite"]),
        (weights_of(1.0, 1.0), [0, 1e300], (1.0, 1.0), True, ["kernel", "ratio 4.6", "too large"]),
        (weights_of(1.0, np.nan), [0, 0], (1.0, 1.0), True, ["kernel 1", "weight nan"]),
        (weights_of(-np.inf), [0], (1.0, 1.0), False, ["kernel 0", "weight -inf"]),
        (weights_of(1.0, 1.0), [0, np.inf], (1.0, 1.0), True, ["kernel 1", "bias inf"]),
        (weights_of(1.0, 1.0), [0], (1.0, 1.0), True, ["bias", "(1,)", "(2,)"]),
        (np.ones((2, 1, 1)), [0, 0], (1.0, 1.0), True, ["weights", "(2, 1, 1)"]),
        (np.ones((0, 1, 1, 1)), [], (1.0, 1.0), True, ["weights", "(0, 1, 1, 1)"]),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:divide by zero", "ignore:invalid value")
def test_layer_that_cannot_be_represented_names_layer_kernel_and_value(
    weights: Reals, bias: list[float], scales: tuple[float, float], per_kernel: bool, words: list[str]
) -> None:
    tensors = TensorScale("data", scales[0]), TensorScale("conv1", scales[1])
    with pytest.raises(BenchError) as caught:
        quantise_layer("res2a", weights, np.array(bias), *tensors, per_kernel=per_kernel)
    message = str(caught.value)
    assert message.startswith("layer res2a: ")
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_accumulators_beyond_32_bits_are_refused() -> None:
    """X1's shift of 0 would clip them, which the bound does not allow for."""
    weights = np.ones((1, 133_000, 1, 1))
    tensors = TensorScale("data", 1.0), TensorScale("conv1", 2.0**26 / 127)
    for per_kernel in (True, False):
        with pytest.raises(BenchError, match=r"layer conv1: kernel 0: accumulators .* 32 bits, ratio "):
            quantise_layer("conv1", weights, np.zeros(1), *tensors, per_kernel=per_kernel)
        quantise_layer("conv1", weights[:, 1000:], np.zeros(1), *tensors, per_kernel=per_kernel)


def test_bias_up_to_the_end_of_32_bits_is_programmed_with_a_shift_of_16() -> None:
    tensors = TensorScale("data", 1.0), TensorScale("conv1", 2.0**26 / 127)
    layer = quantise_layer("conv1", weights_of(127.0), np.array([1.5 * 2**30]), *tensors)
    operands = layer.program.x1_alu
    assert operands is not None
    assert (operands.tolist(), layer.program.x1.alu_shift_bits) == ([24576], 16)


def test_output_zero_point_beyond_32_bits_is_refused_per_tensor_only() -> None:
    weights, tensors = weights_of(1e-6), (TensorScale("data", 1e-5), TensorScale("conv1", 1.0, 100))
    with pytest.raises(BenchError, match=r"layer conv1: kernel 0: ratio .*zero point 100 .* 32 bits"):
        quantise_layer("conv1", weights, np.zeros(1), *tensors, per_kernel=False)
    assert quantise_layer("conv1", weights, np.zeros(1), *tensors).program.output_converter.offset == -100


@settings(max_examples=150, deadline=None)
@given(exponents=st.lists(st.floats(-30, 14.9), min_size=1, max_size=6))
def test_shared_shift_factor_is_nearest_at_the_longest_shift_that_fits(exponents: list[float]) -> None:
    factors = np.exp2(exponents)
    try:
        factor = shared_shift_factor(factors, longest_shift_bits=48)
    except BenchError:
        assert max(exponents) - min(exponents) > 14
        return
    np.testing.assert_array_less(np.abs(factor.reals - factors), 0.5000001 / 2**factor.shift_bits)
    assert factor.shift_bits == 48 or np.floor(factors.max() * 2 ** (factor.shift_bits + 1) + 0.5) > 2**15 - 1
    assert factor.multipliers.min() > 0


# --- rounding


def half_away(value: float) -> int:
    """The nearest integer, ties away from zero, in exact arithmetic."""
    exact = Fraction(value)
    return int(exact + Fraction(1, 2) if exact >= 0 else exact - Fraction(1, 2))


@given(st.floats(-(2.0**62), 2.0**62) | st.integers(-(2**53), 2**53).map(lambda twice: twice / 2))
@example(0.49999999999999994)
@example(-0.49999999999999994)
@example(2.0**52 + 1)
@example(-(2.0**52) - 1)
@example(2.0**51 + 0.5)
@example(2.0**53 - 1)
@example(0.5)
@example(-2.5)
def test_round_to_nearest_is_exact_for_every_double(value: float) -> None:
    assert int(round_to_nearest(np.array([value]))[0]) == half_away(value)


def test_round_to_nearest_leaves_infinity_alone() -> None:
    assert round_to_nearest(np.array([np.inf, -np.inf])).tolist() == [np.inf, -np.inf]


# --- tensors


@settings(max_examples=60, deadline=None)
@given(scale=st.floats(1e-6, 1e6), offset=st.integers(-128, 127))
def test_dequantise_then_quantise_returns_every_int8(scale: float, offset: int) -> None:
    every = np.arange(-128, 128).astype(np.int8)
    tensor = TensorScale("t", scale, offset)
    np.testing.assert_array_equal(quantise(dequantise(every, tensor), tensor), every)


def test_quantise_rounds_half_away_and_ends_at_the_range() -> None:
    tensor = TensorScale("t", 2.0, 3)
    found = quantise(np.array([1.0, -1.0, 0.9, 1e9, -1e9, np.inf]), tensor)
    assert found.tolist() == [4, 2, 3, 127, -128, 127]


def test_quantise_nan_names_the_tensor() -> None:
    with pytest.raises(BenchError, match=r"layer 'pool1': .*NaN"):
        quantise(np.array([1.0, np.nan]), TensorScale("pool1", 1.0))


@pytest.mark.parametrize(
    ("per_kernel", "steps", "largest"), [(True, [-127, 127], [2, 0.5]), (False, [-127, 32], [2, 2])]
)
def test_quantise_weights_largest_is_127_in_each_kernel_or_once(
    per_kernel: bool, steps: list[int], largest: list[float]
) -> None:
    weights = weights_of(-2.0, 0.5)
    scales = symmetric_scales(weights, per_kernel=per_kernel)
    np.testing.assert_allclose(scales, np.array(largest) / 127)
    assert quantise_weights(weights, scales).ravel().tolist() == steps


# --- the input


@settings(max_examples=100, deadline=None)
@given(
    mean=st.lists(st.floats(-50, 300), min_size=1, max_size=4), scale=st.floats(1e-4, 0.5),
    step=st.floats(1e-3, 0.1), offset=st.sampled_from([0, 5, -128, 127]),
)  # fmt: skip
def test_quantise_input_every_pixel_is_within_the_bound(
    mean: list[float], scale: float, step: float, offset: int
) -> None:
    assume(abs(offset) * step / scale < 2**15 - 400)  # the mean, moved by the zero point, has 16 bits
    program = quantise_input(np.array(mean), scale, TensorScale("data", step, offset))
    pixels = np.tile(np.arange(256).astype(np.uint8), (len(mean), 1, 1))
    real = ((pixels - np.array(mean)[:, None, None]) * scale / step + offset).clip(-128, 127)
    error = np.abs(program.converter.apply(pixels).value - real).max()
    assert error <= program.bound_lsb + SLACK


def test_quantise_input_integer_mean_costs_little() -> None:
    program = quantise_input(np.array([78.0]), 0.0104, TensorScale("data", 0.0145))
    assert program.converter.mean == (78,)
    assert 0.49 < program.bound_lsb < 0.51


def test_quantise_input_of_pixels_that_are_the_tensors_steps_is_exact() -> None:
    assert quantise_input(np.array([128.0]), 1 / 128, TensorScale("data", 1 / 128)).bound_lsb < 1e-9


@pytest.mark.parametrize(
    ("mean", "scale", "words"),
    [
        ([0.0, 40000.0], 1.0, ["mean 40000", "channel 1", "16 bits"]),
        ([np.nan], 1.0, ["mean nan", "channel 0"]),
        ([0.0] * 5, 1.0, ["mean", "5", "4"]),
        ([0.0], 0.0, ["scale = 0.0", "not 0"]),
        ([0.0], np.nan, ["scale = nan", "finite"]),
        ([0.0], 1e6, ["pixel ratio 1000000", "too large"]),
        ([0.0], 1e-310, ["pixel ratio 1e-310", "multiplier 0"]),
    ],
)
def test_quantise_input_that_does_not_fit_names_tensor_and_value(
    mean: list[float], scale: float, words: list[str]
) -> None:
    with pytest.raises(BenchError) as caught:
        quantise_input(np.array(mean), scale, TensorScale("data", 1.0))
    message = str(caught.value)
    assert message.startswith("layer data: ")
    assert all(word in message for word in words), message


@pytest.mark.parametrize(("mean", "fits"), [(2**15 - 1, True), (2**15, False), (-(2**15), True), (-(2**15) - 1, False)])
def test_quantise_input_mean_has_the_width_of_the_offset_registers(mean: int, fits: bool) -> None:
    if fits:
        assert quantise_input(np.array([float(mean)]), 1.0, TensorScale("data", 1.0)).converter.mean == (mean,)
    else:
        with pytest.raises(BenchError, match=f"mean {mean} of channel 0 does not fit {CVT_OFFSET} bits"):
            quantise_input(np.array([float(mean)]), 1.0, TensorScale("data", 1.0))


def test_quantise_input_leaves_the_callers_mean_alone() -> None:
    mean: Any = np.array([10.0, 20.0])
    quantise_input(mean, 1.0, TensorScale("data", 1.0, 5))
    assert mean.tolist() == [10.0, 20.0]
