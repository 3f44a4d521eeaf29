"""One layer's requantisation factor as integers and registers, beside what the usual misreadings give."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatConvolution
from nvdla_int8.quantise.factor import Factor, shared_shift_factor
from nvdla_int8.quantise.layer import QuantisedLayer, quantise_convolution
from nvdla_int8.quantise.rounding import Q_MIN, Reals, round_to_nearest
from nvdla_int8.quantise.weights import WEIGHT_MAX
from nvdla_int8.registers.converters import encode_layer
from nvdla_int8.registers.register_map import unpack, unpack_signed
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import OutputConverter
from nvdla_int8.stages.tensor_scale import TensorScale, positive_number
from nvdla_int8.stages.widths import ACC_OUT, MUL_PRODUCT

STEPS_256 = 256 / (2 * WEIGHT_MAX)
"""``256 / (max - min)`` times the symmetric scale of that range, which is ``(max - min) / 254``."""

MISREADINGS: tuple[tuple[str, Callable[[Reals], Reals]], ...] = (
    ("the factor is the other way up, So / (Si * Sw)", lambda factor: 1 / factor),
    ("every scale is taken as 256 / (max - min)", lambda factor: STEPS_256 / factor),
    ("every scale is taken as (max - min) / 256", lambda factor: factor / STEPS_256),
    ("the factor is multiplied in twice", lambda factor: factor * factor),
)
"""What people program in place of ``Si * Sw / So``, as functions of it, for symmetric tensors."""

REQUANTISING_FIELDS = (
    ("SDP.D_DP_BS_CFG", "BS_BYPASS"),
    ("SDP.D_DP_BS_CFG", "BS_MUL_BYPASS"),
    ("SDP.D_DP_BS_CFG", "BS_MUL_PRELU"),
    ("SDP.D_DP_BS_MUL_CFG", "BS_MUL_SRC"),
    ("SDP.D_DP_BS_MUL_CFG", "BS_MUL_SHIFT_VALUE"),
    ("SDP.D_CVT_OFFSET", "CVT_OFFSET"),
    ("SDP.D_CVT_SCALE", "CVT_SCALE"),
    ("SDP.D_CVT_SHIFT", "CVT_SHIFT"),
)
"""The register fields that a factor goes into, beside X1's multiplier stream."""

SIGNED_FIELDS = ("CVT_OFFSET", "CVT_SCALE")

FULL_SCALE_TAPS = signed_range(ACC_OUT)[1] // (WEIGHT_MAX * -Q_MIN) // 2 * 2
"""Taps at the ends of int8 that 32-bit accumulators can take; even, so that they can cancel."""


@dataclass(frozen=True)
class Reading:
    """A factor by one way of reading the table.

    ``integers`` is None when the converters cannot hold the factor, and ``problem`` says why.
    """

    what: str
    factor: float
    integers: Factor | None
    problem: str = ""

    def output_byte(self, accumulator: int, zero_point: int) -> int | None:
        """What the output converter makes of an accumulator that already holds the bias.

        Parameters
        ----------
        accumulator
            Signed 32 bits.
        zero_point
            The output tensor's; the offset that gives it is part of the program.

        Returns
        -------
        int or None
            The byte; None when the converter cannot be programmed so.
        """
        if self.integers is None:
            return None
        try:
            offset = self.integers.offset_for(zero_point)
        except BenchError:
            return None
        multiplier = int(self.integers.multipliers[0])
        converter = OutputConverter(offset=offset, scale=multiplier, shift_bits=self.integers.shift_bits)
        return int(converter.apply(np.array(accumulator)).value)


class PlacedFactor(NamedTuple):
    """The factor in one of its two places: its integers, :data:`REQUANTISING_FIELDS`, and how exact it is."""

    program: LayerProgram
    integers: Factor
    fields: tuple[int, ...]
    relative_error: float
    bound_lsb: float

    def output_byte(self, accumulator: int) -> int:
        """What X1 and the output converter make of an accumulator, signed 32 bits, that already holds the bias."""
        biased = np.full((1, 1, 1), accumulator, np.int64)
        x1 = self.program.x1.apply(biased, alu=np.zeros(1, np.int16), mul=self.program.x1_mul)
        return int(self.program.output_converter.apply(x1.value).value.item())


@dataclass(frozen=True)
class Requantisation:
    """A layer's scales and what becomes of ``Si * Sw / So``.

    Attributes
    ----------
    input_scale, output_scale, weight_scale
        Si, So and Sw.
    per_tensor, per_kernel
        The factor in the output converter, and in X1's multiplier stream. The bounds hold for every
        layer with this factor and no bias.
    """

    input_scale: TensorScale
    output_scale: TensorScale
    weight_scale: float
    per_tensor: PlacedFactor
    per_kernel: PlacedFactor

    @property
    def accumulator_step(self) -> float:
        """Real value of one accumulator step, ``Si * Sw``."""
        return self.input_scale.scale * self.weight_scale

    @property
    def factor(self) -> float:
        """``Si * Sw / So``."""
        return self.accumulator_step / self.output_scale.scale

    def readings(self) -> tuple[Reading, ...]:
        """The right factor first, then each of :data:`MISREADINGS`."""
        right: tuple[str, Callable[[Reals], Reals]] = ("Si * Sw / So", lambda factor: factor)
        return tuple(_read(what, transform(np.array([self.factor]))) for what, transform in (right, *MISREADINGS))

    def exact_output(self, accumulator: int) -> float:
        """The output step of an accumulator that already holds the bias, not rounded, not clipped."""
        return accumulator * self.factor + self.output_scale.offset

    def accumulator_for(self, output_step: int) -> int:
        """The accumulator nearest to so many output steps: of their sign, not 0, at most what 32 bits hold."""
        nearest = round_to_nearest(np.array(abs(output_step) / self.factor))
        return int(np.copysign(np.clip(nearest, 1, signed_range(ACC_OUT)[1]), output_step))


def requantise(input_scale: TensorScale, output_scale: TensorScale, weight_scale: float) -> Requantisation:
    """Work out one layer's factor.

    Parameters
    ----------
    input_scale, output_scale
        Calibration entries of the layer's input and output.
    weight_scale
        Real value of one weight step, positive.

    Raises
    ------
    BenchError
        When the weight scale is not positive and finite, or the factor does not fit the converters.
    """
    with located(f"layer {output_scale.name!r}"):
        positive_number("weight scale", weight_scale)
    # Weights at the ends of int8, as many as the accumulators can take: outputs reach the whole range
    # if any layer's can. They cancel, so that the input's zero point asks for no bias, and two of them differ from
    # the others by 1, so that accumulators take every value.
    weights = np.full((1, FULL_SCALE_TAPS, 1, 1), WEIGHT_MAX * weight_scale)
    weights[:, -2:] = (WEIGHT_MAX - 1) * weight_scale
    weights[:, ::2] *= -1
    # The weight scale as it is: a factor too small for the converters is refused, not raised.
    layer = FloatConvolution(
        output_scale.name, (input_scale.name,), output_scale.name, weights, np.zeros(1),
        weight_scale=np.array([weight_scale]),
    )  # fmt: skip
    placed = []
    for per_kernel in (False, True):
        placed.append(_place(quantise_convolution(layer, input_scale, output_scale, per_kernel=per_kernel)))
    return Requantisation(input_scale, output_scale, weight_scale, *placed)


def programmed_factor(program: LayerProgram) -> Factor:
    """The (K,) multipliers and the shift of a program with one multiplier."""
    if program.x1_mul is not None:
        return Factor(program.x1_mul, program.x1.mul_shift_bits)
    scale: NDArray[np.int16] = np.full(len(program.weights), program.output_converter.scale, np.int16)
    return Factor(scale, program.output_converter.shift_bits)


def _place(layer: QuantisedLayer) -> PlacedFactor:
    words = encode_layer(layer.program)
    return PlacedFactor(
        layer.program,
        programmed_factor(layer.program),
        tuple(
            (unpack_signed if field in SIGNED_FIELDS else unpack)(register, words[register], field)
            for register, field in REQUANTISING_FIELDS
        ),
        float(layer.report.relative_error[0]),
        float(layer.report.bound_lsb[0]),
    )


def _read(what: str, factor: Reals) -> Reading:
    try:
        return Reading(what, float(factor[0]), shared_shift_factor(factor, longest_shift_bits=MUL_PRODUCT - 1))
    except BenchError as error:
        return Reading(what, float(factor[0]), None, str(error))
