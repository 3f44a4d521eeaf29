"""Bench of nvdla_fifo."""

from typing import Any

import cocotb

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, report
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator


@cocotb.test()
async def order_under_stalls(dut: Any) -> None:
    """Every beat comes out once, unchanged and in order; the FIFO takes exactly DEPTH when nothing leaves."""
    await reset(dut, ("in_valid", "in_data", "out_ready"), ("in_ready", "out_valid"))
    depth = run_parameters()["DEPTH"]
    bench = UnitStreams(dut, {"in": ["data"]}, {"out": ["data"]})
    data = generator(run_seed(), "fifo").integers(0, 256, 1500).tolist()
    most = 0

    async def watch() -> None:
        nonlocal most
        held = 0
        while True:
            await cocotb.triggers.RisingEdge(dut.clk)
            held += int(dut.in_valid.value) * int(dut.in_ready.value)
            held -= int(dut.out_valid.value) * int(dut.out_ready.value)
            most = max(most, held)

    cocotb.start_soon(watch())
    out = await bench.run({"in": [(value,) for value in data]}, {"out": len(data)})
    comparison = Comparison()
    for sent, (received,) in zip(data, out["out"], strict=True):
        comparison.check({}, {"out_data": sent}, {"out_data": received}, {"out_data": 8})
    assert most == depth, report(f"held up to {most} beats, its depth is {depth}")
    comparison.finish()
    bench.finish()
