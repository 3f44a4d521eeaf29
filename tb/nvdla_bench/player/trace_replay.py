"""Replays one trace on RTL, between writing the player file and reading its record."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nvdla_bench.player.from_trace import wait_limit, write_player_file
from nvdla_bench.player.player_file import EVENTS, Settings, read_events
from nvdla_bench.player.protocol_samples import protocol_samples
from nvdla_bench.player.stage_check import StageCount, compare_stages
from nvdla_bench.player.state_samples import state_samples
from nvdla_bench.player.target import RtlTarget
from nvdla_bench.protocol.breaches import Breach
from nvdla_int8.coverage.plan import Sample
from nvdla_int8.device.least_cycles import LeastCycles, least_cycles
from nvdla_int8.trace.judge import judge
from nvdla_int8.trace.replay import play, verdict_of_errors
from nvdla_int8.trace.result import NOT_FOR_THE_DEVICE, Difference, TraceResult


@dataclass(frozen=True)
class LayerTime:
    """How long a layer took: from its start, or the end of the one before, to its interrupt.

    That can be less than ``least`` when CDMA had loaded some of it beside the layer before.
    """

    cycles: int
    least: LeastCycles

    @property
    def ratio(self) -> float:
        """Cycles for each that it takes at least."""
        return self.cycles / self.least.cycles


@dataclass
class RtlResult(TraceResult):
    """What replaying a trace on RTL gave.

    Attributes
    ----------
    cycles
        From the register write that started the first layer to the last layer's interrupt.
    layer_times
        Of each layer that ended.
    stalls
        Beats and stalled cycles of each AXI channel, counted by the memory.
    protocol_counts
        What the protocols' checkers saw, by the names of :mod:`nvdla_bench.protocol.counts`.
    stages
        The stages that were compared, layer by layer.
    scores
        The last layer's output as it lies in the device's memory, if it is one pixel: a classifier's scores.
    simulated_cycles, simulated_seconds
        All cycles of the run, reset and register writes included, and the simulation's processor time.
    reproduce
        A command that runs the trace alone in the same way.
    samples
        What the coverage plan's parts for protocol and states have bins of.
    """

    cycles: int = 0
    layer_times: list[LayerTime] = field(default_factory=list)
    stalls: dict[str, tuple[int, int]] = field(default_factory=dict)
    protocol_counts: dict[str, int] = field(default_factory=dict)
    stages: list[StageCount] = field(default_factory=list)
    scores: list[int] = field(default_factory=list)
    simulated_cycles: int = 0
    simulated_seconds: float = 0.0
    reproduce: str = ""
    samples: list[Sample] = field(default_factory=list)

    def line(self) -> str:
        """One line for people."""
        parts = [super().line()]
        if self.cycles:
            parts.append(f"{self.cycles:,} cycles")
            least = sum(one.least.cycles for one in self.layer_times)
            parts.append(f"{self.cycles / least:.2f} of the least, {least:,}")
        if self.stages and self.passed:
            parts.append(f"{sum(count.compared for count in self.stages):,} elements of stages")
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


class RtlReplay:
    """One trace: :meth:`prepare`, the simulation of its player file, then :meth:`judge`.

    Parameters
    ----------
    trace_path
        The ``.cfg``, or a folder with one.
    build
        The device's build.
    settings
        How memory and bus behave.
    limit_cycles
        How long a wait may take; 0 chooses from the trace.
    registers
        Compare all registers at the end.
    """

    def __init__(
        self, trace_path: Path, build: str, settings: Settings, limit_cycles: int = 0, *, registers: bool = False
    ) -> None:
        self._build = build
        self._settings = settings
        self._registers = registers
        self._started = time.perf_counter()
        self.golden = play(trace_path, build)
        self.result = RtlResult(**vars(self.golden.result))
        self._limit = limit_cycles or wait_limit(self.golden.device, settings)

    @property
    def runnable(self) -> bool:
        """Whether there is something to simulate; otherwise the result is final."""
        return self.result.verdict not in NOT_FOR_THE_DEVICE

    def prepare(self, folder: Path, *, record: bool = False) -> None:
        """Write the player file; the trace may turn out not to be runnable."""
        assert self.golden.trace is not None
        self.result = RtlResult(str(self.golden.trace.path), warnings=self.result.warnings)
        with verdict_of_errors(self.result):
            write_player_file(
                self.golden.trace, folder, self._settings, self._limit,
                record=record, registers=self._registers,
            )  # fmt: skip

    def judge(self, folder: Path, breaches: Sequence[Breach] = (), stages: Sequence[str] = ()) -> RtlResult:
        """Judge the record of the run, what the protocols' checkers saw in it, and the stages that were recorded."""
        assert self.golden.trace is not None
        last = self.golden.trace.commands[-1].line if self.golden.trace.commands else 0
        more = [Difference(last, str(breach)) for breach in breaches]
        events = list(read_events(folder / EVENTS))
        target = RtlTarget(self.golden.trace, events, self._build, registers=self._registers)
        result = self.result

        def closing() -> list[Difference]:
            golden = target.golden
            whole = not target.gave_up
            spoiled = target.spoiled_layers()
            result.stages = list(
                compare_stages(folder, stages, golden.layers, golden.build, whole=whole, spoiled=spoiled)
            )
            stages_wrong = [Difference(last, text) for count in result.stages for text in count.problems]
            early = target.late.told if result.differences else []
            wrong = [*stages_wrong, *(Difference(last, text) for text in early)]
            causes.extend(_causes(target, result.stages, early))
            return [*wrong, *target.differences(), *more]

        causes: list[str] = []

        with verdict_of_errors(result):
            judge(self.golden.trace, target, result, closing=closing)
        if causes and not result.passed:
            self._tell_first(causes)
        if target.gave_up and " given up " not in result.message:
            result.message += f"; {target.waiting()}"
        result.layers, result.macs = len(target.golden.layers), sum(run.macs for run in target.golden.layers)
        result.stalls = target.stalls
        result.scores = target.scores()
        result.simulated_cycles = events[-1].cycle - events[0].cycle
        self._measure(target)
        result.samples = [*protocol_samples(events, target, self._settings), *state_samples(events, target)]
        result.seconds = time.perf_counter() - self._started
        return result

    def _tell_first(self, causes: Sequence[str]) -> None:
        """Put what explains a failure before what follows from it, in the message and in the differences.

        Wrong stages come before wrong bytes of the memory.
        """
        result = self.result
        stages = {text for count in result.stages for text in count.problems}
        result.differences.sort(
            key=lambda one: (not any(cause.startswith(one.text) for cause in causes), one.text not in stages)
        )
        told = result.message.removeprefix(f"{result.path}:").partition(": ")
        rest = [] if any(cause.startswith(told[2]) for cause in causes) else [told[2]]
        result.message = f"{result.path}:{told[0]}: {'; '.join([*causes, *rest])}"

    def _measure(self, target: RtlTarget) -> None:
        ends: dict[str, int] = {}
        for run, layer in zip(target.golden.layers, target.layers, strict=True):
            if layer.ended is None:
                continue
            # Layers that share a block run one after the other, those of other engines beside them.
            previous = max((ends.get(block, 0) for block in run.registers.blocks), default=0)
            least = least_cycles(run, target.golden.build)
            self.result.layer_times.append(LayerTime(layer.ended - max(layer.started, previous), least))
            ends |= dict.fromkeys(run.registers.blocks, layer.ended)
        if ends:
            self.result.cycles = max(ends.values()) - target.layers[0].started


def _causes(target: RtlTarget, stages: Sequence[StageCount], early: Sequence[str]) -> Iterator[str]:
    """The first wrong stage, and the interrupts that came too early for what was read then."""
    first = next((count for count in stages if count.problems), None)
    if first is not None:
        late = target.late_input(first.layer) if first.layer >= 0 else ""
        yield first.problems[0] + (f" ({late})" if late else "")
    yield from early[:1]
