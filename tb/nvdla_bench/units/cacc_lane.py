"""Bench of nvdla_cacc_lane."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_vectors
from nvdla_bench.units.support.stimulus import corners, weighted
from nvdla_int8.seeds import generator
from nvdla_int8.stages.saturating_sum import saturating_sum
from nvdla_int8.stages.widths import ACC


@cocotb.test()
async def add_and_replace(dut: Any) -> None:
    """Bounds of the accumulator with the smallest and largest sums; the first sum replaces."""
    random = generator(run_seed(), "cacc_lane")
    width = len(dut.sum)
    near_bounds = np.r_[corners(ACC)[:3], -1:2, corners(ACC)[-3:]]
    acc, addend = np.meshgrid(near_bounds, np.r_[corners(width)[:3], -2:3, corners(width)[-3:]])
    acc = np.concatenate([acc.ravel(), weighted(random, ACC, 1000)])
    addend = np.concatenate([addend.ravel(), weighted(random, width, 1000)])
    comparison = Comparison()
    for first, addends in ((0, np.stack([acc, addend])), (1, addend[None])):
        value, saturated = saturating_sum(addends, ACC)
        await compare_vectors(
            dut,
            comparison,
            {"first": first, "acc": acc, "sum": addend},
            {"out": value, "saturated": saturated},
        )
    comparison.finish()
