"""Causes: values that wrap where they should saturate, or that have another width (hardware.md section 2)."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.units import CACC, INPUT, OUTPUT, UNITS, X1, X2, Unit, with_arithmetic, with_fields
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.points import Point
from nvdla_int8.errors import BenchError
from nvdla_int8.stages.convolution import convolve
from nvdla_int8.stages.fixedpoint import Arithmetic, Saturating, clip, sign_extend, signed_range
from nvdla_int8.stages.widths import ACC, ACC_OUT, ALU_OPERAND, ALU_RESULT, FEATURE, OUT_ROUNDED

Integers = NDArray[np.int64]
Clipping = Callable[[Integers, int], Saturating]

NARROWER = (24, 18, 17, 16)
"""Widths that a value of 32 bits or more may have in a narrower build, or on a narrower bus."""

OUT_PRECISION = "SDP.D_DATA_FORMAT.OUT_PRECISION"


def suggest_widths(scene: Scene) -> Iterator[Cause]:
    """Every width that matters for the values that the golden device meets in a layer."""
    sdp = scene.layer.run.sdp
    if sdp is None:
        return
    yield from _bytes(OUTPUT, sdp.output, sdp.hardware_saturation)
    if scene.convolution is not None and scene.layer.run.convolution is not None:
        result = scene.layer.run.convolution
        if INPUT.runs(scene.registers):
            yield from _bytes(INPUT, result.converted, result.saturations["input_converter_17"])
        yield from _sums(scene.convolution, result.delivered)
        if CACC.rounds(scene.registers):
            yield from _results(CACC, sdp.source)
    yield _output_precision(scene)
    for unit in UNITS:
        if unit.scale is not None and unit.rounds(scene.registers):
            yield _product(unit)
    for unit, taken, given in ((X1, sdp.source, sdp.x1), (X2, sdp.x1, sdp.x2)):
        if unit.runs(scene.registers):
            yield from _results(unit, given)
        if unit.adds(scene.registers):
            shift_bits = scene.registers.field(unit.field("ALU_CFG", "ALU_SHIFT_VALUE"))
            reach = int(np.abs(taken.astype(np.int64)).max()) + (1 << min(ALU_OPERAND - 1 + shift_bits, ACC_OUT - 1))
            if reach > signed_range(ACC_OUT)[1]:
                yield from _alu_sums(unit)


class Fit(NamedTuple):
    """How a value is made to fit its width; ``words`` follow "the output"."""

    key: str
    words: str
    fit: Callable[[Integers], Integers]


WRAPS = Fit("output-wraps", "wraps at 8 bits instead of saturating", lambda values: sign_extend(values, FEATURE))
SYMMETRIC = Fit("output-symmetric", "saturates at -127, not at -128", lambda values: np.clip(values, -127, 127))
UNSIGNED = Fit("output-unsigned", "saturates at 0 and 255, not at -128 and 127", lambda values: np.clip(values, 0, 255))
ROUNDED_WRAPS = Fit(
    "rounded-wraps", "wraps at 17 bits instead of saturating", lambda values: sign_extend(values, OUT_ROUNDED)
)


def _bytes(unit: Unit, given: NDArray[np.int8], rounded_clips: int) -> Iterator[Cause]:
    """The last clips of a converter, which gave these bytes; ``rounded_clips`` are those to 17 bits."""
    low, high = int(given.min(initial=0)), int(given.max(initial=0))
    lowest, highest = signed_range(FEATURE)
    advice = f"The last step of {unit.name} is a clip to {lowest}..{highest}."
    clips = low == lowest or high == highest
    ways = [
        *([WRAPS] if clips else []),
        *([SYMMETRIC] if low == lowest else []),
        *([UNSIGNED] if unit is OUTPUT and (low < 0 or high == highest) else []),
    ]
    for way in ways:
        yield _clipped(way.key, unit, f"{unit.name} {way.words}", advice, FEATURE, way.fit)
    if rounded_clips:
        yield _clipped(
            ROUNDED_WRAPS.key, unit, f"{unit.name} {ROUNDED_WRAPS.words}", advice, OUT_ROUNDED, ROUNDED_WRAPS.fit
        )


def _output_precision(scene: Scene) -> Cause:
    int16 = scene.registers.field(OUT_PRECISION) == 1
    words = f"the output's precision is {'INT8, not INT16' if int16 else 'INT16, not INT8: it is cut to its low byte'}"
    advice = f"Compare {OUT_PRECISION} with the program."
    change = with_fields(lambda registers: {OUT_PRECISION: int(not int16)} if OUTPUT.runs(registers) else {})
    return Cause("output-precision", Family.ARITHMETIC, OUTPUT.title, words, advice, (change,), everywhere=True)


def _product(unit: Unit) -> Cause:
    """The product of a C program's int: 32 bits."""

    def wraps(arithmetic: Arithmetic) -> Arithmetic:
        rounding = arithmetic.rounding
        return arithmetic._replace(rounding=lambda value, shift: rounding(sign_extend(value, ACC_OUT), shift))

    words = f"the product in {unit.name} wraps at {ACC_OUT} bits"
    advice = f"The product has {unit.in_width} bits before it is shifted."
    changes = (with_arithmetic(unit, wraps),)
    return Cause("product-wraps", Family.ARITHMETIC, unit.title, words, advice, changes, everywhere=True)


def _wrapping(width: int, values: Integers) -> Integers:
    return sign_extend(values, width)


def _saturating(width: int, values: Integers) -> Integers:
    return clip(values, width).value


def _sums(convolution: ConvolutionLayer, delivered: NDArray[np.int32]) -> Iterator[Cause]:
    """Accumulators of another width, where their sums exceed it."""
    largest = (int(np.abs(delivered.astype(np.int64)).max()) + 1) << convolution.accumulator.truncate_bits
    for width in (ACC_OUT, *NARROWER):
        if largest < 1 << (width - 1):
            continue
        advice = f"An accumulator of CACC has {ACC} bits; {width} are too few for these kernels."
        for key, verb, fit in (
            ("accumulator-wraps", "wrap", _wrapping),
            ("accumulator-saturates", "saturate", _saturating),
        ):
            words = f"the accumulators {verb} at {width} bits, not {ACC}"
            change = Change(Point.SUMS, partial(_fitted, partial(fit, width)))
            yield Cause(key, Family.ARITHMETIC, CACC.title, words, advice, (change,), everywhere=True)

        words = f"the accumulators saturate at {width} bits, not {ACC}, after every atom"
        change = Change(Point.SUMS, partial(_accumulated, width))
        yield Cause("accumulator-saturates", Family.ARITHMETIC, CACC.title, words, advice, (change,), everywhere=True)


def _accumulated(width: int, sums: Integers, scene: Scene) -> Integers:
    """Atoms added up in a narrower accumulator, from what lies in the CBUF."""
    convolution = scene.convolution
    assert convolution is not None, "there are sums"
    loaded = scene.state.cbuf.found_by(scene.registers).load(convolution, scene.state.memory)
    padded, weights = convolution.padded(loaded.rows[: convolution.height]), convolution.weights(loaded.weights)
    atomic_c = scene.timeline.build.atomic_c
    found = convolve(padded, weights, convolution.geometry, atomic_c=atomic_c, accumulator_bits=width).value
    if found.shape != sums.shape:
        raise BenchError(f"{scene.layer.name}: atoms are added up for the whole output only")
    return found


def _fitted(fit: Callable[[Integers], Integers], sums: Integers, _scene: Scene) -> Integers:
    return fit(sums)


def _results(unit: Unit, given: NDArray[np.int32]) -> Iterator[Cause]:
    """What CACC, X1 and X2 hand on in 32 bits, where it exceeds a width."""
    advice = f"{unit.name} hands on {ACC_OUT} bits, saturated."
    largest = int(np.abs(given.astype(np.int64)).max()) + 1
    for width in (ACC_OUT, *NARROWER):
        if largest < 1 << (width - 1):
            continue
        words = f"the result of {unit.name} wraps at {width} bits instead of saturating at {ACC_OUT}"
        yield _clipped("result-wraps", unit, words, advice, ACC_OUT, partial(_wrapping, width))
        if width < ACC_OUT:
            words = f"the result of {unit.name} saturates at {width} bits, not {ACC_OUT}"
            yield _clipped("result-saturates", unit, words, advice, ACC_OUT, partial(_saturating, width))


def _alu_sums(unit: Unit) -> Iterator[Cause]:
    advice = f"The sum in {unit.name} has {ALU_RESULT} bits, so it cannot overflow."
    for key, verb, fit in (
        ("sum-wraps", "wraps", partial(_wrapping, ACC_OUT)),
        ("sum-saturates", "saturates", partial(_saturating, ACC_OUT)),
    ):
        words = f"the sum in {unit.name} {verb} at {ACC_OUT} bits, where it has {ALU_RESULT}"
        yield _clipped(key, unit, words, advice, ALU_RESULT, fit)


def _clipped(key: str, unit: Unit, words: str, advice: str, width: int, fit: Callable[[Integers], Integers]) -> Cause:
    """Another fit where a unit clips to ``width`` bits."""

    def other(arithmetic: Arithmetic) -> Arithmetic:
        clipping = arithmetic.clipping

        def clipped(values: Integers, to_width: int) -> Saturating:
            right = clipping(values, to_width)
            if to_width != width:
                return right
            fitted = np.asarray(fit(values))
            return Saturating(fitted, fitted != values)

        return arithmetic._replace(clipping=clipped)

    changes = (with_arithmetic(unit, other),)
    return Cause(key, Family.ARITHMETIC, unit.title, words, advice, changes, everywhere=True)
