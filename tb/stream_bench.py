"""Drives a layer through ``nvdla_stream_top`` and compares every stage with the golden model.

What is expected comes from ``golden.stream_model``, fed with the beats that the input monitors saw.
A second comparison holds the RTL's stages against ``LayerProgram.run`` itself, so a stimulus that
is wrong from the start is seen as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotb_bus.drivers import BitDriver
from numpy.typing import DTypeLike, NDArray

from golden.compare import compare_atoms
from golden.converter_registers import decode_x_stage, encode_layer
from golden.errors import BenchError
from golden.program import STAGES, LayerProgram, LayerStages
from golden.registers import find_register, names_by_address
from golden.stream_model import InputBeats, StageBeats, expected_beats
from golden.stripes import BeatCoordinates, StreamPlan, StreamShape, plan_stream
from tb.lanes import pack_flags, pack_lanes, unpack_flags, unpack_lanes
from tb.streams import StreamDriver, StreamMonitor, pause_lengths, ready_pattern
from tb.verdicts import LayerVerdict, StageVerdict

CLOCK_NS = 2
RESET_CYCLES = 4
DRAIN_CYCLES = 16
"""Cycles to wait after the last expected beat for one too many."""
CYCLES_PER_BEAT = 20
"""A layer that needs more cycles for each beat than this hangs."""

INPUT_PAYLOADS: dict[str, tuple[str, ...]] = {
    "dat": ("data", "pad", "stripe_last", "acc_first", "acc_last"),
    "wt": ("data",),
    "bs": ("alu", "mul"),
    "bn": ("alu", "mul"),
    "cfg": ("addr", "wdata"),
}
"""The input streams of the top and their payload signals."""


@dataclass(frozen=True)
class Observed:
    """How a stage shows on the top's ports."""

    stream: str
    flags: tuple[str, ...]
    dtype: DTypeLike


OBSERVED = {
    "converted": Observed("cvt", ("saturated_17", "saturated_8"), np.int8),
    "accumulators": Observed("acc", ("saturated_34", "saturated_32"), np.int32),
    "x1": Observed("x1", ("saturated", "operand_saturated"), np.int32),
    "x2": Observed("x2", ("saturated", "operand_saturated"), np.int32),
    "output": Observed("out", ("saturated_17", "saturated_8"), np.int8),
}
"""The stages in the data's order; one scoreboard channel each."""


class StreamBench:
    """Clock, reset, drivers and monitors around one ``nvdla_stream_top``.

    Parameters
    ----------
    dut
        The top's handle.
    shape
        The parameters it was built with.
    seed
        Seed of pauses and stalls.
    stall_rate
        Share of the cycles in which each driver pauses and the output's ready is low, 0 to 0.6.
    """

    def __init__(self, dut: Any, shape: StreamShape, seed: str, stall_rate: float) -> None:
        self._dut = dut
        self._shape = shape
        self._registers: dict[str, int] = {}
        dut.rst_n.value = 0
        Clock(dut.clk, CLOCK_NS, "ns").start()
        self._drivers = {
            name: StreamDriver(dut, name, dut.clk, payload, pause_lengths(seed, name, stall_rate))
            for name, payload in INPUT_PAYLOADS.items()
        }
        dut.out_ready.value = 0
        self._ready = BitDriver(dut.out_ready, dut.clk, ready_pattern(seed, "out", stall_rate))
        self._monitors: dict[str, StreamMonitor] = {}

    async def reset(self) -> None:
        """Hold reset, release it, and begin to watch: from now on nothing may be unknown."""
        await ClockCycles(self._dut.clk, RESET_CYCLES)
        self._dut.rst_n.value = 1
        await ClockCycles(self._dut.clk, 1)
        payloads = {
            **INPUT_PAYLOADS,
            **{observed.stream: ("data", *observed.flags) for observed in OBSERVED.values()},
        }
        self._monitors = {
            name: StreamMonitor(self._dut, name, self._dut.clk, payload) for name, payload in payloads.items()
        }
        self._ready.start()

    async def run_layer(self, program: LayerProgram, data: NDArray[np.integer]) -> LayerVerdict:
        """Program the converters, stream one layer through, compare.

        Parameters
        ----------
        program
            The layer.
        data
            (N, C, H, W) int8 or uint8 bytes.
        """
        plan = plan_stream(program, data, self._shape)
        start = self._monitors["out"].cycle
        for monitor in self._monitors.values():
            monitor.forget()
        self._queue(program, plan)
        hang = await self._finish(plan)
        self._note_registers()
        cycles = self._monitors["out"].cycle - start
        return self._judge(program, data, plan, cycles, hang)

    def _queue(self, program: LayerProgram, plan: StreamPlan) -> None:
        writes = [(find_register(name).address // 4, word) for name, word in encode_layer(program).items()]
        self._drivers["cfg"].append_beats(writes)
        pad = np.repeat(plan.pad[:, None], self._shape.atomic_c, axis=1)
        flags = (plan.stripe_last.tolist(), plan.acc_first.tolist(), plan.acc_last.tolist())
        beats = list(zip(pack_lanes(plan.data), pack_flags(pad), *flags, strict=True))
        self._drivers["wt"].append_beats([(vector,) for vector in pack_lanes(plan.weights)])
        for stream, stage, alu, mul in (
            ("bs", program.x1, plan.x1_alu, plan.x1_mul),
            ("bn", program.x2, plan.x2_alu, plan.x2_mul),
        ):
            if stage.reads_alu or stage.reads_mul:
                self._drivers[stream].append_beats(list(zip(pack_lanes(alu), pack_lanes(mul), strict=True)))
        self._data_beats = beats

    async def _finish(self, plan: StreamPlan) -> list[str]:
        """Wait for every beat and a little longer; what hangs, if anything does."""
        # Data follows when the registers are written: the port takes writes only while the pipe is empty.
        cfg, out = self._drivers["cfg"], self._monitors["out"]
        hang = await self._wait(lambda: cfg.accepted == cfg.queued, cfg.queued)
        if not hang:
            self._drivers["dat"].append_beats(self._data_beats)
            beats = len(plan.data) + len(plan.weights) + len(plan.output_at.image)
            hang = await self._wait(lambda: len(out.beats) >= len(plan.output_at.image), beats)
        await ClockCycles(self._dut.clk, DRAIN_CYCLES)
        return hang

    async def _wait(self, done: Callable[[], bool], beats: int) -> list[str]:
        out = self._monitors["out"]
        limit = out.cycle + 1000 + beats * CYCLES_PER_BEAT
        while not done():
            if out.cycle > limit:
                taken = [f"{name} {driver.accepted} of {driver.queued}" for name, driver in self._drivers.items()]
                return [f"hangs at cycle {out.cycle}: beats taken: {', '.join(taken)}; {len(out.beats)} delivered"]
            await ClockCycles(self._dut.clk, 8)
        return []

    def _note_registers(self) -> None:
        names = names_by_address()
        for address, word in self._monitors["cfg"].beats:
            self._registers[names[4 * address]] = word

    def _judge(
        self, program: LayerProgram, data: NDArray[np.integer], plan: StreamPlan, cycles: int, hang: list[str]
    ) -> LayerVerdict:
        problems = hang + [breach for monitor in self._monitors.values() for breach in monitor.breaches[:2]]
        problems += [
            f"stream {name}: {driver.queued - driver.accepted} beats were never taken"
            for name, driver in self._drivers.items()
            if driver.accepted != driver.queued
        ]
        stages = {name: StageVerdict() for name in STAGES}
        output = np.zeros((0,), np.int8)
        try:
            expected = expected_beats(self._inputs(), self._registers, self._shape.atomic_k)
        except BenchError as error:
            problems.append(str(error))
        else:
            reference = program.run(data, atomic_c=self._shape.atomic_c)
            for stage in STAGES:
                at = plan.data_at if stage == "converted" else plan.output_at
                self._compare_stage(program, stage, expected[stage], reference, at, plan, stages[stage], problems)
            if not problems:
                output = self._output_tensor(reference.output.shape, plan)
        rates = {name: monitor.counts.stall_rate for name, monitor in self._monitors.items() if monitor.beats}
        return LayerVerdict(program.name, stages, problems, rates, cycles, output)

    def _inputs(self) -> InputBeats:
        dat, lanes = self._monitors["dat"], self._shape.atomic_c
        return InputBeats(
            data=unpack_lanes(dat.column("data"), lanes, np.uint8).astype(np.uint8),
            pad=unpack_flags(dat.column("pad"), lanes),
            stripe_last=np.array(dat.column("stripe_last"), np.bool_),
            acc_first=np.array(dat.column("acc_first"), np.bool_),
            acc_last=np.array(dat.column("acc_last"), np.bool_),
            weights=unpack_lanes(self._monitors["wt"].column("data"), lanes, np.int8).astype(np.int8),
            x1=self._operands("x1", "bs"),
            x2=self._operands("x2", "bn"),
        )

    def _operands(self, stage: str, stream: str) -> tuple[NDArray[np.int16], NDArray[np.int16]] | None:
        decoded = decode_x_stage(stage, self._registers)
        if not (decoded.reads_alu or decoded.reads_mul):
            return None
        alu, mul = (
            unpack_lanes(self._monitors[stream].column(signal), self._shape.atomic_k, np.int16).astype(np.int16)
            for signal in ("alu", "mul")
        )
        return alu, mul

    def _compare_stage(
        self,
        program: LayerProgram,
        stage: str,
        expected: StageBeats,
        reference: LayerStages,
        at: BeatCoordinates,
        plan: StreamPlan,
        verdict: StageVerdict,
        problems: list[str],
    ) -> None:
        observed, monitor = OBSERVED[stage], self._monitors[OBSERVED[stage].stream]
        lanes = expected.values.shape[1]
        counts = {len(monitor.beats), len(expected.values), len(at.image)}
        if len(counts) > 1:
            problems.append(
                f"layer {program.name} stage {stage}: {len(at.image)} beats planned, {len(expected.values)} expected "
                f"from what went in, {len(monitor.beats)} seen"
            )
        common = slice(min(counts))
        values = unpack_lanes(monitor.column("data"), lanes, observed.dtype)[common]
        place: Mapping[str, Any] = {"layer": program.name, "stage": stage, "cycles": monitor.cycles}
        by_model = compare_atoms(expected.values[common], values, at, **place)
        others = []
        for name in observed.flags:
            flags = unpack_flags(monitor.column(name), lanes)[common]
            verdict.saturated[name] = int(np.count_nonzero(flags))
            others.append(compare_atoms(expected.flags[name][common], flags, at, what=name, **place))
        tensor = reference.tensor(stage)
        belongs = at.channel[:, None] + np.arange(lanes) < tensor.shape[1]
        if stage == "converted":
            belongs &= ~plan.pad[:, None]
        by_program = at.gather(tensor, lanes)[common]
        what = "value of the program"
        others.append(compare_atoms(by_program, values, at, lanes=belongs[common], what=what, **place))
        verdict.judge(by_model, others)

    def _output_tensor(self, shape: tuple[int, ...], plan: StreamPlan) -> NDArray[np.int8]:
        values = unpack_lanes(self._monitors["out"].column("data"), self._shape.atomic_k, np.int8)
        return plan.output_at.scatter(values, shape).astype(np.int8)
