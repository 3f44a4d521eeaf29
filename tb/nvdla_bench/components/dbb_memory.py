"""The memory behind a core's DBB: five AXI channels with latency and stalls (hardware.md section 4)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from cocotb_bus.drivers import BusDriver

from nvdla_bench.player.player_file import CHANNELS, Settings, WritesLandOn
from nvdla_bench.protocol.clocked import is_known
from nvdla_bench.protocol.ports import AXI_CHANNELS, AXI_SIGNALS
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.written_ranges import WrittenBytes

REQUESTS = ("aw", "w", "ar")
"""Channels on which the core sends."""

DRIVEN = ("awready", "wready", "arready", "bvalid", "bid", "rvalid", "rid", "rlast", "rdata")


class _ReadBeat(NamedTuple):
    due: int
    rid: int
    last: bool
    data: int


class _WriteBeat(NamedTuple):
    due: int
    bid: int
    last: bool
    address: int
    data: bytes
    strobes: int


@dataclass
class _Open:
    """Everything that waits: a reset forgets it."""

    reads: deque[_ReadBeat] = field(default_factory=deque)
    addresses: deque[tuple[int, int, int]] = field(default_factory=deque)
    data: deque[tuple[int, int]] = field(default_factory=deque)
    writes: deque[_WriteBeat] = field(default_factory=deque)
    beat: int = 0


class DbbMemory(BusDriver):  # type: ignore[misc]  # cocotb-bus has no types
    """Slave of a core's memory port, by the rules of the bench's own memory in HDL.

    Reads are answered in the order of their requests; their data is that of the moment in which the request is
    taken. A write lands when it is answered, so that an interrupt which comes too early shows, or with
    ``writes_land_on="acceptance"`` as soon as address and data are taken.

    Parameters
    ----------
    entity, name, clock
        The module that holds nets of the ports' names, what these begin with (None for nothing), and the clock.
    reset_n
        Handle; while it is low the memory forgets what it owes. No reset when it is None.
    latency_cycles, stall_rate
        From a request to its answer; the share of cycles in which a channel is not ready or holds a due answer back.
    writes_land_on
        ``answer`` or ``acceptance``.
    seed
        Of the stalls; the run's seed.
    kwargs
        For cocotb-bus' ``Bus``.

    Attributes
    ----------
    memory
        Its bytes; load what the program reads.
    written
        Which bytes the core has written.
    beats
        Beats of each channel.

    Raises
    ------
    BenchError
        Latency or rate that no memory has.
    """

    _signals: ClassVar[dict[str, str]] = {name: net for name, net in AXI_SIGNALS.items() if name != "wstrb"}
    _optional_signals: ClassVar[dict[str, str]] = {"wstrb": AXI_SIGNALS["wstrb"]}

    def __init__(
        self,
        entity: Any,
        name: str | None,
        clock: Any,
        reset_n: Any = None,
        *,
        latency_cycles: int = 16,
        stall_rate: float = 0.0,
        writes_land_on: WritesLandOn = "answer",
        seed: str = "dbb",
        **kwargs: Any,
    ) -> None:
        super().__init__(entity, name, clock, **kwargs)
        self.settings = Settings(latency_cycles, writes_land_on=writes_land_on).with_stalls(stall_rate)
        self.memory = Memory()
        self.written = WrittenBytes()
        self.beats = dict.fromkeys(CHANNELS, 0)
        self._reset_n = reset_n
        self._random = generator(seed, "stalls of the memory")
        self._stall_rate = stall_rate
        self._width_bytes = len(self.bus.rdata) // 8
        self._cycle = 0
        self._open = _Open()
        self._driven: dict[str, int] = {}
        for signal in DRIVEN:
            self._drive(signal, 0)
        cocotb.start_soon(self._serve())

    async def _serve(self) -> None:
        falling, rising = FallingEdge(self.clock), RisingEdge(self.clock)
        while True:
            await falling  # everything has settled to what the next rising edge takes
            in_reset = self._reset_n is not None and str(self._reset_n.value) != "1"
            taken = {} if in_reset else {channel: self._taken(channel) for channel in REQUESTS}
            answered = {} if in_reset else {channel: self._given(channel) for channel in ("b", "r")}
            await rising
            self._cycle += 1
            if in_reset:
                self._open = _Open()
                for signal in DRIVEN:
                    self._drive(signal, 0)
                continue
            self._take(taken)
            stalled = self._random.random(len(CHANNELS)) < self._stall_rate
            self._give(dict(zip(CHANNELS, stalled.tolist(), strict=True)), answered)

    # ---- What the next rising edge takes --------------------------------------------------------------
    def _taken(self, channel: str) -> tuple[int, ...] | None:
        """The payload of a beat from the core, None without one."""
        if not self._driven[f"{channel}ready"] or str(getattr(self.bus, f"{channel}valid").value) != "1":
            return None
        values = []
        for signal in AXI_CHANNELS[channel]:
            if not hasattr(self.bus, signal):
                values.append((1 << self._width_bytes) - 1)
                continue
            text = str(getattr(self.bus, signal).value)
            assert is_known(text), f"dbb: {channel}: {signal} has unknown bits: {text}"
            values.append(int(text, 2))
        self.beats[channel] += 1
        return tuple(values)

    def _given(self, channel: str) -> bool:
        """Whether the core takes the answer on offer."""
        given = bool(self._driven[f"{channel}valid"]) and str(getattr(self.bus, f"{channel}ready").value) == "1"
        self.beats[channel] += given
        return given

    def _take(self, taken: dict[str, tuple[int, ...] | None]) -> None:
        state, width = self._open, self._width_bytes
        due = self._cycle + self.settings.latency_cycles - 1
        if (request := taken["ar"]) is not None:
            rid, length, address = request
            data = self.memory.read_bytes(address, (length + 1) * width)
            for beat in range(length + 1):
                word = int.from_bytes(data[beat * width : (beat + 1) * width], "little")
                state.reads.append(_ReadBeat(due, rid, beat == length, word))
        if (request := taken["aw"]) is not None:
            bid, length, address = request
            state.addresses.append((bid, length, address))
        if (beat_of_data := taken["w"]) is not None:
            data_word, strobes, _last = beat_of_data
            state.data.append((data_word, strobes))
        while state.addresses and state.data:
            bid, length, address = state.addresses[0]
            data_word, strobes = state.data.popleft()
            place = address + state.beat * width
            write = _WriteBeat(due, bid, state.beat == length, place, data_word.to_bytes(width, "little"), strobes)
            if self.settings.writes_land_on == "acceptance":
                self._land(write)
            state.writes.append(write)
            state.beat += 1
            if write.last:
                state.addresses.popleft()
                state.beat = 0

    # ---- What the memory says in the next cycle -------------------------------------------------------
    def _give(self, stalled: dict[str, bool], answered: dict[str, bool]) -> None:
        state = self._open
        for channel in REQUESTS:
            self._drive(f"{channel}ready", int(not stalled[channel]))
        if answered["r"] or not self._driven["rvalid"]:
            if state.reads and state.reads[0].due <= self._cycle and not stalled["r"]:
                read = state.reads.popleft()
                self._drive("rid", read.rid)
                self._drive("rlast", int(read.last))
                self._drive("rdata", read.data)
                self._drive("rvalid", 1)
            else:
                self._drive("rvalid", 0)
        if answered["b"]:
            self._drive("bvalid", 0)
        while state.writes and state.writes[0].due <= self._cycle:
            write = state.writes[0]
            if write.last and (self._driven["bvalid"] or stalled["b"]):
                break
            state.writes.popleft()
            if self.settings.writes_land_on == "answer":
                self._land(write)
            if write.last:
                self._drive("bid", write.bid)
                self._drive("bvalid", 1)

    def _land(self, write: _WriteBeat) -> None:
        lanes = [lane for lane in range(self._width_bytes) if write.strobes >> lane & 1]
        for first, end in _runs(lanes):
            self.memory.write_bytes(write.address + first, write.data[first:end])
            self.written.add(np.array([write.address + first], np.int64), end - first)

    def _drive(self, signal: str, value: int) -> None:
        """Write a net of the core, if it has another value: each write costs an evaluation of the model."""
        if self._driven.get(signal) != value:
            self._driven[signal] = value
            getattr(self.bus, signal).value = value


def _runs(lanes: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring lanes as (first, one beyond the last)."""
    runs: list[tuple[int, int]] = []
    for lane in lanes:
        if runs and runs[-1][1] == lane:
            runs[-1] = runs[-1][0], lane + 1
        else:
            runs.append((lane, lane + 1))
    return runs
