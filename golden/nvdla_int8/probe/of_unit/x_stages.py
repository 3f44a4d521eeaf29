"""Probes of X1 and of X2, which are alike: SDP from memory, one stage in use."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Layer, sdp
from nvdla_int8.probe.patterns import counter, every_byte
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.sdp import AluAlgo, Operand, OutputConverter, Source, XStage
from nvdla_int8.stages.sdp_program import SdpProgram

STAGES = {Unit.X1: "x1", Unit.X2: "x2"}
SHAPE = 13, 2, 3
"""Of cubes with operands from memory: the last atom is not full."""


@dataclass(frozen=True)
class Operands:
    """Operands from memory, of one or two bytes."""

    alu: Operand | None = None
    mul: Operand | None = None
    element_bytes: int = 2


NONE = Operands()


def x_probes(room: Room, unit: Unit) -> Iterator[Probe]:
    """The probes of X1 or X2, in order."""
    for name, shows, layers in (*_from_registers(STAGES[unit]), *_from_memory(STAGES[unit])):
        yield layer_probe(room, unit, f"{STAGES[unit]}_{name}", shows, layers)


def _from_registers(stage: str) -> Iterator[tuple[str, str, list[Layer]]]:
    """Names, what they show and layers of probes in which every int8 value goes through a stage."""
    through = partial(_through, stage, every_byte(), NONE)
    multiplied = partial(through, mul_bypass=False)
    summed = partial(through, alu_bypass=False)
    yield "nothing", "in use, with nothing to do", [through()]
    yield "sum", "the ALU adds its register", [summed(alu_value=7), summed(alu_value=-9)]
    extremes = [summed(alu_algo=algo, alu_value=-20) for algo in (AluAlgo.MAX, AluAlgo.MIN)]
    yield "max_min", "the ALU takes the greater, the smaller", extremes
    shifted = [
        summed(alu_value=-3, alu_shift_bits=4),
        summed(alu_value=0x5555, alu_shift_bits=40, converter=OutputConverter(shift_bits=25)),
        summed(alu_value=1, alu_shift_bits=1),
        summed(alu_value=1, alu_shift_bits=2),
        summed(alu_value=1, alu_shift_bits=8, converter=OutputConverter(shift_bits=2)),
        summed(alu_value=5, alu_shift_bits=16, converter=OutputConverter(shift_bits=12)),
    ]
    yield "alu_shift", "the ALU's operand is shifted left, and clips", shifted
    yield "relu", "ReLU", [through(relu=True)]
    yield "multiply", "the multiplier takes its register, its sign", [multiplied(mul_value=2), multiplied(mul_value=-1)]
    ties = [multiplied(mul_value=1, mul_shift_bits=shift) for shift in range(1, 9)]
    yield "ties", "shifts of 1 to 8 round every tie away from zero", ties
    large = partial(multiplied, alu_bypass=False, alu_value=0x5FF, alu_shift_bits=20, mul_value=32767)
    far = [
        multiplied(mul_value=32767, mul_shift_bits=16),
        large(mul_shift_bits=32, converter=OutputConverter(shift_bits=7)),
        large(mul_shift_bits=39),
        large(mul_shift_bits=63),
    ]
    yield "shift", "shifts up to 39, and more, which give 0", far
    yield "shift_alone", "the shift acts with the multiplier bypassed", [through(mul_shift_bits=2)]
    wide = [multiplied(mul_value=value, mul_shift_bits=15) for value in (0x5555, -32768)]
    yield "multiply_16", "all 16 bits of the multiplier", wide
    clipped = [
        multiplied(
            alu_bypass=False, alu_value=value, alu_shift_bits=20, mul_value=2, converter=OutputConverter(shift_bits=25)
        )
        for value in (0x7FF, -0x7FF)
    ]
    yield "clip_32", "a product beyond 32 bits clips", clipped
    prelu = [multiplied(mul_value=3, mul_shift_bits=3, prelu=True)]
    yield "prelu", "PReLU: what is not negative skips multiplier and shift", prelu


def _from_memory(stage: str) -> Iterator[tuple[str, str, list[Layer]]]:
    """The same with operands from memory, each one another."""
    kernel, element = np.arange(SHAPE[0], dtype=np.int16) - np.int16(5), counter(*SHAPE, start=77).astype(np.int16)
    wide_kernel, wide_element = (kernel * 0x0311).astype(np.int16), (element * 37).astype(np.int16)
    sums, factors = {"alu_bypass": False}, {"mul_bypass": False, "mul_shift_bits": 11}
    shifted = {**sums, "converter": OutputConverter(shift_bits=6)}
    for name, shows, operands, of_stage in (
        ("per_kernel_1", "the ALU's operand per kernel, of one byte", Operands(kernel, element_bytes=1), sums),
        ("per_kernel_2", "the ALU's operand per kernel, of two bytes", Operands(wide_kernel), shifted),
        ("per_element_1", "the ALU's operand per element, of one byte", Operands(element, element_bytes=1), sums),
        ("per_element_2", "the ALU's operand per element, of two bytes", Operands(wide_element), shifted),
        ("factor_per_kernel", "the multiplier's operand per kernel", Operands(mul=wide_kernel), factors),
        ("factor_per_element", "the multiplier's operand per element", Operands(mul=wide_element), factors),
        ("both_per_kernel", "both operands per kernel, interleaved", Operands(kernel, wide_kernel), sums | factors),
        (
            "both_per_element",
            "both operands per element, interleaved, of one byte",
            Operands(element, element // 2, element_bytes=1),
            {**sums, "mul_bypass": False, "mul_shift_bits": 6},
        ),
    ):
        yield name, shows, [_through(stage, counter(*SHAPE), operands, **of_stage)]


def _through(
    stage: str,
    data: NDArray[np.int8],
    operands: Operands,
    converter: OutputConverter | None = None,
    **of_stage: Any,
) -> Layer:
    """A cube through one stage and the output converter, which mostly hands on."""
    given = {what: one for what in ("alu", "mul") if (one := getattr(operands, what)) is not None}
    parameters: dict[str, Any] = {
        stage: XStage(bypass=False, **{f"{what}_source": Source.MEM for what in given}, **of_stage),
        **{f"{stage}_{what}": one for what, one in given.items()},
    }
    program = SdpProgram(name=stage, output_converter=converter or OutputConverter(), **parameters)
    return sdp(data, program, operand_bytes=operands.element_bytes)
