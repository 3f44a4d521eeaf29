"""Monitor of the memory port: handshakes, addresses, bursts, strobes, IDs, every response used once."""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nvdla_bench.protocol.axi_ids import READ_IDS, WRITE_IDS
from nvdla_bench.protocol.channel import Channel, ChannelCounts
from nvdla_bench.protocol.clocked import ClockedMonitor
from nvdla_bench.protocol.ports import AXI_CHANNELS, AXI_SIGNALS

PAGE_BYTES = 4096
"""No burst crosses a multiple of this."""


@dataclass(frozen=True)
class AxiRules:
    """What a device may ask of its memory.

    ``max_outstanding`` counts the requests of one ID that wait for their answer.
    """

    read_ids: frozenset[int] = READ_IDS
    write_ids: frozenset[int] = WRITE_IDS
    full_strobes: bool = True
    max_outstanding: int = 256


NV_SMALL_RULES = AxiRules()


@dataclass
class _Reads:
    """Reads that wait: lengths in beats by ID, oldest first, and beats of the oldest that have come."""

    lengths: defaultdict[int, deque[int]] = field(default_factory=lambda: defaultdict(deque))
    beats: Counter[int] = field(default_factory=Counter)


@dataclass
class _Writes:
    """Writes that wait: (ID, length) without all their data, bursts ahead of their address, unanswered by ID."""

    addressed: deque[tuple[int, int]] = field(default_factory=deque)
    early: deque[int] = field(default_factory=deque)
    beats: int = 0
    unanswered: Counter[int] = field(default_factory=Counter)


class AxiMonitor(ClockedMonitor):
    """Watches both sides of a device's memory port; the memory is held to its part as the device is.

    Rules of the channels ``axi.aw``, ``axi.w``, ``axi.b``, ``axi.ar``, ``axi.r``: those of
    :class:`~nvdla_bench.protocol.channel.Channel`. Rules of ``axi``: ``aw-id``, ``ar-id``, ``aw-alignment``,
    ``ar-alignment`` (the data width), ``aw-4kib``, ``ar-4kib``, ``aw-outstanding``, ``ar-outstanding``,
    ``w-last`` (with beat len + 1 and no other, also when data come before their address), ``w-strobes``,
    ``r-unasked``, ``r-last``, ``b-unasked``, and at :meth:`finish` ``reads-unanswered``,
    ``writes-unanswered`` and ``w-unaddressed``. An answer comes at the earliest in the cycle behind its
    request.

    Parameters
    ----------
    entity, name, clock
        The module that holds nets of the ports' names, what these begin with (None for nothing), and the clock.
    reset_n
        Handle; no reset when it is None.
    rules
        IDs, strobes and limits; by default those of nv_small.
    """

    def __init__(
        self, entity: Any, name: str | None, clock: Any, reset_n: Any = None, rules: AxiRules = NV_SMALL_RULES
    ) -> None:
        self._rules = rules
        self._reads, self._writes = _Reads(), _Writes()
        self.reads = self.writes = 0
        super().__init__(entity, name, clock, AXI_SIGNALS, reset_n, "axi")
        self._channels = {channel: self._channel(channel, payload) for channel, payload in AXI_CHANNELS.items()}
        self._bytes = len(self.bus.wdata) // 8
        self._strobes = (1 << self._bytes) - 1

    def _channel(self, name: str, payload: tuple[str, ...]) -> Channel:
        handles = {signal: getattr(self.bus, signal) for signal in payload}
        valid, ready = (getattr(self.bus, f"{name}{signal}") for signal in ("valid", "ready"))
        return Channel(valid, ready, handles, partial(self.note, checker=f"axi.{name}"))

    @property
    def counts(self) -> dict[str, ChannelCounts]:
        """Beats and stalled cycles of each channel since the last :meth:`forget` or reset."""
        return {name: channel.counts for name, channel in self._channels.items()}

    def sample(self) -> None:
        """Look at one cycle: answers first, they belong to requests of earlier cycles."""
        channels = self._channels
        for channel in channels.values():
            channel.sample()
        self._data_read(channels["r"])
        self._write_answered(channels["b"])
        if channels["ar"].taken:
            self._read_asked(*channels["ar"].values)
        if channels["aw"].taken:
            self._write_asked(*channels["aw"].values)
        if channels["w"].taken:
            self._data_written(*channels["w"].values)

    # ---- Reads ---------------------------------------------------------------------------------------
    def _read_asked(self, arid: int, arlen: int, araddr: int) -> None:
        self.reads += 1
        self._address("ar", arid, arlen, araddr, self._rules.read_ids)
        waiting = self._reads.lengths[arid]
        if len(waiting) >= self._rules.max_outstanding:
            self.note("ar-outstanding", f"arid={arid} outstanding={len(waiting)}")
        else:
            waiting.append(arlen + 1)

    def _data_read(self, channel: Channel) -> None:
        if not (channel.fresh or channel.taken):
            return
        rid, rlast, rdata = channel.values
        waiting = self._reads.lengths[rid]
        if not waiting:
            if channel.fresh:
                self.note("r-unasked", f"rid={rid} rdata=0x{rdata:x}")
        elif channel.taken:
            beat = self._reads.beats[rid] + 1
            if bool(rlast) != (beat == waiting[0]):
                self.note("r-last", f"rid={rid} rlast={rlast} with beat {beat} of {waiting[0]}")
            # A wrong rlast ends nothing: the read ends with its length.
            if beat == waiting[0]:
                waiting.popleft()
                beat = 0
            self._reads.beats[rid] = beat

    # ---- Writes --------------------------------------------------------------------------------------
    def _write_asked(self, awid: int, awlen: int, awaddr: int) -> None:
        self.writes += 1
        self._address("aw", awid, awlen, awaddr, self._rules.write_ids)
        state = self._writes
        waiting = state.unanswered[awid] + len(state.addressed)
        if waiting >= self._rules.max_outstanding:
            self.note("aw-outstanding", f"awid={awid} outstanding={waiting}")
        elif state.early:
            beats = state.early.popleft()
            if beats != awlen + 1:
                self.note("w-last", f"wlast was with beat {beats} of {awlen + 1}")
            state.unanswered[awid] += 1
        else:
            state.addressed.append((awid, awlen + 1))

    def _data_written(self, _wdata: int, wstrb: int, wlast: int) -> None:
        if self._rules.full_strobes and wstrb != self._strobes:
            self.note("w-strobes", f"wstrb=0x{wstrb:x}")
        state = self._writes
        state.beats += 1
        if state.addressed:
            awid, length = state.addressed[0]
            if state.beats > length or bool(wlast) != (state.beats == length):
                self.note("w-last", f"wlast={wlast} with beat {state.beats} of {length}")
            if wlast or state.beats >= length:
                state.addressed.popleft()
                state.unanswered[awid] += 1
                state.beats = 0
        elif wlast:
            state.early.append(state.beats)
            state.beats = 0

    def _write_answered(self, channel: Channel) -> None:
        if not (channel.fresh or channel.taken):
            return
        (bid,) = channel.values
        if not self._writes.unanswered[bid]:
            if channel.fresh:
                self.note("b-unasked", f"bid={bid}")
        elif channel.taken:
            self._writes.unanswered[bid] -= 1

    # ---- Both ----------------------------------------------------------------------------------------
    def _address(self, channel: str, request_id: int, length: int, address: int, ids: frozenset[int]) -> None:
        if request_id not in ids:
            self.note(f"{channel}-id", f"{channel}id={request_id}")
        if address % self._bytes:
            self.note(f"{channel}-alignment", f"{channel}addr=0x{address:x}")
        if address % PAGE_BYTES + (length + 1) * self._bytes > PAGE_BYTES:
            self.note(f"{channel}-4kib", f"{channel}addr=0x{address:x} {channel}len={length}")

    def clear(self) -> None:
        """Reset: nothing waits, nothing is counted."""
        for channel in self._channels.values():
            channel.clear()
        self._reads, self._writes = _Reads(), _Writes()
        self.reads = self.writes = 0

    def forget(self) -> None:
        """Start a new record; requests that wait go on waiting."""
        super().forget()
        for channel in self._channels.values():
            channel.counts = ChannelCounts()
        self.reads = self.writes = 0

    def finish(self) -> None:
        """Report everything that still waits."""
        state = self._writes
        if reads := sum(map(len, self._reads.lengths.values())):
            self.note("reads-unanswered", f"outstanding={reads}")
        if writes := len(state.addressed) + state.unanswered.total():
            self.note("writes-unanswered", f"outstanding={writes}")
        if state.early or (state.beats and not state.addressed):
            self.note("w-unaddressed", f"bursts={len(state.early)} beats={state.beats}")
