"""Convolutions with addends and slopes, layers of SDP alone: whole runs, the search's gains, refusals by name."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import Activation, FloatConvolution, FloatElementwise
from nvdla_int8.quantise.elementwise import quantise_elementwise
from nvdla_int8.quantise.layer import quantise_convolution
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.adversary import convolution_kernels
from tests.golden.compiled import assert_right

Reals = NDArray[np.float64]
X, Y, ADDEND = TensorScale("x", 0.02), TensorScale("y", 0.05), TensorScale("shortcut", 0.03)


def convolution(
    weights: Reals, *, addend: bool = False, activation: Activation | None = None, factor: float = 1.0,
    weight_scale: Reals | None = None, bias: Reals | None = None,
) -> FloatConvolution:  # fmt: skip
    return FloatConvolution(
        "res2a", ("x", "shortcut") if addend else ("x",), "y", weights,
        np.zeros(len(weights)) if bias is None else bias, ConvGeometry(), activation or Activation(), factor,
        weight_scale,
    )  # fmt: skip


def elementwise(
    factors: list[float], *, addend: bool = False, bias: list[float] | None = None, factor: float = 1.0,
    operation: AluAlgo = AluAlgo.SUM, activation: Activation | None = None,
) -> FloatElementwise:  # fmt: skip
    return FloatElementwise(
        "add", ("x", "shortcut") if addend else ("x",), "y", np.array(factors),
        np.zeros(len(factors)) if bias is None else np.array(bias), operation, factor, activation or Activation(),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("per_kernel", [True, False])
def test_residual_every_byte_of_a_run_is_within_the_bound(seed: int, per_kernel: bool) -> None:
    rng = generator("layer kinds", seed)
    slope = Activation(slopes=np.array([0.1])) if seed % 3 == 2 else Activation(relu=seed % 3 == 1)
    layer = convolution(rng.normal(0, 0.2, (5, 4, 3, 3)), addend=True, activation=slope, bias=rng.normal(0, 1, 5))
    scales = [TensorScale(one.name, one.scale, int(rng.integers(-20, 20))) for one in (X, Y, ADDEND)]
    made = quantise_convolution(layer, *scales[:2], addend_scale=scales[2], per_kernel=per_kernel)
    x, addend = rng.integers(-128, 128, (4, 5, 5), np.int8), rng.integers(-128, 128, (5, 3, 3), np.int8)
    stages = made.program.run(x, addend)
    for number, kernel in enumerate(convolution_kernels(layer, made)):
        bound = Fraction(float(made.report.bound_lsb[number]))
        assert bound < 0.52
        cells = zip(
            stages.accumulators[number].ravel(), addend[number].ravel(), stages.output[number].ravel(), strict=True
        )
        for accumulator, other, found in cells:
            assert abs(int(found) - kernel.output(int(accumulator), int(other))) <= bound


@pytest.mark.parametrize("scale", [0.0317, 0.0123, 0.0571])
def test_residual_of_kernels_that_are_alike_raises_none(scale: float) -> None:
    layer = convolution(generator("layer kinds", "alike").normal(0, 0.2, (64, 4, 3, 3)), addend=True)
    made = quantise_convolution(layer, X, Y, addend_scale=TensorScale("shortcut", scale))
    assert not made.report.raised.any()


def test_addition_of_equal_scales_is_exact() -> None:
    made = quantise_elementwise(elementwise([1.0] * 8, addend=True), X, X, addend_scale=X)
    x, addend = (generator("layer kinds", name).integers(-128, 128, (8, 4, 4), np.int8) for name in ("x", "addend"))
    expected = np.clip(x.astype(int) + addend, -128, 127)
    np.testing.assert_array_equal(made.program.run(x, addend).output, expected)
    assert made.report.bound_lsb.max() < 1e-9
    assert (made.program.x1_mul, made.program.x1_alu) == (None, None), "one register does for all channels"


def test_lone_relu_is_exact() -> None:
    made = quantise_elementwise(elementwise([1.0] * 8, activation=Activation(relu=True)), X, X)
    x = np.arange(-128, 128).astype(np.int8).reshape(8, 4, 8)
    np.testing.assert_array_equal(made.program.run(x).output, np.maximum(x, 0))
    assert made.report.bound_lsb.max() < 1e-9


def test_subtraction_turns_the_output_converter_over() -> None:
    made = quantise_elementwise(elementwise([1.0], addend=True, factor=-1.0), X, X, addend_scale=X)
    assert made.program.output_converter.scale < 0
    x, addend = np.full((1, 1, 1), 50, np.int8), np.full((1, 1, 1), 20, np.int8)
    assert made.program.run(x, addend).output.item() == 30


def test_batch_normalisation_alone_has_factors_of_both_signs_and_fine_biases() -> None:
    made = quantise_elementwise(elementwise([0.5, -2.0, 0.0], bias=[1.33, -0.71, 2.02]), X, Y)
    assert made.report.bound_lsb.max() < 0.51
    assert made.report.bias_error_lsb.max() < 0.01
    x = np.full((3, 1, 1), 10, np.int8)
    expected = np.round((np.array([0.5, -2.0, 0.0]) * 0.2 + [1.33, -0.71, 2.02]) / 0.05)
    np.testing.assert_array_equal(made.program.run(x).output.ravel(), expected)


def test_second_multiplier_makes_integers_of_kernels_that_differ_widely_exact() -> None:
    """Kept integers have no scale that could follow a multiplier."""
    steps = generator("layer kinds", "wide").integers(-127, 128, (4, 16, 3, 3))
    scales = np.array([1.0, 1e-2, 1e-3, 3e-5]) * 0.0037
    layer = convolution(steps * scales[:, None, None, None], weight_scale=scales)
    made = quantise_convolution(layer, X, TensorScale("y", 0.01))
    assert made.program.x2.reads_mul
    assert made.report.bound_lsb.max() < 0.502
    assert np.abs(made.report.relative_error).max() < 1e-4


def test_second_multiplier_keeps_a_shared_bias_shift_from_costing_large_kernels() -> None:
    """The small kernel's bias takes a left shift of nine bits, half of which is four output steps of the large one."""
    weights = generator("layer kinds", "bias").normal(0, 1, (2, 1, 1, 1)) * np.array([1.0, 1e-4]).reshape(2, 1, 1, 1)
    layer = convolution(weights, bias=np.array([3.0, 5.0]))
    made = quantise_convolution(layer, TensorScale("x", 0.5), Y)
    assert made.report.bound_lsb.max() < 0.502
    assert made.report.bias_error_lsb.max() < 0.001


def test_small_kernel_of_a_layer_with_slopes_keeps_the_signs_of_its_weights() -> None:
    """Slopes take the second multiplier; the first one of the small kernel is 1.4, for 1 it would need 177 steps."""
    weights = np.array([[20_000.0, -20_000.0], [1.4, -1.4]]).reshape(2, 2, 1, 1)
    layer = convolution(weights, activation=Activation(slopes=np.array([0.1, 0.2])))
    made = quantise_convolution(layer, X, TensorScale("y", 5e3))
    assert made.program.x1_mul is not None
    assert made.program.x1_mul[1] == 2
    assert (np.sign(made.program.weights) == np.sign(weights)).all()


def test_programs_with_two_multipliers_run_on_the_device(tmp_path: Path) -> None:
    scales = np.array([1.0, 1e-2, 1e-3, 3e-5]) * 0.0037
    rng = generator("layer kinds", "device")
    weights = rng.integers(-127, 128, (4, 16, 3, 3)) * scales[:, None, None, None]
    layer = convolution(weights, weight_scale=scales, bias=rng.normal(0, 1, 4))
    made = quantise_convolution(layer, X, TensorScale("y", 0.01))
    assert made.program.x2.reads_mul
    assert made.program.x2.reads_alu
    assert_right(tmp_path, [made.program], rng.integers(-128, 128, (16, 6, 6), np.int8))


def test_second_multiplier_is_left_out_where_it_gains_nothing() -> None:
    weights = generator("layer kinds", "alike").normal(0, 1, (8, 16, 3, 3))
    assert quantise_convolution(convolution(weights), X, TensorScale("y", 1.0)).program.x2.bypass


@pytest.mark.parametrize("addend", [False, True])
def test_programs_of_these_layers_round_trip(addend: bool, tmp_path: Path) -> None:
    addend_scale = ADDEND if addend else None
    slopes = Activation(slopes=np.array([0.25]))
    conv = quantise_convolution(
        convolution(np.ones((2, 3, 1, 1)), addend=addend, activation=slopes), X, Y, addend_scale=addend_scale
    )
    conv.program.save(tmp_path / "conv.json")
    assert LayerProgram.load(tmp_path / "conv.json") == conv.program
    alone = quantise_elementwise(
        elementwise([1.0, 2.0], addend=addend, activation=slopes), X, Y, addend_scale=addend_scale
    )
    alone.program.save(tmp_path / "alone.json")
    assert SdpProgram.load(tmp_path / "alone.json") == alone.program


# --- output ranges that cannot be the layer's


def test_residual_whose_addend_makes_the_output_is_no_misfit() -> None:
    layer = convolution(np.full((1, 1, 1, 1), 1e-6), addend=True)
    assert quantise_convolution(layer, X, Y, addend_scale=ADDEND).report.misfit is None


@pytest.mark.parametrize(("scale", "words"), [(1e3, "less than one output step"), (1e-5, "nearly every output clips")])
def test_output_range_far_from_what_an_addition_reaches_is_a_misfit(scale: float, words: str) -> None:
    made = quantise_elementwise(elementwise([1.0], addend=True), X, TensorScale("y", scale), addend_scale=X)
    assert made.report.misfit is not None
    assert words in made.report.misfit
    assert "weights, bias and addend reach -5.12 .. 5.08" in made.report.misfit


# --- refusals


def test_clip_within_the_range_of_its_output_is_refused_with_the_scale_it_needs() -> None:
    layer = convolution(np.ones((1, 1, 1, 1)), activation=Activation(relu=True, most=6.0))
    with pytest.raises(BenchError, match=r"^layer res2a: its values end at 6, but int8 goes up to 6\.35 .*6 / 127"):
        quantise_convolution(layer, X, Y)
    quantise_convolution(layer, X, TensorScale("y", float(np.float32(6 / 127))))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (elementwise([1.0], addend=True, factor=-1.0, activation=Activation(relu=True)), "subtracts its addend before"),
        (
            elementwise([1.0, 1.0], addend=True, activation=Activation(slopes=np.array([0.1, 0.2]))),
            "slopes for each kernel and an addend",
        ),
        (elementwise([1.0, np.nan]), "channel 1: factors hold nan"),
        (elementwise([1.0], addend=True, factor=0.0), "worth 0.0 output steps"),
        (elementwise([1.0], addend=True, factor=1e-9), "too far apart to be added"),
        (elementwise([1.0, 1.0], activation=Activation(slopes=np.ones(3))), "it takes 1 or 2 finite ones"),
    ],
)
def test_layer_of_sdp_that_the_hardware_does_not_have_is_refused_by_name(layer: FloatElementwise, words: str) -> None:
    with pytest.raises(BenchError, match=rf"^layer add: .*{words}"):
        quantise_elementwise(layer, X, Y, addend_scale=ADDEND if len(layer.inputs) > 1 else None)


def test_relu_behind_a_subtraction_is_the_saturation_where_real_zero_is_the_least_byte() -> None:
    layer = elementwise([1.0], addend=True, factor=-1.0, activation=Activation(relu=True))
    made = quantise_elementwise(layer, X, TensorScale("y", 0.02, -128), addend_scale=X)
    x = np.array([[[50, -50]]], np.int8)
    assert made.program.run(x, np.full((1, 1, 2), 20, np.int8)).output.ravel().tolist() == [30 - 128, -128]
