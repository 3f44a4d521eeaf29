"""Bench of nvdla_x_lane: the arithmetic of X1 and X2."""

from itertools import product
from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_vectors
from nvdla_bench.units.support.stimulus import Vector, corners, rounding_corners, weighted
from nvdla_bench.units.support.x_cases import ALGORITHM_CODES, XCase, random_x_case
from nvdla_int8.seeds import generator
from nvdla_int8.stages.sdp import AluAlgo, XStage
from nvdla_int8.stages.widths import ACC_OUT, ALU_OPERAND, ALU_SHIFT, MUL_OPERAND, MUL_SHIFT, MUL_SHIFT_FIELD


async def _compare(dut: Any, comparison: Comparison, case: XCase, data: Vector, alu: Vector, mul: Vector) -> None:
    expected = case.stage.compute(data, alu, mul)
    await compare_vectors(
        dut,
        comparison,
        {"in": data, "alu": alu, "mul": mul, **case.ports()},
        {
            "out": expected.value,
            "saturated": expected.saturated,
            "alu_operand_saturated": expected.operand_saturated,
        },
    )


@cocotb.test()
async def every_multiplier_shift(dut: Any) -> None:
    """All 256 values of the 8-bit field, with ties and bounds through multipliers 1 and -1."""
    random = generator(run_seed(), "x_lane", "multiplier")
    comparison = Comparison()
    for field, mul_bypass in product(range(1 << MUL_SHIFT_FIELD), (False, True)):
        stage = XStage(bypass=False, mul_bypass=mul_bypass, mul_shift_bits=field)
        data = random.permutation(rounding_corners(field % (1 << MUL_SHIFT), ACC_OUT, ACC_OUT))[:12]
        mul = random.choice([1, -1], len(data))
        await _compare(dut, comparison, XCase(stage, 2), data, np.zeros_like(data), mul)
    comparison.finish()


@cocotb.test()
async def every_operand_shift(dut: Any) -> None:
    """Each ALU shift with each algorithm, with results around the 32-bit bounds and the largest shifts."""
    random = generator(run_seed(), "x_lane", "alu")
    comparison = Comparison()
    for shift, algorithm in product(range(1 << ALU_SHIFT), AluAlgo):
        stage = XStage(bypass=False, alu_bypass=False, alu_algo=algorithm, alu_shift_bits=shift)
        alu = np.concatenate([np.arange(-2, 3), weighted(random, ALU_OPERAND, 5)])
        data = weighted(random, ACC_OUT, len(alu))
        code = int(random.choice(ALGORITHM_CODES[algorithm]))
        await _compare(dut, comparison, XCase(stage, code), data, alu, np.ones_like(alu))
    comparison.finish()


@cocotb.test()
async def sums_past_32_bits(dut: Any) -> None:
    """33-bit sums: they wrap under PReLU, and saturate in the multiplier's shift otherwise."""
    comparison = Comparison()
    grid = np.meshgrid(np.r_[corners(ACC_OUT)[:4], corners(ACC_OUT)[-4:]], np.r_[-32768, -1:2, 32767])
    data, alu = (axis.ravel() for axis in grid)
    for prelu, relu, mul_bypass, shift, scale in product(*[(False, True)] * 3, (0, 1), (0, 16)):
        stage = XStage(
            bypass=False,
            alu_bypass=False,
            alu_shift_bits=scale,
            mul_bypass=mul_bypass,
            mul_shift_bits=shift,
            prelu=prelu,
            relu=relu,
        )
        await _compare(dut, comparison, XCase(stage, 3), data, alu, np.ones_like(data))
    comparison.finish()


@cocotb.test()
async def random_cases(dut: Any) -> None:
    """Random programs on random values; multiplier ties come from the odd multipliers among them."""
    random = generator(run_seed(), "x_lane", "random")
    comparison = Comparison()
    for _ in range(250):
        case = random_x_case(random)
        data, alu, mul = (weighted(random, width, 12) for width in (ACC_OUT, ALU_OPERAND, MUL_OPERAND))
        await _compare(dut, comparison, case, data, alu, mul)
    comparison.finish()
