"""Bench of nvdla_pdp_horizontal."""

from typing import Any

import cocotb

from nvdla_bench.units.support.pdp_layers import PdpCase
from nvdla_bench.units.support.pdp_stage import FLAGS, Stage, pad_vector, run_stage, with_places
from nvdla_bench.units.support.streams import Beat


def _ports(case: PdpCase) -> dict[str, int]:
    layer = case.pooling
    return {
        "method": int(layer.method),
        "kernel": layer.kernel_w - 1,
        "stride": layer.stride_x - 1,
        "pad": layer.pad_left,
        "pad_values": pad_vector(case),
        "in_padded": 1,
        "in_windows": case.destination.width - 1,
    }


def _beats(case: PdpCase) -> tuple[list[Beat], list[Beat]]:
    _, height, width = case.cube.shape
    rows = with_places(case.stage_beats("horizontal"), case.destination.width, height)
    return with_places(case.in_beats(), width, height), rows


@cocotb.test()
async def rows_under_stalls(dut: Any) -> None:
    """Rows of directed and random layers."""
    await run_stage(dut, Stage("pdp_horizontal", ("data", *FLAGS), ("data", *FLAGS), _ports, _beats))
