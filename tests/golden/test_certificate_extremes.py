"""Layers of any sizes, offsets and scales: each has a certificate that holds and is tight, or a line that says why."""

import re

import numpy as np
import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import Activation, FloatConvolution, FloatElementwise
from nvdla_int8.quantise.elementwise import quantise_elementwise
from nvdla_int8.quantise.layer import quantise_convolution
from nvdla_int8.seeds import generator
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.adversary import convolution_kernels, elementwise_kernels
from tests.golden.test_certificate import check_certificate

REFUSALS = re.compile(
    "slopes for each kernel and an addend|subtracts its addend before an activation|with an addend of zero point|"
    "too small for a multiplier that would hold its bias|too large for a 16-bit multiplier|too far apart to be added|"
    "does not fit a 16-bit operand|becomes multiplier 0|which does not fit 32 bits"
)


def drawn_scale(rng: np.random.Generator, name: str, scale: float) -> TensorScale:
    return TensorScale(name, scale, int(rng.choice([0, 0, 0, -128, 127, 5, -30])))


def drawn_activation(rng: np.random.Generator, channels: int) -> Activation:
    kinds = [
        Activation(),
        Activation(relu=True),
        Activation(slopes=rng.uniform(-1, 2, 1) * rng.choice([0, 1, 1, 1e-6])),
        Activation(slopes=rng.uniform(-0.5, 1.5, channels)),
    ]
    return kinds[int(rng.integers(len(kinds)))]


def drawn_scales(rng: np.random.Generator, reach: float) -> tuple[TensorScale, TensorScale, TensorScale]:
    """Of x, addend and output, whose range is up to thirty times less or more than ``reach`` of x in steps of 1."""
    x = 10.0 ** rng.uniform(-4, 1)
    output = x if rng.random() < 0.2 else (reach * x / 250 + 1e-9) * 10 ** rng.uniform(-1.5, 1.5)
    addend = output if rng.random() < 0.2 else output * 10 ** rng.uniform(-2, 2)
    return drawn_scale(rng, "x", x), drawn_scale(rng, "addend", addend), drawn_scale(rng, "y", output)


def drawn_bias(rng: np.random.Generator, channels: int, step: float) -> np.ndarray:
    return np.asarray(rng.normal(0, 1, channels) * step * 10 ** rng.uniform(-3, 3, channels) * (rng.random() < 0.8))


@pytest.mark.parametrize("seed", range(60))
def test_convolution_of_any_numbers_is_certified_or_refused_by_name(seed: int) -> None:
    rng = generator("certificate", "extremes", "convolution", seed)
    kernels, channels, size = int(rng.integers(1, 5)), int(rng.choice([1, 1, 2, 3, 8, 40])), int(rng.choice([1, 1, 3]))
    sizes = 10.0 ** rng.uniform(-rng.choice([0, 1, 3, 6, 12]), 0, (kernels, 1, 1, 1))
    weights = rng.normal(0, 1, (kernels, channels, size, size)) * sizes
    weights[0] *= rng.random() > 0.2
    per_kernel, weight_scale = bool(rng.random() < 0.7), None
    if rng.random() < 0.4:
        steps = np.maximum(np.abs(weights).max(axis=(1, 2, 3)), 1e-30) / 127
        weight_scale = steps if per_kernel else np.array([steps.max()])
        each = weight_scale.reshape(-1, 1, 1, 1)
        weights = np.round(weights / each) * each
    x, addend, output = drawn_scales(rng, float(np.abs(weights).sum(axis=(1, 2, 3)).max()) * 128)
    takes_addend = bool(rng.random() < 0.5)
    layer = FloatConvolution(
        "conv", ("x", "addend") if takes_addend else ("x",), "y", weights, drawn_bias(rng, kernels, output.scale),
        activation=drawn_activation(rng, kernels), addend_factor=float(rng.choice([1, 1, 1, -1, 0.5, 3e-3])),
        weight_scale=weight_scale,
    )  # fmt: skip
    try:
        made = quantise_convolution(
            layer, x, output, addend_scale=addend if takes_addend else None, per_kernel=per_kernel
        )
    except BenchError as error:
        if str(error).startswith("layer conv: ") and REFUSALS.search(str(error)):
            return
        raise
    check_certificate(made.program, made.report.bound_lsb, convolution_kernels(layer, made), rng)


@pytest.mark.parametrize("seed", range(60))
def test_layer_of_sdp_of_any_numbers_is_certified_or_refused_by_name(seed: int) -> None:
    rng = generator("certificate", "extremes", "sdp", seed)
    channels = int(rng.integers(1, 5))
    factors = rng.normal(0, 1, channels) * 10.0 ** rng.uniform(-rng.choice([0, 1, 3, 6, 12]), 0, channels)
    factors *= rng.random(channels) < 0.9
    if rng.random() < 0.3:
        factors[:] = 1
    x, addend, output = drawn_scales(rng, float(np.abs(factors).max()) * 255)
    takes_addend = bool(rng.random() < 0.5)
    operation = rng.choice([AluAlgo.SUM, AluAlgo.SUM, AluAlgo.MAX, AluAlgo.MIN]) if takes_addend else AluAlgo.SUM
    layer = FloatElementwise(
        "sdp", ("x", "addend") if takes_addend else ("x",), "y", factors, drawn_bias(rng, channels, output.scale),
        AluAlgo(operation), float(rng.choice([1, 1, 1, -1, 0.5, 3e-3])), drawn_activation(rng, channels),
    )  # fmt: skip
    try:
        made = quantise_elementwise(layer, x, output, addend_scale=addend if takes_addend else None)
    except BenchError as error:
        if str(error).startswith("layer sdp: ") and REFUSALS.search(str(error)):
            return
        raise
    check_certificate(made.program, made.report.bound_lsb, elementwise_kernels(layer, made.program), rng)
