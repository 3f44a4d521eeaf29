"""The clients of a memory interface: requests held until taken, which must be served in turn."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from nvdla_bench.units.support.comparison import report
from nvdla_int8.seeds import generator

ON_THEIR_WAY = 2


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
    """

    def __init__(self, dut: Any, port: str, clients: int, widths: Mapping[str, int], seed: str) -> None:
        self._valid, self._ready = getattr(dut, f"{port}_valid"), getattr(dut, f"{port}_ready")
        self._signals = [(getattr(dut, f"{port}_{name}"), width) for name, width in widths.items()]
        self._random: np.random.Generator = generator(seed, port, "clients")
        self._pending: list[tuple[int, ...] | None] = [None] * clients
        self._waited = [0] * clients
        self._taken: list[deque[tuple[int, ...]]] = [deque() for _ in range(clients)]

    def sample(self) -> None:
        """Look at one cycle: which requests are taken."""
        ready = int(self._ready.value)
        for index, request in enumerate(self._pending):
            if ready >> index & 1 and request is not None:
                self._taken[index].append(request)
                self._pending[index] = None

    def served(self, client: int) -> tuple[int, ...]:
        """Give what the client's oldest request, which appears on the bus, holds, in the order of ``widths``.

        Nobody waits longer than a round behind the two requests that were on their way when he came.
        """
        assert self._taken[client], report(f"a request of client {client}, which has asked for nothing")
        for other, requests in enumerate(self._taken):
            self._waited[other] += bool(requests)
        self._waited[client] = 0
        longest = max(self._waited)
        most = len(self._taken) - 1 + ON_THEIR_WAY
        assert longest <= most, report(f"client {self._waited.index(longest)} waited for {longest} others")
        return self._taken[client].popleft()

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
        """Clients whose request was not served."""
        return [index for index, taken in enumerate(self._taken) if taken or self._pending[index] is not None]

    def _word(self, bits: int) -> int:
        return int.from_bytes(self._random.bytes(bits // 8), "little")
