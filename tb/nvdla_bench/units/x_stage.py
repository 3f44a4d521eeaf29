"""Bench of nvdla_x_stage."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats, report
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import Vector, weighted
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


def _operands(stage: XStage, alu: Vector, mul: Vector) -> tuple[Vector, Vector]:
    """What the model takes: memory operands where the stage reads them, else the register's."""
    return (
        alu if stage.reads_alu else np.full_like(alu, stage.alu_value),
        mul if stage.reads_mul else np.full_like(mul, stage.mul_value),
    )


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
    alu, mul = np.zeros((0, lanes), np.int64), np.zeros((0, lanes), np.int64)
    consumed = 0
    for _ in range(80):
        case = random_x_case(random)
        for port, value in _case_ports(case).items():
            getattr(dut, port).value = int(value)
        data = weighted(random, ACC_OUT, BEATS * lanes).reshape(BEATS, lanes)
        fresh = BEATS - len(alu)
        new_alu = weighted(random, ALU_OPERAND, fresh * lanes).reshape(fresh, lanes)
        new_mul = weighted(random, MUL_OPERAND, fresh * lanes).reshape(fresh, lanes)
        alu, mul = np.concatenate([alu, new_alu]), np.concatenate([mul, new_mul])
        used_alu, used_mul = _operands(case.stage, alu, mul)
        expected = case.stage.compute(data, used_alu, used_mul)
        out = await bench.run(
            {
                "in": [(beat,) for beat in join_lanes(data, ACC_OUT)],
                "op": list(zip(join_lanes(new_alu, ALU_OPERAND), join_lanes(new_mul, MUL_OPERAND), strict=True)),
            },
            {"out": BEATS},
        )
        check_beats(
            comparison,
            {"in": (data, ACC_OUT), "alu": (used_alu, ALU_OPERAND), "mul": (used_mul, MUL_OPERAND)},
            {
                "data": (expected.value, ACC_OUT),
                "saturated": (expected.saturated, 1),
                "operand_saturated": (expected.operand_saturated, 1),
            },
            out["out"],
        )
        if case.stage.reads_alu or case.stage.reads_mul:
            consumed += BEATS
            alu, mul = alu[BEATS:], mul[BEATS:]
        taken = bench.sources["op"].accepted
        assert taken == consumed, report(f"{taken} operand beats were taken, {consumed} were expected")
    comparison.finish()
    bench.finish()
