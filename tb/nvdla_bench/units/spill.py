"""Bench of nvdla_spill."""

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, Timer

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, report
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator

INPUTS = ("in_valid", "in_data", "out_ready")
OUTPUTS = ("in_ready", "out_valid")
PLACES = 2


@cocotb.test()
async def order_under_stalls(dut: Any) -> None:
    """Every beat comes out once, unchanged and in order, whatever the stalls."""
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {"in": ["data"]}, {"out": ["data"]})
    data = generator(run_seed(), "spill").integers(0, 256, 1500).tolist()
    out = await bench.run({"in": [(value,) for value in data]}, {"out": len(data)})
    comparison = Comparison()
    for sent, (received,) in zip(data, out["out"], strict=True):
        comparison.check({}, {"out_data": sent}, {"out_data": received}, {"out_data": 8})
    comparison.finish()
    bench.finish()


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
