"""cocotb test: replays the traces of a job, one after another, in one simulation; Python sleeps while they run."""

import os
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ValueChange

from nvdla_bench.player.job import FOLDER_VARIABLE, ReplayJob
from nvdla_bench.player.trace_replay import RtlReplay, RtlResult
from nvdla_bench.protocol.breaches import Breach
from nvdla_bench.protocol.checker_files import PORT_CHECKERS, CheckerFiles
from nvdla_bench.protocol.counts import MUST_SEE
from nvdla_bench.protocol.monitors import ProtocolRules, attach
from nvdla_bench.simulator.compiled import run_seed
from nvdla_int8.seeds import generator


@cocotb.test()
async def replay_traces(dut: Any) -> None:
    """Replay every trace that has no result, keep every result, and fail when one did not pass."""
    job = ReplayJob.open(Path(os.environ[FOLDER_VARIABLE]))
    player = Player(dut)
    protocol = Protocol(dut, job)
    failed = 0
    for index in job.open_traces():
        result = await replay_trace(player, job, job.traces[index], protocol)
        failed += not result.passed
        job.store(index, result.as_dict())
    assert not failed, f"{failed} of {len(job.traces)} traces did not pass"


async def replay_trace(player: "Player", job: ReplayJob, trace: Path, protocol: "Protocol | None" = None) -> RtlResult:
    """Replay one trace."""
    seed = int(generator(run_seed(), "memory", trace.stem).integers(1, 2**32))
    run = RtlReplay(trace, job.build, replace(job.settings, seed=seed), job.limit_cycles, registers=job.compare_state)
    folder = Path.cwd()
    if run.runnable:
        run.prepare(folder, record=bool(job.stages))
    if run.runnable:
        run.result.simulated_seconds = await player.play()
        # A run without a layer, of registers only, asks nothing of the memory.
        must_see = MUST_SEE if run.golden.device.layers else ()
        breaches = protocol.breaches(must_see) if protocol else ()
        run.judge(folder, breaches, job.stages)
        if protocol is not None:
            run.result.protocol_counts = protocol.counts
    return run.result


class Player:
    """Starts the player in HDL and waits for it: ``wake`` follows ``go`` when the run has ended."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._go = 0
        dut.go.value = 0

    async def play(self) -> float:
        """Run the player file in the simulation's folder; seconds of processor time that it took."""
        self._go = 1 - self._go
        started = time.thread_time()
        self._dut.go.value = self._go
        while str(self._dut.wake.value) != str(self._go):
            await ValueChange(self._dut.wake)
        return time.thread_time() - started


class Protocol:
    """What watches the ports' protocols in this simulation: checkers in SystemVerilog, monitors in Python.

    The monitors wake with the bench's own ``clk``: only that rises, on Verilator too, before anything else
    changes.
    """

    def __init__(self, dut: Any, job: ReplayJob) -> None:
        # Verilator shows Python only the top's nets.
        inside = {} if cocotb.SIM_NAME == "Verilator" else job.streams
        self._monitors = attach(dut, ProtocolRules(clock="clk", streams=inside)) if job.monitors else None
        self._checkers = CheckerFiles(Path.cwd(), (*PORT_CHECKERS, *job.streams)) if job.checkers else None
        self.counts: dict[str, int] = {}

    def breaches(self, must_see: Collection[str]) -> list[Breach]:
        """Breaches of the run that has just ended; ``counts`` is what passed in it, as Python saw it if it did."""
        found = []
        if self._checkers is not None:
            report = self._checkers.collect(must_see)
            found += report.breaches
            self.counts = report.counts
        if self._monitors is not None:
            found += self._monitors.finish(must_see)
            self.counts = self._monitors.counts
            self._monitors.forget()
        return found
