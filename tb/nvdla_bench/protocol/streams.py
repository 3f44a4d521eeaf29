"""Monitor of one valid/ready stream: handshake, known values, number of beats; it may record the beats."""

from collections.abc import Mapping
from typing import Any

from nvdla_bench.protocol.channel import Channel, ChannelCounts
from nvdla_bench.protocol.clocked import ClockedMonitor

Beat = tuple[int, ...]
"""One beat's payload, in the order of the stream's payload signals."""


class StreamMonitor(ClockedMonitor):
    """Watches a stream.

    Rules: those of :class:`~nvdla_bench.protocol.channel.Channel`, and ``beat-count`` at :meth:`finish`.

    Parameters
    ----------
    entity
        The module that holds the signals.
    valid, ready, payload
        Names of the signals in ``entity``.
    clock, reset_n
        Handles; no reset when ``reset_n`` is None.
    checker
        The stream's name in reports.
    record
        Keep every beat, and the cycle it was taken in.
    """

    def __init__(
        self,
        entity: Any,
        valid: str,
        ready: str,
        payload: tuple[str, ...],
        clock: Any,
        reset_n: Any,
        checker: str,
        *,
        record: bool = False,
    ) -> None:
        signals = {name: name for name in (valid, ready, *payload)}
        self.beats: list[Beat] = []
        self.cycles: list[int] = []
        self.expected: int | None = None
        """Beats that the program must bring, when that is known."""
        self._record = record
        super().__init__(entity, None, clock, signals, reset_n, checker)
        handles: Mapping[str, Any] = {name: getattr(self.bus, name) for name in signals}
        self._channel = Channel(handles[valid], handles[ready], {name: handles[name] for name in payload}, self.note)

    @property
    def counts(self) -> ChannelCounts:
        """Beats and stalled cycles since the last :meth:`forget` or reset."""
        return self._channel.counts

    def sample(self) -> None:
        """Look at one cycle."""
        self._channel.sample()
        if self._record and self._channel.taken:
            self.beats.append(self._channel.values)
            self.cycles.append(self.cycle)

    def clear(self) -> None:
        """Reset: no beat is held, none is counted."""
        self._channel.clear()
        self.beats, self.cycles = [], []

    def forget(self) -> None:
        """Start a new record; a beat that is held stays held."""
        super().forget()
        self._channel.counts = ChannelCounts()
        self.beats, self.cycles, self.expected = [], [], None

    def finish(self) -> None:
        """Compare the number of beats with what was expected, if anything was."""
        if self.expected not in (None, self.counts.transferred):
            self.note("beat-count", f"beats={self.counts.transferred} expected={self.expected}")
