"""Bench of nvdla_clip."""

from typing import Any

import cocotb
import numpy as np

from golden import fixedpoint
from golden.seeds import generator
from tb.simulators import run_seed
from tb.units.comparison import Comparison, compare_vectors
from tb.units.stimulus import corners, rounding_corners, weighted


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
