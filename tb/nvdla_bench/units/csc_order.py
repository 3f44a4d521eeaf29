"""Bench of nvdla_csc_order: sizes that need each of their bits; csc's bench has the order itself."""

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, resolved
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.beats.csc_order import stripe_lengths
from nvdla_int8.seeds import generator

SIZES = {"size_kernels": 13, "size_pixels": 26, "size_channels": 13, "size_lines": 5, "size_taps": 5}
"""Bits of each: all but that of the largest count."""

LAST = {
    "size_kernels": "group_last",
    "size_pixels": "stripe_last",
    "size_channels": "tile_last",
    "size_lines": "line_last",
    "size_taps": "tap_last",
}
TILES = 40
MANY_PIXELS = 1 << 10


@cocotb.test()
async def sizes_need_all_their_bits(dut: Any) -> None:
    """One size with one bit, the others 1: its first tiles, and its last one if it is near."""
    random = generator(run_seed(), "csc_order")
    parameters = run_parameters()
    atomic_c, atomic_k = parameters["ATOMIC_C"], parameters["ATOMIC_K"]
    await reset(dut, (*SIZES, "step", "load", "next"), [*LAST.values()])
    await FallingEdge(dut.clk)
    dut.step.value = 1
    comparison = Comparison()
    for name, bits in SIZES.items():
        for bit in range(bits + 1):
            # One unit more, unless that is too much: the bit is still needed behind the first tile.
            unit = {"size_kernels": atomic_k, "size_pixels": 2 * atomic_k, "size_channels": atomic_c}.get(name, 1)
            size = (1 << bit) + (int(random.integers(unit, 2 * unit)) if bit < bits else 0)
            counts = {
                "size_kernels": -(-size // atomic_k),
                "size_pixels": len(stripe_lengths(min(size, MANY_PIXELS), atomic_k)),
                "size_channels": -(-size // atomic_c),
            }
            count = counts.get(name, size)
            for other in SIZES:
                getattr(dut, other).value = size if other == name else 1
            dut.load.value, dut.next.value = 1, 0
            await FallingEdge(dut.clk)
            dut.load.value, dut.next.value = 0, 1
            for tile in range(min(count, TILES)):
                comparison.check(
                    {name: size, "tile": tile},
                    {LAST[name]: int(tile == count - 1)},
                    {LAST[name]: resolved(getattr(dut, LAST[name]))},
                    {name: 32, "tile": 32, LAST[name]: 1},
                )
                await FallingEdge(dut.clk)
    comparison.finish()
