"""Bench of nvdla_pipe."""

from typing import Any

import cocotb

from nvdla_bench.units.support.passed_on import check_order_under_stalls


@cocotb.test()
async def order_under_stalls(dut: Any) -> None:
    """Every beat comes out once, unchanged and in order, whatever the stalls."""
    await check_order_under_stalls(dut)
