"""Bench of nvdla_clip."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_vectors
from nvdla_bench.units.support.stimulus import corners, rounding_corners, weighted
from nvdla_int8.seeds import generator
from nvdla_int8.stages import fixedpoint


@cocotb.test()
async def corners_and_random(dut: Any) -> None:
    """Bounds of both widths, and random values."""
    random = generator(run_seed(), "clip")
    in_width, out_width = len(getattr(dut, "in")), len(dut.out)
    operand = np.concatenate(
        [corners(in_width), rounding_corners(0, in_width, out_width), weighted(random, in_width, 2000)]
    )
    expected = fixedpoint.clip(operand, out_width)
    comparison = Comparison()
    await compare_vectors(dut, comparison, {"in": operand}, {"out": expected.value, "saturated": expected.saturated})
    comparison.finish()
