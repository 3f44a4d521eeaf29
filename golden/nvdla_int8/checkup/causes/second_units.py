"""Causes: the factor or the shift of one unit is programmed in a second one too, which should have none."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.activations import alone
from nvdla_int8.checkup.causes.units import OUTPUT, X1, X2, XUnit, is_identity, scale_field, with_fields
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import XOperands

Fields = dict[str, int | str]
ADVICE = "One factor a layer: it goes into the output converter, or into X1's or X2's multiplier."


def suggest_second_units(scene: Scene) -> Iterator[Cause]:
    """Factors that are applied twice, in two units."""
    registers = scene.registers
    if not OUTPUT.runs(registers):
        return
    if not is_identity(OUTPUT, registers) and not X1.multiplies(registers):
        yield from _output_in_x1(registers)
    for unit in (X1, X2):
        if unit.multiplies(registers) and is_identity(OUTPUT, registers) and unit.shift_bits(registers):
            yield from _stage_in_output(unit, registers)
    if X1.multiplies(registers) and not X2.runs(registers):
        words = "operand and shift of X1's multiplier are in X2 too"
        changes = (with_fields(_x1_in_x2), Change(X2.operands, _x1_operands))
        yield _cause(X2, words, changes)


def _cause(unit: XUnit | None, words: str, changes: tuple[Change, ...]) -> Cause:
    title = OUTPUT.title if unit is None else unit.title
    return Cause("factor-in-two-units", Family.ARITHMETIC, title, words, ADVICE, changes, everywhere=True)


def _output_in_x1(registers: LayerRegisters) -> Iterator[Cause]:
    if OUTPUT.shift_bits(registers):
        words = "the shift of the output converter is in X1 too"
        yield _cause(X1, words, (with_fields(partial(_in_x1, with_scale=False)),))
    if registers.signed_field(scale_field(OUTPUT)) != 1:
        words = "scale and shift of the output converter are in X1 too"
        yield _cause(X1, words, (with_fields(partial(_in_x1, with_scale=True)),))


def _in_x1(registers: LayerRegisters, *, with_scale: bool) -> Fields:
    """A bypassed multiplier still shifts (hardware.md section 2)."""
    if not OUTPUT.runs(registers) or X1.multiplies(registers):
        return {}
    fields: Fields = {} if X1.runs(registers) else alone(X1)
    fields[X1.shift] = OUTPUT.shift_bits(registers)
    if with_scale:
        fields[X1.field("CFG", "MUL_BYPASS")] = 0
        fields[X1.field("CFG", "MUL_PRELU")] = 0
        fields[X1.field("MUL_CFG", "MUL_SRC")] = 0
        fields[X1.register_operand("MUL")] = registers.signed_field(scale_field(OUTPUT))
    return fields


def _stage_in_output(unit: XUnit, registers: LayerRegisters) -> Iterator[Cause]:
    words = f"the shift of {unit.name}'s multiplier is in the output converter too"
    yield _cause(None, words, (with_fields(partial(_in_output, unit, with_scale=False)),))
    if not unit.reads(registers, "MUL") and registers.signed_field(unit.register_operand("MUL")) != 1:
        words = f"operand and shift of {unit.name}'s multiplier are in the output converter too"
        yield _cause(None, words, (with_fields(partial(_in_output, unit, with_scale=True)),))


def _in_output(unit: XUnit, registers: LayerRegisters, *, with_scale: bool) -> Fields:
    if not unit.multiplies(registers) or not is_identity(OUTPUT, registers):
        return {}
    fields: Fields = {OUTPUT.shift: unit.shift_bits(registers)}
    if with_scale and not unit.reads(registers, "MUL"):
        fields[scale_field(OUTPUT)] = registers.signed_field(unit.register_operand("MUL"))
    return fields


def _x1_in_x2(registers: LayerRegisters) -> Fields:
    if not X1.multiplies(registers) or X2.runs(registers):
        return {}
    operand = 1 if X1.reads(registers, "MUL") else registers.signed_field(X1.register_operand("MUL"))
    return {
        **alone(X2),
        X2.shift: X1.shift_bits(registers),
        X2.field("CFG", "MUL_BYPASS"): 0,
        X2.field("CFG", "MUL_PRELU"): 0,
        X2.field("MUL_CFG", "MUL_SRC"): 0,
        X2.register_operand("MUL"): operand,
    }


def _x1_operands(operands: XOperands, scene: Scene) -> XOperands:
    """X1's multipliers, where they are in memory."""
    registers = scene.registers
    if not X1.reads(registers, "MUL") or X2.runs(registers) or scene.sdp is None:
        return operands
    mul = scene.sdp.operand_surface(X1.stage).read(scene.state.memory).mul
    assert mul is not None, "the stream holds it"
    if X1.per_element(registers):
        return operands._replace(mul=mul.astype(np.int64))
    return operands._replace(mul=mul.astype(np.int64)[:, None, None])
