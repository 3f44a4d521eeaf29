"""Replays traces on the golden device (hardware.md section 6); :mod:`nvdla_int8.trace.judge` judges their checks."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nvdla_int8.device import Device
from nvdla_int8.errors import BenchError
from nvdla_int8.trace.commands import CFG_LIMIT, RegWrite, Trace, parse_line, read_trace
from nvdla_int8.trace.judge import Observer, judge
from nvdla_int8.trace.result import TraceResult, Verdict
from nvdla_int8.trace.text import MissingFileError, read_bounded


@dataclass(frozen=True)
class Replay:
    """A replayed trace: its result, the device as it was left, its commands if they could be read."""

    result: TraceResult
    device: Device
    trace: Trace | None


def find_traces(path: Path) -> Iterator[Path]:
    """``path`` itself if it is a file, otherwise every ``.cfg`` file below it, sorted.

    Raises
    ------
    MissingFileError
        There is nothing at ``path``, or no trace below it.
    """
    if not path.is_dir():
        if not os.path.lexists(path):
            raise MissingFileError(f"{path}: there is no such file or folder")
        yield path
        return
    found = sorted(cfg for cfg in path.rglob("*.cfg") if not cfg.is_dir())
    if not found:
        raise MissingFileError(f"{path}: there is no trace (.cfg) here")
    yield from found


def replay(path: Path, build: str = "nv_small", *, strict: bool = False) -> TraceResult:
    """Replay one trace; arguments and errors as :func:`play`."""
    return play(path, build, strict=strict).result


def play(path: Path, build: str = "nv_small", *, strict: bool = False, observe: Observer | None = None) -> Replay:
    """Read a trace and replay it; every way of not passing is a verdict, none is an exception.

    Parameters
    ----------
    path
        The ``.cfg`` file, or a folder that holds exactly one.
    build
        The build to replay on.
    strict
        Refuse programs that meet an erratum or do what the hardware ignores.
    observe
        What wants to see the layers.

    Raises
    ------
    BenchError
        There is no such build.
    """
    start = time.perf_counter()
    device = Device(build, strict=strict)
    result = TraceResult(str(path))
    trace = None
    with verdict_of_errors(result):
        trace = read_trace(path)
        result.path = str(trace.path)
        judge(trace, device, result, observe)
    result.warnings = [*device.diagnostics, *result.warnings]
    result.layers, result.macs = len(device.layers), sum(run.macs for run in device.layers)
    result.seconds = time.perf_counter() - start
    return Replay(result, device, trace)


def play_registers(path: Path, build: str, observe: Observer) -> Device:
    """Carry out only what can be read of a trace's register writes: for one whose data files cannot be.

    Layers run on memory that holds zeros, up to the first that is refused.
    """
    device = Device(build)
    result = TraceResult(str(path))
    with verdict_of_errors(result):
        writes = []
        for number, raw in enumerate(read_bounded(path, CFG_LIMIT).splitlines(), start=1):
            with suppress(BenchError):
                writes.append(parse_line(raw.decode("utf-8", "replace"), number))
        commands = tuple(write for write in writes if isinstance(write, RegWrite))
        judge(Trace(path, commands), device, result, observe)
    return device


@contextmanager
def verdict_of_errors(result: TraceResult) -> Iterator[None]:
    """Turn what is wrong with a trace's files into its verdict."""
    try:
        yield
    except MissingFileError as error:
        result.verdict, result.message = Verdict.MISSING, str(error)
    except BenchError as error:
        result.verdict, result.message = Verdict.UNREADABLE, str(error)
    except MemoryError:
        result.verdict = Verdict.UNREADABLE
        result.message = f"{result.path}: takes more memory than this process may use"


def collect_traces(paths: Iterable[Path]) -> list[Path | TraceResult]:
    """The traces at these paths, each once; what is not there is a result already."""
    found: dict[str, Path | TraceResult] = {}
    for path in paths:
        try:
            found |= {str(trace): trace for trace in find_traces(path)}
        except BenchError as error:
            found[str(path)] = TraceResult(str(path), Verdict.MISSING, message=str(error))
    return list(found.values())
