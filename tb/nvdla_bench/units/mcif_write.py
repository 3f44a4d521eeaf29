"""Bench of nvdla_mcif_write: atoms become bursts, in order, whatever the channels' stalls."""

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, report
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator

ATOMS = 400
BEAT_BITS = 64
WRITE_ID = 1


@cocotb.test()
async def bursts_under_stalls(dut: Any) -> None:
    """Every atom gives one address and its beats, low bytes first; each answer gives one wr_done."""
    await reset(
        dut,
        ("wr_valid", "wr_addr", "wr_data", "aw_ready", "w_ready", "b_valid", "b_id"),
        ("wr_ready", "wr_done", "aw_valid", "aw_id", "aw_len", "aw_addr", "w_valid", "w_data", "w_strb", "w_last"),
    )
    random = generator(run_seed(), "mcif_write")
    beats = run_parameters()["MEMORY_ATOM"] * 8 // BEAT_BITS
    addresses = random.integers(0, 1 << 32, ATOMS).tolist()
    words = random.integers(0, 1 << BEAT_BITS, (ATOMS, beats), dtype="uint64").tolist()
    atoms = [sum(word << (BEAT_BITS * beat) for beat, word in enumerate(row)) for row in words]
    bench = UnitStreams(dut, {"wr": ["addr", "data"]}, {"aw": ["addr", "len", "id"], "w": ["data", "strb", "last"]})
    out = await bench.run({"wr": list(zip(addresses, atoms, strict=True))}, {"aw": ATOMS, "w": ATOMS * beats})
    comparison = Comparison()
    for address, (seen, length, identity) in zip(addresses, out["aw"], strict=True):
        comparison.check(
            {},
            {"aw_addr": address, "aw_len": beats - 1, "aw_id": WRITE_ID},
            {"aw_addr": seen, "aw_len": length, "aw_id": identity},
            {"aw_addr": 32, "aw_len": 4, "aw_id": 8},
        )
    expected = [(word, int(beat == beats - 1)) for row in words for beat, word in enumerate(row)]
    for (word, last), (seen, strobes, seen_last) in zip(expected, out["w"], strict=True):
        comparison.check(
            {},
            {"w_data": word, "w_strb": 0xFF, "w_last": last},
            {"w_data": seen, "w_strb": strobes, "w_last": seen_last},
            {"w_data": BEAT_BITS, "w_strb": 8, "w_last": 1},
        )
    comparison.finish()
    bench.finish()


@cocotb.test()
async def answers_are_counted_one_by_one(dut: Any) -> None:
    """wr_done is high in exactly the cycles in which memory answers."""
    await reset(dut, ("wr_valid", "wr_addr", "wr_data", "aw_ready", "w_ready", "b_valid", "b_id"), ("wr_done",))
    random = generator(run_seed(), "mcif_write", "answers")
    answers = random.integers(0, 2, 50).tolist()
    done = 0
    for answer in answers:
        dut.b_valid.value = answer
        await ClockCycles(dut.clk, 1)
        assert dut.b_ready.value == 1, report("b_ready is low")
        done += int(dut.wr_done.value)
    assert done == sum(answers) > 0, report(f"{done} wr_done for {sum(answers)} answers")
