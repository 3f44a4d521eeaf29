"""Bench of nvdla_pdp_average."""

from typing import Any

import cocotb

from nvdla_bench.units.support.pdp_layers import PdpCase
from nvdla_bench.units.support.pdp_stage import Stage, run_stage
from nvdla_bench.units.support.streams import Beat


def _ports(case: PdpCase) -> dict[str, int]:
    return {
        "method": int(case.pooling.method),
        "reciprocal_width": case.pooling.reciprocal_w_q16,
        "reciprocal_height": case.pooling.reciprocal_h_q16,
    }


def _beats(case: PdpCase) -> tuple[list[Beat], list[Beat]]:
    return case.stage_beats("vertical"), [(data,) for _, data in case.write_beats()]


@cocotb.test()
async def averages_under_stalls(dut: Any) -> None:
    """Pooled windows of directed and random layers."""
    await run_stage(dut, Stage("pdp_average", ("data",), ("data",), _ports, _beats))
