"""A trace as a player file (``player.bin``)."""

from collections.abc import Sequence
from pathlib import Path

from nvdla_bench.player.player_file import MARKED, WORD, Event, PlayerFileWriter, Settings
from nvdla_bench.player.state_check import fills_tables, write_state_accesses
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.device import Device
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.errors import located
from nvdla_int8.registers.register_map import LAYER_BLOCKS, WORD_MASK, find_register
from nvdla_int8.trace.commands import (
    Command,
    IntrNotify,
    MemInit,
    MemLoad,
    PollField,
    PollReg,
    RegReadExpected,
    RegWrite,
    Trace,
)
from nvdla_int8.trace.dat import read_dat

FLUSH_STATUS = "CDMA.S_CBUF_FLUSH_STATUS"
FLUSH_LIMIT_CYCLES = 20_000
"""The CBUF of NVIDIA's nv_small flushes itself for about 8,200 cycles after reset."""

QUIET_CYCLES = 200
"""Cycles after the last command in which a stray write would still be seen."""

INTERRUPT_STATUS, INTERRUPT_MASK = "GLB.S_INTR_STATUS", "GLB.S_INTR_MASK"
STATE_REGISTERS = (
    INTERRUPT_STATUS,
    *(f"{block}.{register}" for block in LAYER_BLOCKS for register in ("S_POINTER", "S_STATUS")),
)
"""What is read when a device hangs."""

MEMORY_MARK, ABORT_MARK = 0, 1
"""Marks before a change of memory in the trace, and where a run that was cut short ends."""


def write_player_file(
    trace: Trace, folder: Path, settings: Settings, limit_cycles: int, *,
    record: bool = False, registers: bool = False,
) -> None:  # fmt: skip
    """Write a trace as ``player.bin``.

    Parameters
    ----------
    trace
        What to run, after a reset.
    folder
        Receives the player file.
    settings
        How memory and bus behave.
    limit_cycles
        How long each wait of the trace may take.
    record
        Record the stages.
    registers
        At the end read all registers.

    Raises
    ------
    BenchError
        The trace uses addresses of more than 32 bits, or names that the register map does not know.
    """
    writer = PlayerFileWriter()
    writer.settings(settings)
    writer.list_registers([find_register(name).address for name in STATE_REGISTERS])
    commands = _TraceCommands(trace, writer, settings, limit_cycles)
    if settings.abort_after:
        writer.reset()
        commands.start()
        writer.idle(settings.abort_after)
        writer.reset(forget=True)
        writer.mark(ABORT_MARK)
    else:
        writer.reset()
    writer.settings(settings, record=record)
    commands.run()
    writer.idle(QUIET_CYCLES + settings.latency_cycles)  # then late writes have landed, too
    if registers:
        write_state_accesses(writer, tables=fills_tables(trace))
    writer.save(folder)


def run_begin(events: Sequence[Event]) -> int:
    """Index of the first event of the run itself: 0 unless a run that was cut short comes before it."""
    return next((i for i, one in enumerate(events, 1) if one.kind == MARKED and one.words[0] == str(ABORT_MARK)), 0)


def uses_convolution(trace: Trace) -> bool:
    """Whether a layer needs the CBUF, which must have flushed itself."""
    return any(isinstance(one, RegWrite) and one.register == "CDMA.D_OP_ENABLE" for one in trace.commands)


def wait_limit(device: Device, settings: Settings) -> int:
    """Cycles after which a wait is in vain, generously, from what the golden device did with the trace."""
    atoms = sum(ConvolutionLayer(run.registers, device.build).atoms for run in device.layers if run.convolution)
    words = sum(run.output.size + run.read_elements for run in device.layers) // WORD * 8 + atoms
    slowdown = (settings.latency_cycles + 16) / (1 - max(settings.stall_rates))
    return int(min(50_000 + 10 * atoms + words * slowdown, WORD_MASK))


class _TraceCommands:
    def __init__(self, trace: Trace, writer: PlayerFileWriter, settings: Settings, limit_cycles: int) -> None:
        self._trace = trace
        self._writer = writer
        self._settings = settings
        self._limit = limit_cycles

    def start(self) -> None:
        """Everything before the first wait for an interrupt."""
        self._wait_for_flush()
        for command in self._trace.commands:
            if isinstance(command, IntrNotify):
                return
            self._add(command)

    def run(self) -> None:
        """Everything."""
        self._wait_for_flush()
        for command in self._trace.commands:
            self._add(command)

    def _wait_for_flush(self) -> None:
        if uses_convolution(self._trace):
            self._writer.poll(find_register(FLUSH_STATUS).address, 1, 1, FLUSH_LIMIT_CYCLES)

    def _add(self, command: Command) -> None:
        writer = self._writer
        match command:
            case MemInit():
                writer.mark(MEMORY_MARK)
                with located(f"{self._trace.path}:{command.line}"):
                    writer.clear(command.base, command.size)
            case MemLoad():
                for offset, data in read_dat(self._trace.folder / command.file):
                    writer.mark(MEMORY_MARK)
                    with located(f"{self._trace.path}:{command.line}"):
                        writer.load(command.base + offset, data)
            case RegWrite():
                address = find_register(command.register).address
                writer.write(address, command.value, nposted=self._settings.nposted)
            case RegReadExpected():
                writer.read(find_register(command.register).address)
            case PollReg():
                writer.poll(find_register(command.register).address, WORD_MASK, command.value, self._limit)
            case PollField():
                register = find_register(command.register)
                field = register.fields[command.field]
                writer.poll(register.address, field.mask, command.value << field.lsb & field.mask, self._limit)
            case IntrNotify():
                status, mask = (find_register(name).address for name in (INTERRUPT_STATUS, INTERRUPT_MASK))
                writer.wait_interrupt(1 << INTERRUPT_BITS[command.interrupt], status, mask, self._limit)
