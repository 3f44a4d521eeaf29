"""Replays traces on the golden device and judges every check of theirs (spec section 6)."""

import os
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden.dat import read_dat, read_dat_image
from golden.device import Device, Diagnostic, IllegalProgramError
from golden.device.device import LayerRun
from golden.errors import BenchError
from golden.trace import (
    CFG_LIMIT,
    CheckCrc,
    CheckFile,
    CheckNothing,
    Command,
    IntrNotify,
    MemInit,
    MemLoad,
    PollField,
    PollReg,
    RegReadExpected,
    RegWrite,
    SyncNotify,
    SyncWait,
    Trace,
    parse_line,
    read_trace,
)
from golden.trace_result import Difference, Element, TraceResult, Verdict
from golden.trace_text import MissingFileError, read_bounded

MOST_OF_A_TRACE = {
    "multiplications": 1 << 35,
    "output elements": 1 << 26,
    "bytes loaded and compared": 1 << 31,
}
"""What one trace may ask of the model: whole networks stay far below, damaged programs do not."""

PROVES_NOTHING = "CDMA.S_CBUF_FLUSH_STATUS"
"""Every device answers its polls alike, so that reading it is no check."""


Observer = Callable[[Device, LayerRun], None]
"""Called after each layer, before the next command."""


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


def replay(path: Path, config: str = "nv_small", *, strict: bool = False) -> TraceResult:
    """Replay one trace; arguments and errors as :func:`play`."""
    return play(path, config, strict=strict).result


def play(path: Path, config: str = "nv_small", *, strict: bool = False, observe: Observer | None = None) -> Replay:
    """Read a trace and replay it; every way of not passing is a verdict, none is an exception.

    Parameters
    ----------
    path
        The ``.cfg`` file, or a folder that holds exactly one.
    config
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
    device = Device(config, strict=strict)
    result = TraceResult(str(path))
    trace = None
    with _verdict_of_errors(result):
        trace = read_trace(path)
        result.path = str(trace.path)
        _Player(trace, device, result, observe).play()
    result.warnings = [*device.diagnostics, *result.warnings]
    result.layers, result.macs = len(device.layers), sum(run.macs for run in device.layers)
    result.seconds = time.perf_counter() - start
    return Replay(result, device, trace)


def play_registers(path: Path, config: str, observe: Observer) -> Device:
    """Carry out only what can be read of a trace's register writes: for one whose data files cannot be.

    Layers run on memory that holds zeros, up to the first that is refused.
    """
    device = Device(config)
    result = TraceResult(str(path))
    with _verdict_of_errors(result):
        writes = []
        for number, raw in enumerate(read_bounded(path, CFG_LIMIT).splitlines(), start=1):
            with suppress(BenchError):
                writes.append(parse_line(raw.decode("utf-8", "replace"), number))
        commands = tuple(write for write in writes if isinstance(write, RegWrite))
        _Player(Trace(path, commands), device, result, observe).play()
    return device


@contextmanager
def _verdict_of_errors(result: TraceResult) -> Iterator[None]:
    try:
        yield
    except MissingFileError as error:
        result.verdict, result.message = Verdict.MISSING, str(error)
    except BenchError as error:
        result.verdict, result.message = Verdict.UNREADABLE, str(error)
    except MemoryError:
        result.verdict = Verdict.UNREADABLE
        result.message = f"{result.path}: takes more memory than this process may use"


class _Differs(Exception):  # carries a finding, is not an error
    """A comparison that does not agree."""

    never = False

    def __init__(self, text: str, element: Element | None = None) -> None:
        self.text, self.element = text, element


class _Never(_Differs):
    """A wait for what does not happen."""

    never = True


class _DataFileError(BenchError):
    """A data file that cannot be read."""


class _Illegal(BenchError):
    """A command that the device does not carry out; ``errors`` are its diagnostics."""

    def __init__(self, message: str, errors: tuple[Diagnostic, ...]) -> None:
        super().__init__(message)
        self.errors = errors


class _Player:
    """Executes a trace's commands in order; checks wait until their sync id is notified."""

    def __init__(self, trace: Trace, device: Device, result: TraceResult, observe: Observer | None) -> None:
        self._trace = trace
        self._device = device
        self._result = result
        self._observe = observe
        self._notified: set[str] = set()
        self._waiting: list[CheckCrc | CheckFile | CheckNothing] = []
        self._spent: Counter[str] = Counter()
        self._counted_layers = 0

    def play(self) -> None:
        """Run everything and fill in the result; BenchError when a data file cannot be read."""
        try:
            for command in self._trace.commands:
                with self._at(command.line):
                    self._carry_out(command)
                if not isinstance(command, RegWrite | MemInit | MemLoad):
                    self._judge_notified()
        except _Illegal as error:
            self._result.errors = list(error.errors)
            self._result.verdict, self._result.message = Verdict.ILLEGAL, str(error)
            return
        for check in self._waiting:
            self._result.differences.append(Difference(check.line, f"{check.sync_id} is never notified", never=True))
        self._conclude()

    @contextmanager
    def _at(self, line: int) -> Iterator[None]:
        """Note what differs; put the place in front of an error."""
        place = f"{self._trace.path}:{line}"
        try:
            yield
        except _Differs as found:
            self._result.differences.append(Difference(line, found.text, found.element, found.never))
        except (_DataFileError, MissingFileError) as error:
            raise type(error)(f"{place}: {error}") from None
        except BenchError as error:
            errors = error.diagnostics if isinstance(error, IllegalProgramError) else ()
            raise _Illegal(f"{place}: {error}", errors) from None

    def _conclude(self) -> None:
        result = self._result
        if result.differences:
            # What never happens explains the rest. A file's comparison names the element, a checksum's does not.
            told = min(result.differences, key=lambda one: (not one.never, one.element is None, "checksum" in one.text))
            result.verdict = Verdict.INCOMPLETE if told.never else Verdict.FAILED
            result.message = f"{self._trace.path}:{told.line}: {told.text}"
        elif not result.checks:
            result.verdict, result.message = Verdict.INCOMPLETE, f"{self._trace.path}: nothing was compared"

    def _carry_out(self, command: Command) -> None:
        device = self._device
        match command:
            case MemInit():
                device.memory.clear(command.base, command.size)
            case MemLoad():
                with _reading():
                    runs = read_dat(self._trace.folder / command.file)
                for offset, data in runs:
                    self._spend("bytes loaded and compared", len(data))
                    device.memory.write_bytes(command.base + offset, data)
            case RegWrite():
                device.write(command.register, command.value)
                self._count_layers()
            case RegReadExpected() | PollReg():
                self._compare_register(command, command.register, device.read(command.register))
            case PollField():
                name = f"{command.register}.{command.field}"
                self._compare_register(command, name, device.read_field(command.register, command.field))
            case SyncNotify():
                self._notified.add(command.sync_id)
            case SyncWait():
                if command.sync_id not in self._notified:
                    raise _Never(f"waits for {command.sync_id}, which nothing has notified")
            case IntrNotify():
                if not device.raised(command.interrupt):
                    raise _Never(f"{command.interrupt} never comes: {device.waiting()}")
                device.clear(command.interrupt)
                self._notified.add(command.sync_id)
            case CheckCrc() | CheckFile() | CheckNothing():
                self._waiting.append(command)

    def _count_layers(self) -> None:
        for run in self._device.layers[self._counted_layers :]:
            self._spend("multiplications", run.macs)
            self._spend("output elements", run.sdp.output.size)
            if self._observe is not None:
                self._observe(self._device, run)
        self._counted_layers = len(self._device.layers)

    def _spend(self, what: str, amount: int) -> None:
        self._spent[what] += amount
        if self._spent[what] > MOST_OF_A_TRACE[what]:
            limit = f"a trace may have {MOST_OF_A_TRACE[what]:,}"
            raise BenchError(f"{self._spent[what]:,} {what} up to here, {limit}")

    def _judge_notified(self) -> None:
        due = [check for check in self._waiting if check.sync_id in self._notified]
        self._waiting = [check for check in self._waiting if check.sync_id not in self._notified]
        for check in due:
            with self._at(check.line):
                if isinstance(check, CheckFile):
                    self._compare_file(check)
                elif isinstance(check, CheckCrc):
                    self._compare_crc(check)

    def _compare_register(self, command: RegReadExpected | PollReg | PollField, name: str, actual: int) -> None:
        self._result.checks += command.register != PROVES_NOTHING
        expected = command.value
        if actual == expected:
            return
        if isinstance(command, RegReadExpected):
            raise _Differs(f"{name} is {_word(actual)}, expected {_word(expected)}")
        raise _Differs(f"{name} never becomes {_word(expected)}, it stays {_word(actual)}")

    def _compare_crc(self, check: CheckCrc) -> None:
        actual = zlib.crc32(self._compared(check))
        if actual != check.crc:
            where = f"{check.size} bytes at {check.base:#x}"
            raise _Differs(f"checksum of {where} is {actual:#010x}, expected {check.crc:#010x}")

    def _compare_file(self, check: CheckFile) -> None:
        with _reading():
            expected, covered_bytes = read_dat_image(self._trace.folder / check.file, check.size)
        if not covered_bytes:
            raise _Differs(f"{check.file} holds no data: nothing to compare {check.size} bytes with")
        if covered_bytes < check.size:
            text = f"covers {covered_bytes} of {check.size} bytes, the others are compared with 0"
            self._result.warnings.append(Diagnostic("golden file", check.file, text, error=False))
        actual = self._compared(check)
        if actual == expected:
            return
        wrong = np.flatnonzero(np.frombuffer(expected, np.uint8) != np.frombuffer(actual, np.uint8))
        at = int(wrong[0])
        element = self._element(check.base + at, expected[at], actual[at])
        count = f"{wrong.size} of {check.size} bytes wrong"
        raise _Differs(f"{count}; {element.describe(len(self._device.layers))}", element)

    def _compared(self, check: CheckCrc | CheckFile) -> bytes:
        actual = self._device.memory.read_bytes(check.base, check.size)
        self._spend("bytes loaded and compared", check.size)
        self._result.checks += 1
        self._result.compared_bytes += check.size
        return actual

    def _element(self, address: int, expected: int, actual: int) -> Element:
        layers = self._device.layers
        for index in reversed(range(len(layers))):
            destination = layers[index].destination
            if found := destination.locate(address):
                lane = found[0] >= destination.channels
                return Element(address, expected, actual, index, *found, lane)
        return Element(address, expected, actual)


@contextmanager
def _reading() -> Iterator[None]:
    """Tell a data file's errors from those of the device."""
    try:
        yield
    except MissingFileError:
        raise
    except BenchError as error:
        raise _DataFileError(str(error)) from None


def _word(word: int) -> str:
    return f"{word:#x} ({word})"
