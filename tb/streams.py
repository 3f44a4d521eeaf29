"""Valid/ready streams on cocotb-bus: a driver that pauses, a ready line that stalls, a monitor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge
from cocotb_bus.drivers import BusDriver
from cocotb_bus.monitors import BusMonitor

from golden.seeds import generator

Beat = tuple[int, ...]
"""One beat's payload, in the order of the stream's payload signals."""


def pause_lengths(seed: str, stream: str, rate: float) -> Iterator[int]:
    """Idle cycles before each beat: with probability ``rate`` at least one, then geometrically more."""
    random = generator(seed, "pauses", stream)
    while True:
        pauses = (random.random(1024) < rate) * random.geometric(0.5, 1024)
        yield from pauses.tolist()


def ready_pattern(seed: str, stream: str, rate: float) -> Iterator[tuple[int, int]]:
    """(cycles ready, cycles not ready) for cocotb-bus's ``BitDriver``; on average ``rate`` not ready."""
    random = generator(seed, "ready", stream)
    while True:
        stalls = random.geometric(0.5, 1024) if rate else np.zeros(1024, np.int64)
        runs = random.geometric(min(1.0, rate / (2 * (1 - rate))), 1024) if rate else np.full(1024, 1024)
        yield from zip(runs.tolist(), stalls.tolist(), strict=True)


class StreamDriver(BusDriver):  # type: ignore[misc]  # cocotb-bus has no types
    """Drives ``<name>_valid`` and the payload; a transaction is a sequence of beats.

    A beat is held until the cycle in which ``<name>_ready`` is high.
    """

    def __init__(self, entity: Any, name: str, clock: Any, payload: Sequence[str], pauses: Iterator[int]) -> None:
        self._signals = ["valid", "ready", *payload]
        super().__init__(entity, name, clock)
        self._payload = [getattr(self.bus, signal) for signal in payload]
        self._pauses = pauses
        self.accepted = 0
        self.queued = 0
        self.bus.valid.value = 0

    def append_beats(self, beats: Sequence[Beat]) -> None:
        """Queue beats behind those already queued."""
        self.queued += len(beats)
        self.append(beats)

    async def _driver_send(self, transaction: Sequence[Beat], sync: bool = True) -> None:
        edge = RisingEdge(self.clock)
        valid, ready = self.bus.valid, self.bus.ready
        if sync:
            await edge
        for beat in transaction:
            idle = next(self._pauses)
            if idle:
                valid.value = 0
                for _ in range(idle):
                    await edge
            for handle, value in zip(self._payload, beat, strict=True):
                handle.value = value
            valid.value = 1
            await edge
            while ready.value != 1:
                await edge
            self.accepted += 1
        valid.value = 0


@dataclass
class StreamCounts:
    """Cycles a monitor has seen, by what happened in them."""

    transferred: int = 0
    stalled: int = 0

    @property
    def stall_rate(self) -> float:
        """Share of the cycles with a valid beat in which it had to wait."""
        offered = self.transferred + self.stalled
        return self.stalled / offered if offered else 0.0


class StreamMonitor(BusMonitor):  # type: ignore[misc]  # cocotb-bus has no types
    """Records every beat of a stream with its cycle, and breaches of the handshake.

    A breach is a valid or ready that is neither 0 nor 1, a payload that is unknown when it is taken,
    or a stalled beat that goes away or changes.
    """

    def __init__(self, entity: Any, name: str, clock: Any, payload: Sequence[str]) -> None:
        self._signals = ["valid", "ready", *payload]
        self._payload_names = tuple(payload)
        self.beats: list[Beat] = []
        self.cycles: list[int] = []
        self.breaches: list[str] = []
        self.counts = StreamCounts()
        self.cycle = 0
        super().__init__(entity, name, clock)

    def forget(self) -> None:
        """Start a new record; the cycle number goes on."""
        self.beats, self.cycles, self.breaches, self.counts = [], [], [], StreamCounts()

    def column(self, signal: str) -> list[int]:
        """One payload signal's value in every beat."""
        index = self._payload_names.index(signal)
        return [beat[index] for beat in self.beats]

    async def _monitor_recv(self) -> None:
        edge = RisingEdge(self.clock)
        valid, ready = self.bus.valid, self.bus.ready
        payload = [getattr(self.bus, name) for name in self._payload_names]
        held: Beat | None = None
        while True:
            await edge
            self.cycle += 1
            offered, taken = str(valid.value), str(ready.value)
            if offered not in "01" or taken not in "01":
                self._breach(f"valid is {offered}, ready is {taken}")
            elif offered == "0":
                if held is not None:
                    self._breach("a stalled beat went away")
                    held = None
            else:
                beat = self._sample(payload)
                if held is not None and beat != held:
                    self._breach(f"a stalled beat changed from {_hex(held)} to {_hex(beat)}")
                if taken == "1":
                    self.beats.append(beat)
                    self.cycles.append(self.cycle)
                    self.counts.transferred += 1
                    held = None
                else:
                    self.counts.stalled += 1
                    held = beat

    def _sample(self, payload: Sequence[Any]) -> Beat:
        values = []
        for name, handle in zip(self._payload_names, payload, strict=True):
            value = handle.value
            try:
                values.append(int(value))
            except ValueError:
                self._breach(f"{name} is unknown: {value}")
                values.append(0)
        return tuple(values)

    def _breach(self, what: str) -> None:
        self.breaches.append(f"stream {self.name} cycle {self.cycle}: {what}")


def _hex(beat: Beat) -> str:
    return " ".join(f"0x{value:x}" for value in beat)
