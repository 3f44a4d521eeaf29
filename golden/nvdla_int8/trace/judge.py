"""Judges a trace on whatever carries it out: golden device, or a record of a run on RTL (hardware.md section 6)."""

import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

import numpy as np

from nvdla_int8.device import Device, Diagnostic, IllegalProgramError
from nvdla_int8.device.diagnostics import UNMODELLED
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import WORD_MASK, find_field, unpack
from nvdla_int8.surfaces.memory import ADDRESS_LIMIT, Memory
from nvdla_int8.trace.ahead import LayersAhead, without
from nvdla_int8.trace.commands import (
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
)
from nvdla_int8.trace.coverage import OutputCoverage
from nvdla_int8.trace.dat import read_dat, read_dat_image
from nvdla_int8.trace.result import Difference, Element, TraceResult, Verdict
from nvdla_int8.trace.text import MissingFileError

MOST_OF_A_TRACE = {
    "multiplications": 1 << 35,
    "output elements": 1 << 26,
    "elements pooled or normalised": 1 << 25,
    "bytes loaded and compared": 1 << 31,
}
"""What one trace may ask of the model: whole networks stay far below, damaged programs do not."""

PROVES_NOTHING = "CDMA.S_CBUF_FLUSH_STATUS"
"""Every device answers its polls alike, so that reading it is no check."""


Argument = TypeVar("Argument")

Observer = Callable[[Device, LayerRun], None]
"""Called after each layer, before the next command."""


class Bytes(Protocol):
    """A device's memory, as far as a trace needs it; see :class:`nvdla_int8.surfaces.memory.Memory`."""

    def clear(self, base: int, size: int) -> None:
        """Make bytes zero."""

    def write_bytes(self, base: int, data: bytes) -> None:
        """Write bytes."""

    def read_bytes(self, base: int, size: int) -> bytes:
        """Read bytes."""


class Target(Protocol):
    """What carries out a trace; :class:`nvdla_int8.device.Device` does, and so does the record of a run on RTL.

    Any call may raise :class:`Differs`, which is noted and the trace goes on, or :class:`RunEndedError`.
    """

    @property
    def memory(self) -> Bytes:
        """The device's memory."""

    @property
    def golden(self) -> Device:
        """The golden device with the layers so far: itself, or the one that goes along."""

    def write(self, name: str, word: int) -> None:
        """Write a register by ``BLOCK.REGISTER`` name."""

    def read(self, name: str) -> int:
        """Read a register."""

    def poll(self, name: str, mask: int, value: int) -> int:
        """Read a register until the bits of ``mask`` equal those of ``value``; what it held at last."""

    def raised(self, interrupt: str) -> bool:
        """Whether an interrupt such as ``SDP_0`` comes."""

    def clear(self, interrupt: str) -> None:
        """Clear an interrupt's status bit."""

    def waiting(self) -> str:
        """What keeps the device from running on."""


def wrong_element(layers: Sequence[LayerRun], address: int, expected: int, actual: int) -> Element:
    """Decode a wrong byte: the last of the golden device's layers that has an element at the address, and which."""
    for index in reversed(range(len(layers))):
        destination = layers[index].destination
        if found := destination.locate(address):
            return Element(address, expected, actual, index, *found, found[0] >= destination.channels)
    return Element(address, expected, actual)


def compare_memory(golden: Device, memory: Memory) -> tuple[str, Element] | None:
    """Compare every byte of a memory with the golden device's; the first wrong one, in words and decoded."""
    wrong = memory.differing(golden.memory)
    if not wrong.size:
        return None
    address = int(wrong[0])
    expected, actual = (bytes_.read_bytes(address, 1)[0] for bytes_ in (golden.memory, memory))
    element = wrong_element(golden.layers, address, expected, actual)
    count = f"{wrong.size} bytes of the memory differ from the golden device's"
    return f"{count}; {element.describe(len(golden.layers))}", element


class RunEndedError(Exception):
    """The device's run has ended before this command; why has been told."""


def judge(
    trace: Trace,
    target: Target,
    result: TraceResult,
    observe: Observer | None = None,
    closing: Callable[[], Iterable[Difference]] | None = None,
) -> None:
    """Carry out a trace's commands and fill in the verdict, its reasons and the counts of its checks.

    Parameters
    ----------
    trace, target
        What to carry out, and on what.
    result
        Receives the findings.
    observe
        What wants to see the golden device's layers.
    closing
        What else differs, asked when all commands have been carried out.

    Raises
    ------
    BenchError
        A data file cannot be read.
    """
    player = _Player(trace, target, result, observe)
    player.play()
    if result.verdict not in (Verdict.ILLEGAL, Verdict.UNSUPPORTED):
        result.differences += closing() if closing else ()
        player.conclude()


class Differs(Exception):  # carries a finding, is not an error
    """A comparison that does not agree."""

    never = False

    def __init__(self, text: str, element: Element | None = None) -> None:
        self.text, self.element = text, element


class Never(Differs):
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

    def __init__(self, trace: Trace, target: Target, result: TraceResult, observe: Observer | None) -> None:
        self._trace = trace
        self._target = target
        self._result = result
        self._observe = observe
        self._notified: set[str] = set()
        self._waiting: list[CheckCrc | CheckFile | CheckNothing] = []
        self._spent: Counter[str] = Counter()
        self._counted_layers = 0
        self._coverage = OutputCoverage()
        self._ahead = LayersAhead(trace.commands)

    def play(self) -> None:
        """Carry out everything and note what differs; BenchError when a data file cannot be read."""
        try:
            for command in self._trace.commands:
                self._attempt(command.line, self._carry_out, command)
                if not isinstance(command, (RegWrite, MemInit, MemLoad)):
                    self._judge_notified()
        except _Illegal as error:
            self._result.errors = list(error.errors)
            lacking = bool(error.errors) and all(one.rule == UNMODELLED for one in error.errors)
            self._result.verdict = Verdict.UNSUPPORTED if lacking else Verdict.ILLEGAL
            self._result.message = str(error)
        except RunEndedError:
            return
        else:
            for check in self._waiting:
                text = f"{check.sync_id} is never notified"
                self._result.differences.append(Difference(check.line, text, never=True))

    def _attempt(self, line: int, act: Callable[[Argument], None], argument: Argument) -> None:
        """Act, note what differs, put the place in front of an error."""
        try:
            act(argument)
        except Differs as found:
            self._result.differences.append(Difference(line, found.text, found.element, found.never))
        except (_DataFileError, MissingFileError) as error:
            raise type(error)(f"{self._trace.path}:{line}: {error}") from None
        except BenchError as error:
            errors = error.diagnostics if isinstance(error, IllegalProgramError) else ()
            raise _Illegal(f"{self._trace.path}:{line}: {error}", errors) from None

    def conclude(self) -> None:
        """Give the verdict."""
        result = self._result
        if result.differences:
            # What never happens explains the rest. A file's comparison names the element, a checksum's does not.
            told = min(result.differences, key=lambda one: (not one.never, one.element is None, "checksum" in one.text))
            result.verdict = Verdict.INCOMPLETE if told.never else Verdict.FAILED
            result.message = f"{self._trace.path}:{told.line}: {told.text}"
        elif not result.checks:
            result.verdict, result.message = Verdict.INCOMPLETE, f"{self._trace.path}: nothing was compared"

    def _carry_out(self, command: Command) -> None:
        device = self._target
        match command:
            case RegWrite():
                device.write(command.register, command.value)
                self._count_layers()
            case MemInit():
                device.memory.clear(command.base, command.size)
                self._coverage.host_wrote(command.base, min(command.size, ADDRESS_LIMIT - 1 - command.base))
            case MemLoad():
                with _reading():
                    runs = read_dat(os.path.join(self._trace.folder, command.file))
                for offset, data in runs:
                    self._spend("bytes loaded and compared", len(data))
                    device.memory.write_bytes(command.base + offset, data)
                    self._coverage.host_wrote(command.base + offset, len(data))
            case RegReadExpected():
                self._compare_register(command, command.register, device.read(command.register))
            case PollReg():
                word = device.poll(command.register, WORD_MASK, command.value)
                self._compare_register(command, command.register, word)
            case PollField():
                found = find_field(command.register, command.field)
                word = device.poll(command.register, found.mask, command.value << found.lsb)
                name = f"{command.register}.{command.field}"
                self._compare_register(command, name, unpack(command.register, word, command.field))
            case SyncNotify():
                self._notified.add(command.sync_id)
            case SyncWait():
                if command.sync_id not in self._notified:
                    raise Never(f"waits for {command.sync_id}, which nothing has notified")
            case IntrNotify():
                if not device.raised(command.interrupt):
                    raise Never(f"{command.interrupt} never comes: {device.waiting()}")
                self._warn_if_masked(command)
                device.clear(command.interrupt)
                self._ahead.waited_for(command.interrupt, device.golden.layers)
                self._notified.add(command.sync_id)
            case CheckCrc() | CheckFile() | CheckNothing():
                self._waiting.append(command)

    def _warn_if_masked(self, wait: IntrNotify) -> None:
        golden = self._target.golden
        if golden.masked(wait.interrupt):
            where = f"GLB.S_INTR_MASK = {golden.read('GLB.S_INTR_MASK'):#x}"
            text = f"masks {wait.interrupt}, which line {wait.line} waits for: on a board the line never rises"
            self._warn(Diagnostic("interrupt", where, text, error=False))

    def _warn(self, warning: Diagnostic) -> None:
        """Note a warning, once: what a run on RTL starts with has the golden device's warnings already."""
        if warning not in self._result.warnings:
            self._result.warnings.append(warning)

    def _count_layers(self) -> None:
        golden = self._target.golden
        if len(golden.layers) == self._counted_layers:
            return
        for run in golden.layers[self._counted_layers :]:
            self._spend("multiplications", run.macs)
            self._spend("output elements", run.output.size)
            self._spend("elements pooled or normalised", run.read_elements)
            self._coverage.layer_ran(run.destination)
            if self._observe is not None:
                self._observe(golden, run)
        self._counted_layers = len(golden.layers)

    def _spend(self, what: str, amount: int) -> None:
        self._spent[what] += amount
        if self._spent[what] > MOST_OF_A_TRACE[what]:
            limit = f"a trace may have {MOST_OF_A_TRACE[what]:,}"
            raise BenchError(f"{self._spent[what]:,} {what} up to here, {limit}")

    def _judge_notified(self) -> None:
        due = [check for check in self._waiting if check.sync_id in self._notified]
        self._waiting = [check for check in self._waiting if check.sync_id not in self._notified]
        for check in due:
            self._attempt(check.line, self._compare, check)

    def _compare_register(self, command: RegReadExpected | PollReg | PollField, name: str, actual: int) -> None:
        self._result.checks += command.register != PROVES_NOTHING
        expected = command.value
        if actual == expected:
            return
        if isinstance(command, RegReadExpected):
            raise Differs(f"{name} is {_word(actual)}, expected {_word(expected)}")
        raise Differs(f"{name} never becomes {_word(expected)}, it stays {_word(actual)}")

    def _compare(self, check: CheckCrc | CheckFile | CheckNothing) -> None:
        match check:
            case CheckFile():
                self._compare_file(check)
            case CheckCrc():
                self._compare_crc(check)

    def _compare_crc(self, check: CheckCrc) -> None:
        actual = zlib.crc32(self._compared(check))
        if actual != check.crc:
            where = f"{check.size} bytes at {check.base:#x}"
            raise Differs(f"checksum of {where} is {actual:#010x}, expected {check.crc:#010x}")

    def _compare_file(self, check: CheckFile) -> None:
        with _reading():
            expected, covered_bytes = read_dat_image(os.path.join(self._trace.folder, check.file), check.size)
        if not covered_bytes:
            raise Differs(f"{check.file} holds no data: nothing to compare {check.size} bytes with")
        if covered_bytes < check.size:
            text = f"covers {covered_bytes} of {check.size} bytes, the others are compared with 0"
            self._warn(Diagnostic("golden file", check.file, text, error=False))
        actual = self._compared(check)
        if actual == expected:
            return
        wrong = np.flatnonzero(np.frombuffer(expected, np.uint8) != np.frombuffer(actual, np.uint8))
        at = int(wrong[0])
        element = wrong_element(self._target.golden.layers, check.base + at, expected[at], actual[at])
        count = f"{wrong.size} of {check.size} bytes wrong"
        raise Differs(f"{count}; {element.describe(len(self._target.golden.layers))}", element)

    def _compared(self, check: CheckCrc | CheckFile) -> bytes:
        actual = self._target.memory.read_bytes(check.base, check.size)
        self._spend("bytes loaded and compared", check.size)
        self._result.checks += 1
        self._result.compared_bytes += check.size
        ahead = [] if self._target is not self._target.golden else list(self._ahead.among(self._target.golden.layers))
        actual = without([self._target.golden.layers[index] for index in ahead], check.base, actual)
        covered = self._coverage.covered(check.base, check.size)
        self._result.covered_layers[check.line] = tuple(index for index in covered if index not in ahead)
        self._warn_of_unwritten(check)
        return actual

    def _warn_of_unwritten(self, check: CheckCrc | CheckFile) -> None:
        unwritten = self._target.golden.memory.written.missing_of([(np.array([check.base]), check.size)])
        if unwritten is not None:
            text = unwritten.describe("it compares")
            self._warn(Diagnostic("memory", f"check of line {check.line}", text, error=False))


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
