"""Bench of nvdla_flag_counter: beats and starts of both groups, and counts at each power of two."""

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, resolved
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.registers.register_map import WORD_MASK
from nvdla_int8.seeds import generator

COUNT_BITS = 32
COUNTS = ("count_0", "count_1")
INPUTS = ("start", "group", "beat", "flags")
BEATS = 12
START_RATE = 0.1
BEAT_RATE = 0.7


@cocotb.test()
async def counts_pass_each_power_of_two(dut: Any) -> None:
    """A count is put just below a power of two, as a long layer would leave it, and goes on from there."""
    random = generator(run_seed(), "flag_counter")
    lanes = run_parameters()["LANES"]
    await reset(dut, INPUTS, COUNTS)
    comparison = Comparison()
    for group in (0, 1):
        for bit in range(COUNT_BITS + 1):
            counts = [int(count) for count in random.integers(1 << COUNT_BITS, size=2)]
            counts[group] = (1 << bit) - 1 - int(random.integers(lanes))
            counts[group] &= WORD_MASK
            await FallingEdge(dut.clk)
            for name, count in zip(COUNTS, counts, strict=True):
                getattr(dut, f"{name}_q").value = count
            flags_before = 0
            for _ in range(BEATS):
                start = int(not flags_before and random.random() < START_RATE)
                flags = int(random.integers(1 << lanes))
                beat = int(random.random() < BEAT_RATE)
                inputs = {"start": start, "group": group, "beat": beat, "flags": flags}
                for name, value in inputs.items():
                    getattr(dut, name).value = value
                await FallingEdge(dut.clk)
                counts[group] = 0 if start else (counts[group] + flags_before) & WORD_MASK
                flags_before = flags.bit_count() if beat else 0
                actual = {name: resolved(getattr(dut, name)) for name in COUNTS}
                expected = dict(zip(COUNTS, counts, strict=True))
                comparison.check(inputs, expected, actual, dict.fromkeys((*INPUTS, *COUNTS), COUNT_BITS))
            dut.beat.value = 0
            await FallingEdge(dut.clk)
    comparison.finish()
