"""Bench of nvdla_x_stage."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats, report
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import Vector, weighted
from nvdla_bench.units.support.streams import Beat
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_bench.units.support.x_cases import XCase, random_x_case
from nvdla_int8.seeds import generator
from nvdla_int8.stages.sdp import Source, XStage
from nvdla_int8.stages.widths import ACC_OUT, ALU_OPERAND, MUL_OPERAND

CONFIGURATION = (
    "bypass", "alu_bypass", "alu_algo", "alu_src", "alu_shift", "alu_operand",
    "mul_bypass", "mul_prelu", "mul_src", "mul_shift", "mul_operand", "relu_bypass",
)  # fmt: skip
OUTPUTS = ("data", "saturated", "operand_saturated")
OPERAND_BITS = ALU_OPERAND, MUL_OPERAND
CASES = 80
BEATS = 12


def _case_ports(case: XCase) -> dict[str, int]:
    stage = case.stage
    return {
        **case.ports(),
        "alu_src": stage.alu_source is Source.MEM,
        "mul_src": stage.mul_source is Source.MEM,
        "alu_operand": stage.alu_value % (1 << ALU_OPERAND),
        "mul_operand": stage.mul_value % (1 << MUL_OPERAND),
    }


class _Operands:
    """Operand beats that wait for the unit: always as many as a case has data beats.

    Attributes
    ----------
    alu, mul
        (BEATS, lanes) each, once they are topped up.
    consumed
        Beats that the unit must have taken.
    """

    def __init__(self, random: np.random.Generator, lanes: int) -> None:
        self._random = random
        self._lanes = lanes
        self.alu = self.mul = np.zeros((0, lanes), np.int64)
        self.consumed = 0

    def top_up(self) -> list[Beat]:
        """Beats in place of those that were taken."""
        shape = BEATS - len(self.alu), self._lanes
        alu, mul = (weighted(self._random, bits, shape[0] * shape[1]).reshape(shape) for bits in OPERAND_BITS)
        self.alu, self.mul = np.concatenate([self.alu, alu]), np.concatenate([self.mul, mul])
        return list(zip(join_lanes(alu, ALU_OPERAND), join_lanes(mul, MUL_OPERAND), strict=True))

    def of(self, stage: XStage) -> tuple[Vector, Vector]:
        """What the model takes: memory operands where the stage reads them, else the register's."""
        return (
            self.alu if stage.reads_alu else np.full_like(self.alu, stage.alu_value),
            self.mul if stage.reads_mul else np.full_like(self.mul, stage.mul_value),
        )

    def take(self, stage: XStage) -> None:
        """A case is done: its stage has taken them all, or none."""
        if stage.reads_alu or stage.reads_mul:
            self.consumed += BEATS
            self.alu, self.mul = self.alu[BEATS:], self.mul[BEATS:]


@cocotb.test()
async def operands_under_stalls(dut: Any) -> None:
    """Random programs with operands from registers and from memory.

    Operand beats always wait; the stage must take one for each data beat when it reads memory and
    leave all of them alone when it does not.
    """
    random = generator(run_seed(), "x_stage")
    lanes = run_parameters()["LANES"]
    await reset(
        dut,
        (*CONFIGURATION, "in_valid", "in_data", "op_valid", "op_alu", "op_mul", "out_ready"),
        ("in_ready", "op_ready", "out_valid"),
    )
    bench = UnitStreams(dut, {"in": ["data"], "op": ["alu", "mul"]}, {"out": OUTPUTS})
    comparison = Comparison()
    operands = _Operands(random, lanes)
    for _ in range(CASES):
        case = random_x_case(random)
        for port, value in _case_ports(case).items():
            getattr(dut, port).value = int(value)
        data = weighted(random, ACC_OUT, BEATS * lanes).reshape(BEATS, lanes)
        beats: dict[str, list[Beat]] = {"in": [(beat,) for beat in join_lanes(data, ACC_OUT)], "op": operands.top_up()}
        alu, mul = operands.of(case.stage)
        expected = case.stage.compute(data, alu, mul)
        out = await bench.run(beats, {"out": BEATS})
        check_beats(
            comparison,
            {"in": (data, ACC_OUT), "alu": (alu, ALU_OPERAND), "mul": (mul, MUL_OPERAND)},
            {
                "data": (expected.value, ACC_OUT),
                "saturated": (expected.saturated, 1),
                "operand_saturated": (expected.operand_saturated, 1),
            },
            out["out"],
        )
        operands.take(case.stage)
        taken = bench.sources["op"].accepted
        assert taken == operands.consumed, report(
            f"{taken} operand beats were taken, {operands.consumed} were expected"
        )
    comparison.finish()
    bench.finish()
