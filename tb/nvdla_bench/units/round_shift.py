"""Bench of nvdla_round_shift."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_vectors
from nvdla_bench.units.support.stimulus import corners, rounding_corners, weighted
from nvdla_int8.seeds import generator
from nvdla_int8.stages import fixedpoint


@cocotb.test()
async def every_shift(dut: Any) -> None:
    """Each value of the shift with ties and bounds, sampled corners and random values."""
    random = generator(run_seed(), "round_shift")
    in_width, out_width = len(getattr(dut, "in")), len(dut.out)
    fraction_bits = run_parameters().get("FRACTION_BITS")
    comparison = Comparison()
    for shift in range(1 << len(dut.shift)):
        operand = np.concatenate(
            [
                rounding_corners(shift, in_width, out_width),
                random.choice(corners(in_width), 16),
                weighted(random, in_width, 16),
            ]
        )
        expected = fixedpoint.round_shift(operand, shift, in_width, out_width, fraction_bits)
        await compare_vectors(
            dut,
            comparison,
            {"in": operand, "shift": shift},
            {"out": expected.value, "saturated": expected.saturated},
        )
    comparison.finish()
