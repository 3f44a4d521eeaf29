"""Which values SDP's units turn into given results: their arithmetic backwards (hardware.md section 2).

Each unit's result grows or falls with its operand, so that the operands of a range of results are a range. Ranges are
whole numbers in float64, which is exact for what 49 bits can reach, with infinity for an open end.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN, Reals
from nvdla_int8.stages.fixedpoint import left_shift, signed_range
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, XStage
from nvdla_int8.stages.widths import ACC_OUT

LEAST_32, MOST_32 = signed_range(ACC_OUT)


class Span(NamedTuple):
    """All whole numbers from ``low`` to ``high``, element by element; none where ``low > high``."""

    low: Reals
    high: Reals


def byte_spans(converter: OutputConverter) -> Span:
    """What the output converter turns into each byte, -128..127: spans (256,) of 33 bits."""
    steps = np.arange(Q_MIN, Q_MAX + 1, dtype=np.float64)
    clipped = Span(np.where(steps == Q_MIN, -np.inf, steps), np.where(steps == Q_MAX, np.inf, steps))
    low, high = _factors(_products(clipped, converter.shift_bits), np.array(converter.scale))
    return Span(low + converter.offset, high + converter.offset)


def summed_spans(stage: XStage, multipliers: NDArray[np.integer], results: Span) -> list[Span]:
    """What X1 or X2 turn into each of some results behind their ALU: a span each, two with PReLU.

    Parameters
    ----------
    stage
        Its parameters.
    multipliers
        The multiplier's operand; broadcasts against the results.
    results
        Signed 32 bits.
    """
    if stage.bypass:
        return [results]
    low, high = results
    if stage.relu:
        low = np.where(high < 0, np.inf, np.where(low <= 0, -np.inf, low))
    rounded = Span(
        np.where(low > MOST_32, np.inf, np.where(low <= LEAST_32, -np.inf, low)),
        np.where(high < LEAST_32, -np.inf, np.where(high >= MOST_32, np.inf, high)),
    )
    products = _products(rounded, stage.mul_shift_bits)
    if stage.mul_bypass:
        return [products]
    factors = _factors(products, multipliers)
    if not stage.prelu:
        return [factors]
    # Values that are not negative pass as they are.
    return [Span(factors.low, np.minimum(factors.high, -1)), Span(np.maximum(low, 0), high)]


def span_before_alu(stage: XStage, operands: NDArray[np.integer], sums: Span) -> Span:
    """What the ALU of X1 or X2 turns into sums, with operands of 16 bits that broadcast against them."""
    if stage.bypass or stage.alu_bypass:
        return sums
    operand = left_shift(operands, stage.alu_shift_bits, ACC_OUT).value
    low, high = sums
    if stage.alu_algo is AluAlgo.SUM:
        return Span(low - operand, high - operand)
    if stage.alu_algo is AluAlgo.MAX:
        return Span(np.where(operand > high, np.inf, np.where(operand >= low, -np.inf, low)), high)
    return Span(low, np.where(operand < low, -np.inf, np.where(operand <= high, np.inf, high)))


def _products(rounded: Span, shift_bits: int) -> Span:
    """What RSH rounds to these: ties go away from zero, so a positive end takes its tie in and another does not."""
    if shift_bits == 0:
        return rounded
    half = 2.0 ** (shift_bits - 1)
    return Span(
        np.ldexp(rounded.low, shift_bits) - half + (rounded.low <= 0),
        np.ldexp(rounded.high, shift_bits) + half - (rounded.high >= 0),
    )


def _factors(products: Span, multipliers: NDArray[np.integer]) -> Span:
    """What these multipliers take into the products."""
    first = np.where(multipliers < 0, products.high, products.low)
    last = np.where(multipliers < 0, products.low, products.high)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.ceil(first / multipliers), np.floor(last / multipliers)
    has_zero = (products.low <= 0) & (products.high >= 0)
    nothing = multipliers == 0
    return Span(
        np.where(nothing, np.where(has_zero, -np.inf, np.inf), low),
        np.where(nothing, np.where(has_zero, np.inf, -np.inf), high),
    )
