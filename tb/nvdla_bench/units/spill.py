"""Bench of nvdla_spill."""

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, Timer

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import report
from nvdla_bench.units.support.passed_on import INPUTS, OUTPUTS, check_order_under_stalls
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.seeds import generator

PLACES = 2


@cocotb.test()
async def order_under_stalls(dut: Any) -> None:
    """Every beat comes out once, unchanged and in order, whatever the stalls."""
    await check_order_under_stalls(dut)


@cocotb.test()
async def ready_is_a_register(dut: Any) -> None:
    """A beat a cycle while nothing stalls; in_ready follows out_ready with the next edge and never before."""
    await reset(dut, INPUTS, OUTPUTS)
    random = generator(run_seed(), "spill ready")
    dut.in_valid.value = 1
    held = 0
    for cycle in range(400):
        stalled = cycle >= 100 and random.random() < 0.5
        before = int(dut.in_ready.value)
        dut.out_ready.value = int(not stalled)
        await Timer(1, "step")
        assert int(dut.in_ready.value) == before, report("in_ready follows out_ready in the same cycle")
        assert before == int(held < PLACES), report(f"in_ready is {before} with {held} beats inside")
        assert cycle == 0 or held, report("a cycle without a beat although one is always offered")
        await RisingEdge(dut.clk)
        held += before - int(held > 0 and not stalled)
        await FallingEdge(dut.clk)
