"""The clients of a memory interface: requests held until taken, which must be taken in turn."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from nvdla_bench.units.support.comparison import report
from nvdla_int8.seeds import generator


class RequestClients:
    """Random requests of all clients on ``<port>_valid``, ``<port>_ready`` and a vector for each signal.

    Parameters
    ----------
    dut, port
        The unit, after reset, and what the ports' names begin with.
    clients
        How many.
    widths
        Bits of each signal of a request, by its name.
    seed
        The run's.

    Attributes
    ----------
    taken
        (client, values in the order of ``widths``) of each request, in the order in which they were taken.
    """

    def __init__(self, dut: Any, port: str, clients: int, widths: Mapping[str, int], seed: str) -> None:
        self._valid, self._ready = getattr(dut, f"{port}_valid"), getattr(dut, f"{port}_ready")
        self._signals = [(getattr(dut, f"{port}_{name}"), width) for name, width in widths.items()]
        self._random: np.random.Generator = generator(seed, port, "clients")
        self._pending: list[tuple[int, ...] | None] = [None] * clients
        self._waited = [0] * clients
        self.taken: deque[tuple[int, tuple[int, ...]]] = deque()

    def sample(self) -> None:
        """Look at one cycle: at most one client is served, and none waits for more than a round."""
        ready = int(self._ready.value)
        granted = [index for index, request in enumerate(self._pending) if ready >> index & 1 and request is not None]
        assert len(granted) <= 1, report(f"clients {granted} are granted in one cycle")
        for index in granted:
            request = self._pending[index]
            assert request is not None
            self.taken.append((index, request))
            self._pending[index] = None
            for other, waiting in enumerate(self._pending):
                self._waited[other] += waiting is not None
            self._waited[index] = 0
        longest = max(self._waited)
        assert longest < len(self._pending), report(f"client {self._waited.index(longest)} waited for {longest} grants")

    def drive(self, rate: float) -> None:
        """Offer what waits, and with this probability something new from each client that has nothing."""
        for index, request in enumerate(self._pending):
            if request is None and self._random.random() < rate:
                self._pending[index] = tuple(self._word(width) for _, width in self._signals)
        self._valid.value = sum(1 << index for index, request in enumerate(self._pending) if request is not None)
        for place, (handle, width) in enumerate(self._signals):
            # Who asks for nothing shows anything.
            words = [self._word(width) if request is None else request[place] for request in self._pending]
            handle.value = sum(word << (width * index) for index, word in enumerate(words))

    @property
    def waiting(self) -> list[int]:
        """Clients whose request was not taken."""
        return [index for index, request in enumerate(self._pending) if request is not None]

    def _word(self, bits: int) -> int:
        return int.from_bytes(self._random.bytes(bits // 8), "little")
