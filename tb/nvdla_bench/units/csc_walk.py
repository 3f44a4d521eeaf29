"""Bench of nvdla_csc_walk: outputs that need all bits of their size; csc's bench has the rest of the walk."""

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, resolved
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.seeds import generator

ONES = ("size_kernels", "size_channels", "size_lines", "size_taps", "step", "dilation_x", "dilation_y")
CHANGING = ("size_pixels", "out_width", "stride_x", "stride_y", "image", "width", "pad_left", "pad_top")
PLACE = ("y", "x")
LONG = 4098
MOST_PADDING = 32
MOST_STRIDES = 32, 2
"""Of columns: bytes of an image, eight pixels of four channels. Of lines."""
STEPS = LONG + 4


@cocotb.test()
async def outputs_need_all_their_bits(dut: Any) -> None:
    """A high column of output pixels, a long line with the begin of the next one: the place of each, and the end."""
    random = generator(run_seed(), "csc_walk")
    await reset(dut, (*ONES, *CHANGING, "load", "next"), ("valid",))
    await FallingEdge(dut.clk)
    for name in ONES:
        getattr(dut, name).value = 1
    widths = {name: len(getattr(dut, name)) for name in PLACE} | {"pixel": 32, "layer_last": 1}
    comparison = Comparison()
    for columns, lines in ((1, LONG), (LONG, 2)):
        stride_x, stride_y = (int(random.integers(most // 2 + 1, most, endpoint=True)) for most in MOST_STRIDES)
        left, top = random.integers(MOST_PADDING, size=2).tolist()
        values = (columns * lines, columns, stride_x, stride_y, 0, columns, left, top)
        for name, value in zip(CHANGING, values, strict=True):
            getattr(dut, name).value = value
        dut.load.value, dut.next.value = 1, 0
        await FallingEdge(dut.clk)
        dut.load.value, dut.next.value = 0, 1
        for pixel in range(min(columns * lines, STEPS)):
            expected = {
                "y": pixel // columns * stride_y - top,
                "x": pixel % columns * stride_x - left,
                "layer_last": int(pixel == columns * lines - 1),
            }
            actual = {name: resolved(getattr(dut, name)) for name in expected}
            comparison.check({"pixel": pixel}, expected, actual, widths)
            await FallingEdge(dut.clk)
        seen = resolved(dut.valid)
        comparison.check({}, {"valid": int(columns * lines > STEPS)}, {"valid": seen}, {"valid": 1})
    comparison.finish()
