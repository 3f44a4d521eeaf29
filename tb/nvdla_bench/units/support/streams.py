"""Valid/ready streams on cocotb-bus: a driver that pauses, a ready line that stalls, a monitor."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge
from cocotb_bus.drivers import BusDriver

from nvdla_bench.protocol import streams as protocol
from nvdla_bench.protocol.streams import Beat as Beat
from nvdla_int8.seeds import generator


def joined(beats: Sequence[Sequence[Beat]]) -> list[Beat]:
    """The beats of each layer behind those of the one before."""
    return [beat for of_layer in beats for beat in of_layer]


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


def feed(entity: Any, sources: Mapping[str, Sequence[str]], beats: Mapping[str, Sequence[Beat]]) -> None:
    """Offer a unit the beats of each of its sources, given by their payload signals, without pauses."""
    for name, payload in sources.items():
        StreamDriver(entity, name, entity.clk, payload, repeat(0)).append_beats(beats[name])


class StreamMonitor(protocol.StreamMonitor):
    """Monitor of a unit's stream: ``<name>_valid``, ``<name>_ready`` and its payload; every beat is recorded."""

    def __init__(self, entity: Any, name: str, clock: Any, payload: Sequence[str]) -> None:
        valid, ready, *signals = (f"{name}_{signal}" for signal in ("valid", "ready", *payload))
        self.stream = name
        super().__init__(entity, valid, ready, tuple(signals), clock, None, f"stream {name}", record=True)
