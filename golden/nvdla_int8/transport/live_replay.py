"""Replays a trace on a live device: first on the golden device, then, if that can run it, for real."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.errors import BenchError, located
from nvdla_int8.trace.judge import judge
from nvdla_int8.trace.replay import Replay, play
from nvdla_int8.trace.result import NOT_FOR_THE_DEVICE, TraceResult, Verdict
from nvdla_int8.transport.layer_dumps import LayerDumps
from nvdla_int8.transport.live_target import LiveTarget
from nvdla_int8.transport.ranges import TouchedRange, check_ranges, joined, touched_ranges
from nvdla_int8.transport.transport import Transport


@dataclass(frozen=True)
class LiveReplay:
    """How traces are replayed on a live device.

    Attributes
    ----------
    transport
        The device.
    build
        Its build.
    strict
        Refuse programs that meet an erratum or do what the hardware ignores.
    limit_s
        How long a wait may take.
    dump
        Receives a folder for each trace with a file for each layer; None for nothing.
    tell
        Receives lines for people: what will be written before it is, which files were.
    """

    transport: Transport
    build: str
    strict: bool
    limit_s: float
    dump: Path | None
    tell: Callable[[str], None]

    def replay(self, path: Path) -> TraceResult:
        """Replay one trace; every way of not passing is a verdict.

        Nothing is written before the golden device has run the trace, and unless all memory that host and layers
        touch lies within what the transport reaches.
        """
        start = time.perf_counter()
        expected = play(path, self.build, strict=self.strict)
        if expected.trace is None or expected.result.verdict in NOT_FOR_THE_DEVICE:
            return expected.result
        result = TraceResult(str(expected.trace.path), warnings=expected.result.warnings)
        try:
            with located(result.path):
                ranges = list(touched_ranges(expected.trace, expected.device))
                check_ranges(ranges, self.transport.memory)
                self._announce(ranges)
                self._run(expected, result)
        except BenchError as error:
            result.verdict, result.message = Verdict.INCOMPLETE, str(error)
        result.layers, result.macs = expected.result.layers, expected.result.macs
        result.seconds = time.perf_counter() - start
        return result

    def _run(self, expected: Replay, result: TraceResult) -> None:
        assert expected.trace is not None
        dumps = LayerDumps(self.dump / expected.trace.path.stem) if self.dump is not None else None

        def layer_ended(index: int, _: LayerRun, target: LiveTarget) -> None:
            if dumps is not None:
                dumps.keep(index, target.golden, target.memory.plain)

        target = LiveTarget(self.transport, expected.trace, self.build, self.limit_s, layer_ended)
        target.settle()
        judge(expected.trace, target, result, closing=target.differences)
        if dumps is not None and dumps.kept:
            self.tell(f"  nvdla-int8 check {expected.trace.path} {' '.join(dumps.arguments())}")

    def _announce(self, ranges: list[TouchedRange]) -> None:
        for who, chosen in (
            ("loads", [one.range for one in ranges if one.who.startswith("line") and one.written]),
            ("lets the layers write", [one.range for one in ranges if one.who.startswith("layer") and one.written]),
        ):
            parts = joined(chosen)
            listed = ", ".join(map(str, parts[:4])) + (f" and {len(parts) - 4} more" if parts[4:] else "")
            if parts:
                self.tell(f"  {who} {sum(one.size_bytes for one in parts):,} bytes: {listed}")
