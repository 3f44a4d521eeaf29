"""Kernels far smaller than the others: a layer always has a program, and its bound holds in exact arithmetic."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nvdla_int8.quantise.layer import QuantisedLayer
from nvdla_int8.seeds import generator
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.command import succeed
from tests.golden.float_convolution import quantise_layer
from tests.golden.onnx_files import conv, write

Reals = NDArray[np.float64]
INPUT, OUTPUT = TensorScale("data", 0.02), TensorScale("conv1", 0.05)


def exact_output(
    weights: list[Fraction], bias: float, data: NDArray[np.int8], scales: tuple[TensorScale, TensorScale], relu: bool
) -> Fraction:
    """One output in steps, from one kernel's real weights on its inputs, clipped to int8."""
    source, target = scales
    inputs = [(int(value) - source.offset) * Fraction(source.scale) for value in data.ravel()]
    real = sum((w * x for w, x in zip(weights, inputs, strict=True)), Fraction(bias))
    steps = (max(real, Fraction(0)) if relu else real) / Fraction(target.scale) + target.offset
    return min(max(steps, Fraction(-128)), Fraction(127))


def check_bounds(layer: QuantisedLayer, weights: Reals, bias: Reals, data: NDArray[np.int8]) -> None:
    program, report = layer.program, layer.report
    assert program.input_scale is not None
    assert program.output_scale is not None
    scales = program.input_scale, program.output_scale
    relu = program.x1.relu or program.x2.relu
    found = program.run(data).output.ravel()
    for kernel in range(len(weights)):
        quantised = [int(q) * Fraction(report.weight_scale[kernel]) for q in program.weights[kernel].ravel()]
        real = [Fraction(w) for w in weights[kernel].ravel().tolist()]
        bound = Fraction(report.bound_lsb[kernel])
        distance = abs(int(found[kernel]) - exact_output(quantised, bias[kernel], data, scales, relu))
        assert distance <= bound, (kernel, float(distance), float(bound))
        distance = abs(int(found[kernel]) - exact_output(real, bias[kernel], data, scales, relu))
        assert distance <= bound + Fraction(report.weight_error_lsb[kernel]), (kernel, float(distance))


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 10**6), kernels=st.integers(1, 6), exponents=st.tuples(st.floats(-12, 3), st.floats(-12, 3)),
    bias_exponent=st.floats(-12, 4), input_offset=st.sampled_from([0, 0, 13, -128, 127]),
    output_offset=st.sampled_from([0, 0, -20, -128, 127]), relu=st.booleans(), per_kernel=st.booleans(),
    zero_kernel=st.booleans(),
)  # fmt: skip
def test_kernels_of_any_size_have_a_program_whose_bound_holds_exactly(
    seed: int, kernels: int, exponents: tuple[float, float], bias_exponent: float, input_offset: int,
    output_offset: int, relu: bool, per_kernel: bool, zero_kernel: bool,
) -> None:  # fmt: skip
    rng = generator("dying kernels", seed)
    sizes = 10 ** rng.uniform(min(exponents), max(exponents), (kernels, 1, 1, 1))
    weights = rng.normal(0, 1, (kernels, 5, 2, 1)) * sizes
    if zero_kernel:
        weights[0] = 0
    bias = rng.normal(0, 1, kernels) * 10 ** rng.uniform(-12, bias_exponent, kernels)
    largest = max(np.abs(weights).max(), np.abs(bias).max() / 1000, 1e-12)
    scales = TensorScale("data", 0.02, input_offset), TensorScale("conv1", largest / 4, output_offset)
    layer = quantise_layer("conv1", weights, bias, *scales, relu=relu, per_kernel=per_kernel)
    data = rng.integers(-128, 128, (5, 2, 1), np.int8)
    check_bounds(layer, weights, bias, data)
    extreme = np.where(layer.program.weights[-1] < 0, -128, 127).astype(np.int8)  # as far as a kernel reaches
    check_bounds(layer, weights, bias, extreme)


@settings(max_examples=100, deadline=None)
@given(exponents=st.lists(st.floats(-12, 3), min_size=1, max_size=5), bias=st.floats(-1e3, 1e3))
def test_kernels_of_any_size_have_a_program_at_fixed_scales(exponents: list[float], bias: float) -> None:
    weights = np.power(10.0, exponents).reshape(-1, 1, 1, 1)
    biases = np.full(len(weights), bias)
    layer = quantise_layer("conv1", weights, biases, INPUT, OUTPUT)
    for value in (-128, -1, 0, 127):
        check_bounds(layer, weights, biases, np.full((1, 1, 1), value, np.int8))


def test_dying_kernel_leaves_the_others_as_they_are() -> None:
    weights, bias = np.array([0.3, 0.1, 1e-12]).reshape(-1, 1, 1, 1), np.array([0.5, -0.5, 1.0])
    alone = quantise_layer("conv1", weights[:2], bias[:2], INPUT, OUTPUT)
    beside = quantise_layer("conv1", weights, bias, INPUT, OUTPUT)
    assert beside.report.raised.tolist() == [False, False, True]
    assert beside.program.x1 == alone.program.x1
    for name in ("weights", "x1_alu", "x1_mul"):
        np.testing.assert_array_equal(getattr(beside.program, name)[:2], getattr(alone.program, name))
    assert beside.program.x1_mul is not None
    assert beside.program.x1_mul[2] >= 1
    assert beside.report.weight_error_lsb[2] < 1e-9
    assert beside.report.bound_lsb[2] < 0.51
    assert beside.program.run(np.full((1, 1, 1), 99, np.int8)).output[2].item() == 20


def test_kernel_just_below_the_multiplier_keeps_some_of_its_weights() -> None:
    """Its multiplier becomes 1, exactly, so that its error is that of its weights alone."""
    weights = np.array([1.0, 2.0**-15.5]).reshape(-1, 1, 1, 1)
    layer = quantise_layer("conv1", weights, np.zeros(2), INPUT, OUTPUT)
    assert layer.report.raised.tolist() == [False, True]
    assert layer.program.x1_mul is not None
    assert layer.program.x1_mul[1] == 1
    assert layer.report.relative_error[1] == pytest.approx(0, abs=1e-15)
    assert 60 < layer.program.weights[1].item() < 127


def test_bias_that_dwarfs_its_kernel_is_kept_and_the_weights_give_way() -> None:
    weights, bias = np.ones((2, 1, 1, 1)), np.array([0.0, 1e9])
    layer = quantise_layer("conv1", weights, bias, TensorScale("data", 1.0), TensorScale("conv1", 1.0))
    assert layer.report.raised.tolist() == [False, True]
    assert layer.report.weight_error_lsb[1] > 1
    check_bounds(layer, weights, bias, np.full((1, 1, 1), 100, np.int8))


def test_program_names_the_kernels_whose_scale_was_raised(tmp_path: Path) -> None:
    weights = np.array([0.5, 1e-12, 0.0]).reshape(3, 1, 1, 1).astype(np.float32)
    network = write(tmp_path, [conv("c", "image", "out")], w=weights)
    table = tmp_path / "t.json"
    table.write_text('{"image": {"scale": 2.01}, "out": {"scale": 1.0}}')
    output = succeed("program", network, "--table", table, "--output", tmp_path / "made")
    assert "layer c: 1 of 3 kernels are too small beside the others, their weight scale was raised: kernel 1;" in output
    kernels = json.loads((tmp_path / "made/report.json").read_text())["layers"]["c"]["kernels"]
    assert [kernel["raised"] for kernel in kernels] == [False, True, False]
    assert kernels[1]["weight_scale"] > 1e-7
    assert 0 < kernels[1]["weight_error_lsb"] < 1e-9
