"""Causes: a converter subtracts another offset, or subtracts it elsewhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Family, Scene
from nvdla_int8.checkup.causes.units import INPUT, OUTPUT, Unit, scale_field, with_arithmetic, with_fields
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.quantise.rounding import round_to_nearest
from nvdla_int8.stages.fixedpoint import Arithmetic, Saturating, sign_extend, signed_range
from nvdla_int8.stages.widths import CVT_OFFSET, FEATURE, OUT_OFFSET

ADVICE = "A converter gives (x - offset) * scale >> shift: the offset is subtracted first, in steps of its input."


@dataclass(frozen=True)
class Converter:
    """A converter with its offset's field, of ``offset_bits``."""

    unit: Unit
    offset: str
    offset_bits: int

    def subtracts(self, registers: LayerRegisters) -> int:
        """The offset that it subtracts; 0 when it does not run or means take the offset's place."""
        if not self.unit.runs(registers) or (self.unit is INPUT and subtracts_mean(registers)):
            return 0
        return registers.signed_field(self.offset)

    def in_output_steps(self, registers: LayerRegisters) -> int:
        """The offset times the converter's factor, rounded."""
        scale = registers.signed_field(scale_field(self.unit))
        factor = np.ldexp(float(scale), -self.unit.shift_bits(registers))
        return int(round_to_nearest(np.array(self.subtracts(registers) * factor)))


OUTPUT_CONVERTER = Converter(OUTPUT, "SDP.D_CVT_OFFSET.CVT_OFFSET", OUT_OFFSET)
INPUT_CONVERTER = Converter(INPUT, "CDMA.D_CVT_OFFSET.CVT_OFFSET", CVT_OFFSET)


def subtracts_mean(registers: LayerRegisters) -> bool:
    """The input is an image with means."""
    return (
        registers.field("CDMA.D_DATAIN_FORMAT.DATAIN_FORMAT") == 1
        and registers.field("CDMA.D_MEAN_FORMAT.MEAN_FORMAT") == 1
    )


def suggest_offsets(scene: Scene) -> Iterator[Cause]:
    """Other offsets of input and output converter; more of the input's are among the mistakes in images."""
    for converter in (OUTPUT_CONVERTER, INPUT_CONVERTER):
        if converter.subtracts(scene.registers):
            if converter is OUTPUT_CONVERTER:
                yield from _other_offsets(converter, scene.registers)
            yield from _in_output_steps(converter, scene.registers)
            yield from _later_offsets(converter, scene.registers)


def _other_offsets(converter: Converter, registers: LayerRegisters) -> Iterator[Cause]:
    name, offset = converter.unit.name, converter.subtracts(registers)
    yield _offset("offset-missing", converter, f"{name} does not subtract its offset {offset}", lambda _: 0)
    yield _offset("offset-sign", converter, f"{name} adds its offset {offset}, or it has the wrong sign", lambda o: -o)
    yield _offset("offset-doubled", converter, f"{name} subtracts its offset {offset} twice", lambda o: 2 * o)
    if sign_extend(offset, CVT_OFFSET) != offset:
        words = f"{name}'s offset {offset} is cut to 16 bits"
        yield _offset("offset-cut", converter, words, lambda o: int(sign_extend(o, CVT_OFFSET)))


def _in_output_steps(converter: Converter, registers: LayerRegisters) -> Iterator[Cause]:
    offset, steps = converter.subtracts(registers), converter.in_output_steps(registers)
    if steps in (0, offset, -offset):
        return
    for sign in (1, -1):
        words = f"{converter.unit.name}'s offset is in output steps, {sign * steps}, not {offset}"
        changed = partial(_signed_steps, converter, sign)
        yield _registers("offset-in-output-steps", converter, words, changed)


def _signed_steps(converter: Converter, sign: int, registers: LayerRegisters) -> int:
    return sign * converter.in_output_steps(registers)


def _offset(key: str, converter: Converter, words: str, change: Callable[[int], int]) -> Cause:
    return _registers(key, converter, words, lambda registers: change(converter.subtracts(registers)))


def _registers(key: str, converter: Converter, words: str, changed: Callable[[LayerRegisters], int]) -> Cause:
    def fields(registers: LayerRegisters) -> dict[str, int | str]:
        if not converter.subtracts(registers):
            return {}
        offset = changed(registers)
        low, high = signed_range(converter.offset_bits)
        return {converter.offset: offset} if low <= offset <= high else {}

    unit = converter.unit
    return Cause(key, Family.ARITHMETIC, unit.title, words, ADVICE, (with_fields(fields),), everywhere=True)


def _later_offsets(converter: Converter, registers: LayerRegisters) -> Iterator[Cause]:
    """The offset subtracted behind the shift, or behind the clip to int8."""
    unit, offset, steps = converter.unit, converter.subtracts(registers), converter.in_output_steps(registers)
    scale = registers.signed_field(scale_field(unit))
    identity = scale == 1 and not unit.shift_bits(registers)

    def behind_shift(arithmetic: Arithmetic) -> Arithmetic:
        rounding = arithmetic.rounding
        return arithmetic._replace(rounding=lambda value, shift_bits: rounding(value, shift_bits) - offset)

    def behind_clip(arithmetic: Arithmetic) -> Arithmetic:
        clipping = arithmetic.clipping

        def clipped(value: NDArray[np.int64], width: int) -> Saturating:
            first = clipping(value, width)
            return clipping(first.value - steps, width) if width == FEATURE else first

        return arithmetic._replace(clipping=clipped)

    without = with_fields(lambda registers: {converter.offset: 0})
    if not identity:
        words = f"{unit.name} subtracts its offset {offset} after scale and shift, not before"
        changes = (without, with_arithmetic(unit, behind_shift))
        yield Cause("offset-after-scale", Family.ARITHMETIC, unit.title, words, ADVICE, changes)
    if steps:
        words = f"{unit.name} clips to int8 before its offset, {steps} output steps, is subtracted"
        changes = (without, with_arithmetic(unit, behind_clip))
        yield Cause("clip-before-offset", Family.ARITHMETIC, unit.title, words, ADVICE, changes)
