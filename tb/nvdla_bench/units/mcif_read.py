"""Bench of nvdla_mcif_read: clients take turns, answers find their client although IDs interleave."""

from collections import deque
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import report, resolved
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.seeds import generator

CYCLES = 2500
MOST_OUTSTANDING = 32
BEAT_BITS = 64
IDS = (1, 5, 6, 8, 9)
ADDRESS_BITS = 32


class _Clients:
    """Requests of all clients, held until taken, and the answers they must get."""

    def __init__(self, dut: Any, random: np.random.Generator) -> None:
        self._dut = dut
        self._random = random
        self._pending: list[int | None] = [None] * len(IDS)
        self._waited = [0] * len(IDS)
        self.taken: deque[tuple[int, int]] = deque()
        self.expected: list[deque[int]] = [deque() for _ in IDS]
        self.answered = [0] * len(IDS)

    def sample(self) -> None:
        ready = int(self._dut.rd_req_ready.value)
        granted = [index for index in range(len(IDS)) if ready >> index & 1 and self._pending[index] is not None]
        assert len(granted) <= 1, report(f"clients {granted} are granted in one cycle")
        for index in granted:
            address = self._pending[index]
            assert address is not None
            self.taken.append((IDS[index], address))
            self._pending[index] = None
            for other, request in enumerate(self._pending):
                self._waited[other] += request is not None
            self._waited[index] = 0
        longest = max(self._waited)
        assert longest < len(IDS), report(f"client {self._waited.index(longest)} waited for {longest} grants")
        valid = int(self._dut.rd_rsp_valid.value)
        for index in range(len(IDS)):
            if valid >> index & 1:
                assert self.expected[index], report(f"client {index} gets an answer that it did not ask for")
                wanted, seen = self.expected[index].popleft(), resolved(self._dut.rd_rsp_data)
                shown = "X" if seen is None else f"{seen:#x}"
                assert seen == wanted, report(f"client {index}: expected {wanted:#x}, actual {shown}")
                self.answered[index] += 1

    def drive(self, rate: float) -> None:
        for index, request in enumerate(self._pending):
            if request is None and self._random.random() < rate:
                self._pending[index] = int(self._random.integers(0, 1 << ADDRESS_BITS))
        valid = sum(1 << index for index, request in enumerate(self._pending) if request is not None)
        self._dut.rd_req_valid.value = valid
        self._dut.rd_req_addr.value = sum(
            (request or 0) << (ADDRESS_BITS * index) for index, request in enumerate(self._pending)
        )


class _Memory:
    """Takes bursts with stalls and answers them, IDs interleaved beat by beat."""

    def __init__(self, dut: Any, random: np.random.Generator, clients: _Clients) -> None:
        self._dut = dut
        self._random = random
        self._clients = clients
        self._beats = run_parameters()["MEMORY_ATOM"] * 8 // BEAT_BITS
        self._bursts: dict[int, deque[list[int]]] = {identity: deque() for identity in IDS}
        self._stalled: tuple[int, ...] | None = None

    def sample(self) -> None:
        dut = self._dut
        if not int(dut.ar_valid.value):
            assert self._stalled is None, report("ar_valid fell while stalled")
            return
        seen = tuple(int(handle.value) for handle in (dut.ar_id, dut.ar_addr, dut.ar_len))
        assert self._stalled in (None, seen), report(f"ar changed from {self._stalled} to {seen} while stalled")
        self._stalled = None if int(dut.ar_ready.value) else seen
        if self._stalled is not None:
            return
        assert self._clients.taken, report(f"ar {seen} although nothing was requested")
        identity, address = self._clients.taken.popleft()
        assert seen == (identity, address, self._beats - 1), report(f"ar is {seen}, requested {identity}, {address:#x}")
        words = self._random.integers(0, 1 << BEAT_BITS, self._beats, dtype=np.uint64).tolist()
        self._bursts[identity].append(words)
        atom = sum(word << (BEAT_BITS * beat) for beat, word in enumerate(words))
        self._clients.expected[IDS.index(identity)].append(atom)

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
        ("rd_req_ready", "rd_rsp_valid", "ar_valid", "ar_id", "ar_len", "ar_addr", "r_ready"),
    )
    random = generator(run_seed(), "mcif_read")
    clients = _Clients(dut, random)
    memory = _Memory(dut, random, clients)
    edge = RisingEdge(dut.clk)
    for cycle in range(CYCLES):
        rate = (1.0, 0.6, 0.15)[cycle * 9 // CYCLES % 3]
        clients.drive(rate if cycle < CYCLES * 3 // 4 else 0.0)
        memory.drive(rate)
        await edge
        clients.sample()
        memory.sample()
    left = [len(answers) for answers in clients.expected]
    assert not clients.taken, report(f"requests never sent: {list(clients.taken)}")
    assert not any(left), report(f"answers never given to clients: {left}")
    assert min(clients.answered) > CYCLES // 50, report(f"only {clients.answered} answers were compared")
