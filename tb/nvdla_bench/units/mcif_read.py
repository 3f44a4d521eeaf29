"""Bench of nvdla_mcif_read: clients take turns, answers find their client although IDs interleave."""

from collections import deque
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import known, report, resolved
from nvdla_bench.units.support.request_clients import RequestClients
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.seeds import generator

CYCLES = 2500
RATES = (1.0, 0.4, 0.1)
RATE_CHANGES = (24, 9)
"""How often the clients' and the memory's rates change in a run: each meets each."""
MOST_OUTSTANDING = 32
BEAT_BITS = 64
IDS = (1, 5, 6, 8, 9, 2, 3)
ADDRESS_BITS = 32


class _Memory:
    """Takes bursts with stalls and answers them, IDs interleaved beat by beat."""

    def __init__(self, dut: Any, random: np.random.Generator, clients: RequestClients) -> None:
        self._dut = dut
        self._random = random
        self._clients = clients
        self._beats = run_parameters()["MEMORY_ATOM"] * 8 // BEAT_BITS
        self._bursts: dict[int, deque[list[int]]] = {identity: deque() for identity in IDS}
        self._stalled: tuple[int, ...] | None = None
        self.expected: list[deque[int]] = [deque() for _ in IDS]
        self.answered = [0] * len(IDS)

    def sample(self) -> None:
        self._answers()
        dut = self._dut
        if not int(dut.ar_valid.value):
            assert self._stalled is None, report("ar_valid fell while stalled")
            return
        seen = tuple(known(handle) for handle in (dut.ar_id, dut.ar_addr, dut.ar_len))
        assert self._stalled in (None, seen), report(f"ar changed from {self._stalled} to {seen} while stalled")
        assert seen[0] in IDS, report(f"ar_id is {seen[0]}, which no client has")
        client = IDS.index(seen[0])
        if self._stalled is None:
            (address,) = self._clients.served(client)
            wanted = (IDS[client], address, self._beats - 1)
            assert seen == wanted, report(f"ar is {seen}, requested {IDS[client]}, {address:#x}")
        self._stalled = None if int(dut.ar_ready.value) else seen
        if self._stalled is not None:
            return
        words = self._random.integers(0, 1 << BEAT_BITS, self._beats, dtype=np.uint64).tolist()
        self._bursts[IDS[client]].append(words)
        self.expected[client].append(sum(word << (BEAT_BITS * beat) for beat, word in enumerate(words)))

    def _answers(self) -> None:
        """Compare what the clients get in this cycle."""
        valid = int(self._dut.rd_rsp_valid.value)
        for index in range(len(IDS)):
            if valid >> index & 1:
                assert self.expected[index], report(f"client {index} gets an answer that it did not ask for")
                wanted, seen = self.expected[index].popleft(), resolved(self._dut.rd_rsp_data)
                shown = "X" if seen is None else f"{seen:#x}"
                assert seen == wanted, report(f"client {index}: expected {wanted:#x}, actual {shown}")
                self.answered[index] += 1

    def drive(self, rate: float) -> None:
        dut = self._dut
        outstanding = sum(map(len, self._bursts.values()))
        dut.ar_ready.value = int(self._random.random() < rate and outstanding < MOST_OUTSTANDING)
        waiting = [identity for identity in IDS if self._bursts[identity]]
        answers = bool(waiting) and self._random.random() < rate
        dut.r_valid.value = int(answers)
        if not answers:
            return
        identity = int(self._random.choice(waiting))
        burst = self._bursts[identity][0]
        dut.r_id.value, dut.r_data.value, dut.r_last.value = identity, burst.pop(0), int(not burst)
        if not burst:
            self._bursts[identity].popleft()


@cocotb.test()
async def requests_and_answers(dut: Any) -> None:
    """Nothing is lost, doubled or given to another client; nobody waits longer than a round."""
    await reset(
        dut,
        ("rd_req_valid", "rd_req_addr", "ar_ready", "r_valid", "r_id", "r_last", "r_data"),
        ("rd_req_ready", "rd_rsp_valid", "ar_valid", "ar_len", "r_ready"),
    )
    clients = RequestClients(dut, "rd_req", len(IDS), {"addr": ADDRESS_BITS}, run_seed())
    memory = _Memory(dut, generator(run_seed(), "mcif_read"), clients)
    edge = RisingEdge(dut.clk)
    for cycle in range(CYCLES):
        asks, answers = (RATES[cycle * changes // CYCLES % len(RATES)] for changes in RATE_CHANGES)
        clients.drive(asks if cycle < CYCLES * 2 // 3 else 0.0)
        memory.drive(answers)
        await edge
        clients.sample()
        memory.sample()
    left = [len(answers) for answers in memory.expected]
    assert not clients.waiting, report(f"clients {clients.waiting} are never served")
    assert not any(left), report(f"answers never given to clients: {left}")
    assert min(memory.answered) > CYCLES // 100, report(f"only {memory.answered} answers were compared")
