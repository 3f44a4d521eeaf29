"""Bench of nvdla_ram_1r1w_async."""

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, resolved
from nvdla_int8.seeds import generator

CYCLES = 2000
WIDTHS = {"cycle": 32, "rd_address": 8, "rd_data": 8}


@cocotb.test()
async def words_come_in_the_cycle_of_their_address(dut: Any) -> None:
    """Random reads and writes, often of one word at a time: the old word until the clock edge."""
    random = generator(run_seed(), "ram_1r1w_async")
    depth = run_parameters()["DEPTH"]
    words: list[int | None] = [None] * depth
    comparison = Comparison()
    Clock(dut.clk, 2, "ns").start()
    for cycle in range(CYCLES):
        await FallingEdge(dut.clk)
        wr_enable = random.random() < 0.5
        wr_address, rd_address, word = (int(random.integers(bound)) for bound in (depth, depth, 256))
        dut.wr_enable.value, dut.wr_address.value, dut.wr_data.value = wr_enable, wr_address, word
        dut.rd_address.value = rd_address
        await ReadOnly()
        stored = words[rd_address]
        if stored is not None:
            inputs = {"cycle": cycle, "rd_address": rd_address}
            comparison.check(inputs, {"rd_data": stored}, {"rd_data": resolved(dut.rd_data)}, WIDTHS)
        if wr_enable:
            words[wr_address] = word
    comparison.finish()
