"""Causes: ReLU and PReLU where they should not be, missing, or in another form."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.units import OUTPUT, X1, X_UNITS, XUnit, with_fields
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point

Fields = dict[str, int | str]


def suggest_activations(scene: Scene) -> Iterator[Cause]:
    """What each of X1 and X2, and the output, leave room for."""
    registers = scene.registers
    for unit in X_UNITS:
        if unit.runs(registers):
            yield from _of_stage(unit, registers)
    yield from _added(scene)


def _of_stage(unit: XUnit, registers: LayerRegisters) -> Iterator[Cause]:
    relu_bypass, prelu, mul_bypass = (unit.field("CFG", name) for name in ("RELU_BYPASS", "MUL_PRELU", "MUL_BYPASS"))

    def is_linear(registers: LayerRegisters) -> bool:
        return unit.multiplies(registers) and not registers.field(prelu)

    def acts_without_multiplier(registers: LayerRegisters) -> bool:
        return unit.rounds(registers) and not unit.multiplies(registers) and registers.field(prelu) == 1

    if unit.has_relu(registers):
        advice = f"Look at {relu_bypass}: 0 turns the ReLU on."
        words = f"the ReLU of {unit.name} is missing"
        yield _programmed("relu-missing", unit, words, advice, {relu_bypass: 1}, unit.has_relu)
        if unit.adds(registers):
            words = f"the ReLU of {unit.name} comes before the bias"
            advice = "The ReLU is the last step of X1 and X2, behind ALU and multiplier."
            yield _without_relu("relu-before-bias", unit, words, advice, _before_bias, unit.has_relu)
        words = f"{unit.name} gives the absolute value where its ReLU should give 0"
        advice = "The ReLU makes negatives 0; look at how the sign is taken away."
        yield _without_relu("absolute-value", unit, words, advice, _absolute, unit.has_relu)
    if unit.has_prelu(registers):
        advice = f"Look at {prelu}: with it, values that are not negative skip multiplier and shift."
        linear: Fields = {prelu: 0, mul_bypass: 1, unit.shift: 0}
        words = f"the PReLU of {unit.name} acts as a ReLU"
        yield _programmed("prelu-as-relu", unit, words, advice, {**linear, relu_bypass: 0}, unit.has_prelu)
        words = f"the slope of {unit.name}'s PReLU is applied to positives too"
        yield _programmed("slope-on-positives", unit, words, advice, {prelu: 0}, unit.has_prelu)
        if not unit.has_relu(registers):
            words = f"the slope of {unit.name}'s PReLU is not applied, negatives are passed on"
            yield _programmed("prelu-missing", unit, words, advice, linear, unit.has_prelu)
    elif acts_without_multiplier(registers):
        advice = "PReLU has no effect where the multiplier is bypassed: the shift is of all values."
        words = f"positives skip the shift of {unit.name}, whose PReLU is on and whose multiplier is bypassed"
        by_one: Fields = {mul_bypass: 0, unit.field("MUL_CFG", "MUL_SRC"): 0, unit.register_operand("MUL"): 1}
        yield _programmed("prelu-without-multiplier", unit, words, advice, by_one, acts_without_multiplier)
    elif is_linear(registers):
        advice = f"Look at {prelu}: without it every value is multiplied."
        words = f"{unit.name} acts as a PReLU: only negatives are multiplied and shifted"
        yield _programmed("prelu-added", unit, words, advice, {prelu: 1}, is_linear)


def _added(scene: Scene) -> Iterator[Cause]:
    """A ReLU that is too much: in X1, in X2 and behind the output converter, where each makes other bytes."""
    registers = scene.registers
    if not OUTPUT.runs(registers):
        return
    shown = [unit for unit in X_UNITS if unit.runs(registers)] or [X1]
    for unit in shown:
        relu_bypass = unit.field("CFG", "RELU_BYPASS")
        if unit.has_relu(registers) or unit.has_prelu(registers):
            continue  # a ReLU behind a PReLU makes it a ReLU
        advice = f"Look at {relu_bypass}: 1 leaves the ReLU out."
        words = f"a ReLU is added in {unit.name}"
        yield Cause(
            "relu-added", Family.ARITHMETIC, unit.title, words, advice, (with_fields(_relu_in(unit)),), everywhere=True
        )
    keeps_sign = registers.signed_field("SDP.D_CVT_SCALE.CVT_SCALE") > 0
    int16 = registers.field("SDP.D_DATA_FORMAT.OUT_PRECISION") == 1
    if registers.field("SDP.D_CVT_OFFSET.CVT_OFFSET") or not keeps_sign or int16:
        change = Change(Point.OUTPUT, lambda output, _scene: np.maximum(output, 0))
        words = "a ReLU is added behind the output converter"
        advice = "SDP's only ReLUs are in X1 and X2, before the output converter."
        yield Cause("relu-added", Family.ARITHMETIC, OUTPUT.title, words, advice, (change,), everywhere=True)


def _relu_in(unit: XUnit) -> Callable[[LayerRegisters], Fields]:
    def fields(registers: LayerRegisters) -> Fields:
        if not OUTPUT.runs(registers):
            return {}
        relu_bypass = unit.field("CFG", "RELU_BYPASS")
        return {relu_bypass: 0} if unit.runs(registers) else {**alone(unit), relu_bypass: 0}

    return fields


def alone(unit: XUnit) -> Fields:
    """Fields of a stage that was bypassed and now runs, without doing anything yet."""
    switches = {"BYPASS": 0, "ALU_BYPASS": 1, "MUL_BYPASS": 1, "RELU_BYPASS": 1}
    return {unit.shift: 0, **{unit.field("CFG", name): value for name, value in switches.items()}}


Has = Callable[[LayerRegisters], bool]
"""Whether a layer has what a cause takes away or changes."""
Function = Callable[..., Any]


def _programmed(key: str, unit: XUnit, words: str, advice: str, fields: Fields, has: Has) -> Cause:
    change = with_fields(lambda registers: fields if has(registers) else {})
    return Cause(key, Family.ARITHMETIC, unit.title, words, advice, (change,), everywhere=True)


def _without_relu(
    key: str, unit: XUnit, words: str, advice: str, around: Callable[[Function], Function], has: Has
) -> Cause:
    """The stage without its ReLU, with something around it instead."""
    relu_bypass = unit.field("CFG", "RELU_BYPASS")
    changes = (
        with_fields(lambda registers: {relu_bypass: 1} if has(registers) else {}),
        Change(unit.point, lambda compute, scene: around(compute) if has(scene.registers) else compute),
    )
    return Cause(key, Family.ARITHMETIC, unit.title, words, advice, changes, everywhere=True)


def _before_bias(compute: Function) -> Function:
    return lambda data, *operands, **options: compute(np.maximum(data, 0), *operands, **options)


def _absolute(compute: Function) -> Function:
    def absolute(*arguments: Any, **options: Any) -> Any:
        result = compute(*arguments, **options)
        return result._replace(value=np.abs(result.value))

    return absolute
