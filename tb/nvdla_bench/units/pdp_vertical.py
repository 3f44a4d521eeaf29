"""Bench of nvdla_pdp_vertical."""

from typing import Any

import cocotb

from nvdla_bench.units.support.pdp_layers import PdpCase
from nvdla_bench.units.support.pdp_stage import FLAGS, Stage, pad_vector, run_stage, with_places
from nvdla_bench.units.support.streams import Beat


def _ports(case: PdpCase) -> dict[str, int]:
    layer = case.pooling
    return {
        "method": int(layer.method),
        "kernel": layer.kernel_h - 1,
        "kernel_width": layer.kernel_w - 1,
        "stride": layer.stride_y - 1,
        "pad": layer.pad_top,
        "pad_values": pad_vector(case),
        "windows": case.destination.height - 1,
    }


def _beats(case: PdpCase) -> tuple[list[Beat], list[Beat]]:
    rows = with_places(case.stage_beats("horizontal"), case.destination.width, case.cube.shape[1])
    return rows, case.stage_beats("vertical")


@cocotb.test()
async def windows_under_stalls(dut: Any) -> None:
    """Pooled rows of directed and random layers."""
    await run_stage(dut, Stage("pdp_vertical", ("data", *FLAGS), ("data",), _ports, _beats))
