"""Bench of nvdla_cdp: layers in both groups, from CDP_RDMA's stream to writes, stages and counters beside it."""

from itertools import accumulate
from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.block_csb import CSB_INPUTS, BlockCsb, all_ended
from nvdla_bench.units.support.comparison import Comparison, check_without_gaps, compare_layers, report
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.lrn_layers import PLACE, LrnCase, layer_registers, random_batch, table_writes
from nvdla_bench.units.support.streams import Beat, StreamMonitor, feed, joined
from nvdla_bench.units.support.unit_build import unit_build
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_bench.units.support.write_answers import GROUPS, WriteAnswers
from nvdla_int8.beats.stream_order import cdp_beats
from nvdla_int8.device.cdp_block import CdpBlock
from nvdla_int8.registers.register_map import pack
from nvdla_int8.seeds import generator
from nvdla_int8.stages.lrn import LrnStages
from nvdla_int8.stages.widths import LRN_PRODUCT, LRN_SUM, LUT_ENTRY

SOURCE = ["data", "last_lane", *PLACE]
WRITE = ["addr", "data"]
STAGES = ("sum", "le", "lo", "multiplied", "out")
INPUTS = (*CSB_INPUTS, "src_valid", *(f"src_{name}" for name in SOURCE), "wr_ready", "wr_done")
OUTPUTS = ("src_ready", "wr_valid", "done", "group", "csb_rdata")
COUNTERS = tuple(f"D_PERF_LUT_{what}" for what in ("UFLOW", "OFLOW", "HYBRID", "LE_HIT", "LO_HIT"))
BATCHES = 6
LAYERS = 4
SETTLE_CYCLES = 100
MANY_ATOMS = (20, 20, 8)
# The units in a row, and the strip that waits for the next surface.
LATENCY_CYCLES = 32 + 8
ACCESS_RUNS, ACCESSES = 40, 5


async def _program_tables(csb: BlockCsb, case: LrnCase) -> None:
    for register, word in table_writes(case):
        await csb.write(register, word)


def _stage_beats(case: LrnCase, stages: LrnStages) -> dict[str, list[Beat]]:
    """Beats of the streams inside."""
    atom = case.build.memory_atom

    def beats(cube: np.ndarray[Any, np.dtype[np.integer[Any]]], width: int) -> list[Beat]:
        return [(beat,) for beat in join_lanes(cdp_beats(cube, atom), width)]

    return {
        "sum": beats(stages.sums, LRN_SUM),
        "le": beats(stages.le.value, LUT_ENTRY),
        "lo": beats(stages.lo.value, LUT_ENTRY),
        "multiplied": beats(stages.multiplied, LRN_PRODUCT),
        "out": [(data,) for _, data in case.write_beats(stages)],
    }


async def _check_counters(csb: BlockCsb, results: list[LrnStages]) -> None:
    """Each group holds the counts of the last layer that ran in it."""
    for index, stages in list(enumerate(results))[-GROUPS:]:
        await csb.write("S_POINTER", pack("CDP.S_POINTER", PRODUCER=index % GROUPS))
        counted = [await csb.read(register) for register in COUNTERS]
        assert counted == list(stages.counts), report(
            f"layer {index} counted {dict(zip(COUNTERS, counted, strict=True))}, expected {stages.counts}"
        )


@cocotb.test()
async def accesses_of_the_tables(dut: Any) -> None:
    """Software's accesses to both tables, to their last entries above all, against the device's own block."""
    random = generator(run_seed(), "cdp", "tables")
    await reset(dut, INPUTS, OUTPUTS)
    csb, model = BlockCsb(dut, "CDP"), CdpBlock()
    comparison = Comparison()
    last = [len(entries) - 1 for entries in model.entries]
    for _ in range(ACCESS_RUNS):
        table, writes = (int(choice) for choice in random.integers(2, size=2))
        address = int(random.choice([0, 1, last[table] - 1, last[table], int(random.integers(last[table] + 1))]))
        fields = {"LUT_ADDR": address, "LUT_TABLE_ID": table, "LUT_ACCESS_TYPE": writes}
        word = pack("CDP.S_LUT_ACCESS_CFG", **fields)
        await csb.write("S_LUT_ACCESS_CFG", word)
        model.write("S_LUT_ACCESS_CFG", word)
        for is_write in (random.random(ACCESSES) < (0.2, 0.8)[writes]).tolist():
            if is_write:
                word = int(random.integers(1 << LUT_ENTRY))
                await csb.write("S_LUT_ACCESS_DATA", word)
                model.write("S_LUT_ACCESS_DATA", word)
            for register in ("S_LUT_ACCESS_DATA", "S_LUT_ACCESS_CFG")[is_write:]:
                seen = await csb.read(register)
                comparison.check(
                    fields, {register: model.read(register)}, {register: seen}, dict.fromkeys((*fields, register), 32)
                )
    comparison.finish()


@cocotb.test()
async def layers_under_stalls(dut: Any) -> None:
    """Random layers back to back in both groups; writes, stages, counters and ends of layers."""
    random = generator(run_seed(), "cdp")
    build = unit_build()
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {"src": SOURCE}, {"wr": WRITE})
    stages = {name: StreamMonitor(dut, name, dut.clk, ["data"]) for name in STAGES}
    csb = BlockCsb(dut, "CDP")
    answers = WriteAnswers(dut, random, (1, 60))
    cocotb.start_soon(answers.run())
    comparison = Comparison()
    for _ in range(BATCHES):
        cases, memory = random_batch(random, build, LAYERS)
        results = [case.run(memory) for case in cases]
        await _program_tables(csb, cases[0])
        for monitor in stages.values():
            monitor.forget()
        programming = cocotb.start_soon(csb.run_layers(layer_registers(cases)))
        beats = {"src": joined([case.source_beats(memory) for case in cases])}
        writes = [case.write_beats(result) for case, result in zip(cases, results, strict=True)]
        out = await bench.run(beats, {"wr": len(joined(writes))})
        expected = [_stage_beats(case, result) for case, result in zip(cases, results, strict=True)]
        for name, monitor in stages.items():
            assert not monitor.breaches, report(str(monitor.breaches[0]))
            compare_layers(dut, comparison, name, ["data"], [beats[name] for beats in expected], monitor.beats)
        compare_layers(dut, comparison, "wr", WRITE, writes, out["wr"])
        await all_ended(dut, programming, SETTLE_CYCLES)
        answers.check_ends([case.atoms for case in cases])
        await _check_counters(csb, results)
    comparison.finish()
    bench.finish()


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls an atom is taken in each cycle, and the last write follows the last atom soon."""
    random = generator(run_seed(), "cdp", "speed")
    await reset(dut, INPUTS, OUTPUTS)
    cases, memory = random_batch(random, unit_build(), LAYERS)
    dut.wr_ready.value = 1
    cocotb.start_soon(WriteAnswers(dut, random, (1, 2)).run())
    taken = StreamMonitor(dut, "src", dut.clk, SOURCE)
    written = StreamMonitor(dut, "wr", dut.clk, WRITE)
    beats = joined([case.source_beats(memory) for case in cases])
    feed(dut, {"src": SOURCE}, {"src": beats})
    await BlockCsb(dut, "CDP").run_layers(layer_registers(cases))
    counts = [case.atoms for case in cases]
    check_without_gaps("src", taken.cycles, counts)
    assert len(written.beats) == sum(counts), report(f"{len(written.beats)} writes, {sum(counts)} were expected")
    for index, end in enumerate(accumulate(counts)):
        behind = written.cycles[end - 1] - taken.cycles[end - 1]
        assert behind <= LATENCY_CYCLES, report(f"layer {index}: its last write comes {behind} cycles behind its atom")


@cocotb.test()
async def writes_wait_for_answers(dut: Any) -> None:
    """Memory that answers very late: CDP stops at its limit of unanswered writes and goes on from there."""
    random = generator(run_seed(), "cdp", "answers")
    await reset(dut, INPUTS, OUTPUTS)
    (case,), memory = random_batch(random, unit_build(), 1, MANY_ATOMS)
    writes = case.write_beats(case.run(memory))
    dut.wr_ready.value = 1
    answers = WriteAnswers(dut, random, (2 * len(writes), 2 * len(writes) + 1))
    cocotb.start_soon(answers.run())
    monitor = StreamMonitor(dut, "wr", dut.clk, WRITE)
    feed(dut, {"src": SOURCE}, {"src": case.source_beats(memory)})
    csb = BlockCsb(dut, "CDP")
    await _program_tables(csb, case)
    programming = cocotb.start_soon(csb.run_layers(layer_registers([case])))
    await answers.check_limit(programming, monitor)
    comparison = Comparison()
    compare_layers(dut, comparison, "wr", WRITE, [writes], monitor.beats)
    comparison.finish()
    answers.check_ends([len(writes)])
