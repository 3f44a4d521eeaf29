"""Which single misprogramming gives a board's wrong bytes: found by running each, not by guessing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.factor import Factor, shared_shift_factor
from nvdla_int8.quantise.requantise import MISREADINGS
from nvdla_int8.stages.fixedpoint import round_shift
from nvdla_int8.stages.layer_program import LayerProgram, LayerStages
from nvdla_int8.stages.sdp import OutputConverter, Source, XStage
from nvdla_int8.stages.widths import ACC_OUT, FEATURE, MUL_PRODUCT, OUT_PRODUCT, OUT_ROUNDED

Changes = dict[str, Any]
"""Changed fields of a program; a dict for the changed fields of one of its stages."""

Rules = Iterator[tuple[str, Changes]]

OUTPUT = "output_converter"
LABELS = {"x1": "X1's multiplier", "x2": "X2's multiplier", OUTPUT: "the output converter"}


@dataclass(frozen=True)
class Misprogramming:
    """One mistake, worded to follow "when", and the program that holds it."""

    what: str
    program: LayerProgram


class TracedValue(NamedTuple):
    """One element's value at one point of the pipeline, signed ``width`` bits."""

    stage: str
    value: int
    width: int


def misprogrammings(program: LayerProgram) -> list[Misprogramming]:
    """Every single mistake the search knows that this program leaves room for."""
    found = []
    for what, changes in _all_rules(program):
        try:
            changed = _changed(program, changes)
        except BenchError:
            continue  # the registers cannot hold it, so no board can be programmed like this
        if changed != program:
            found.append(Misprogramming(what, changed))
    return found


def find_misprogrammings(
    program: LayerProgram, data: NDArray[np.integer], board: NDArray[np.integer], stage: str = "output"
) -> list[Misprogramming]:
    """Find the mistakes that give a board's tensor exactly.

    Parameters
    ----------
    program
        What the board should have been programmed with.
    data
        The layer's input, as for ``LayerProgram.run``.
    board
        What the board gave at ``stage``, same shape and dtype as the model's.
    stage
        One of ``nvdla_int8.stages.layer_program.STAGES``.

    Returns
    -------
    list
        All that fit; none when the board is right, or when no single mistake on the list fits.
    """
    if np.array_equal(program.run(data).tensor(stage), board):
        return []
    return [
        mistake
        for mistake in misprogrammings(program)
        if np.array_equal(mistake.program.run(data).tensor(stage), board)
    ]


def trace_element(program: LayerProgram, stages: LayerStages, image: int, k: int, y: int, x: int) -> list[TracedValue]:
    """One output element from accumulator to byte; ``before clip`` is what the last clip takes in."""
    values = {
        stage: int(tensor.reshape(-1, *tensor.shape[-3:])[image, k, y, x])
        for stage, tensor in ((stage, stages.tensor(stage)) for stage in ("accumulators", "x1", "x2", "output"))
    }
    converter = program.output_converter
    product = (values["x2"] - converter.offset) * converter.scale
    rounded = round_shift(product, converter.shift_bits, OUT_PRODUCT, OUT_ROUNDED).value
    return [
        *(TracedValue(stage, values[stage], ACC_OUT) for stage in ("accumulators", "x1", "x2")),
        TracedValue("before clip", int(rounded), OUT_ROUNDED),
        TracedValue("output", values["output"], FEATURE),
    ]


def _changed(program: LayerProgram, changes: Changes) -> LayerProgram:
    fields = dict(program)
    for name, change in changes.items():
        if isinstance(change, dict):
            stage = fields[name]
            fields[name] = type(stage)(**(dict(stage) | change))
        else:
            fields[name] = change
    return LayerProgram(**fields)


def _all_rules(program: LayerProgram) -> Rules:
    yield from _input_rules(program)
    for which in ("x1", "x2"):
        yield from _x_rules(which, getattr(program, which))
    for place in ("x1", "x2", OUTPUT):
        yield from _factor_rules(program, place)
    yield from _output_offset_rules(program.output_converter)


def _input_rules(program: LayerProgram) -> Rules:
    converter = program.input_converter
    if converter.enabled:
        yield "the input converter is off", {"input_converter": {"enabled": False}}
    if converter.pixel:
        other = "signed" if converter.unsigned else "unsigned"
        yield f"input bytes are read as {other}", {"input_converter": {"unsigned": not converter.unsigned}}
    if converter.mean is not None:
        yield "the mean is not subtracted", {"input_converter": {"mean": None}}
    if program.geometry.pad_value:
        yield f"the padding value is 0, not {program.geometry.pad_value}", {"geometry": {"pad_value": 0}}


def _x_rules(which: str, stage: XStage) -> Rules:
    if stage.bypass:
        return
    name = which.upper()
    if not stage.alu_bypass:
        yield (
            f"the bias is missing ({name}'s ALU is bypassed)",
            {which: {"alu_bypass": True}, f"{which}_alu": None},
        )
        yield f"{name}'s ALU operand is not shifted left", {which: {"alu_shift_bits": 0}}
    if stage.relu:
        yield f"the ReLU of {name} is missing", {which: {"relu": False}}


def _output_offset_rules(converter: OutputConverter) -> Rules:
    yield "the output converter's offset is not subtracted", {OUTPUT: {"offset": 0}}
    yield "the output converter's offset has the wrong sign", {OUTPUT: {"offset": -converter.offset}}


def _factor_rules(program: LayerProgram, place: str) -> Rules:
    factor = _factor_at(program, place)
    if factor is None:
        return
    label, shift = LABELS[place], factor.shift_bits
    scale = "scale" if place == OUTPUT else "operand"
    yield f"the {scale} of {label} is not applied, its shift is", _unscaled(place, shift)
    yield f"the shift of {label} is not applied, its {scale} is", _shifted(place, 0)
    yield f"neither {scale} nor shift of {label} is applied", _unscaled(place, 0)
    for by in (1, -1):
        yield f"the shift of {label} is {shift + by}, not {shift}", _shifted(place, shift + by)
    yield from _misreading_rules(program, place, factor)
    yield from _twice_rules(program, place, factor)


def _factor_at(program: LayerProgram, place: str) -> Factor | None:
    """The factor of a stage that has one: its multipliers, of the operand's shape or (1,), and shift."""
    if place == OUTPUT:
        converter = program.output_converter
        identity = converter.scale == 1 and converter.shift_bits == 0
        return None if identity else Factor(np.array([converter.scale], np.int16), converter.shift_bits)
    stage: XStage = getattr(program, place)
    if stage.bypass or stage.mul_bypass:
        return None
    stream: NDArray[np.int16] | None = getattr(program, f"{place}_mul")
    operand = np.array([stage.mul_value], np.int16) if stream is None else stream
    return Factor(operand, stage.mul_shift_bits)


def _shifted(place: str, shift_bits: int) -> Changes:
    return {place: {"shift_bits" if place == OUTPUT else "mul_shift_bits": shift_bits}}


def _unscaled(place: str, shift_bits: int) -> Changes:
    if place == OUTPUT:
        return {place: {"scale": 1, "shift_bits": shift_bits}}
    return {place: {"mul_bypass": True, "mul_shift_bits": shift_bits}, f"{place}_mul": None}


def _misreading_rules(program: LayerProgram, place: str, factor: Factor) -> Rules:
    if factor.multipliers.min() <= 0:
        return  # not a factor made of scales
    for what, transform in MISREADINGS:
        wrong = transform(factor.reals.ravel())
        try:
            integers = shared_shift_factor(wrong, longest_shift_bits=MUL_PRODUCT - 1)
        except BenchError:
            continue  # does not fit 16 bits, so no board can be programmed like this
        multipliers = integers.multipliers.reshape(factor.multipliers.shape)
        changes = _shifted(place, integers.shift_bits)
        if place == OUTPUT:
            changes[place]["scale"] = int(multipliers[0])
        elif getattr(program, place).reads_mul:
            changes[f"{place}_mul"] = multipliers
        else:
            changes[place]["mul_value"] = int(multipliers[0])
        yield f"{what}, in {LABELS[place]}", changes


def _twice_rules(program: LayerProgram, place: str, factor: Factor) -> Rules:
    """The same shift, or the same factor, in a second unit that has none."""
    label, shift = LABELS[place], factor.shift_bits
    if place == OUTPUT:
        if program.x1.bypass or program.x1.mul_bypass:
            # A bypassed multiplier still shifts (hardware.md section 2).
            again = {"bypass": False, "mul_shift_bits": shift}
            yield f"the shift of {label} is in X1 too", {"x1": again}
            operand = {"mul_bypass": False, "mul_source": Source.REG, "mul_value": int(factor.multipliers[0])}
            yield f"scale and shift of {label} are in X1 too", {"x1": again | operand}
        return
    if _factor_at(program, OUTPUT) is None:
        yield f"the shift of {label} is in the output converter too", _shifted(OUTPUT, shift)
    if place == "x1" and program.x2.bypass:
        stage = {"bypass": False, "mul_bypass": False, "mul_shift_bits": shift}
        source = {"mul_source": program.x1.mul_source, "mul_value": program.x1.mul_value}
        yield f"operand and shift of {label} are in X2 too", {"x2": stage | source, "x2_mul": program.x1_mul}
