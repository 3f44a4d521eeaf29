"""Bench of nvdla_sdp: layers in both groups, from CACC or memory streams to writes, stages beside it."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.block_csb import CSB_INPUTS, BlockCsb, all_ended
from nvdla_bench.units.support.comparison import Comparison, check_without_gaps, compare_layers, report
from nvdla_bench.units.support.sdp_layers import SdpCase, random_batch, random_case
from nvdla_bench.units.support.streams import Beat, StreamMonitor, feed, joined
from nvdla_bench.units.support.unit_build import unit_build
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_bench.units.support.write_answers import GROUPS, WriteAnswers
from nvdla_int8.device.sdp_layer import SdpResult
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
SETTLE_CYCLES = 400
MANY_ATOMS = (20, 20, 8)


async def _start(dut: Any) -> None:
    payload = [f"{name}_{signal}" for name, signals in SOURCES.items() for signal in ("valid", *signals)]
    await reset(dut, (*INPUTS, *payload), OUTPUTS)
    dut.convolution_over.value = 1


def _inputs(random: np.random.Generator, cases: list[SdpCase], memory: Memory) -> dict[str, list[Beat]]:
    """Beats of the source streams for layers one behind the other."""
    return {
        "acc": joined([case.acc_beats(random) for case in cases]),
        "src": joined([case.source_beats(memory) for case in cases]),
        "bs": joined([case.operand_beats("x1", memory) for case in cases]),
        "bn": joined([case.operand_beats("x2", memory) for case in cases]),
    }


class _Bench:
    """The unit under stalls on every side, batch by batch."""

    def __init__(self, dut: Any, random: np.random.Generator) -> None:
        self._dut = dut
        self._random = random
        self._streams = UnitStreams(dut, SOURCES, SINKS)
        self._stages = {name: StreamMonitor(dut, name, dut.clk, ["data"]) for name in STAGES}
        self._csb = BlockCsb(dut, "SDP")
        self._answers = WriteAnswers(dut, random, (1, 60), passed_on="pdp")
        self._comparison = Comparison()
        self._kept = [0] * GROUPS
        self._saturated = 0
        cocotb.start_soon(self._answers.run())

    async def run(self, cases: list[SdpCase], memory: Memory) -> None:
        """Run layers back to back; outputs, stages, counters and ends are the model's, and no input beat is left."""
        results = [case.run(memory) for case in cases]
        for monitor in self._stages.values():
            monitor.forget()
        counts: dict[int, int] = {}
        programming = cocotb.start_soon(self._csb.run_layers([case.registers for case in cases], counts.__setitem__))
        arriving = {
            sink: [
                case.sink_beats(result.output) if case.sink == sink else []
                for case, result in zip(cases, results, strict=True)
            ]
            for sink in SINKS
        }
        expected = {sink: len(joined(beats)) for sink, beats in arriving.items()}
        out = await self._streams.run(_inputs(self._random, cases, memory), expected)
        self._compare_stages(cases, results)
        for sink, beats in arriving.items():
            compare_layers(self._dut, self._comparison, sink, SINKS[sink], beats, out[sink])
        await all_ended(self._dut, programming, SETTLE_CYCLES)
        self._answers.check_ends([case.atoms for case in cases])
        self._check_saturations(cases, results, [counts[index] for index in range(len(cases))])
        left = {name: source.queued - source.accepted for name, source in self._streams.sources.items()}
        assert not any(left.values()), report(f"beats left waiting: {left}")

    def finish(self) -> None:
        """Fail when nothing was compared, nothing saturated or no output ever stalled."""
        assert self._saturated, report("no layer saturated")
        self._comparison.finish()
        self._streams.finish()

    def _compare_stages(self, cases: list[SdpCase], results: list[SdpResult]) -> None:
        pairs = list(zip(cases, results, strict=True))
        expected = {
            "x1": [case.beats(result.x1, ACC_OUT) for case, result in pairs],
            "x2": [case.beats(result.x2, ACC_OUT) for case, result in pairs],
            "out": [case.beats(result.output, FEATURE) for case, result in pairs],
        }
        for name, monitor in self._stages.items():
            assert not monitor.breaches, report(str(monitor.breaches[0]))
            compare_layers(self._dut, self._comparison, name, ["data"], expected[name], monitor.beats)

    def _check_saturations(self, cases: list[SdpCase], results: list[SdpResult], counts: list[int]) -> None:
        """A group's count is that of the last layer in it that counts."""
        expected = []
        for index, (case, result) in enumerate(zip(cases, results, strict=True)):
            if case.layer.counts_saturation:
                self._kept[index % GROUPS] = result.hardware_saturation
                self._saturated += result.hardware_saturation
            expected.append(self._kept[index % GROUPS])
        assert counts == expected, report(f"D_PERF_OUT_SATURATION {counts}, expected {expected}")


@cocotb.test()
async def layers_under_stalls(dut: Any) -> None:
    """Random layers back to back in both groups; writes, X1, X2, output, counters and ends of layers."""
    random = generator(run_seed(), "sdp")
    await _start(dut)
    bench = _Bench(dut, random)
    for _ in range(BATCHES):
        await bench.run(*random_batch(random, unit_build(), LAYERS))
    bench.finish()


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls, every layer writes one atom a cycle, or hands one to PDP."""
    random = generator(run_seed(), "sdp", "speed")
    await _start(dut)
    cases, memory = random_batch(random, unit_build(), LAYERS)
    beats = _inputs(random, cases, memory)
    dut.wr_ready.value = dut.pdp_ready.value = 1
    cocotb.start_soon(WriteAnswers(dut, random, (1, 2)).run())
    feed(dut, SOURCES, beats)
    cycles = {name: StreamMonitor(dut, name, dut.clk, payload).cycles for name, payload in SINKS.items()}
    await BlockCsb(dut, "SDP").run_layers([case.registers for case in cases])
    for sink, of_sink in cycles.items():
        check_without_gaps(sink, of_sink, [case.atoms for case in cases if case.sink == sink])


@cocotb.test()
async def writes_wait_for_answers(dut: Any) -> None:
    """Memory that answers very late: SDP stops at its limit of unanswered writes and goes on from there."""
    random = generator(run_seed(), "sdp", "answers")
    await _start(dut)
    memory = Memory()
    case = random_case(random, unit_build(), memory, 0, MANY_ATOMS)
    writes = case.sink_beats(case.run(memory).output)
    dut.wr_ready.value = 1
    answers = WriteAnswers(dut, random, (2 * len(writes), 2 * len(writes) + 1))
    cocotb.start_soon(answers.run())
    monitor = StreamMonitor(dut, "wr", dut.clk, SINKS["wr"])
    feed(dut, SOURCES, _inputs(random, [case], memory))
    programming = cocotb.start_soon(BlockCsb(dut, "SDP").run_layers([case.registers]))
    await answers.check_limit(programming, monitor)
    comparison = Comparison()
    compare_layers(dut, comparison, "wr", SINKS["wr"], [writes], monitor.beats)
    comparison.finish()
    answers.check_ends([len(writes)])
