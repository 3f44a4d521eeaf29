"""Bench of nvdla_cdp_sum: sums of squares over windows of all lengths, and the bypass."""

from itertools import product
from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import weighted
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator
from nvdla_int8.stages.lrn import Lrn
from nvdla_int8.stages.widths import FEATURE, LRN_CONVERTED, LRN_SUM

INPUTS = ("length", "bypass", "in_valid", "in_data", "in_flags", "out_ready")
OUTPUTS = ("in_ready", "out_valid")
BEATS = 24


@cocotb.test()
async def every_length(dut: Any) -> None:
    """All lengths, with values up to the squares' bound on every place of the window."""
    parameters = run_parameters()
    lanes, reach = parameters["LANES"], parameters["REACH"]
    random = generator(run_seed(), "cdp_sum")
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {"in": ["data", "flags"]}, {"out": ["sums", "values", "flags"]})
    comparison = Comparison()
    for length, bypass, scale in product(range(4), (False, True), (2, -1)):
        dut.length.value, dut.bypass.value = length, bypass
        lrn = Lrn(normalize_length=length, square_sum_bypass=bypass, in_scale=scale)
        channels = lanes + 2 * reach
        cube = weighted(random, FEATURE, channels * BEATS).reshape(channels, 1, BEATS).astype(np.int8)
        cube[:, :, 0] = -128
        stages = lrn.apply(cube, channels)
        windows, sums = stages.converted[:, 0].T, stages.sums[reach : reach + lanes, 0].T
        flags = np.arange(BEATS)[:, None] % (1 << parameters["FLAGS_WIDTH"])
        data = list(zip(join_lanes(windows, LRN_CONVERTED), flags[:, 0].tolist(), strict=True))
        out = await bench.run({"in": data}, {"out": BEATS})
        check_beats(
            comparison,
            {"length": (np.full((BEATS, 1), length), 2), "in_data": (windows, LRN_CONVERTED)},
            {
                "out_sums": (sums, LRN_SUM),
                "out_values": (windows[:, reach : reach + lanes], LRN_CONVERTED),
                "out_flags": (flags, parameters["FLAGS_WIDTH"]),
            },
            out["out"],
        )
    comparison.finish()
    bench.finish()
