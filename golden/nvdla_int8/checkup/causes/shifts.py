"""Causes: a unit shifts by another number of bits."""

from collections.abc import Callable, Iterator
from functools import partial

from nvdla_int8.checkup.cause import Cause, Family, Scene
from nvdla_int8.checkup.causes.rounding import floor
from nvdla_int8.checkup.causes.units import UNITS, Unit, XUnit, with_arithmetic, with_fields
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.registers.register_map import find_register

FURTHEST = 8
"""Bits that a shift is taken to be off by at most."""
CUT_BITS = (5, 4)
"""Widths to which a shift's field may be cut."""


def suggest_shifts(scene: Scene) -> Iterator[Cause]:
    """Shifts that are one off, missing, twice as long or cut, of each unit that has a factor or a shift."""
    for unit in UNITS:
        registers = scene.registers
        if not unit.runs(registers):
            continue
        if _used(unit, registers):
            yield from _off_by(unit, registers)
        yield from _cut(unit, registers)


def suggest_far_shifts(scene: Scene) -> Iterator[Cause]:
    """Shifts that are off by two or more, which is less likely than another factor."""
    for unit in UNITS:
        registers = scene.registers
        if not unit.runs(registers) or not _used(unit, registers):
            continue
        now = registers.field(unit.shift)
        for distance in range(2, FURTHEST + 1):
            for by in (distance, -distance):
                if _fits(unit, now + by) and now + by:
                    words = f"{unit.name}'s shift is {now + by}, not {now}"
                    advice = f"Compare {unit.shift} with the program."
                    yield _cause("shift-off-by-more", unit, words, advice, partial(_plus, by))


def _used(unit: Unit, registers: LayerRegisters) -> bool:
    """It shifts, or has a factor that is not 1."""
    if registers.field(unit.shift) or unit.scale is None:
        return True
    return unit.multiplies(registers) and (isinstance(unit, XUnit) or registers.signed_field(unit.scale) != 1)


def _off_by(unit: Unit, registers: LayerRegisters) -> Iterator[Cause]:
    now = registers.field(unit.shift)
    advice = f"Compare {unit.shift} with the program."
    for by in (1, -1):
        if _fits(unit, now + by):
            words = f"{unit.name}'s shift is {now + by}, not {now}"
            yield _cause("shift-off-by-one", unit, words, advice, partial(_plus, by), everywhere=True)
    if now > 1:  # from 1 to 0 it is off by one
        words = f"the shift of {unit.name} is not applied: it is 0, not {now}"
        yield _cause("shift-missing", unit, words, advice, lambda _: 0, everywhere=True)
    if now > FURTHEST and _fits(unit, 2 * now):
        words = f"the shift of {unit.name} is applied twice, {2 * now} for {now}"
        yield _cause("shift-applied-twice", unit, words, advice, lambda shift: 2 * shift, everywhere=True)


def _cut(unit: Unit, registers: LayerRegisters) -> Iterator[Cause]:
    now = registers.field(unit.shift)
    for bits in CUT_BITS:
        if now >> bits and now % (1 << bits):  # otherwise it is missing altogether
            words = f"{unit.name}'s shift has {bits} bits: {now} acts as {now % (1 << bits)}"
            advice = f"{unit.shift} has {_bits(unit)} bits; look at the width of what carries it."
            yield _cause("shift-field-cut", unit, words, advice, partial(_low_bits, bits), everywhere=True)
    used_bits = unit.shift_bits(registers)
    if now != used_bits:
        words = f"{unit.name}'s shift {now} is taken with all its bits, so the result is 0"
        advice = "The hardware takes the low 6 bits of MUL_SHIFT_VALUE: 64 acts as 0."
        yield _cause("shift-field-whole", unit, words, advice, lambda shift: min(shift, 63), everywhere=True)
    if used_bits >= unit.in_width:
        words = f"{unit.name} makes -1 of negatives that a shift of {used_bits} moves out, not 0"
        advice = f"A shift by {unit.in_width} bits or more gives 0, for negatives too."
        changes = (
            with_fields(lambda registers: _sign_only(unit, registers)),
            with_arithmetic(unit, lambda arithmetic: arithmetic._replace(rounding=floor)),
        )
        yield Cause("wide-shift-keeps-sign", Family.ARITHMETIC, unit.title, words, advice, changes)


def _sign_only(unit: Unit, registers: LayerRegisters) -> dict[str, int | str]:
    return {unit.shift: unit.in_width - 1} if unit.runs(registers) else {}


def _cause(
    key: str, unit: Unit, words: str, advice: str, change: Callable[[int], int], *, everywhere: bool = False
) -> Cause:
    def fields(registers: LayerRegisters) -> dict[str, int | str]:
        if not unit.runs(registers) or not _used(unit, registers):
            return {}
        changed = change(registers.field(unit.shift))
        return {unit.shift: changed} if _fits(unit, changed) else {}

    return Cause(key, Family.ARITHMETIC, unit.title, words, advice, (with_fields(fields),), everywhere)


def _plus(by: int, shift_bits: int) -> int:
    return shift_bits + by


def _low_bits(bits: int, shift_bits: int) -> int:
    return shift_bits & ((1 << bits) - 1)


def _bits(unit: Unit) -> int:
    register, _, field = unit.shift.rpartition(".")
    return find_register(register).fields[field].width


def _fits(unit: Unit, shift_bits: int) -> bool:
    return 0 <= shift_bits < 1 << min(_bits(unit), 6)
