"""Causes: a unit multiplies by another factor than ``scale / 2**shift``: misread, applied twice, left out."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.units import (
    UNITS,
    Unit,
    XUnit,
    from_memory,
    is_identity,
    operand_values,
    scale_field,
    with_fields,
)
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point, XOperands
from nvdla_int8.errors import BenchError
from nvdla_int8.quantise import requantise
from nvdla_int8.quantise.factor import Factor, shared_shift_factor
from nvdla_int8.quantise.requantise import STEPS_256
from nvdla_int8.quantise.rounding import Reals, round_to_nearest
from nvdla_int8.quantise.weights import WEIGHT_MAX
from nvdla_int8.stages.fixedpoint import sign_extend, signed_range
from nvdla_int8.stages.widths import MUL_OPERAND

ADVICE = "Work the factor out again with `nvdla-int8 requantise`: it is Si * Sw / So, a scale being max / 127."


class Misreading(NamedTuple):
    """What is programmed in place of a factor, as a function of it; ``words`` come before "in X1"."""

    key: str
    words: str
    transform: Callable[[Reals], Reals]


STEPS_255 = 255 / (2 * WEIGHT_MAX)
"""As STEPS_256, of a range that is taken in 255 steps."""

SAME_AS = {"scale-range-over-256": ", which is max / 128"}
"""S128 for S127 in every scale, for who looks for it by that name."""

_COMMON = zip(
    ("factor-inverted", "scale-256-over-range", "scale-range-over-256", "factor-applied-twice"),
    requantise.MISREADINGS,
    strict=True,
)
MISREADINGS = (
    *(Misreading(key, words + SAME_AS.get(key, ""), transform) for key, (words, transform) in _COMMON),
    Misreading("s128-for-s127", "the output's scale alone is taken as max / 128", lambda factor: factor * STEPS_256),
    Misreading(
        "s128-for-s127", "the scales of input and weights are taken as max / 128", lambda factor: factor / STEPS_256**2
    ),
    Misreading("scale-255-over-range", "every scale is taken as 255 / (max - min)", lambda factor: STEPS_255 / factor),
    Misreading("scale-range-over-255", "every scale is taken as (max - min) / 255", lambda factor: factor / STEPS_255),
    Misreading(
        "scale-range-over-255",
        "the output's scale alone is taken as (max - min) / 255",
        lambda factor: factor * STEPS_255,
    ),
    Misreading("255-for-256", "255 stands for 256", lambda factor: factor * 255 / 256),
    Misreading("255-for-256", "256 stands for 255", lambda factor: factor * 256 / 255),
)


def suggest_factors(scene: Scene) -> Iterator[Cause]:
    """Other factors of each unit that has one."""
    registers = scene.registers
    units = [unit for unit in UNITS if unit.multiplies(registers) and not is_identity(unit, registers)]
    for unit in units:
        yield from _left_out(unit, registers)
        yield from suggest_misreadings(unit, scene)


def _left_out(unit: Unit, registers: LayerRegisters) -> Iterator[Cause]:
    def unscaled(*, shifts: bool) -> Change:
        def fields(registers: LayerRegisters) -> dict[str, int | str]:
            if not unit.multiplies(registers):
                return {}
            off = unit.field("CFG", "MUL_BYPASS") if isinstance(unit, XUnit) else scale_field(unit)
            return {off: 1} if shifts else {off: 1, unit.shift: 0}

        return with_fields(fields)

    what = "operand" if isinstance(unit, XUnit) else "scale"
    advice = f"Look whether {unit.title} gets its {what}."
    if from_memory(unit, registers) or registers.signed_field(scale_field(unit)) != 1:
        words = f"the {what} of {unit.name} is not applied, its shift is"
        changes = (unscaled(shifts=True),)
        yield Cause("scale-missing", Family.ARITHMETIC, unit.title, words, advice, changes, everywhere=True)
    if unit.shift_bits(registers) and not (isinstance(unit, XUnit) and unit.has_prelu(registers)):
        words = f"neither {what} nor shift of {unit.name} is applied"
        changes = (unscaled(shifts=False),)
        yield Cause("factor-missing", Family.ARITHMETIC, unit.title, words, advice, changes, everywhere=True)


def suggest_misreadings(unit: Unit, scene: Scene) -> Iterator[Cause]:
    """Each misreading with the longest shift that fits and with the programmed one, where the integers differ."""
    shift_bits = unit.shift_bits(scene.registers)
    seen: set[tuple[int, bytes]] = set()
    for misreading in MISREADINGS:
        for fit in (_longest_shift, _same_shift):
            refit = partial(fit, misreading.transform, unit)
            try:
                integers = refit(scene)
            except BenchError:
                continue  # no board can be programmed like this
            found = (integers.shift_bits, integers.multipliers.tobytes())
            if found in seen:
                continue
            seen.add(found)
            shift = f" with shift {integers.shift_bits}" if integers.shift_bits != shift_bits else ""
            words = f"{misreading.words}, in {unit.name}{shift}"
            changes = _changes(misreading.transform, unit, refit)
            yield Cause(misreading.key, Family.ARITHMETIC, unit.title, words, ADVICE, changes, everywhere=True)


def _changes(transform: Callable[[Reals], Reals], unit: Unit, refit: Callable[[Scene], Factor]) -> tuple[Change, ...]:
    def fields(registers: LayerRegisters, scene: Scene) -> LayerRegisters:
        if not unit.multiplies(registers):
            return registers
        integers = refit(scene)
        changed: dict[str, int | str] = {unit.shift: integers.shift_bits}
        if not from_memory(unit, registers):
            changed[scale_field(unit)] = int(integers.multipliers[0])
        return registers.with_fields(changed)

    changes = [Change(Point.REGISTERS, fields)]
    if isinstance(unit, XUnit):
        x_unit = unit

        def operands(operands: XOperands, scene: Scene) -> XOperands:
            if not x_unit.reads(scene.registers, "MUL"):
                return operands
            shift_bits = refit(scene).shift_bits
            before = np.ldexp(operands.mul.astype(np.float64), -unit.shift_bits(scene.registers))
            reals = transform(np.where(before == 0, 1, before))
            wrong = np.where(before == 0, 0, round_to_nearest(np.ldexp(reals, shift_bits)))
            return operands._replace(mul=sign_extend(wrong.astype(np.int64), MUL_OPERAND))

        changes.append(Change(unit.operands, operands))
    return tuple(changes)


def _longest_shift(transform: Callable[[Reals], Reals], unit: Unit, scene: Scene) -> Factor:
    return shared_shift_factor(transform(_reals(unit, scene)), longest_shift_bits=unit.in_width - 1)


def _same_shift(transform: Callable[[Reals], Reals], unit: Unit, scene: Scene) -> Factor:
    shift_bits = unit.shift_bits(scene.registers)
    multipliers = round_to_nearest(np.ldexp(transform(_reals(unit, scene)), shift_bits))
    low, high = signed_range(MUL_OPERAND)
    if multipliers.min() < low or multipliers.max() > high or not multipliers.all():
        raise BenchError(f"{unit.name}: with shift {shift_bits} the factor does not fit")
    return Factor(multipliers.astype(np.int16), shift_bits)


def _reals(unit: Unit, scene: Scene) -> Reals:
    """The factors that are not 0."""
    multipliers = operand_values(unit, "MUL", scene)
    used = multipliers[multipliers != 0]
    if not used.size:
        raise BenchError(f"{unit.name}: its factor is 0")
    reals: Reals = np.ldexp(used.astype(np.float64), -unit.shift_bits(scene.registers))
    return reals
