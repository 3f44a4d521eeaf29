"""Bench of nvdla_sdp: layers in both groups, from CACC or memory streams to writes, stages beside it."""

from itertools import repeat
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.block_csb import CSB_INPUTS, BlockCsb
from nvdla_bench.units.support.comparison import Comparison, report
from nvdla_bench.units.support.sdp_layers import SdpCase, joined, random_batch, random_case, unit_build
from nvdla_bench.units.support.streams import Beat, StreamDriver, StreamMonitor
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_bench.units.support.write_answers import WriteAnswers
from nvdla_int8.build import Build
from nvdla_int8.seeds import generator
from nvdla_int8.stages.widths import ACC_OUT
from nvdla_int8.surfaces.memory import Memory

SOURCES = {"acc": ["data"], "src": ["data"], "bs": ["alu", "mul"], "bn": ["alu", "mul"]}
STAGES = ("x1", "x2", "out")
INPUTS = (*CSB_INPUTS, "wr_ready", "wr_done", "convolution_over")
OUTPUTS = (*(f"{name}_ready" for name in SOURCES), "wr_valid", "wr_addr", "wr_data", "done", "group", "csb_rdata")
BATCHES = 6
LAYERS = 6
GROUPS = 2
SETTLE_CYCLES = 400
MOST_UNANSWERED = 255
MANY_ATOMS = (20, 20, 8)


async def _start(dut: Any) -> None:
    payload = [f"{name}_{signal}" for name, signals in SOURCES.items() for signal in ("valid", *signals)]
    await reset(dut, (*INPUTS, *payload), OUTPUTS)
    dut.convolution_over.value = 1


def _build() -> Build:
    parameters = run_parameters()
    return unit_build(parameters["MEMORY_ATOM"], parameters["ATOMIC_K"])


def _inputs(random: np.random.Generator, cases: list[SdpCase], memory: Memory) -> dict[str, list[Beat]]:
    """Beats of the source streams for layers one behind the other."""
    return {
        "acc": joined([case.acc_beats(random) for case in cases]),
        "src": joined([case.source_beats(memory) for case in cases]),
        "bs": joined([case.operand_beats("x1", memory) for case in cases]),
        "bn": joined([case.operand_beats("x2", memory) for case in cases]),
    }


def _feed(dut: Any, beats: dict[str, list[Beat]]) -> None:
    """Offer all beats without pauses."""
    for name, payload in SOURCES.items():
        StreamDriver(dut, name, dut.clk, payload, repeat(0)).append_beats(beats[name])


def _compare(
    dut: Any, comparison: Comparison, stage: str, expected: list[Beat], actual: list[Beat], cases: list[SdpCase]
) -> None:
    """Beat by beat; the report names the layer and the beat's place in it."""
    places = [(index, beat) for index, case in enumerate(cases) for beat in range(case.atoms)]
    names = [f"{stage}_{signal}" for signal in ("addr", "data")[-len(expected[0]) :]]
    widths = {"layer": 32, "beat": 32} | {name: len(getattr(dut, name)) for name in names}
    assert len(actual) == len(expected), report(f"{stage} gave {len(actual)} beats, {len(expected)} were expected")
    for (layer, beat), wanted, seen in zip(places, expected, actual, strict=True):
        comparison.check(
            {"layer": layer, "beat": beat},
            dict(zip(names, wanted, strict=True)),
            dict(zip(names, seen, strict=True)),
            widths,
        )


@cocotb.test()
async def layers_under_stalls(dut: Any) -> None:
    """Random layers back to back in both groups; writes, X1, X2, output, counters and ends of layers."""
    random = generator(run_seed(), "sdp")
    build = _build()
    await _start(dut)
    bench = UnitStreams(dut, SOURCES, {"wr": ["addr", "data"]})
    stages = {name: StreamMonitor(dut, name, dut.clk, ["data"]) for name in STAGES}
    csb = BlockCsb(dut, "SDP")
    answers = WriteAnswers(dut, random, (1, 60))
    cocotb.start_soon(answers.run())
    comparison = Comparison()
    counted = 0
    kept = dict.fromkeys(range(GROUPS), 0)
    for _ in range(BATCHES):
        cases, memory = random_batch(random, build, LAYERS)
        results = [case.run(memory) for case in cases]
        for monitor in stages.values():
            monitor.forget()
        first_done, first_answered = len(answers.done), answers.answered
        counts: dict[int, int] = {}
        programming = cocotb.start_soon(csb.run_layers([case.registers for case in cases], counts.__setitem__))
        beats = _inputs(random, cases, memory)
        writes = joined([case.write_beats(result.output) for case, result in zip(cases, results, strict=True)])
        out = await bench.run(beats, {"wr": len(writes)})
        expected: dict[str, list[Beat]] = {
            "x1": joined([case.beats(result.x1, ACC_OUT) for case, result in zip(cases, results, strict=True)]),
            "x2": joined([case.beats(result.x2, ACC_OUT) for case, result in zip(cases, results, strict=True)]),
            "out": [(data,) for _, data in writes],
        }
        for name, monitor in stages.items():
            assert not monitor.breaches, report(str(monitor.breaches[0]))
            _compare(dut, comparison, name, expected[name], monitor.beats, cases)
        _compare(dut, comparison, "wr", writes, out["wr"], cases)
        await ClockCycles(dut.clk, SETTLE_CYCLES)
        assert programming.done(), report("the last layer's group does not become idle")
        programming.result()
        _check_ends(cases, answers.done[first_done:], first_answered)
        saturations = []
        for index, (case, result) in enumerate(zip(cases, results, strict=True)):
            if case.layer.counts_saturation:
                kept[index % GROUPS] = result.hardware_saturation
                counted += result.hardware_saturation
            saturations.append(kept[index % GROUPS])
        assert [counts[index] for index in range(LAYERS)] == saturations, report(
            f"D_PERF_OUT_SATURATION {counts}, expected {saturations}"
        )
        left = {name: source.queued - source.accepted for name, source in bench.sources.items()}
        assert not any(left.values()), report(f"beats left waiting: {left}")
    assert counted, report("no layer saturated")
    comparison.finish()
    bench.finish()


def _check_ends(cases: list[SdpCase], done: list[tuple[int, int]], answered: int) -> None:
    """Done came once a layer, with its group, when exactly the layers' writes up to it were answered."""
    expected = []
    for index, case in enumerate(cases):
        answered += case.atoms
        expected.append((index % GROUPS, answered))
    assert done == expected, report(f"done came as (group, writes answered) {done}, expected {expected}")


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls, every layer writes one atom a cycle."""
    random = generator(run_seed(), "sdp", "speed")
    await _start(dut)
    cases, memory = random_batch(random, _build(), LAYERS)
    beats = _inputs(random, cases, memory)
    dut.wr_ready.value = 1
    cocotb.start_soon(WriteAnswers(dut, random, (1, 2)).run())
    _feed(dut, beats)
    monitor = StreamMonitor(dut, "wr", dut.clk, ["addr", "data"])
    counts: dict[int, int] = {}
    await BlockCsb(dut, "SDP").run_layers([case.registers for case in cases], counts.__setitem__)
    first = 0
    for index, case in enumerate(cases):
        cycles = monitor.cycles[first : first + case.atoms]
        spent = cycles[-1] - cycles[0] + 1
        assert spent == case.atoms, report(f"layer {index}: {case.atoms} atoms were written in {spent} cycles")
        first += case.atoms
    assert first == len(monitor.beats), report(f"{len(monitor.beats)} writes, {first} were expected")


@cocotb.test()
async def writes_wait_for_answers(dut: Any) -> None:
    """Memory that answers very late: SDP stops at its limit of unanswered writes and goes on from there."""
    random = generator(run_seed(), "sdp", "answers")
    await _start(dut)
    memory = Memory()
    case = random_case(random, _build(), memory, 0, MANY_ATOMS)
    writes = case.write_beats(case.run(memory).output)
    dut.wr_ready.value = 1
    answers = WriteAnswers(dut, random, (2 * len(writes), 2 * len(writes) + 1))
    cocotb.start_soon(answers.run())
    monitor = StreamMonitor(dut, "wr", dut.clk, ["addr", "data"])
    _feed(dut, _inputs(random, [case], memory))
    counts: dict[int, int] = {}
    programming = cocotb.start_soon(BlockCsb(dut, "SDP").run_layers([case.registers], counts.__setitem__))
    while not programming.done():
        await RisingEdge(dut.clk)
        if answers.answered == 0 and len(monitor.beats) > MOST_UNANSWERED:
            raise AssertionError(report(f"{len(monitor.beats)} writes without an answer"))
    programming.result()
    comparison = Comparison()
    _compare(dut, comparison, "wr", writes, monitor.beats, [case])
    comparison.finish()
    assert answers.done == [(0, len(writes))], report(f"done came as (group, writes answered) {answers.done}")
