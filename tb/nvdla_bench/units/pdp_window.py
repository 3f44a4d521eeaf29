"""Bench of nvdla_pdp_window: more windows than 12 bits count; PDP's other benches have kernels, strides and padding."""

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from nvdla_bench.units.support.comparison import Comparison, resolved
from nvdla_bench.units.support.unit_streams import reset

WINDOWS = 4098
CONFIGURATION = ("kernel", "stride", "pad")
INPUTS = (*CONFIGURATION, "padded", "windows", "step", "last")
OUTPUTS = ("ends", "window_last")
WIDTHS = dict.fromkeys(("position", "index"), 32) | dict.fromkeys(OUTPUTS, 1)


@cocotb.test()
async def windows_need_all_their_bits(dut: Any) -> None:
    """Windows of one position, one behind the other: each ends, and the last one is told from the others."""
    await reset(dut, INPUTS, OUTPUTS)
    await FallingEdge(dut.clk)
    dut.windows.value, dut.step.value, dut.padded.value = WINDOWS - 1, 1, 1
    comparison = Comparison()
    for position in range(WINDOWS):
        last = int(position == WINDOWS - 1)
        dut.last.value = last
        await RisingEdge(dut.clk)
        expected = {"ends": 1, "window_last": last, "index": position % 8}
        actual = {name: resolved(getattr(dut, name)) for name in expected}
        comparison.check({"position": position}, expected, actual, WIDTHS)
        await FallingEdge(dut.clk)
    comparison.finish()
