"""A live device as what carries out a trace; the golden device goes along."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from nvdla_int8.device import Device
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.state_words import block_in_words, interrupts_in_words
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import WORD_MASK, find_register
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import Trace
from nvdla_int8.trace.judge import Never, RunEndedError, compare_memory
from nvdla_int8.trace.result import Difference
from nvdla_int8.transport.at_rest import reset_value, unwritten_registers, used_blocks
from nvdla_int8.transport.groups import GroupNames
from nvdla_int8.transport.live_memory import LiveMemory
from nvdla_int8.transport.transport import Transport

INTERRUPT_STATUS, INTERRUPT_MASK = "GLB.S_INTR_STATUS", "GLB.S_INTR_MASK"
FLUSH_STATUS = "CDMA.S_CBUF_FLUSH_STATUS"
"""1 when the CBUF has flushed itself after reset."""

WAIT_SLICE_S = 0.2
"""After so long without the line the status is looked at all the same: the interrupt may be masked."""

LOOK_AGAIN_S = 0.001

LayerEnded = Callable[[int, LayerRun, "LiveTarget"], None]
"""Called when the interrupt of a layer has come, with the layer's index."""

Result = TypeVar("Result")


class LiveTarget:
    """Carries out a trace on a transport.

    Parameters
    ----------
    transport
        The device; whatever it did before, its blocks must be idle.
    trace
        What will be carried out.
    build
        The device's build.
    limit_s
        How long a wait may take.
    layer_ended
        What wants to see the layers.

    Attributes
    ----------
    golden
        The golden device, which has done what the trace has said so far.
    memory
        Both memories.
    """

    def __init__(
        self, transport: Transport, trace: Trace, build: str, limit_s: float, layer_ended: LayerEnded | None = None
    ) -> None:
        self.golden = Device(build)
        self.memory = _Guarded(LiveMemory(transport, self.golden), self)
        self._transport = transport
        self._limit_s = limit_s
        self._blocks = used_blocks(trace.commands)
        self._layer_ended = layer_ended
        self._ended: set[int] = set()
        self._over = False
        self._names = GroupNames((), self._read)
        self._last_line = trace.commands[-1].line if trace.commands else 0
        self._unwritten = unwritten_registers(trace.commands)

    def settle(self) -> None:
        """Bring the device to what a trace begins with.

        Raises
        ------
        BenchError
            A block is still running, the CBUF does not flush itself, or the device is lost.
        """
        state = self._state()
        for block in self._blocks:
            if state[f"{block}.S_STATUS"]:  # not idle in both groups
                raise BenchError(f"{block_in_words(block, state)} before the trace begins: reset the device")
        self._names = GroupNames(self._blocks, self._read)
        self._write(INTERRUPT_STATUS, find_register(INTERRUPT_STATUS).writable_mask)
        self._write(INTERRUPT_MASK, reset_value(INTERRUPT_MASK))
        for (block, group), registers in self._unwritten.items():
            self._write(f"{block}.S_POINTER", group)
            for name in registers:
                self._write(name, reset_value(name))
        for block in self._blocks:
            self._write(f"{block}.S_POINTER", 0)
        if "CDMA" in self._blocks and not self._until(FLUSH_STATUS, 1, 1) & 1:
            raise BenchError(f"{FLUSH_STATUS} never becomes 1 within {self._limit_s:g} s")

    # ---- The judge's view -----------------------------------------------------------------------

    def write(self, name: str, word: int) -> None:
        """Write a register; the golden device's layers run first, so that nothing illegal reaches the device."""
        self.golden.write(name, word)
        self.guard(lambda: self._write(name, word))

    def read(self, name: str) -> int:
        """Read a register."""
        return self.guard(lambda: self._read_named(name))

    def poll(self, name: str, mask: int, value: int) -> int:
        """Read a register until the bits of ``mask`` equal those of ``value``, within the limit."""
        return self.guard(lambda: self._until(name, mask, value))

    def raised(self, interrupt: str) -> bool:
        """Wait until an interrupt is raised, within the limit."""
        bit = self._names.bit(interrupt)
        raised = self.guard(lambda: self._wait_for(bit))
        if raised:
            self._tell_of(interrupt)
        return raised

    def clear(self, interrupt: str) -> None:
        """Clear an interrupt's status bit."""
        self.golden.clear(interrupt)
        self.guard(lambda: self._transport.write_register(_address(INTERRUPT_STATUS), self._names.bit(interrupt)))

    def waiting(self) -> str:
        """What every block was doing when a wait was given up; the trace ends there."""
        self._over = True
        try:
            state = self._state()
            status = self._read_named(INTERRUPT_STATUS)
        except BenchError as error:
            return str(error)
        blocks = ", ".join(block_in_words(block, state) for block in self._blocks)
        return f"given up after {self._limit_s:g} s; {blocks}; interrupts set: {interrupts_in_words(status)}"

    def guard(self, act: Callable[[], Result]) -> Result:
        """Do something with the device; Never when it is lost, RunEndedError for everything after that."""
        if self._over:
            raise RunEndedError
        try:
            return act()
        except BenchError as error:
            self._over = True
            raise Never(str(error)) from None

    # ---- The end --------------------------------------------------------------------------------

    def differences(self) -> Iterator[Difference]:
        """What differs from the golden device beyond the trace's checks: any byte that a layer wrote."""
        if self._over:
            return
        try:
            for block in self._blocks:
                status = f"{block}.S_STATUS"
                if self._until(status, WORD_MASK, 0):
                    yield Difference(self._last_line, f"{block} never ends: {self.waiting()}", never=True)
                    return
            for index in range(len(self.golden.layers)):
                self._ends(index)
            seen = self._outputs()
        except BenchError as error:
            self._over = True
            yield Difference(self._last_line, str(error), never=True)
            return
        if difference := compare_memory(self.golden, seen):
            yield Difference(self._last_line, *difference)

    def _outputs(self) -> Memory:
        """The golden device's memory with the live device's bytes wherever a layer wrote."""
        seen = self.golden.memory.copy()
        for run in self.golden.layers:
            starts, length = run.destination.unit_addresses(), run.destination.unit_bytes
            base, end = run.destination.extent()
            data = np.frombuffer(self.memory.plain.read_bytes(base, end - base), np.uint8)
            seen.write(starts, data[(starts - base)[..., None] + np.arange(length)])
        return seen

    def _tell_of(self, interrupt: str) -> None:
        """The first layer that this interrupt tells of has ended."""
        told = (index for index, run in enumerate(self.golden.layers) if run.interrupt == interrupt)
        first = next((index for index in told if index not in self._ended), None)
        if first is not None:
            self.guard(lambda: self._ends(first))

    def _ends(self, index: int) -> None:
        if index not in self._ended:
            self._ended.add(index)
            if self._layer_ended is not None:
                self._layer_ended(index, self.golden.layers[index], self)

    # ---- The device -----------------------------------------------------------------------------

    def _write(self, name: str, word: int) -> None:
        self._transport.write_register(_address(name), self._names.written(name, word))

    def _read(self, name: str) -> int:
        return self._transport.read_register(_address(name))

    def _read_named(self, name: str) -> int:
        return self._names.found(name, self._read(name))

    def _until(self, name: str, mask: int, value: int) -> int:
        end = time.monotonic() + self._limit_s
        while (word := self._read_named(name)) & mask != value & mask and time.monotonic() < end:
            self._let_run(LOOK_AGAIN_S)
        return word

    def _wait_for(self, bit: int) -> bool:
        end = time.monotonic() + self._limit_s
        while not self._read(INTERRUPT_STATUS) & bit:
            left_s = end - time.monotonic()
            if left_s <= 0:
                return False
            self._let_run(min(left_s, WAIT_SLICE_S))
        return True

    def _let_run(self, limit_s: float) -> None:
        """Let the device run on for a while, at most until an interrupt: a simulator only runs while it is asked."""
        if self._transport.wait_for_interrupt(limit_s):
            time.sleep(LOOK_AGAIN_S)  # it may be one that nobody clears

    def _state(self) -> dict[str, int]:
        """S_STATUS and S_POINTER of the trace's blocks."""
        names = [f"{block}.{register}" for block in self._blocks for register in ("S_STATUS", "S_POINTER")]
        return {name: self._read_named(name) for name in names}


class _Guarded:
    """The memories behind :meth:`LiveTarget.guard`; ``plain`` are they themselves."""

    def __init__(self, memory: LiveMemory, target: LiveTarget) -> None:
        self.plain = memory
        self._target = target

    def clear(self, base: int, size: int) -> None:
        self._target.guard(lambda: self.plain.clear(base, size))

    def write_bytes(self, base: int, data: bytes) -> None:
        self._target.guard(lambda: self.plain.write_bytes(base, data))

    def read_bytes(self, base: int, size: int) -> bytes:
        return self._target.guard(lambda: self.plain.read_bytes(base, size))


def _address(name: str) -> int:
    return find_register(name).address
