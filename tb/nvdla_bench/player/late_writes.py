"""Writes that an interrupt did not wait for (erratum E8): taken by the memory, answered later."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.player.player_file import LANDED, WORD, Event
from nvdla_int8.build import Build
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.memory_reads import MemoryReads
from nvdla_int8.surfaces.memory import Memory

OUTSTANDING = "write outstanding at the interrupt (E8)"


@dataclass(frozen=True)
class Interrupt:
    """An interrupt that came: its name, its cycle, and the events of the beats that had not landed then."""

    name: str
    cycle: int
    late: tuple[int, ...]


class LateWrites:
    """The interrupts of a run with what was outstanding at them.

    Parameters
    ----------
    events
        The run's record.

    Attributes
    ----------
    told
        What was read too early so far, in words.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self._interrupts: list[Interrupt] = []
        self.told: list[str] = []

    def came(self, name: str, index: int) -> None:
        """An interrupt came: event ``index``, which says how many beats were under way."""
        event = self._events[index]
        landings = (later for later in range(index + 1, len(self._events)) if self._events[later].kind == LANDED)
        late = tuple(later for later, _ in zip(landings, range(int(event.words[1])), strict=False))
        self._interrupts.append(Interrupt(name, event.cycle, late))

    def since(self, cycle: int) -> list[str]:
        """Names of the interrupts that came since then."""
        return [interrupt.name for interrupt in self._interrupts if interrupt.cycle >= cycle]

    def note_read(self, memory: Memory, golden: Memory, base: int, size: int, now: int) -> None:
        """Bytes of the device's memory are compared before event ``now``: note those that become right later.

        The bench counts the beats that it has taken and not answered; a beat that the device still holds shows only
        by landing later.
        """
        if not self._interrupts or memory.read_bytes(base, size) == golden.read_bytes(base, size):
            return
        last = self._interrupts[-1]
        later = (event for event in self._events[now:] if event.kind == LANDED)
        old: dict[int, None] = {}
        for event in later:
            for at, byte in _bytes(event):
                if base <= at < base + size and memory.read_bytes(at, 1)[0] != byte == golden.read_bytes(at, 1)[0]:
                    old[at] = None
        if old:
            beats = f"{len(last.late)} beats had no answer" if last.late else "beats were still inside the device"
            self.told.append(
                f"{OUTSTANDING}: when {last.name} came in cycle {last.cycle:,} {beats}; "
                f"{len(old)} bytes from {min(old):#x} are old"
            )

    def input_of(self, run: LayerRun, started: int, build: Build) -> str:
        """Whether a layer that started in a cycle could find what it reads not yet written, in words; empty if not."""
        extents = _read_extents(run, build)
        for interrupt in self._interrupts:
            late = [self._events[index] for index in interrupt.late if self._events[index].cycle >= started]
            addresses = [event.number() for event in late]
            if any(at is not None and low <= at < high for at in addresses for low, high in extents):
                return f"{OUTSTANDING}: {interrupt.name} came before this layer's input was written"
        return ""


def reads_any(run: LayerRun, addresses: NDArray[np.int64], build: Build) -> bool:
    """Whether a layer reads one of the addresses."""
    return any(bool(((low <= addresses) & (addresses < high)).any()) for low, high in _read_extents(run, build))


def _read_extents(run: LayerRun, build: Build) -> list[tuple[int, int]]:
    """From where to where a layer reads, surface by surface."""
    fetch = run.convolution.fetch if run.convolution else None
    reads = [runs for _, _, runs in MemoryReads(run.registers, build, fetch).reads()]
    return [(int(starts.min()), int(starts.max()) + length) for starts, length in reads]


def _bytes(event: Event) -> Iterator[tuple[int, int]]:
    """The bytes that land with a beat, by address; none of one with unknown bits."""
    address, data, strobes = (event.number(index) for index in range(3))
    if address is None or data is None or strobes is None:
        return
    for lane, byte in enumerate(data.to_bytes(WORD, "little")):
        if strobes >> lane & 1:
            yield address // WORD * WORD + lane, byte
