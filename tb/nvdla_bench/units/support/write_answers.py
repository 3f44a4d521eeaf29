"""The memory behind a unit's write client: answers each write later, and watches what the unit's done claims."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.units.support.comparison import report
from nvdla_bench.units.support.streams import StreamMonitor

GROUPS = 2
MOST_UNANSWERED = 255


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
        self._answered = 0
        self._checked = 0
        self._done: list[tuple[int, int]] = []

    async def run(self) -> None:
        """Answer for ever, and note group and answered writes at each pulse of ``done``."""
        dut, due, cycle = self._dut, deque[int](), 0
        edge = RisingEdge(dut.clk)
        while True:
            await edge
            cycle += 1
            if dut.done.value == 1:
                self._done.append((int(dut.group.value), self._answered))
            self._answered += bool(self._passed_on) and all(handle.value == 1 for handle in self._passed_on)
            if dut.wr_valid.value == 1 and dut.wr_ready.value == 1:
                due.append(cycle + int(self._random.integers(*self._latencies)))
            answers = bool(due) and due[0] <= cycle
            dut.wr_done.value = int(answers)
            if answers:
                due.popleft()
                self._answered += 1

    def check_ends(self, atoms: Sequence[int]) -> None:
        """Fail unless layers of so many atoms have ended since the last check, in groups 0, 1, 0 and so on.

        Done must have come once a layer, with its group, when exactly the layers' atoms up to it had been answered.
        """
        expected = []
        for index, count in enumerate(atoms):
            self._checked += count
            expected.append((index % GROUPS, self._checked))
        done, self._done = self._done, []
        assert done == expected, report(f"done came as (group, atoms answered) {done}, expected {expected}")

    async def check_limit(self, programming: Any, writes: StreamMonitor) -> None:
        """Wait until layers have ended; fail unless there are as many writes as can be before the first answer.

        Parameters
        ----------
        programming
            The task of software that runs the layers.
        writes
            Monitor of the unit's writes.
        """
        unanswered = 0
        while not programming.done():
            await RisingEdge(self._dut.clk)
            if not self._answered:
                unanswered = len(writes.beats)
        assert unanswered == MOST_UNANSWERED, report(f"{unanswered} writes without an answer")
        programming.result()
