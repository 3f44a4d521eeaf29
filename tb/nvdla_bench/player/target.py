"""The record of a trace's run on RTL as a device: it answers the trace's judge from ``events.log``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.player.from_trace import (
    FLUSH_STATUS,
    INTERRUPT_STATUS,
    STATE_REGISTERS,
    run_begin,
    uses_convolution,
)
from nvdla_bench.player.hang import HangingLayer, StreamState, awaited
from nvdla_bench.player.late_writes import LateWrites, reads_any
from nvdla_bench.player.player_file import (
    ANSWERED,
    CHANNEL,
    CHANNELS,
    HUNG,
    INTERRUPTED,
    LANDED,
    LISTED,
    MARKED,
    MEMORY_FULL,
    OUTSTANDING,
    STALLED,
    STREAM,
    TIMED_OUT,
    UNKNOWN,
    WORD,
    WRITTEN,
    Event,
)
from nvdla_bench.player.state_check import compare_state, fills_tables
from nvdla_int8.device import Device
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.device.state_words import block_in_words, interrupts_in_words
from nvdla_int8.registers.register_map import LAYER_BLOCKS
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import Trace
from nvdla_int8.trace.judge import Differs, Never, RunEndedError, compare_memory
from nvdla_int8.trace.result import Difference

DIGITS = frozenset("0123456789abcdef")
FAILURES = (TIMED_OUT, HUNG, MEMORY_FULL)


@dataclass
class LayerCycles:
    """When a layer was started and when the interrupt came that tells of its output; None when it did not."""

    interrupt: str
    started: int
    ended: int | None = None


class RtlTarget:
    """Answers from the events of a run; the golden device goes along.

    Attributes
    ----------
    golden
        The golden device, which has done what the trace has said so far.
    layers
        Cycles of the layers so far.
    stalls
        Beats and cycles stalled by the bench of each AXI channel.
    late
        What was outstanding at the interrupts.

    With ``registers`` the record ends with :func:`nvdla_bench.player.state_check.state_accesses`.
    """

    def __init__(self, trace: Trace, events: Iterable[Event], build: str, *, registers: bool = False) -> None:
        self.golden = Device(build)
        self.layers: list[LayerCycles] = []
        self._registers = registers
        self._tables = fills_tables(trace)
        self._last_line = trace.commands[-1].line if trace.commands else 0
        self._waits_for_flush = uses_convolution(trace)
        self._unknown: list[str] = []
        self._failure: Event | None = None
        every = list(events)
        self.stalls = {
            CHANNELS[int(one.words[0])]: (int(one.words[1]), int(one.words[2])) for one in every if one.kind == CHANNEL
        }
        self._events = [one for one in every[run_begin(every) :] if one.kind != STALLED]
        self.late = LateWrites(self._events)
        self._next = 0
        self.memory = _Memories(self)

    # ---- The judge's view -----------------------------------------------------------------------

    def write(self, name: str, word: int) -> None:
        """Write a register; the golden device's layers run here."""
        self._flush()
        cycle = self._take(WRITTEN, f"write of {name}").cycle
        before = len(self.golden.layers)
        self.golden.write(name, word)
        self.layers += [LayerCycles(run.interrupt, cycle) for run in self.golden.layers[before:]]

    def read(self, name: str) -> int:
        """What the register held."""
        self._flush()
        event = self._take(ANSWERED, f"read of {name}")
        word = event.number()
        if word is None:
            raise Differs(f"{name} has unknown bits: {event.words[0]}")
        return word

    def poll(self, name: str, mask: int, value: int) -> int:
        """What the register held at last: the player has waited."""
        return self.read(name)

    def raised(self, interrupt: str) -> bool:
        """Whether the interrupt came."""
        self._flush()
        event = self._take(INTERRUPTED, f"wait for {interrupt}")
        if event.kind == INTERRUPTED:
            self.late.came(interrupt, self._next - 1)
            for layer in self.layers:
                if layer.ended is None and interrupt == layer.interrupt:
                    layer.ended = event.cycle
                    break
        return event.kind == INTERRUPTED

    def clear(self, interrupt: str) -> None:
        """The player has cleared it already."""
        self.golden.clear(interrupt)

    def waiting(self) -> str:
        """What every block was doing when a wait was given up, and what the memory still owed or was owed."""
        failure = self._failure
        if failure is None:
            return self.golden.waiting()
        later = self._events[self._next :]
        words = [event.number() for event in later if event.kind == LISTED]
        registers = dict(zip(STATE_REGISTERS, words, strict=False))
        status = registers.get(INTERRUPT_STATUS)
        interrupts = "unknown" if status is None else interrupts_in_words(status)
        waits = self._awaited(later, status or 0)
        blocks = ", ".join(
            block_in_words(block, registers, waits.get(block.partition("_")[0] if "CMAC" in block else block, ""))
            for block in LAYER_BLOCKS
        )
        line = "high" if failure.words[1] == "1" else "low"
        parts = [*self._why(later, registers), f"given up in cycle {failure.cycle:,}"]
        if registers:
            parts += [blocks, f"interrupts set: {interrupts}; dla_intr is {line}"]
        parts += [_outstanding(event) for event in later if event.kind == OUTSTANDING]
        return "; ".join(parts)

    def _why(self, later: Sequence[Event], registers: Mapping[str, int | None]) -> list[str]:
        """What keeps the first layer from ending whose interrupt is not raised; nothing when it is not known."""
        hanging = self._hanging(registers.get(INTERRUPT_STATUS) or 0)
        if hanging is None:
            return [self.golden.waiting()] if self.golden.pending_layer() is not None else []
        came = self.late.since(self.layers[hanging].started)
        layers = self.golden.layers[: hanging + 1]
        return HangingLayer(layers, registers, came, self.golden.build).why(_stream_states(later))

    def _hanging(self, status: int) -> int | None:
        """The first layer whose interrupt did not come and is not set in GLB.S_INTR_STATUS."""
        waiting = (number for number, layer in enumerate(self.layers) if layer.ended is None)
        return next(
            (number for number in waiting if not status >> INTERRUPT_BITS[self.layers[number].interrupt] & 1), None
        )

    def _awaited(self, later: Sequence[Event], status: int) -> dict[str, str]:
        """What blocks wait for that nobody gives them, by block; empty when the streams inside are not known."""
        hanging, states = self._hanging(status), _stream_states(later)
        if hanging is None or not states:
            return {}
        return awaited(states, self.golden.layers[: hanging + 1], self.golden.build)

    def late_input(self, layer: int) -> str:
        """Whether a layer could find its input not yet written, in words; empty if not."""
        return self.late.input_of(self.golden.layers[layer], self.layers[layer].started, self.golden.build)

    def spoiled_layers(self) -> set[int]:
        """The layers that read bytes which an earlier layer wrote and which are wrong in the device's memory."""
        wrong = self.memory.device.differing(self.golden.memory)
        spoiled: set[int] = set()
        written = np.zeros(wrong.size, bool)
        for number, run in enumerate(self.golden.layers):
            if written.any() and reads_any(run, wrong[written], self.golden.build):
                spoiled.add(number)
            for low, high in run.destination.extents():
                written |= (low <= wrong) & (wrong < high)
        return spoiled

    def note_read(self, base: int, size: int) -> None:
        """Memory is compared now."""
        self.late.note_read(self.memory.device, self.golden.memory, base, size, self._next)

    @property
    def gave_up(self) -> bool:
        """Whether the run ended in a wait in vain."""
        return self._failure is not None

    def differences(self) -> Iterator[Difference]:
        """What differs from the golden device beyond the trace's checks: any byte of the memory, any register."""
        registers: list[Difference] = []
        if self._registers and self._failure is None:
            try:
                found = compare_state(self.golden, self._read_back, self._written, tables=self._tables)
                registers = [Difference(self._last_line, text) for text in found]
            except Never as never:
                yield Difference(self._last_line, never.text, never=True)
        if self._failure is None:
            self._take_landed(len(self._events))
        for text in self._unknown[:1]:
            yield Difference(self._last_line, text)
        if self._failure is not None:
            return
        if difference := compare_memory(self.golden, self.memory.device):
            yield Difference(self._last_line, *difference)
        yield from registers

    def scores(self) -> list[int]:
        """The last layer's output in the device's memory, channel by channel, if it is one pixel; else empty."""
        if not self.golden.layers:
            return []
        destination = self.golden.layers[-1].destination
        return destination.read(self.memory.device).ravel().tolist() if destination.grid == (1, 1) else []

    # ---- The record -----------------------------------------------------------------------------

    def _flush(self) -> None:
        """The player waits for the CBUF before a trace's first register access."""
        if self._waits_for_flush:
            self._waits_for_flush = False
            if self._take(ANSWERED, f"poll of {FLUSH_STATUS}").kind == TIMED_OUT:
                raise Never(f"{FLUSH_STATUS} never becomes 1: {self.waiting()}")

    def _take(self, kind: str, what: str) -> Event:
        """The next event of this kind or a time-out; what was written before it has landed."""
        if self._failure is not None:
            raise RunEndedError
        index = self._next
        while self._events[index].kind in (LANDED, UNKNOWN):
            index += 1
        self._take_landed(index)
        event = self._events[index]
        assert event.kind in (kind, *FAILURES), f"{what}: the record holds {event}"
        self._next = index + 1
        if event.kind in FAILURES:
            self._failure = event
        if event.kind == HUNG:
            raise Never(f"{what} is never answered: {self.waiting()}")
        if event.kind == MEMORY_FULL:
            raise Never(f"{what}: the bench's memory is full, at {int(event.words[0], 16):#x}: {self.waiting()}")
        return event

    def take_mark(self) -> None:
        """Go on to the next change of memory by the trace."""
        self._flush()
        self._take(MARKED, "mark")

    def _read_back(self, name: str) -> tuple[int | None, str]:
        event = self._take(ANSWERED, f"read of {name}")
        return event.number(), event.words[1]

    def _written(self, name: str) -> None:
        self._take(WRITTEN, f"write of {name}")

    def _take_landed(self, end: int) -> None:
        landed = [event for event in self._events[self._next : end] if event.kind == LANDED]
        unknown = [event for event in self._events[self._next : end] if event.kind == UNKNOWN]
        self._unknown += [f"cycle {event.cycle}: outputs are unknown: {' '.join(event.words)}" for event in unknown]
        self._next = end
        for event in landed:
            if not DIGITS.issuperset("".join(event.words)):
                self._unknown.append(f"cycle {event.cycle}: wrote unknown bits: {' '.join(event.words)}")
        if landed:
            address, data, strobes = (
                _hexadecimal(column, size)
                for column, size in zip(zip(*(event.words for event in landed), strict=True), (4, 8, 1), strict=True)
            )
            self.memory.land(address, data, strobes)


class _Memories:
    """The device's memory, put together from what was loaded and what landed; the golden device's beside it."""

    def __init__(self, target: RtlTarget) -> None:
        self._target = target
        self.device = Memory()

    def clear(self, base: int, size: int) -> None:
        self._target.take_mark()
        for memory in (self.device, self._target.golden.memory):
            memory.clear(base, size)

    def write_bytes(self, base: int, data: bytes) -> None:
        self._target.take_mark()
        for memory in (self.device, self._target.golden.memory):
            memory.write_bytes(base, data)

    def read_bytes(self, base: int, size: int) -> bytes:
        self._target.note_read(base, size)
        return self.device.read_bytes(base, size)

    def land(self, address: NDArray[np.uint8], data: NDArray[np.uint8], strobes: NDArray[np.uint8]) -> None:
        """Write beats (B, 4), (B, 8), (B, 1) bytes, big-endian, as they came; later ones win."""
        starts = address.copy().view(">u4")[:, 0].astype(np.int64) // WORD * WORD
        lanes = data[:, ::-1]
        if np.all(strobes == 0xFF):
            self.device.write(starts, np.ascontiguousarray(lanes))
            return
        written = np.unpackbits(strobes, axis=1, bitorder="little").astype(bool)
        addresses = starts[:, None] + np.arange(WORD)
        self.device.write(addresses[written], lanes[written][:, None])


def _hexadecimal(words: Iterable[str], size: int) -> NDArray[np.uint8]:
    """Words of so many bytes to (B, size); digits that are not known count as 0."""
    text = "".join(words).replace("x", "0").replace("z", "0").replace("X", "0").replace("Z", "0")
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(-1, size)


def _stream_states(events: Iterable[Event]) -> dict[str, StreamState]:
    """What the bench reported of the streams inside, by name."""
    return {
        event.words[0].removeprefix("stream."): StreamState(
            int(event.words[1]), event.words[2] == "1", event.words[3] == "1"
        )
        for event in events
        if event.kind == STREAM
    }


def _outstanding(event: Event) -> str:
    counts = [int(word, 16) if index > 3 else int(word) for index, word in enumerate(event.words[:4])]
    names = ("read beats to give", "AW without W", "W without AW", "writes to answer")
    owed = [f"{count} {name}" for count, name in zip(counts, names, strict=True) if count]
    stuck = [
        f"{channel.upper()} valid without ready"
        for channel, valid, ready in zip(CHANNELS, event.words[4], event.words[5], strict=True)
        if valid == "1" and ready != "1"
    ]
    return f"memory: {', '.join([*owed, *stuck]) or 'nothing outstanding'}"
