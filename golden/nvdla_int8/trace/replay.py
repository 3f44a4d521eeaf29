"""Replays traces on the golden device (hardware.md section 6); :mod:`nvdla_int8.trace.judge` judges their checks."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nvdla_int8.device import Device
from nvdla_int8.errors import BenchError, file_trouble
from nvdla_int8.registers.unmodelled import UNMODELLED_BLOCKS, UNMODELLED_INTERRUPTS
from nvdla_int8.surfaces.memory import ADDRESS_LIMIT
from nvdla_int8.trace.commands import (
    CFG_LIMIT,
    Command,
    IntrNotify,
    PollField,
    PollReg,
    RegReadExpected,
    RegWrite,
    Trace,
    check_data_files,
    data_folder,
    parse_line,
    read_commands,
)
from nvdla_int8.trace.judge import Observer, judge
from nvdla_int8.trace.result import TraceResult, Verdict
from nvdla_int8.trace.text import MissingFileError, read_bounded


@dataclass(frozen=True)
class Replay:
    """A replayed trace: its result, the device as it was left, its commands if they could be read."""

    result: TraceResult
    device: Device
    trace: Trace | None


def find_traces(path: str | os.PathLike[str]) -> Iterator[Path]:
    """``path`` itself if it is a file, otherwise every ``.cfg`` file below it, sorted.

    Symbolic links are followed; a trace that several paths lead to is given once.

    Raises
    ------
    MissingFileError
        There is nothing at ``path``, or no trace below it.
    BenchError
        A folder cannot be read.
    """
    unreadable: dict[Path, OSError] = {}
    yield from _find_traces(Path(path), unreadable)
    for folder, error in unreadable.items():
        raise BenchError(f"{folder}: {file_trouble(error)}")


def _find_traces(path: Path, unreadable: dict[Path, OSError]) -> Iterator[Path]:
    """As :func:`find_traces`; folders that cannot be read are noted."""
    if not path.is_dir():
        if not os.path.lexists(path):
            raise MissingFileError(f"{path}: there is no such file or folder")
        yield path
        return
    found = {_identity(cfg): cfg for cfg in reversed(list(_cfg_files(path, set(), unreadable)))}
    if not found and not unreadable:
        raise MissingFileError(f"{path}: there is no trace (.cfg) here")
    yield from sorted(found.values())


def _cfg_files(folder: Path, visited: set[str], unreadable: dict[Path, OSError]) -> Iterator[Path]:
    """Every ``.cfg`` file below a folder: what is there itself, then what links lead to, no folder twice."""
    real = os.path.realpath(folder)
    if real in visited:
        return
    visited.add(real)
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: (entry.is_symlink(), entry))
        folders = {entry for entry in entries if entry.is_dir()}
    except OSError as error:
        unreadable[folder] = error
        return
    for entry in entries:
        if entry in folders:
            yield from _cfg_files(entry, visited, unreadable)
        elif entry.name.endswith(".cfg"):
            yield entry


def _identity(cfg: Path) -> tuple[str, str]:
    """The same for two paths to one trace: its real file, and where its data lies."""
    return os.path.realpath(cfg), os.path.realpath(data_folder(cfg))


def replay(path: Path, build: str = "nv_small", *, strict: bool = False) -> TraceResult:
    """Replay one trace; arguments and errors as :func:`play`."""
    return play(path, build, strict=strict).result


def play(
    path: Path,
    build: str = "nv_small",
    *,
    strict: bool = False,
    observe: Observer | None = None,
    read: Callable[[Path], Trace] = read_commands,
) -> Replay:
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
    read
        Reads the file, which may be something else than a ``.cfg``.

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
        found = read(path)
        result.path = str(found.path)
        if unsupported := why_unsupported(found):
            trace, result.verdict, result.message = found, Verdict.UNSUPPORTED, unsupported
        else:
            check_data_files(found)
            trace = found
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
    device.memory.clear(0, ADDRESS_LIMIT)
    result = TraceResult(str(path))
    with verdict_of_errors(result):
        writes = []
        for number, raw in enumerate(read_bounded(path, CFG_LIMIT).splitlines(), start=1):
            with suppress(BenchError):
                writes.append(parse_line(raw.decode("utf-8", "replace"), number))
        commands = tuple(one for one in writes if isinstance(one, RegWrite) and unmodelled_unit(one) is None)
        judge(Trace(path, commands), device, result, observe)
    return device


def why_unsupported(trace: Trace) -> str:
    """Which units a trace uses that are not modelled, with the line of the first; empty when it uses none."""
    used = [(command.line, unit) for command in trace.commands if (unit := unmodelled_unit(command))]
    if not used:
        return ""
    units = list(dict.fromkeys(unit for _, unit in used))
    verb = "is" if len(units) == 1 else "are"
    return f"{trace.path}:{used[0][0]}: {' and '.join(units)} {verb} not modelled"


def unmodelled_unit(command: Command) -> str | None:
    """The unit that a command reaches, if it is one of those that are not modelled."""
    if isinstance(command, (RegWrite, RegReadExpected, PollReg, PollField)):
        return _unmodelled_block(command.register)
    return UNMODELLED_INTERRUPTS.get(command.interrupt) if isinstance(command, IntrNotify) else None


@lru_cache(maxsize=1 << 12)  # a trace writes to few registers
def _unmodelled_block(register: str) -> str | None:
    return UNMODELLED_BLOCKS.get(register.partition(".")[0])


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
    found: dict[tuple[str, str], Path | TraceResult] = {}
    for path in paths:
        unreadable: dict[Path, OSError] = {}
        try:
            for trace in _find_traces(path, unreadable):
                found.setdefault(_identity(trace), trace)
        except BenchError as error:
            found[str(path), ""] = TraceResult(str(path), Verdict.MISSING, message=str(error))
        for folder, trouble in unreadable.items():
            message = f"{folder}: {file_trouble(trouble)}"
            found[str(folder), ""] = TraceResult(str(folder), Verdict.MISSING, message=message)
    return list(found.values())
