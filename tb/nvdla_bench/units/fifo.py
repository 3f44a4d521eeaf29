"""Bench of nvdla_fifo."""

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_parameters
from nvdla_bench.units.support.comparison import report
from nvdla_bench.units.support.passed_on import check_order_under_stalls


@cocotb.test()
async def order_under_stalls(dut: Any) -> None:
    """Every beat comes out once, unchanged and in order; the FIFO takes exactly DEPTH when nothing leaves."""
    depth = run_parameters()["DEPTH"]
    most = 0

    async def watch() -> None:
        nonlocal most
        held = 0
        await RisingEdge(dut.rst_n)
        while True:
            await RisingEdge(dut.clk)
            held += int(dut.in_valid.value) * int(dut.in_ready.value)
            held -= int(dut.out_valid.value) * int(dut.out_ready.value)
            most = max(most, held)

    cocotb.start_soon(watch())
    await check_order_under_stalls(dut)
    assert most == depth, report(f"held up to {most} beats, its depth is {depth}")
