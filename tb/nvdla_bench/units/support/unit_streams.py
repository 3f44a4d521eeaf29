"""Reset, streams with random stalls on every side, and lane packing for the benches of clocked units."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotb_bus.drivers import BitDriver

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import assert_resolved, report
from nvdla_bench.units.support.streams import Beat, StreamDriver, StreamMonitor, pause_lengths, ready_pattern

STALL_RATES = (0.3, 0.8)
REGIME_BEATS = 20
HANG_CYCLES = 240
SETTLE_CYCLES = 12


async def reset(dut: Any, inputs: Iterable[str], outputs: Sequence[str]) -> None:
    """Start the clock, reset with all inputs 0, and check that no output is X afterwards."""
    for name in inputs:
        getattr(dut, name).value = 0
    dut.rst_n.value = 0
    Clock(dut.clk, 2, "ns").start()
    await ClockCycles(dut.clk, 4)
    dut.rst_n.value = 1
    await ClockCycles(dut.clk, 2)
    assert_resolved(dut, outputs)


def _pauses(seed: str, name: str) -> Iterator[int]:
    """Idle cycles before each beat of a source: flowing, stumbling and nearly stuck, in turn."""
    regimes = [pause_lengths(seed, name, rate) for rate in STALL_RATES]
    while True:
        yield from repeat(0, REGIME_BEATS)
        for regime in regimes:
            yield from islice(regime, REGIME_BEATS)


def _readies(seed: str, name: str) -> Iterator[tuple[int, int]]:
    """Cycles ready and cycles not ready of a sink, in the same turn."""
    regimes = [ready_pattern(seed, name, rate) for rate in STALL_RATES]
    while True:
        yield REGIME_BEATS, 0
        for regime in regimes:
            yield from islice(regime, REGIME_BEATS)


class UnitStreams:
    """Feeds and drains a unit's streams, ``run`` by ``run``, and checks their handshakes.

    Parameters
    ----------
    dut
        The unit, after reset.
    sources, sinks
        Payload signals by the stream's name.
    hang_cycles
        A unit hangs when no beat has moved for this long.
    """

    def __init__(
        self,
        dut: Any,
        sources: Mapping[str, Sequence[str]],
        sinks: Mapping[str, Sequence[str]],
        hang_cycles: int = HANG_CYCLES,
    ) -> None:
        self._clock = dut.clk
        self._hang_cycles = hang_cycles
        seed = run_seed()
        self.sources = {
            name: StreamDriver(dut, name, dut.clk, payload, _pauses(seed, name)) for name, payload in sources.items()
        }
        self._sinks = {name: StreamMonitor(dut, name, dut.clk, payload) for name, payload in sinks.items()}
        self._stalled = dict.fromkeys(sinks, 0)
        self._watched = [
            *self._sinks.values(),
            *(StreamMonitor(dut, name, dut.clk, payload) for name, payload in sources.items()),
        ]
        for name in sinks:
            ready = BitDriver(getattr(dut, f"{name}_ready"), dut.clk)
            ready.start(_readies(seed, name))

    async def run(self, beats: Mapping[str, Sequence[Beat]], expected: Mapping[str, int]) -> dict[str, list[Beat]]:
        """Feed beats, wait for as many output beats as expected, and return what came out.

        Fails on a breach of a handshake, on missing beats when nothing moves any more, and on surplus
        ones. Source beats that the unit leaves waiting stay queued.
        """
        for monitor in self._watched:
            monitor.forget()
        for name, queued in beats.items():
            self.sources[name].append_beats(queued)
        await self._drain(expected)
        for name, monitor in self._sinks.items():
            self._stalled[name] += monitor.counts.stalled
        breaches = [breach for monitor in self._watched for breach in monitor.breaches]
        assert not breaches, report(str(breaches[0]))
        for name, count in expected.items():
            seen = len(self._sinks[name].beats)
            assert seen == count, report(f"stream {name} gave {seen} beats, {count} were expected")
        return {name: list(monitor.beats) for name, monitor in self._sinks.items()}

    def finish(self) -> None:
        """Fail when an output never had to wait: then nothing is known about stalls."""
        for name, cycles in self._stalled.items():
            assert cycles, report(f"stream {name} was never stalled")

    async def _drain(self, expected: Mapping[str, int]) -> None:
        """Wait until every sink has its beats, a handshake is broken, or nothing moves any more."""
        moved, idle_cycles = 0, 0
        while idle_cycles < self._hang_cycles and not any(monitor.breaches for monitor in self._watched):
            await ClockCycles(self._clock, SETTLE_CYCLES)
            if all(len(self._sinks[name].beats) >= count for name, count in expected.items()):
                break
            transferred = sum(monitor.counts.transferred for monitor in self._watched)
            idle_cycles = 0 if transferred > moved else idle_cycles + SETTLE_CYCLES
            moved = transferred
        await ClockCycles(self._clock, SETTLE_CYCLES)
