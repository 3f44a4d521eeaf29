"""Causes: operands and scales whose bits are cut or misread, or that belong to another kernel."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.units import (
    UNITS,
    X_UNITS,
    Unit,
    XUnit,
    alu_name,
    is_identity,
    operand_values,
    scale_field,
    with_arithmetic,
    with_fields,
    with_operand,
)
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import XOperands
from nvdla_int8.stages.fixedpoint import clip, sign_extend
from nvdla_int8.stages.widths import FEATURE, MUL_OPERAND

Integers = NDArray[np.int64]
Convert = Callable[[Integers], Integers]


class Taken(NamedTuple):
    """An operand that a unit takes: ``ALU`` or ``MUL``, a converter's scale being its MUL; how sentences call it."""

    unit: Unit
    operand: str
    name: str


class Bits(NamedTuple):
    """What becomes of an operand's bits; ``words`` follow its name."""

    key: str
    words: str
    change: Convert


def _low_bits_cut(bits: int, values: Integers) -> Integers:
    return values >> bits << bits


BITS = (
    Bits("operand-less-one", "is truncated, one less", lambda values: values - 1),
    Bits("operand-one-more", "is rounded up, one more", lambda values: values + 1),
    Bits("operand-low-byte", "has its low byte only, read as int8", lambda values: sign_extend(values, FEATURE)),
    Bits("operand-low-byte", "has its low byte only, read without sign", lambda values: values & 0xFF),
    *(
        Bits("operand-low-bits-cut", f"is truncated to {MUL_OPERAND - bits} bits", partial(_low_bits_cut, bits))
        for bits in (FEATURE, 1, 2, 3, 4, 6)
    ),
    Bits("operand-low-bits-cut", "is rounded to 8 bits", lambda values: _low_bits_cut(FEATURE, values + 128)),
    Bits("operand-8-bits", "is saturated to 8 bits", lambda values: clip(values, FEATURE).value),
    Bits("operand-15-bits", "is cut to 15 bits", lambda values: sign_extend(values, MUL_OPERAND - 1)),
    Bits("operand-sign-lost", "has lost its sign", np.abs),
    Bits("operand-sign-inverted", "has the wrong sign", np.negative),
)


def suggest_operand_values(scene: Scene) -> Iterator[Cause]:
    """Other bits of every operand, and operands of other kernels."""
    for taken in _all_taken(scene):
        values = operand_values(taken.unit, taken.operand, scene)
        yield from _other_bits(taken, values, scene)
        if taken.operand == "MUL" and values.min() < 0:
            yield _unsigned(taken)
    for unit in X_UNITS:
        yield from _other_kernels(unit, scene)


def _all_taken(scene: Scene) -> Iterator[Taken]:
    registers = scene.registers
    for unit in UNITS:
        if isinstance(unit, XUnit) and unit.has_alu(registers):
            yield Taken(unit, "ALU", f"{unit.name}'s {alu_name(unit, registers)}")
        if unit.multiplies(registers) and not is_identity(unit, registers):
            yield Taken(unit, "MUL", f"{unit.name}'s {'multiplier' if isinstance(unit, XUnit) else 'scale'}")


def _other_bits(taken: Taken, values: Integers, scene: Scene) -> Iterator[Cause]:
    seen = {values.tobytes()}
    if taken.operand == "ALU":
        seen.add(np.zeros_like(values).tobytes())  # it is missing
    if _of_one_byte(taken, scene):
        seen.add((values & 0xFF).tobytes())  # the whole stream is read without sign
    for bits in BITS:
        changed = np.asarray(bits.change(values))
        if changed.tobytes() not in seen:
            seen.add(changed.tobytes())
            numbers = f": {changed[0]} for {values[0]}" if values.size == 1 else ""
            yield _cause(bits.key, taken, f"{taken.name} {bits.words}{numbers}", _changed(taken, bits.change))


def _of_one_byte(taken: Taken, scene: Scene) -> bool:
    unit = taken.unit
    if not isinstance(unit, XUnit) or not unit.reads(scene.registers, taken.operand) or scene.sdp is None:
        return False
    return scene.sdp.operand_surface(unit.stage).element_bytes == 1


def _changed(taken: Taken, change: Convert) -> tuple[Change, ...]:
    if isinstance(taken.unit, XUnit):
        return with_operand(taken.unit, taken.operand, change)
    field = scale_field(taken.unit)

    def fields(registers: LayerRegisters) -> dict[str, int | str]:
        if not taken.unit.multiplies(registers):
            return {}
        return {field: int(change(np.array(registers.signed_field(field)))) & 0xFFFF}

    return (with_fields(fields),)


def _unsigned(taken: Taken) -> Cause:
    def reading(values: ArrayLike, width: int) -> Integers:
        return np.asarray(values, np.int64) & ((1 << width) - 1)

    change = with_arithmetic(taken.unit, lambda arithmetic: arithmetic._replace(reading=reading))
    return _cause("operand-unsigned", taken, f"{taken.name} is read without sign", (change,))


def _cause(key: str, taken: Taken, words: str, changes: tuple[Change, ...]) -> Cause:
    family = Family.OPERANDS if isinstance(taken.unit, XUnit) else Family.ARITHMETIC
    advice = f"Operands and scales are signed 16 bits; look at what {taken.name} is made of."
    return Cause(key, family, taken.unit.title, words, advice, changes, everywhere=True)


class Kernels(NamedTuple):
    """What becomes of the order of operands per kernel; ``words`` follow their name, with "are" for ``{}``."""

    key: str
    words: str
    change: Convert


KERNELS = (
    Kernels(
        "operand-of-one-kernel", "of kernel 0 {} taken for all", lambda values: np.repeat(values[:1], len(values), 0)
    ),
    Kernels("operand-of-other-kernel", "of each kernel {} the next one's", lambda values: np.roll(values, -1, 0)),
    Kernels("operand-of-other-kernel", "of each kernel {} the one's before", lambda values: np.roll(values, 1, 0)),
    Kernels("operand-of-other-kernel", "{} in reverse order of kernels", lambda values: values[::-1]),
)


def _other_kernels(unit: XUnit, scene: Scene) -> Iterator[Cause]:
    registers = scene.registers
    held = [operand for operand in ("ALU", "MUL") if unit.reads(registers, operand)]
    if not held or unit.per_element(registers) or scene.sdp is None or scene.sdp.channels == 1:
        return
    names = {"ALU": "bias", "MUL": "multiplier"}
    groups = [*([operand] for operand in held), *([held] if len(held) > 1 else [])]
    for kernels in KERNELS:
        for group in groups:
            change = Change(unit.operands, partial(_moved, kernels.change, scene.sdp.channels, group))
            verb = "are" if len(group) > 1 else "is"
            words = f"{unit.name}'s {' and '.join(names[operand] for operand in group)} {kernels.words.format(verb)}"
            advice = f"Compare the operands in memory, kernel by kernel, with those of {unit.name}."
            yield Cause(kernels.key, Family.OPERANDS, unit.title, words, advice, (change,))


def _moved(change: Convert, channels: int, group: list[str], operands: XOperands, _scene: Scene) -> XOperands:
    """The operands of real channels in another order, those of the lanes that fill the last atom as they are."""
    moved = {}
    for operand in group:
        values = getattr(operands, operand.lower())
        moved[operand.lower()] = np.concatenate([change(values[:channels]), values[channels:]])
    return operands._replace(**moved)
