"""Attaches the protocol monitors to a bench top whose nets have the names of nv_small's ports."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from nvdla_bench.protocol.axi import AxiMonitor, AxiRules
from nvdla_bench.protocol.breaches import Breach
from nvdla_bench.protocol.channel import ChannelCounts
from nvdla_bench.protocol.clocked import ClockedMonitor
from nvdla_bench.protocol.counts import MUST_SEE, stall_rates, unseen
from nvdla_bench.protocol.csb import CsbMonitor
from nvdla_bench.protocol.no_x import NoXMonitor
from nvdla_bench.protocol.ports import CONTROL_OUTPUTS, INTERRUPT, PAYLOAD_OUTPUTS, PORTS
from nvdla_bench.protocol.streams import StreamMonitor
from nvdla_int8.errors import BenchError


@dataclass(frozen=True)
class StreamTap:
    """An internal stream: dotted paths from the bench top, all in one module."""

    valid: str
    ready: str
    payload: tuple[str, ...]


@dataclass(frozen=True)
class ProtocolRules:
    """What to watch, and by which rules; the default is nv_small.

    ``clock`` and ``reset_n`` are nets of the bench top; ``streams`` are internal streams by name.
    """

    axi: AxiRules = field(default_factory=AxiRules)
    csb_outstanding: int = 64
    streams: Mapping[str, StreamTap] = field(default_factory=dict)
    clock: str = "dla_core_clk"
    reset_n: str = "dla_reset_rstn"


class Monitors:
    """The monitors of one bench; made by :func:`attach`.

    A program ends with :meth:`finish`; :meth:`forget` begins the next one. A reset between drops what is
    outstanding, and starts the counts anew: call :meth:`finish` before it.
    """

    def __init__(
        self, axi: AxiMonitor, csb: CsbMonitor, interrupt: NoXMonitor, streams: Mapping[str, StreamMonitor]
    ) -> None:
        self.axi, self.csb, self.interrupt, self.streams = axi, csb, interrupt, dict(streams)

    @property
    def _all(self) -> list[ClockedMonitor]:
        return [self.axi, self.csb, self.interrupt, *self.streams.values()]

    @property
    def breaches(self) -> list[Breach]:
        """The breaches so far, by cycle."""
        listed = [breach for monitor in self._all for breach in monitor.breaches]
        return sorted(listed, key=lambda breach: breach.cycle)

    @property
    def counts(self) -> dict[str, int]:
        """What passed since :meth:`forget` or reset, by the names of :mod:`nvdla_bench.protocol.counts`."""
        channels: dict[str, ChannelCounts] = {
            **{f"axi.{name}": counts for name, counts in self.axi.counts.items()},
            "csb.request": self.csb.request_counts,
            **{name: monitor.counts for name, monitor in self.streams.items()},
        }
        counts = {
            "axi.reads": self.axi.reads,
            "axi.writes": self.axi.writes,
            "csb.reads": self.csb.reads,
            "csb.writes": self.csb.writes,
        }
        for name, channel in channels.items():
            counts[f"{name}.beats"] = channel.transferred
            counts[f"{name}.stalled"] = channel.stalled
        return counts

    @property
    def stall_rates(self) -> dict[str, float]:
        """Measured share of stalled cycles of each channel and stream, 0 to 1."""
        return stall_rates(self.counts)

    def finish(self, must_see: Collection[str] = MUST_SEE) -> list[Breach]:
        """End a program: nothing may be outstanding, and ``must_see`` must have been seen.

        Returns
        -------
        list[Breach]
            Every breach of the program; empty when it kept to the rules.
        """
        for monitor in (self.axi, self.csb, *self.streams.values()):
            monitor.finish()
        return self.breaches + unseen(self.counts, must_see, self.axi.cycle)

    def forget(self) -> None:
        """Begin the next program."""
        for monitor in self._all:
            monitor.forget()


def attach(dut: Any, rules: ProtocolRules) -> Monitors:
    """Watch all ports of a device, from now on.

    Parameters
    ----------
    dut
        Handle of the bench top, with nets of the ports' names.
    build
        What to watch.

    Raises
    ------
    BenchError
        A net that is not there, or a stream whose signals are in several modules.
    """
    clock, reset_n, *_ = (_net(dut, name) for name in (rules.clock, rules.reset_n, *PORTS))
    modules = {name: _module(dut, name, tap) for name, tap in rules.streams.items()}
    streams = {
        name: StreamMonitor(modules[name], *_names(tap), clock, reset_n, name) for name, tap in rules.streams.items()
    }
    return Monitors(
        AxiMonitor(dut, None, clock, reset_n, rules.axi),
        CsbMonitor(dut, None, clock, reset_n, rules.csb_outstanding),
        NoXMonitor(dut, (INTERRUPT,), {}, clock, reset_n),
        streams,
    )


def watch_outputs(dut: Any, rules: ProtocolRules) -> NoXMonitor:
    """Watch only that no output of a device is ever unknown: cheaper than :func:`attach`.

    Raises
    ------
    BenchError
        A net that is not there.
    """
    clock, reset_n, *_ = (_net(dut, name) for name in (rules.clock, rules.reset_n, *PORTS))
    return NoXMonitor(dut, CONTROL_OUTPUTS, PAYLOAD_OUTPUTS, clock, reset_n)


def _module(dut: Any, name: str, tap: StreamTap) -> Any:
    """The module that holds a stream's signals."""
    paths = (tap.valid, tap.ready, *tap.payload)
    scopes = {path.rpartition(".")[0] for path in paths}
    if len(scopes) > 1:
        raise BenchError(f"stream {name}: {', '.join(paths)}: all signals must be in one module")
    module = dut
    for part in filter(None, scopes.pop().split(".")):
        module = _net(module, part)
    for path in paths:
        _net(module, path.rpartition(".")[2])
    return module


def _names(tap: StreamTap) -> tuple[str, str, tuple[str, ...]]:
    valid, ready, *payload = (path.rpartition(".")[2] for path in (tap.valid, tap.ready, *tap.payload))
    return valid, ready, tuple(payload)


def _net(entity: Any, name: str) -> Any:
    try:
        return getattr(entity, name)
    except AttributeError:
        raise BenchError(f"{entity._path} has no {name}: it is not there or not public in this build") from None
