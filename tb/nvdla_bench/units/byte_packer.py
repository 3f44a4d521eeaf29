"""Bench of nvdla_byte_packer."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator

RUNS = 800
PAYLOAD = ("data", "units", "last", "end")


@cocotb.test()
async def words_under_stalls(dut: Any) -> None:
    """Runs of random lengths, random ends of words: the units in order, zeros behind each last run."""
    random = generator(run_seed(), "byte_packer")
    parameters = run_parameters()
    in_units, out_units, unit_bits = parameters["RUN_UNITS"], parameters["WORD_UNITS"], parameters["UNIT_BYTES"] * 8
    await reset(dut, ("in_valid", *(f"in_{name}" for name in PAYLOAD), "out_ready"), ("in_ready", "out_valid"))
    bench = UnitStreams(dut, {"in": PAYLOAD}, {"out": ("data", "end")})
    units = random.integers(0, 1 << unit_bits, (RUNS, in_units), dtype=np.uint64)
    counts = random.integers(1, in_units + 1, RUNS)
    last = random.random(RUNS) < np.repeat(random.choice([0.05, 0.6], 8), RUNS // 8)
    last[-1] = True
    end = last & (random.random(RUNS) < 0.5)
    words: list[list[int]] = []
    ends: list[list[int]] = []
    open_word: list[int] = []
    for run, count, is_last, is_end in zip(units.tolist(), counts.tolist(), last, end, strict=True):
        open_word += run[:count]
        while len(open_word) >= out_units or (is_last and open_word):
            word, open_word = open_word[:out_units], open_word[out_units:]
            words.append(word + [0] * (out_units - len(word)))
            ends.append([int(is_end and not open_word)])
    columns = (counts.tolist(), last.astype(int).tolist(), end.astype(int).tolist())
    out = await bench.run({"in": list(zip(join_lanes(units, unit_bits), *columns, strict=True))}, {"out": len(words)})
    comparison = Comparison()
    expected = {"data": (np.array(words, np.uint64), unit_bits), "end": (np.array(ends), 1)}
    check_beats(comparison, {}, expected, out["out"])
    comparison.finish()
    bench.finish()
