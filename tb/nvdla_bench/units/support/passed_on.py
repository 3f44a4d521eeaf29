"""The check of units that hand beats on as they came: one stream in, one stream out."""

from typing import Any

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, unit_name
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator

INPUTS = ("in_valid", "in_data", "out_ready")
OUTPUTS = ("in_ready", "out_valid")
BEATS = 1500
DATA_BITS = 8


async def check_order_under_stalls(dut: Any) -> None:
    """Reset a unit whose beats are a byte; every one comes out once, unchanged and in order, whatever the stalls."""
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {"in": ["data"]}, {"out": ["data"]})
    data = generator(run_seed(), unit_name()).integers(0, 1 << DATA_BITS, BEATS).tolist()
    out = await bench.run({"in": [(value,) for value in data]}, {"out": len(data)})
    comparison = Comparison()
    for sent, (received,) in zip(data, out["out"], strict=True):
        comparison.check({}, {"out_data": sent}, {"out_data": received}, {"out_data": DATA_BITS})
    comparison.finish()
    bench.finish()
