"""Stands in for a simulated device in tests of ``nvdla-int8 regress``: the golden device, with faults on request."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nvdla_bench.regression.batch import Case
from nvdla_int8.coverage.plan import MODEL_PARTS
from nvdla_int8.errors import BenchError
from nvdla_int8.trace.commands import CheckFile, read_trace
from nvdla_int8.trace.dat import read_dat_image, write_dat
from nvdla_int8.trace.replay import replay
from nvdla_int8.trace.result import TraceResult


@dataclass(frozen=True)
class GoldenRunner:
    """Runs programs on the golden device.

    Attributes
    ----------
    log
        A file that gets a line for each simulation: waves or not, the names of its traces.
    wrong
        Programs, by a part of their names, that give a wrong byte.
    crashing, silent
        Programs that end the whole simulation, or only never get a verdict.
    deadly
        Programs that end the process.
    sound_alone
        A wrong program is right when it runs alone.
    without_waves
        There is no build that writes waves.
    """

    log: Path
    wrong: tuple[str, ...] = ()
    crashing: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    deadly: tuple[str, ...] = ()
    sound_alone: bool = False
    without_waves: bool = False
    build: str = "nv_small"
    source: str = "on the golden device"
    parts: tuple[str, ...] = MODEL_PARTS

    def versions(self) -> Mapping[str, str]:
        """A device without versions."""
        return {"device": "golden"}

    def prepare(self, *, waves: bool) -> None:
        """Nothing to build; refuse what is asked to be refused."""
        if waves and self.without_waves:
            raise BenchError("cannot compile")

    def run(self, cases: Sequence[Case], folder: Path, *, waves: bool) -> Mapping[Path, TraceResult]:
        """Replay the cases."""
        names = [case.trace.stem for case in cases]
        with self.log.open("a") as log:
            log.write(f"{'waves' if waves else 'plain'} {' '.join(names)}\n")
        if any(_named(name, self.deadly) for name in names):
            os._exit(1)
        if any(_named(name, self.crashing) for name in names):
            raise BenchError("the simulator crashed")
        if waves:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "dump.vcd").touch()
        return {
            case.trace: self._replay(case.trace, alone=len(cases) == 1)
            for case in cases
            if not _named(case.trace.stem, self.silent)
        }

    def _replay(self, trace: Path, *, alone: bool) -> TraceResult:
        if _named(trace.stem, self.wrong) and not (alone and self.sound_alone):
            check = next(command for command in read_trace(trace).commands if isinstance(command, CheckFile))
            data = bytearray(read_dat_image(trace.parent / check.file, check.size).data)
            data[0] ^= 1
            write_dat(trace.parent / check.file, bytes(data))
        return replay(trace, self.build)


def _named(name: str, parts: Sequence[str]) -> bool:
    return any(name.endswith(part) for part in parts)
