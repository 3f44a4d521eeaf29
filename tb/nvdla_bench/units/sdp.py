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
from nvdla_int8.stages.widths import ACC_OUT, FEATURE
from nvdla_int8.surfaces.memory import Memory

SOURCES = {"acc": ["data"], "src": ["data"], "bs": ["alu", "mul"], "bn": ["alu", "mul"]}
SINKS = {"wr": ["addr", "data"], "pdp": ["data"]}
STAGES = ("x1", "x2", "out")
INPUTS = (*CSB_INPUTS, "wr_ready", "wr_done", "pdp_ready", "convolution_over")
OUTPUTS = (*(f"{name}_ready" for name in SOURCES), "wr_valid", "pdp_valid", "done", "group", "csb_rdata")
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
    """Beat by beat; the report names the layer, of those that the stage belongs to, and the beat's place in it."""
    of_stage = [index for index, case in enumerate(cases) if stage not in SINKS or case.sink == stage]
    places = [(index, beat) for index in of_stage for beat in range(cases[index].atoms)]
    names = [f"{stage}_{signal}" for signal in SINKS.get(stage, ["data"])]
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
    bench = UnitStreams(dut, SOURCES, SINKS)
    stages = {name: StreamMonitor(dut, name, dut.clk, ["data"]) for name in STAGES}
    csb = BlockCsb(dut, "SDP")
    answers = WriteAnswers(dut, random, (1, 60), passed_on="pdp")
    cocotb.start_soon(answers.run())
    comparison = Comparison()
    counted = 0
    kept = dict.fromkeys(range(GROUPS), 0)
    for _ in range(BATCHES):
        cases, memory = random_batch(random, build, LAYERS)
        pairs = [(case, case.run(memory)) for case in cases]
        for monitor in stages.values():
            monitor.forget()
        first_done, first_ended = len(answers.done), answers.answered
        counts: dict[int, int] = {}
        programming = cocotb.start_soon(csb.run_layers([case.registers for case in cases], counts.__setitem__))
        beats = _inputs(random, cases, memory)
        arriving = {
            sink: joined([case.sink_beats(result.output) for case, result in pairs if case.sink == sink])
            for sink in SINKS
        }
        out = await bench.run(beats, {sink: len(expected) for sink, expected in arriving.items()})
        expected: dict[str, list[Beat]] = {
            "x1": joined([case.beats(result.x1, ACC_OUT) for case, result in pairs]),
            "x2": joined([case.beats(result.x2, ACC_OUT) for case, result in pairs]),
            "out": joined([case.beats(result.output, FEATURE) for case, result in pairs]),
        }
        for name, monitor in stages.items():
            assert not monitor.breaches, report(str(monitor.breaches[0]))
            _compare(dut, comparison, name, expected[name], monitor.beats, cases)
        for sink in SINKS:
            _compare(dut, comparison, sink, arriving[sink], out[sink], cases)
        await ClockCycles(dut.clk, SETTLE_CYCLES)
        assert programming.done(), report("the last layer's group does not become idle")
        programming.result()
        _check_ends(cases, answers.done[first_done:], first_ended)
        saturations = []
        for index, (case, result) in enumerate(pairs):
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


def _check_ends(cases: list[SdpCase], done: list[tuple[int, int]], ended: int) -> None:
    """Done came once a layer, with its group, when exactly the layers' atoms up to it had arrived."""
    expected = []
    for index, case in enumerate(cases):
        ended += case.atoms
        expected.append((index % GROUPS, ended))
    assert done == expected, report(f"done came as (group, atoms that have arrived) {done}, expected {expected}")


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls, every layer writes one atom a cycle, or hands one to PDP."""
    random = generator(run_seed(), "sdp", "speed")
    await _start(dut)
    cases, memory = random_batch(random, _build(), LAYERS)
    beats = _inputs(random, cases, memory)
    dut.wr_ready.value = dut.pdp_ready.value = 1
    cocotb.start_soon(WriteAnswers(dut, random, (1, 2)).run())
    _feed(dut, beats)
    cycles = {name: StreamMonitor(dut, name, dut.clk, payload).cycles for name, payload in SINKS.items()}
    counts: dict[int, int] = {}
    await BlockCsb(dut, "SDP").run_layers([case.registers for case in cases], counts.__setitem__)
    first = dict.fromkeys(SINKS, 0)
    for index, case in enumerate(cases):
        at = first[case.sink]
        first[case.sink] += case.atoms
        of_layer = cycles[case.sink][at : first[case.sink]]
        spent = of_layer[-1] - of_layer[0] + 1
        assert spent == case.atoms, report(f"layer {index}: {case.atoms} atoms arrived in {spent} cycles")
    seen = {name: len(of_sink) for name, of_sink in cycles.items()}
    assert first == seen, report(f"beats {seen}, {first} were expected")


@cocotb.test()
async def writes_wait_for_answers(dut: Any) -> None:
    """Memory that answers very late: SDP stops at its limit of unanswered writes and goes on from there."""
    random = generator(run_seed(), "sdp", "answers")
    await _start(dut)
    memory = Memory()
    case = random_case(random, _build(), memory, 0, MANY_ATOMS)
    writes = case.sink_beats(case.run(memory).output)
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
    assert answers.done == [(0, len(writes))], report(f"done came as (group, atoms that have arrived) {answers.done}")
