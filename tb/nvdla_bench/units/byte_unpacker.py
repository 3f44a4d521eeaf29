"""Bench of nvdla_byte_unpacker."""

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, report, resolved
from nvdla_bench.units.support.lanes import pack_lanes
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator

WORDS = 400


@cocotb.test()
async def runs_under_stalls(dut: Any) -> None:
    """Runs of random lengths, 0 and whole words among them, are the stream's next bytes and zeros behind."""
    random = generator(run_seed(), "byte_unpacker")
    word_bytes = run_parameters()["WORD_BYTES"]
    await reset(dut, ("in_valid", "in_data", "out_bytes", "out_ready"), ("in_ready", "out_valid", "out_data"))
    bench = UnitStreams(dut, {"in": ["data"]}, {})
    words = random.integers(0, 256, (WORDS, word_bytes)).astype("uint8")
    bench.sources["in"].append_beats([(word,) for word in pack_lanes(words)])
    stream = words.tobytes()
    comparison = Comparison()
    position = waited = 0
    while position < len(stream):
        wanted = int(random.integers(word_bytes + 1)) if random.random() < 0.5 else word_bytes
        wanted = min(wanted, len(stream) - position)
        ready = int(random.random() < (0.9 if position < len(stream) // 2 else 0.4))
        dut.out_bytes.value, dut.out_ready.value = wanted, ready
        await RisingEdge(dut.clk)
        valid = resolved(dut.out_valid)
        waited = 0 if valid else waited + 1
        assert valid is not None, report("out_valid is X")
        assert waited < 200, report(f"{wanted} bytes from byte {position} never came")
        if valid:
            expected = int.from_bytes(stream[position : position + wanted], "little")
            comparison.check(
                {"out_bytes": wanted},
                {"out_data": expected},
                {"out_data": resolved(dut.out_data)},
                {"out_bytes": 8, "out_data": word_bytes * 8},
            )
        if valid and ready:
            position += wanted
    comparison.finish()


@cocotb.test()
async def a_word_a_cycle(dut: Any) -> None:
    """Whole words at any alignment leave as fast as they come."""
    word_bytes = run_parameters()["WORD_BYTES"]
    await reset(dut, ("in_valid", "in_data", "out_bytes", "out_ready"), ())
    edge = RisingEdge(dut.clk)
    dut.in_valid.value = 1
    dut.out_ready.value = 1
    for alignment in range(1, word_bytes + 1):
        dut.out_bytes.value = 1
        await edge
        while not (int(dut.out_valid.value)):
            await edge
        dut.out_bytes.value = word_bytes
        taken = 0
        for _ in range(12):
            await edge
            taken += int(dut.out_valid.value)
        assert taken >= 11, report(f"{taken} of 12 words at alignment {alignment}")
