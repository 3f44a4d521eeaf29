"""Bench of nvdla_pdp: layers in both groups, from PDP_RDMA or SDP to writes, stages beside it."""

from collections.abc import Sequence
from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.block_csb import CSB_INPUTS, BlockCsb, all_ended
from nvdla_bench.units.support.comparison import Comparison, check_without_gaps, compare_layers, report
from nvdla_bench.units.support.pdp_cases import directed_cases
from nvdla_bench.units.support.pdp_layers import PdpCase, case_of, pooling_of, random_case
from nvdla_bench.units.support.streams import Beat, StreamMonitor, feed, joined
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_bench.units.support.write_answers import GROUPS, WriteAnswers
from nvdla_int8.seeds import generator
from nvdla_int8.stages.pooling import Axis, PoolingMethod

SOURCES = {"src": ["data"], "pdp": ["data"]}
WRITE = ["addr", "data"]
STAGES = ("horizontal", "vertical")
INPUTS = (*CSB_INPUTS, "wr_ready", "wr_done", *(f"{name}_{signal}" for name in SOURCES for signal in ("valid", "data")))
OUTPUTS = (*(f"{name}_ready" for name in SOURCES), "wr_valid", "done", "group", "csb_rdata")
BATCHES = 4
LAYERS = 6
END_CYCLES = 20_000
ANSWER_CYCLES = (1, 60)


def _inputs(cases: Sequence[PdpCase]) -> dict[str, list[Beat]]:
    """Beats of both sources for layers one behind the other."""
    return {
        "src": joined([case.in_beats() for case in cases if not case.flying]),
        "pdp": joined([case.in_beats() for case in cases if case.flying]),
    }


class _Bench:
    """The unit under stalls on every side, batch by batch."""

    def __init__(self, dut: Any, random: np.random.Generator) -> None:
        self._dut = dut
        self._streams = UnitStreams(dut, SOURCES, {"wr": WRITE})
        self._stages = {name: StreamMonitor(dut, name, dut.clk, ["data"]) for name in STAGES}
        self._csb = BlockCsb(dut, "PDP")
        self._answers = WriteAnswers(dut, random, ANSWER_CYCLES)
        self._comparison = Comparison()
        cocotb.start_soon(self._answers.run())

    async def run(self, cases: Sequence[PdpCase]) -> None:
        """Run layers back to back; writes, stages and ends are the model's, and no input beat is left."""
        assert len(cases) % GROUPS == 0, "the next batch begins with group 0"
        for monitor in self._stages.values():
            monitor.forget()
        programming = cocotb.start_soon(self._csb.run_layers([case.registers for case in cases]))
        writes = [case.write_beats() for case in cases]
        out = await self._streams.run(_inputs(cases), {"wr": len(joined(writes))})
        await all_ended(self._dut, programming, END_CYCLES)
        for name, monitor in self._stages.items():
            assert not monitor.breaches, report(str(monitor.breaches[0]))
            expected = [case.stage_beats(name) for case in cases]
            compare_layers(self._dut, self._comparison, name, ["data"], expected, monitor.beats)
        compare_layers(self._dut, self._comparison, "wr", WRITE, writes, out["wr"])
        self._answers.check_ends(list(map(len, writes)))
        left = {name: source.queued - source.accepted for name, source in self._streams.sources.items()}
        assert not any(left.values()), report(f"beats left waiting: {left}")

    def finish(self) -> None:
        """Fail when nothing was compared or no write ever stalled."""
        self._comparison.finish()
        self._streams.finish()


@cocotb.test()
async def random_layers_under_stalls(dut: Any) -> None:
    """Random layers back to back in both groups."""
    random = generator(run_seed(), "pdp")
    parameters = run_parameters()
    await reset(dut, INPUTS, OUTPUTS)
    bench = _Bench(dut, random)
    for _ in range(BATCHES):
        atom, columns = parameters["MEMORY_ATOM"], parameters["LINE_COLUMNS"]
        await bench.run([random_case(random, atom, columns, index) for index in range(LAYERS)])
    bench.finish()


@cocotb.test()
async def corners_under_stalls(dut: Any) -> None:
    """Layers where a plausible unit goes wrong, and those that hang the hardware."""
    random = generator(run_seed(), "pdp", "corners")
    parameters = run_parameters()
    await reset(dut, INPUTS, OUTPUTS)
    bench = _Bench(dut, random)
    cases = directed_cases(random, parameters["MEMORY_ATOM"], parameters["LINE_COLUMNS"])
    for first in range(0, len(cases), LAYERS):
        await bench.run(cases[first : first + LAYERS])
    bench.finish()


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls, layers without padding take an atom in every cycle, also when windows overlap."""
    random = generator(run_seed(), "pdp", "speed")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    cases = [
        case_of(
            random,
            pooling_of(random, method, Axis("height", kernel, stride, 0, 0), Axis("width", kernel, stride, 0, 0)),
            (9, 11),
            atom,
            index,
        )
        for index, (method, kernel, stride) in enumerate(
            [(PoolingMethod.AVERAGE, 3, 1), (PoolingMethod.MAX, 2, 2), (PoolingMethod.MIN, 8, 1)]
        )
    ]
    dut.wr_ready.value = 1
    cocotb.start_soon(WriteAnswers(dut, random, (1, 2)).run())
    monitor = StreamMonitor(dut, "src", dut.clk, ["data"])
    feed(dut, SOURCES, _inputs(cases))
    await BlockCsb(dut, "PDP").run_layers([case.registers for case in cases])
    check_without_gaps("src", monitor.cycles, [len(case.in_beats()) for case in cases])


@cocotb.test()
async def writes_wait_for_answers(dut: Any) -> None:
    """Memory that answers very late: PDP stops at its limit of unanswered writes and goes on from there."""
    random = generator(run_seed(), "pdp", "answers")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    one = Axis("height", 1, 1, 0, 0)
    case = case_of(random, pooling_of(random, PoolingMethod.MAX, one, one), (20, 15), atom, 0, surfaces=1)
    writes = case.write_beats()
    dut.wr_ready.value = 1
    answers = WriteAnswers(dut, random, (2 * len(writes), 2 * len(writes) + 1))
    cocotb.start_soon(answers.run())
    monitor = StreamMonitor(dut, "wr", dut.clk, WRITE)
    feed(dut, SOURCES, _inputs([case]))
    programming = cocotb.start_soon(BlockCsb(dut, "PDP").run_layers([case.registers]))
    await answers.check_limit(programming, monitor)
    comparison = Comparison()
    compare_layers(dut, comparison, "wr", WRITE, [writes], monitor.beats)
    comparison.finish()
    answers.check_ends([len(writes)])
