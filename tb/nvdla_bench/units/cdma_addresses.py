"""Bench of nvdla_cdma_addresses: cubes that need all bits of their sizes; cdma_dat's bench has the rest."""

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, known
from nvdla_bench.units.support.long_layers import FAR_SIZES, LONG_SIZES, long_surface
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.seeds import generator

SIZES = ("line_atoms", "lines", "surfaces", "packed_lines")
INPUTS = ("start", "base", "line_stride", "surface_stride", *SIZES, "addr_ready")
OUTPUTS = ("addr_data", "addr_end")
WIDTHS = {"address": 32, "addr_data": 32, "addr_end": 1}
LONG_LINES = (4098, 2, 1)
PACKED = 4096
"""Lines that follow one another, at most."""


@cocotb.test()
async def sizes_and_strides_need_all_their_bits(dut: Any) -> None:
    """The longest line, the highest and the deepest cube, and as many lines packed as can be: every address."""
    random = generator(run_seed(), "cdma_addresses")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, ("addr_valid",))
    await FallingEdge(dut.clk)
    comparison = Comparison()
    for size in (LONG_LINES, *LONG_SIZES[1:], *FAR_SIZES):
        surface = long_surface(random, size, atom, 1 << 30, packs_one_pixel=False)
        packed = 1 if size in FAR_SIZES else PACKED
        surface = surface.model_copy(update={"packed_lines": packed})
        # Line, surface, pixel: a block of one surface is read line by line.
        addresses = np.swapaxes(surface.atom_addresses(), 0, 1).ravel().tolist()
        dut.base.value = surface.base
        dut.line_stride.value, dut.surface_stride.value = surface.line_stride, surface.surface_stride
        counts = (surface.width, surface.height, surface.surfaces, packed)
        for name, count in zip(SIZES, counts, strict=True):
            getattr(dut, name).value = count - 1
        dut.start.value = dut.addr_ready.value = 1
        await FallingEdge(dut.clk)
        dut.start.value = 0
        for place, address in enumerate(addresses):
            expected = {"addr_data": address, "addr_end": int(place == len(addresses) - 1)}
            actual = {name: known(getattr(dut, name)) for name in OUTPUTS}
            comparison.check({"address": place}, expected, actual, WIDTHS)
            await FallingEdge(dut.clk)
        comparison.check(
            {"address": len(addresses)},
            {"addr_valid": 0},
            {"addr_valid": int(dut.addr_valid.value)},
            {"address": 32, "addr_valid": 1},
        )
    comparison.finish()
