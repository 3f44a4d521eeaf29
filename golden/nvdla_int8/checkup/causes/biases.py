"""Causes: the bias, or the addend of each element, is missing, shifted or rounded otherwise, or not added."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.units import (
    OUTPUT,
    X_UNITS,
    XUnit,
    alu_name,
    operand_values,
    then,
    with_fields,
    with_operand,
)
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.stages.fixedpoint import clip, sign_extend
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.widths import ACC_OUT, ALU_OPERAND

Integers = NDArray[np.int64]
FURTHEST = 8
"""Bits that the bias's shift is taken to be off by at most."""
WIDEST_SHIFT_BITS = ACC_OUT - ALU_OPERAND
"""Up to which every operand fits 32 bits."""
LONGEST_SHIFT_BITS = 31
"""Of a bias that still has bits within the 32 of the sum."""


def suggest_biases(scene: Scene) -> Iterator[Cause]:
    """Those of X1 and X2."""
    for unit in X_UNITS:
        if unit.has_alu(scene.registers):
            yield from _missing(unit, scene.registers)
            yield from _other_shifts(unit, scene.registers)
            yield from _other_operations(unit, scene.registers)
            if unit.adds(scene.registers):
                yield from _other_units(unit, scene)


def _missing(unit: XUnit, registers: LayerRegisters) -> Iterator[Cause]:
    name, bypass = alu_name(unit, registers), unit.field("CFG", "ALU_BYPASS")
    words = f"the {name} is missing ({unit.name}'s ALU is bypassed)"
    change = with_fields(lambda registers: {bypass: 1} if unit.has_alu(registers) else {})
    yield _cause(f"{name}-missing", unit, words, f"Look at {bypass}, and whether the operand is in memory.", (change,))


def _shift_field(unit: XUnit) -> str:
    return unit.field("ALU_CFG", "ALU_SHIFT_VALUE")


def _other_shifts(unit: XUnit, registers: LayerRegisters) -> Iterator[Cause]:
    name, field = alu_name(unit, registers), _shift_field(unit)
    now = registers.field(field)
    if now:
        words = f"the {name} of {unit.name} is not shifted left by {now}"
        yield _shifted(f"{name}-shift-missing", unit, words, lambda _: 0)
    if now > WIDEST_SHIFT_BITS:
        words = f"the {name} of {unit.name}, shifted left by {now}, wraps at {ACC_OUT} bits instead of saturating"
        changes = with_operand(unit, "ALU", lambda values: sign_extend(values, max(ACC_OUT - now, 1)) * (now < ACC_OUT))
        yield _cause(f"{name}-shift-wraps", unit, words, "LSH saturates at 32 bits.", changes, everywhere=False)
    for distance in range(1, FURTHEST + 1):
        for by in (distance, -distance):
            if 0 < now + by <= LONGEST_SHIFT_BITS:
                key = "off-by-one" if distance == 1 else "off-by-more"
                doubled = f", so the {name} is doubled" if by == 1 else ""
                words = f"the {name} of {unit.name} is shifted left by {now + by}, not {now}{doubled}"
                yield _shifted(f"{name}-shift-{key}", unit, words, partial(_plus, by))


def _plus(by: int, shift_bits: int) -> int:
    return shift_bits + by


def _shifted(key: str, unit: XUnit, words: str, change: Callable[[int], int]) -> Cause:
    field = _shift_field(unit)

    def fields(registers: LayerRegisters) -> dict[str, int | str]:
        shift_bits = change(registers.field(field))
        return {field: shift_bits} if unit.has_alu(registers) and 0 <= shift_bits <= LONGEST_SHIFT_BITS else {}

    return _cause(key, unit, words, f"Compare {field} with the program.", (with_fields(fields),))


def _other_operations(unit: XUnit, registers: LayerRegisters) -> Iterator[Cause]:
    field = unit.field("CFG", "ALU_ALGO")
    algos = (AluAlgo.MAX, AluAlgo.MIN, AluAlgo.SUM)
    now = algos[min(registers.field(field), len(algos) - 1)]
    for other in algos:
        if other is not now:
            words = f"{unit.name}'s ALU does {other}, not {now}"
            change = with_fields(partial(_with_algo, unit, field, other))
            yield _cause("alu-operation", unit, words, f"Compare {field} with the program.", (change,))


def _with_algo(unit: XUnit, field: str, algo: AluAlgo, registers: LayerRegisters) -> dict[str, int | str]:
    return {field: algo.value} if unit.has_alu(registers) else {}


def _other_units(unit: XUnit, scene: Scene) -> Iterator[Cause]:
    """The bias in the coarser steps that are left behind the multiplier's or the converter's shift."""
    registers = scene.registers
    name, now = alu_name(unit, registers), registers.field(_shift_field(unit))
    values = operand_values(unit, "ALU", scene)
    tried = {values.tobytes()}
    for what, bits in (("multiplier", unit.shift_bits(registers)), ("output converter", OUTPUT.shift_bits(registers))):
        lost_bits = bits - now
        if not 0 < lost_bits <= ALU_OPERAND:
            continue
        for key, half in (("floored", 0), ("rounded", 1 << lost_bits >> 1)):
            coarse = _coarse(lost_bits, half, values)
            if not coarse.any() or coarse.tobytes() in tried:
                continue  # without any bias, or as another one
            tried.add(coarse.tobytes())
            words = f"the {name} of {unit.name} is {key} to multiples of 2^{bits}, as the {what} shifts by {bits}"
            advice = f"The {name} is added in full, before multiplier and shift."
            changes = with_operand(unit, "ALU", partial(_coarse, lost_bits, half))
            yield _cause(f"{name}-{key}", unit, words, advice, changes, everywhere=False)
    if now:
        advice = "The operand is shifted to 32 bits; look at the width of what holds the result."
        for verb, convert in (("cut", _cut), ("saturated", _saturated)):
            words = f"the {name} of {unit.name}, shifted left by {now}, is {verb} to 16 bits"
            unshifted = with_fields(lambda _: {_shift_field(unit): 0})
            changes = then(with_operand(unit, "ALU", partial(_in_16_bits, convert, now)), unshifted)
            yield _cause(f"{name}-16-bits", unit, words, advice, changes, everywhere=False)
        words = f"every {name} of {unit.name} that is 2^15 or more and a power of two is negative"
        advice = "The open compiler wraps such a bias: 2^n needs n + 2 bits with its sign."
        changes = with_operand(unit, "ALU", partial(_powers_negative, now))
        yield _cause(f"{name}-power-of-two", unit, words, advice, changes, everywhere=False)


def _cut(values: Integers) -> Integers:
    return sign_extend(values, ALU_OPERAND)


def _saturated(values: Integers) -> Integers:
    return clip(values, ALU_OPERAND).value


def _in_16_bits(convert: Callable[[Integers], Integers], shift_bits: int, values: Integers) -> Integers:
    return convert(np.asarray(values) << shift_bits)


def _coarse(lost_bits: int, half: int, values: Integers) -> Integers:
    return clip((values + half) >> lost_bits << lost_bits, ALU_OPERAND).value


def _powers_negative(shift_bits: int, values: Integers) -> Integers:
    bias = np.asarray(values) << shift_bits
    power = (bias >= 1 << (ALU_OPERAND - 1)) & (bias & (bias - 1) == 0)
    return np.where(power, -np.asarray(values), values)


def _cause(
    key: str, unit: XUnit, words: str, advice: str, changes: tuple[Change, ...], *, everywhere: bool = True
) -> Cause:
    return Cause(key, Family.ARITHMETIC, unit.title, words, advice, changes, everywhere)
