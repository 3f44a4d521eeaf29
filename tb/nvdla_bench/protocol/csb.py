"""Monitor of the CSB: requests as a stream, and an answer for each that wants one (hardware.md section 4)."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from nvdla_bench.protocol.channel import Channel, ChannelCounts
from nvdla_bench.protocol.clocked import ClockedMonitor
from nvdla_bench.protocol.ports import CSB_SIGNALS

READ, WRITE = "read", "write"


class CsbWrite(NamedTuple):
    """A register write: a byte address or, for a driver, ``BLOCK.REGISTER``; a word of 32 bits."""

    register: str | int
    word: int
    nposted: bool = False


class CsbMonitor(ClockedMonitor):
    """Watches the CSB port of a device.

    Rules of ``csb.request``: those of :class:`~nvdla_bench.protocol.channel.Channel`. Rules of ``csb``:
    ``answer-unasked`` (answers belong to an accepted read or non-posted write), ``answer-order`` (they come
    in the order of the requests), ``request-outstanding``, ``unknown``, and at :meth:`finish`
    ``read-unanswered`` and ``write-unanswered``. An answer comes at the earliest in the cycle behind its
    request.

    Parameters
    ----------
    entity, name, clock
        The module that holds nets of the ports' names, what these begin with (None for nothing), and the clock.
    reset_n
        Handle; no reset when it is None.
    max_outstanding
        Requests that may wait for their answer.
    callback
        Receives a :class:`CsbWrite` for each write that the device takes, as cocotb-bus' monitors hand them on.
    """

    def __init__(
        self,
        entity: Any,
        name: str | None,
        clock: Any,
        reset_n: Any = None,
        max_outstanding: int = 64,
        callback: Callable[[CsbWrite], None] | None = None,
    ) -> None:
        self._waiting: list[str] = []
        self._max_outstanding = max_outstanding
        self.reads = self.writes = 0
        super().__init__(entity, name, clock, CSB_SIGNALS, reset_n, "csb")
        if callback is not None:
            self.add_callback(callback)
        bus = self.bus
        self._request = Channel(
            bus.valid,
            bus.ready,
            {"addr": bus.addr, "wdat": bus.wdat, "write": bus.write, "nposted": bus.nposted},
            partial(self.note, checker="csb.request"),
        )
        self._data = Channel(bus.read_valid, None, {"data": bus.read_data}, self.note)
        self._completion = Channel(bus.wr_complete, None, {}, self.note)

    @property
    def request_counts(self) -> ChannelCounts:
        """Requests and stalled cycles since the last :meth:`forget` or reset."""
        return self._request.counts

    def sample(self) -> None:
        """Look at one cycle: answers first, they belong to requests of earlier cycles."""
        self._data.sample()
        self._completion.sample()
        answers = [kind for kind, channel in ((READ, self._data), (WRITE, self._completion)) if channel.taken]
        if answers:
            self._answered(answers)
        self._request.sample()
        if self._request.taken:
            self._asked(*self._request.values)

    def _answered(self, answers: list[str]) -> None:
        known = [kind for kind in answers if kind in self._waiting]
        # Two answers at once: either may be the older.
        if known and sorted(known) != sorted(self._waiting[: len(known)]):
            self.note("answer-order", f"answers: {' and '.join(known)}, the oldest request is a {self._waiting[0]}")
        for kind in answers:
            if kind in known:
                self._waiting.remove(kind)
            elif kind == READ:
                self.note("answer-unasked", f"nvdla2csb_valid=1 data=0x{self._data.values[0]:x}")
            else:
                self.note("answer-unasked", "nvdla2csb_wr_complete=1")

    def _asked(self, addr: int, wdat: int, write: int, nposted: int) -> None:
        self.writes += write
        if write:
            self._recv(CsbWrite(4 * addr, wdat, bool(nposted)))
        self.reads += not write
        if write and not nposted:
            return
        if len(self._waiting) >= self._max_outstanding:
            self.note("request-outstanding", f"addr=0x{addr:x} outstanding={len(self._waiting)}")
        else:
            self._waiting.append(WRITE if write else READ)

    def clear(self) -> None:
        """Reset: nothing waits, nothing is counted."""
        for channel in (self._request, self._data, self._completion):
            channel.clear()
        self._waiting.clear()
        self.reads = self.writes = 0

    def forget(self) -> None:
        """Start a new record; requests that wait go on waiting."""
        super().forget()
        self._request.counts = ChannelCounts()
        self.reads = self.writes = 0

    def finish(self) -> None:
        """Report the requests that were never answered."""
        for kind, rule in ((READ, "read-unanswered"), (WRITE, "write-unanswered")):
            if kind in self._waiting:
                self.note(rule, f"outstanding={self._waiting.count(kind)}")
