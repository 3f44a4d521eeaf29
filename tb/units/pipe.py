"""Bench of nvdla_pipe."""

from typing import Any

import cocotb

from golden.seeds import generator
from tb.simulators import run_seed
from tb.units.comparison import Comparison
from tb.units.unit_streams import UnitStreams, reset


@cocotb.test()
async def order_under_stalls(dut: Any) -> None:
    """Every beat comes out once, unchanged and in order, whatever the stalls."""
    await reset(dut, ("in_valid", "in_data", "out_ready"), ("in_ready", "out_valid", "out_data"))
    bench = UnitStreams(dut, {"in": ["data"]}, {"out": ["data"]})
    data = generator(run_seed(), "pipe").integers(0, 256, 1500).tolist()
    out = await bench.run({"in": [(value,) for value in data]}, {"out": len(data)})
    comparison = Comparison()
    for sent, (received,) in zip(data, out["out"], strict=True):
        comparison.check({}, {"out_data": sent}, {"out_data": received}, {"out_data": 8})
    comparison.finish()
    bench.finish()
