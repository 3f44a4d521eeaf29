"""Bench of nvdla_pipe."""

from typing import Any

import cocotb

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator


@cocotb.test()
async def order_under_stalls(dut: Any) -> None:
    """Every beat comes out once, unchanged and in order, whatever the stalls."""
    await reset(dut, ("in_valid", "in_data", "out_ready"), ("in_ready", "out_valid"))
    bench = UnitStreams(dut, {"in": ["data"]}, {"out": ["data"]})
    data = generator(run_seed(), "pipe").integers(0, 256, 1500).tolist()
    out = await bench.run({"in": [(value,) for value in data]}, {"out": len(data)})
    comparison = Comparison()
    for sent, (received,) in zip(data, out["out"], strict=True):
        comparison.check({}, {"out_data": sent}, {"out_data": received}, {"out_data": 8})
    comparison.finish()
    bench.finish()
