"""Bench of nvdla_left_shift."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_vectors
from nvdla_bench.units.support.stimulus import corners, weighted
from nvdla_int8.seeds import generator
from nvdla_int8.stages import fixedpoint


@cocotb.test()
async def every_shift(dut: Any) -> None:
    """Each value of the shift with small operands, corners and random values."""
    random = generator(run_seed(), "left_shift")
    width = len(getattr(dut, "in"))
    comparison = Comparison()
    for shift in range(1 << len(dut.shift)):
        operand = np.concatenate([np.arange(-3, 4), random.choice(corners(width), 24), weighted(random, width, 24)])
        expected = fixedpoint.left_shift(operand, shift, len(dut.out))
        await compare_vectors(
            dut,
            comparison,
            {"in": operand, "shift": shift},
            {"out": expected.value, "saturated": expected.saturated},
        )
    comparison.finish()
