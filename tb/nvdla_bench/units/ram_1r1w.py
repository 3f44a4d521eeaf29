"""Bench of nvdla_ram_1r1w."""

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, resolved
from nvdla_int8.seeds import generator

CYCLES = 2000
WIDTHS = {"cycle": 32, "rd_data": 8}


@cocotb.test()
async def words_come_a_cycle_later_and_stay(dut: Any) -> None:
    """Random reads and writes; a read of the word that is being written may show anything."""
    random = generator(run_seed(), "ram_1r1w")
    depth = run_parameters()["DEPTH"]
    words: list[int | None] = [None] * depth
    shown: int | None = None
    comparison = Comparison()
    Clock(dut.clk, 2, "ns").start()
    for cycle in range(CYCLES):
        await FallingEdge(dut.clk)
        if shown is not None:
            comparison.check({"cycle": cycle}, {"rd_data": shown}, {"rd_data": resolved(dut.rd_data)}, WIDTHS)
        wr_enable, rd_enable = random.random() < 0.5, random.random() < 0.5
        wr_address, rd_address, word = (int(random.integers(bound)) for bound in (depth, depth, 256))
        dut.wr_enable.value, dut.wr_address.value, dut.wr_data.value = wr_enable, wr_address, word
        dut.rd_enable.value, dut.rd_address.value = rd_enable, rd_address
        if rd_enable:
            shown = None if wr_enable and wr_address == rd_address else words[rd_address]
        if wr_enable:
            words[wr_address] = word
    comparison.finish()
