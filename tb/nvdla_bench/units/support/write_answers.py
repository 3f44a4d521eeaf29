"""The memory behind a unit's write client: answers each write later, and watches what the unit's done claims."""

from collections import deque
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge


class WriteAnswers:
    """Memory's side of the writes: each is answered some cycles later; watches what done claims.

    Parameters
    ----------
    dut
        The unit, after reset.
    random, latencies
        Each answer takes from the first to less than the second number of cycles.
    passed_on
        Another output of the unit whose beats count as answered when they are taken, by its name; none when empty.
    """

    def __init__(self, dut: Any, random: np.random.Generator, latencies: tuple[int, int], passed_on: str = "") -> None:
        self._dut = dut
        self._passed_on = [getattr(dut, f"{passed_on}_{signal}") for signal in ("valid", "ready") if passed_on]
        self._random = random
        self._latencies = latencies
        self.answered = 0
        self.done: list[tuple[int, int]] = []

    async def run(self) -> None:
        """Answer for ever; ``done`` records group and answered writes at each pulse."""
        dut, due, cycle = self._dut, deque[int](), 0
        edge = RisingEdge(dut.clk)
        while True:
            await edge
            cycle += 1
            if dut.done.value == 1:
                self.done.append((int(dut.group.value), self.answered))
            self.answered += bool(self._passed_on) and all(handle.value == 1 for handle in self._passed_on)
            if dut.wr_valid.value == 1 and dut.wr_ready.value == 1:
                due.append(cycle + int(self._random.integers(*self._latencies)))
            answers = bool(due) and due[0] <= cycle
            dut.wr_done.value = int(answers)
            if answers:
                due.popleft()
                self.answered += 1
