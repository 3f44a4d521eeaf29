"""Bench of nvdla_reset."""

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, resolved
from nvdla_int8.seeds import generator

WIDTHS = {"dla_reset_rstn": 1, "direct_reset_": 1, "rst_n": 1}
CHANGES = 200
RELEASE_EDGES = 2


@cocotb.test()
async def either_input_resets_at_once(dut: Any) -> None:
    """Each input alone takes the reset without a clock; it ends with the second edge after both are high."""
    random = generator(run_seed(), "reset")
    comparison = Comparison()
    Clock(dut.clk, 10, "ns").start()
    inputs = {"dla_reset_rstn": 0, "direct_reset_": 0}

    async def check(expected: int) -> None:
        await Timer(1, "ns")
        comparison.check(inputs, {"rst_n": expected}, {"rst_n": resolved(dut.rst_n)}, WIDTHS)

    for _ in range(CHANGES):
        await FallingEdge(dut.clk)
        inputs = {name: int(random.random() < 0.6) for name in inputs}
        for name, value in inputs.items():
            getattr(dut, name).value = value
        both = all(inputs.values())
        if both:  # a short reset by one of them
            pulsed = getattr(dut, random.choice(list(inputs)))
            pulsed.value = 0
            await Timer(1, "ns")
            pulsed.value = 1
        await check(0)
        for edge in range(1, 4):
            await RisingEdge(dut.clk)
            await check(int(both and edge >= RELEASE_EDGES))
    comparison.finish()
