"""Every bound holds against exact rational arithmetic, and a search finds errors of at least half of it."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.network.float_network import Activation, FloatConvolution, FloatElementwise
from nvdla_int8.quantise.elementwise import quantise_elementwise
from nvdla_int8.quantise.layer import quantise_convolution
from nvdla_int8.seeds import generator
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.sdp_tail import SdpTail
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.adversary import RationalKernel, convolution_kernels, elementwise_kernels, worst_errors

Reals = NDArray[np.float64]
TIGHT = 2


def check_certificate(
    program: SdpTail, bounds: Reals, kernels: list[RationalKernel], rng: np.random.Generator, tight: float = TIGHT
) -> None:
    for number, worst in enumerate(worst_errors(program, kernels, rng)):
        bound = Fraction(float(bounds[number]))
        assert worst <= bound, (number, float(worst), float(bound))
        assert bound <= tight * worst + Fraction(1, 1000), (number, float(worst), float(bound))


def draw_activation(rng: np.random.Generator, kind: str, channels: int) -> Activation:
    if kind == "relu":
        return Activation(relu=True)
    if kind == "slope":
        return Activation(slopes=rng.uniform(0.01, 0.5, 1))
    if kind == "slopes":
        return Activation(slopes=rng.uniform(-0.3, 1.5, channels))
    return Activation()


def draw_scale(rng: np.random.Generator, name: str, offset: bool) -> TensorScale:
    return TensorScale(name, 10 ** rng.uniform(-3, 0), int(rng.integers(-128, 128)) if offset else 0)


def draw_convolution(
    rng: np.random.Generator, *, kind: str, offset: bool, spread: float, integers: bool, addend: float | None
) -> tuple[FloatConvolution, list[TensorScale]]:
    """A convolution whose outputs reach about twice the output's range; scales of x, addend and output."""
    channels, count = int(rng.integers(1, 40)), int(rng.integers(1, 7))
    sizes = 10 ** rng.uniform(-spread, 0, (count, 1, 1, 1))
    weights = rng.normal(0, 1, (count, channels, 3, 3)) * sizes
    scales = [draw_scale(rng, name, offset) for name in ("x", "addend", "y")]
    reach = np.abs(weights).sum(axis=(1, 2, 3)).max() * scales[0].scale * 128
    scales[2] = TensorScale("y", reach / 250 * rng.uniform(0.2, 4), scales[2].offset)
    bias = rng.normal(0, 30, count) * scales[2].scale
    scales[1] = TensorScale("addend", scales[2].scale * rng.uniform(0.1, 3), scales[1].offset)
    weight_scale = None
    if integers:
        weight_scale = np.abs(weights).max(axis=(1, 2, 3)) / 127
        weights = np.round(weights / weight_scale[:, None, None, None]) * weight_scale[:, None, None, None]
    inputs = ("x",) if addend is None else ("x", "addend")
    layer = FloatConvolution(
        "conv", inputs, "y", weights, bias, activation=draw_activation(rng, kind, count),
        addend_factor=1.0 if addend is None else addend, weight_scale=weight_scale,
    )  # fmt: skip
    return layer, scales


WEIGHTS = pytest.mark.parametrize(("per_kernel", "integers"), [(True, False), (True, True), (False, False)])
"""Integers come with a scale for each kernel here."""

POSITIVE = ((AluAlgo.SUM, 1.0), (AluAlgo.MAX, 0.5))
"""Addends with an activation behind them; slopes for each channel would take the same operand."""

NEGATIVE = ((AluAlgo.SUM, -1.0), (AluAlgo.MIN, -2.0))
"""The hardware has no activation behind a subtraction."""


@pytest.mark.parametrize("seed", range(4))
@WEIGHTS
@pytest.mark.parametrize("spread", [0.3, 3.0])
@pytest.mark.parametrize("kind", ["none", "relu", "slope", "slopes"])
def test_certificate_of_a_convolution_holds_and_is_tight(
    kind: str, spread: float, integers: bool, seed: int, per_kernel: bool
) -> None:
    rng = generator("certificate", kind, str(spread), integers, seed)
    layer, scales = draw_convolution(
        rng, kind=kind, offset=seed % 2 == 1, spread=spread, integers=integers, addend=None
    )
    made = quantise_convolution(layer, scales[0], scales[2], per_kernel=per_kernel)
    check_certificate(made.program, made.report.bound_lsb, convolution_kernels(layer, made), rng)


@pytest.mark.parametrize("seed", range(4))
@WEIGHTS
@pytest.mark.parametrize(("kind", "factor"), [("none", 1.0), ("none", -0.7), ("relu", 1.0), ("slope", 2.0)])
@pytest.mark.parametrize("spread", [1.0, 6.0])
def test_certificate_of_a_residual_holds_and_is_tight(
    kind: str, factor: float, integers: bool, seed: int, per_kernel: bool, spread: float
) -> None:
    rng = generator("certificate", "residual", kind, str(factor), integers, seed, str(spread))
    layer, scales = draw_convolution(
        rng, kind=kind, offset=seed % 2 == 1, spread=spread, integers=integers, addend=factor
    )
    made = quantise_convolution(layer, scales[0], scales[2], addend_scale=scales[1], per_kernel=per_kernel)
    check_certificate(made.program, made.report.bound_lsb, convolution_kernels(layer, made), rng)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("operation", "factor", "kind"),
    [
        *((None, 1.0, kind) for kind in ("none", "relu", "slope", "slopes")),
        *((operation, factor, kind) for operation, factor in POSITIVE for kind in ("none", "relu", "slope")),
        *((operation, factor, "none") for operation, factor in NEGATIVE),
    ],
)
def test_certificate_of_a_layer_of_sdp_alone_holds_and_is_tight(
    operation: AluAlgo | None, factor: float, kind: str, seed: int
) -> None:
    rng = generator("certificate", "sdp", str(operation), str(factor), kind, seed)
    channels, offset = int(rng.integers(1, 6)), seed % 2 == 1 and (kind == "none" or operation is None)
    scales = [draw_scale(rng, name, offset) for name in ("x", "addend", "y")]
    factors = rng.normal(0, 1, channels) * scales[2].scale / scales[0].scale
    scales[1] = TensorScale("addend", scales[2].scale * rng.uniform(0.2, 2), scales[1].offset)
    layer = FloatElementwise(
        "sdp", ("x",) if operation is None else ("x", "addend"), "y", factors,
        rng.normal(0, 30, channels) * scales[2].scale, operation or AluAlgo.SUM, factor,
        draw_activation(rng, kind, channels),
    )  # fmt: skip
    made = quantise_elementwise(layer, scales[0], scales[2], addend_scale=None if operation is None else scales[1])
    check_certificate(made.program, made.report.bound_lsb, elementwise_kernels(layer, made.program), rng)
