"""What a program's integers stand for as real numbers, roundings and clips aside."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.quantise.rounding import Reals
from nvdla_int8.stages.sdp import Operand, XStage
from nvdla_int8.stages.sdp_tail import SdpTail


class ProgrammedReals(NamedTuple):
    """A program as ``factor * accumulator + constant``, in output steps, for values that are not negative.

    Attributes
    ----------
    factor, constant_lsb
        (K,), or (1,) where registers hold everything.
    """

    factor: Reals
    constant_lsb: Reals


def programmed_reals(program: SdpTail) -> ProgrammedReals:
    """What the operands of a program for SUM, in memory per kernel or in registers, stand for."""
    converter = program.output_converter
    factor, constant = np.ones(1), np.zeros(1)
    for stage, alu, mul in ((program.x1, program.x1_alu, program.x1_mul), (program.x2, program.x2_alu, program.x2_mul)):
        if stage.bypass:
            continue
        if not stage.alu_bypass and not (stage is program.x2 and program.takes_addend):
            constant = constant + np.ldexp(_values(alu, stage.alu_value), stage.alu_shift_bits)
        multiplier = _multiplier(stage, mul)
        factor, constant = factor * multiplier, constant * multiplier
    scale = np.ldexp(float(converter.scale), -converter.shift_bits)
    return ProgrammedReals(factor * scale, (constant - converter.offset) * scale)


def _multiplier(stage: XStage, mul: Operand | None) -> Reals:
    if stage.prelu or stage.mul_bypass:
        return np.ones(1)
    return np.ldexp(_values(mul, stage.mul_value), -stage.mul_shift_bits)


def _values(memory: NDArray[np.int16] | None, register: int) -> Reals:
    return np.array([float(register)]) if memory is None else memory.astype(np.float64)
