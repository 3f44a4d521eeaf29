"""Plays a trace or a register program on a core through the components, as its software would."""

from pathlib import Path
from typing import Any

from cocotb.triggers import ClockCycles, First, RisingEdge

from nvdla_bench.components.csb_driver import CsbDriver
from nvdla_bench.components.dbb_memory import DbbMemory
from nvdla_bench.components.golden_scoreboard import GoldenScoreboard
from nvdla_bench.player.from_trace import (
    FLUSH_LIMIT_CYCLES,
    FLUSH_STATUS,
    INTERRUPT_STATUS,
    uses_convolution,
    wait_limit,
)
from nvdla_int8.compiler.register_program import Kind, RegisterProgram
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.trace.commands import (
    IntrNotify,
    MemInit,
    MemLoad,
    PollField,
    PollReg,
    RegReadExpected,
    RegWrite,
    read_trace,
)
from nvdla_int8.trace.dat import read_dat
from nvdla_int8.trace.replay import replay

LOOK_AGAIN_CYCLES = 16
QUIET_CYCLES = 200
"""Cycles after the last command in which a stray write would still be seen."""


class Software:
    """What plays: a driver of the core's registers, and the scoreboard whose memories it loads.

    Parameters
    ----------
    csb, dbb, golden
        The core's registers and memory, and the scoreboard, which must follow the CSB.
    interrupt
        Handle of the core's interrupt line.
    """

    def __init__(self, csb: CsbDriver, dbb: DbbMemory, golden: GoldenScoreboard, interrupt: Any) -> None:
        self._csb = csb
        self._dbb = dbb
        self._golden = golden
        self._interrupt = interrupt

    async def play_trace(self, path: Path) -> None:
        """Play a trace in NVIDIA's format: a ``.cfg``, or a folder with one.

        The trace's own checks are judged on the golden device before anything is simulated; compare the core with
        the golden device by :meth:`GoldenScoreboard.check` afterwards.

        Raises
        ------
        BenchError
            The golden device does not pass the trace.
        AssertionError
            The core does not answer, a register is not what the trace expects, an interrupt never comes.
        """
        expected = replay(path, self._golden.device.build.name)
        if not expected.passed:
            raise BenchError(f"the golden device does not pass this trace: {expected.line()}")
        trace, csb = read_trace(path), self._csb
        if uses_convolution(trace):
            await self._wait_for_flush()
        for command in trace.commands:
            match command:
                case MemInit():
                    self._golden.clear(command.base, command.size)
                case MemLoad():
                    for offset, data in read_dat(trace.folder / command.file):
                        self._golden.load(command.base + offset, data)
                case RegWrite():
                    await csb.write(command.register, command.value)
                case RegReadExpected():
                    word = await csb.read(command.register)
                    assert word == command.value, f"{command.register} is {word:#x}, expected {command.value:#x}"
                case PollReg():
                    await csb.poll(command.register, command.value)
                case PollField():
                    field = find_register(command.register).fields[command.field]
                    await csb.poll(command.register, command.value << field.lsb & field.mask, field.mask)
                case IntrNotify():
                    await self.wait_interrupt(1 << INTERRUPT_BITS[command.interrupt])
        await ClockCycles(csb.clock, QUIET_CYCLES)

    async def play_program(self, program: RegisterProgram) -> None:
        """Play a register program, see :func:`nvdla_int8.write_program`; errors as :meth:`play_trace`."""
        for image in program.images:
            self._golden.load(image.base, image.data)
        for operation in program.operations():
            if operation.kind is Kind.WRITE:
                await self._csb.write(operation.register, operation.value)
            elif operation.kind is Kind.WAIT:
                await self.wait_interrupt(operation.value)
            elif operation.register == FLUSH_STATUS:
                await self._wait_for_flush()
            else:
                await self._csb.poll(operation.register, operation.value)
        await ClockCycles(self._csb.clock, QUIET_CYCLES)

    async def wait_interrupt(self, bits: int) -> None:
        """Wait until the line is up and a bit of ``GLB.S_INTR_STATUS`` is set, then clear it."""
        limit = wait_limit(self._golden.device, self._dbb.settings)
        for _ in range(-(-limit // LOOK_AGAIN_CYCLES)):
            if str(self._interrupt.value) != "1":
                rises = RisingEdge(self._interrupt)
                if await First(rises, ClockCycles(self._csb.clock, limit)) is not rises:
                    break
            if await self._csb.read(INTERRUPT_STATUS) & bits:
                await self._csb.write(INTERRUPT_STATUS, bits)
                return
            await ClockCycles(self._csb.clock, LOOK_AGAIN_CYCLES)
        names = " or ".join(name for name, bit in INTERRUPT_BITS.items() if bits >> bit & 1)
        raise AssertionError(f"{names} never comes: waited {limit:,} cycles; dla_intr is {self._interrupt.value}")

    async def _wait_for_flush(self) -> None:
        await self._csb.poll(FLUSH_STATUS, 1, 1, limit_cycles=FLUSH_LIMIT_CYCLES)
