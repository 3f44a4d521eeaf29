"""The memory behind a unit's read client: answers in order, after any latency, and never waits."""

from collections import deque
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.units.support.comparison import known
from nvdla_int8.surfaces.memory import Memory

GAP_RATES = (0.0, 0.5)
"""Share of cycles in which an answer that is due does not come."""


class ReadAnswers:
    """Answers the requests of ``<name>_req`` on ``<name>_rsp``; ``<name>_req_ready`` is someone else's.

    Parameters
    ----------
    dut, name
        The unit, after reset, and the client's name.
    memory
        What it reads; one memory atom a request.
    memory_atom
        In bytes.
    random
        For the gaps between answers.
    """

    def __init__(self, dut: Any, name: str, memory: Memory, memory_atom: int, random: np.random.Generator) -> None:
        self._clock = dut.clk
        self._request = [getattr(dut, f"{name}_req_{signal}") for signal in ("valid", "ready", "addr")]
        self._valid, self._data = getattr(dut, f"{name}_rsp_valid"), getattr(dut, f"{name}_rsp_data")
        self._memory = memory
        self._memory_atom = memory_atom
        self._random = random
        self.latency_cycles = 1
        self.gap_rate = 0.0
        cocotb.start_soon(self._answer())

    def draw(self, latencies_cycles: tuple[int, ...]) -> None:
        """Another latency and another share of gaps."""
        self.latency_cycles = int(self._random.choice(latencies_cycles))
        self.gap_rate = float(self._random.choice(GAP_RATES))

    async def _answer(self) -> None:
        valid, ready, address = self._request
        edge = RisingEdge(self._clock)
        waiting: deque[tuple[int, int]] = deque()
        cycle = 0
        answering = False
        while True:
            await edge
            cycle += 1
            if valid.value == 1 and ready.value == 1:
                waiting.append((cycle + self.latency_cycles - 1, known(address)))
            due = bool(waiting) and waiting[0][0] <= cycle and self._random.random() >= self.gap_rate
            if due:
                data = self._memory.read_bytes(waiting.popleft()[1], self._memory_atom)
                self._data.value = int.from_bytes(data, "little")
            if due != answering:
                self._valid.value = int(due)
                answering = due
