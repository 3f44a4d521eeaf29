"""Bench of nvdla_cdp_converter, as the input converter of CDP and as its output converter."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import Vector, rounding_corners, weighted
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator
from nvdla_int8.stages.lrn import Lrn
from nvdla_int8.stages.widths import FEATURE

INPUTS = ("offset", "scale", "shift", "in_valid", "in_data", "in_flags", "out_ready")
OUTPUTS = ("in_ready", "out_valid")
BEATS = 4


async def _compare(
    dut: Any,
    bench: UnitStreams,
    comparison: Comparison,
    configuration: tuple[int, int, int],
    data: Vector,
) -> None:
    """One program on whole beats of ``data``; flags must pass along."""
    parameters = run_parameters()
    offset, scale, shift = configuration
    is_input = parameters["IN_WIDTH"] == FEATURE
    for name, value in zip(("offset", "scale", "shift"), configuration, strict=True):
        handle = getattr(dut, name)
        handle.value = value & ((1 << len(handle)) - 1)
    rows = np.resize(data, (BEATS, parameters["LANES"]))
    flags = np.arange(BEATS)[:, None] % (1 << parameters["FLAGS_WIDTH"])
    joined = zip(join_lanes(rows, parameters["IN_WIDTH"]), flags[:, 0].tolist(), strict=True)
    out = await bench.run({"in": list(joined)}, {"out": BEATS})
    if is_input:
        converted = Lrn(in_offset=offset, in_scale=scale, in_shift_bits=shift).convert(rows.astype(np.int8)).value
    else:
        converted = Lrn(out_offset=offset, out_scale=scale, out_shift_bits=shift).convert_out(rows).value
    given = {name: (np.full((BEATS, 1), word), 64) for name, word in zip(INPUTS, configuration, strict=False)}
    check_beats(
        comparison,
        {"in_data": (rows, parameters["IN_WIDTH"]), **given},
        {"out_data": (converted, parameters["OUT_WIDTH"]), "out_flags": (flags, parameters["FLAGS_WIDTH"])},
        out["out"],
    )


@cocotb.test()
async def every_shift(dut: Any) -> None:
    """Each shift: ties and bounds with scales 1 and -1, random values and programs; offsets beyond what counts."""
    parameters = run_parameters()
    random = generator(run_seed(), "cdp_converter", str(parameters["IN_WIDTH"]))
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {"in": ["data", "flags"]}, {"out": ["data", "flags"]})
    comparison = Comparison()
    offset_bits, scale_bits, in_bits = (parameters[f"{name}_WIDTH"] for name in ("OFFSET", "SCALE", "IN"))
    for shift in range(1 << parameters["SHIFT_WIDTH"]):
        corners = random.permutation(rounding_corners(shift, in_bits, parameters["OUT_WIDTH"]))
        for program in range(4):
            offset, scale = (int(weighted(random, bits, 1)[0]) for bits in (offset_bits, scale_bits))
            if program < 2:
                offset, scale, data = 0, (1, -1)[program], corners
            else:
                data = weighted(random, in_bits, BEATS * parameters["LANES"])
            await _compare(dut, bench, comparison, (offset, scale, shift), data)
    comparison.finish()
    bench.finish()
