"""The monitor on which all protocol monitors stand: one sample a cycle, nothing during reset."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from cocotb.triggers import FallingEdge
from cocotb_bus.monitors import BusMonitor

from nvdla_bench.protocol.breaches import Breach, BreachList


def is_known(text: str) -> bool:
    """No bit of a value's text is X, Z or any other state than 0 and 1."""
    return not text.strip("01")


class ClockedMonitor(BusMonitor):  # type: ignore[misc]  # cocotb-bus has no types
    """Samples its signals once a cycle while reset is released.

    The sample is taken at the falling edge: there every signal has settled to what the next rising edge
    takes, whether the clock is made in HDL, in C++ or by cocotb. At the rising edge Verilator shows the
    values before it for a clock of cocotb's and the values behind it for one of HDL's.

    Parameters
    ----------
    entity, name, clock
        As for every bus of cocotb-bus: the module that holds the signals, what their names begin with (None for
        nothing), and the clock.
    signals
        Their names by the attribute of ``bus``.
    reset_n
        Handle; no reset when it is None.
    checker
        Name in reports.
    """

    def __init__(
        self, entity: Any, name: str | None, clock: Any, signals: Mapping[str, str], reset_n: Any, checker: str
    ) -> None:
        self._signals = dict(signals)
        self.checker = checker
        self.cycle = 0
        self._breaches = BreachList()
        super().__init__(entity, name, clock, reset_n=reset_n)

    @property
    def breaches(self) -> list[Breach]:
        """What was reported since the last :meth:`forget`."""
        return self._breaches.listed

    def note(self, rule: str, values: str, checker: str | None = None) -> None:
        """Report a breach in the current cycle."""
        self._breaches.add(Breach(checker or self.checker, rule, self.cycle, values))

    def forget(self) -> None:
        """Start a new record; what is outstanding stays so and the cycle number goes on."""
        self._breaches.clear()

    @abstractmethod
    def sample(self) -> None:
        """Look at one cycle."""

    @abstractmethod
    def clear(self) -> None:
        """Forget what the protocol has open: the device is in reset."""

    async def _monitor_recv(self) -> None:
        edge, reset_n = FallingEdge(self.clock), self._reset_n
        while True:
            await edge
            self.cycle += 1
            if reset_n is not None and str(reset_n.value) != "1":
                self.clear()
            else:
                self.sample()
