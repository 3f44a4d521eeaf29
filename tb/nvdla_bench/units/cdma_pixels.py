"""Bench of nvdla_cdma_pixels: images that need all bits of their size; cdma_dat's bench has formats and bytes."""

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from nvdla_bench.simulator.compiled import run_parameters
from nvdla_bench.units.support.comparison import known, report
from nvdla_bench.units.support.unit_streams import reset

SIZES = ((8192, 1), (1, 4098))
"""Columns, lines."""

INPUTS = (
    "start", "one_channel", "two_planes", "byte_order", "swap_uv", "width", "lines", "skip_0", "skip_1", "pad_left",
    "pad_right", "plane_0_valid", "plane_0_data", "plane_1_valid", "plane_1_data", "out_ready",
)  # fmt: skip
MOST_LINE_CYCLES = 6
SETTLE_CYCLES = 20


@cocotb.test()
async def sizes_need_all_their_bits(dut: Any) -> None:
    """The longest line, and more lines than 12 bits count: pixels, ends of lines, one end of the image."""
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, ("out_valid",))
    await FallingEdge(dut.clk)
    for name in ("one_channel", "plane_0_valid", "plane_1_valid", "out_ready"):
        getattr(dut, name).value = 1
    for width, lines in SIZES:
        dut.width.value, dut.lines.value, dut.start.value = width - 1, lines - 1, 1
        await FallingEdge(dut.clk)
        dut.start.value = 0
        seen = {"pixels": 0, "lines": 0, "images": 0}
        left = -(-width // atom) + MOST_LINE_CYCLES * lines
        while left:
            left = min(left - 1, SETTLE_CYCLES) if seen["images"] else left - 1
            if dut.out_valid.value == 1:
                seen["pixels"] += known(dut.out_units)
                seen["lines"] += dut.out_last.value == 1
                seen["images"] += dut.out_end.value == 1
            await FallingEdge(dut.clk)
        wanted = {"pixels": width * lines, "lines": lines, "images": 1}
        assert seen == wanted, report(f"of {width} columns and {lines} lines came {seen}, expected {wanted}")
