"""What the streaming top must show at every stage for the beats that went into it (spec section 2).

The bench feeds it what its monitors saw on the pins, so a wrong driver cannot hide a wrong design.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.converter_registers import (
    RegisterValues,
    decode_accumulator,
    decode_input_converter,
    decode_output_converter,
    decode_pad_value,
    decode_x_stage,
)
from golden.errors import BenchError
from golden.fixedpoint import signed_range
from golden.input_converter import MEAN_CHANNELS
from golden.sdp import Operand, XResult, XStage
from golden.widths import ACC, FEATURE

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class InputBeats:
    """Beats seen on the inputs, in order.

    Attributes
    ----------
    data
        (B, atomic_c) uint8; ``pad`` (B, atomic_c) bool marks padded lanes.
    stripe_last, acc_first, acc_last
        (B,) bool.
    weights
        (T * atomic_k, atomic_c) int8.
    x1, x2
        ALU and multiplier operands, each (O, atomic_k) int16; None when the stage reads none.
    """

    data: NDArray[np.uint8]
    pad: Flags
    stripe_last: Flags
    acc_first: Flags
    acc_last: Flags
    weights: NDArray[np.int8]
    x1: tuple[Operand, Operand] | None
    x2: tuple[Operand, Operand] | None


@dataclass(frozen=True)
class StageBeats:
    """Beats of one stage: (B, lanes) values, and its saturation flags by the name of the RTL's port."""

    values: NDArray[np.integer]
    flags: Mapping[str, Flags]


def expected_beats(inputs: InputBeats, registers: RegisterValues, atomic_k: int) -> dict[str, StageBeats]:
    """Beats of every stage, by the names in ``program.STAGES``.

    Parameters
    ----------
    inputs
        What went in.
    registers
        Register values at that time.
    atomic_k
        Kernels of one weight tile.

    Raises
    ------
    BenchError
        When the streams do not fit each other: other than one tile a stripe, one operand an atom.
    """
    converted = _convert(inputs, registers)
    sums = _multiply(inputs, converted.values, atomic_k)
    accumulated = _accumulate(inputs, sums, registers)
    x1 = _x_stage("x1", accumulated.values, inputs.x1, registers)
    x2 = _x_stage("x2", x1.values, inputs.x2, registers)
    out = decode_output_converter(registers).apply(x2.values)
    output = StageBeats(out.value, {"saturated_17": out.saturated_17, "saturated_8": out.saturated_8})
    return {"converted": converted, "accumulators": accumulated, "x1": x1, "x2": x2, "output": output}


def _convert(inputs: InputBeats, registers: RegisterValues) -> StageBeats:
    converter = decode_input_converter(registers)
    lanes = inputs.data.shape[1]
    offsets = np.full(lanes, converter.offset, np.int64)
    if converter.mean is not None:
        offsets[:MEAN_CHANNELS] = converter.mean[:lanes]
    result = converter.convert(converter.read(inputs.data), offsets)
    return StageBeats(
        np.where(inputs.pad, np.int8(decode_pad_value(registers)), result.value),
        {"saturated_17": result.saturated_17 & ~inputs.pad, "saturated_8": result.saturated_8 & ~inputs.pad},
    )


def _multiply(inputs: InputBeats, converted: NDArray[np.integer], atomic_k: int) -> NDArray[np.int64]:
    whole, left_over = divmod(len(inputs.weights), atomic_k)
    tile: NDArray[np.int64] = np.cumsum(inputs.stripe_last) - inputs.stripe_last
    stripes = int(tile.max(initial=-1)) + 1
    if stripes != whole or left_over:
        beats = f"{whole} weight tiles and {left_over} beats"
        raise BenchError(f"{stripes} stripes were begun, but {beats} were taken")
    tiles = inputs.weights.reshape(whole, atomic_k, inputs.weights.shape[1])
    sums: NDArray[np.int64] = np.einsum("bc,bkc->bk", converted.astype(np.int64), tiles.astype(np.int64)[tile])
    return sums


def _accumulate(inputs: InputBeats, sums: NDArray[np.int64], registers: RegisterValues) -> StageBeats:
    """Add the stripes of each accumulation, position by position; deliver at the last one."""
    starts = np.concatenate([[True], inputs.stripe_last[:-1]])
    stripe_start = np.maximum.accumulate(np.where(starts, np.arange(len(starts)), 0))
    position = np.arange(len(starts)) - stripe_start
    accumulation = np.cumsum(starts & inputs.acc_first)
    longest = position.max(initial=0) + 1
    slots = np.zeros(((accumulation.max(initial=0) + 1) * longest, sums.shape[1]), np.int64)
    np.add.at(slots, accumulation * longest + position, sums)
    # Clamping at 34 bits would need more atoms than any stream of the bench has; say so if it has.
    adds = np.bincount(accumulation).max(initial=0)
    if adds * inputs.data.shape[1] << (2 * FEATURE - 2) > signed_range(ACC)[1]:
        raise BenchError(f"an accumulation of {adds} atoms could saturate 34 bits, which this model does not follow")
    accumulators = slots[(accumulation * longest + position)[inputs.acc_last]]
    delivered = decode_accumulator(registers).apply(accumulators)
    return StageBeats(
        delivered.value.astype(np.int32),
        {"saturated_34": np.zeros(accumulators.shape, np.bool_), "saturated_32": delivered.saturated},
    )


def _x_stage(
    which: str, data: NDArray[np.integer], operands: tuple[Operand, Operand] | None, registers: RegisterValues
) -> StageBeats:
    stage = decode_x_stage(which, registers)
    result = _compute(which, stage, data, operands)
    return StageBeats(result.value, {"saturated": result.saturated, "operand_saturated": result.operand_saturated})


def _compute(which: str, stage: XStage, data: NDArray[np.integer], operands: tuple[Operand, Operand] | None) -> XResult:
    alu, mul = np.array(stage.alu_value, np.int64), np.array(stage.mul_value, np.int64)
    if stage.reads_alu or stage.reads_mul:
        beats = 0 if operands is None else len(operands[0])
        if operands is None or beats != len(data):
            raise BenchError(f"{which} took {len(data)} atoms, but {beats} operand beats")
        alu = operands[0].astype(np.int64) if stage.reads_alu else alu
        mul = operands[1].astype(np.int64) if stage.reads_mul else mul
    return stage.compute(data, alu, mul)
