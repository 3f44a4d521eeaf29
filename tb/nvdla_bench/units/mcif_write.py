"""Bench of nvdla_mcif_write: atoms of all clients become bursts, whatever the channels' stalls; answers find back."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import report, resolved
from nvdla_bench.units.support.request_clients import RequestClients
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.seeds import generator

CYCLES = 2500
RATES = (1.0, 0.4, 0.1)
RATE_CHANGES = (24, 9)
"""How often the clients' and the memory's rates change in a run: each meets each."""
MOST_OUTSTANDING = 32
BEAT_BITS = 64
IDS = (1, 2, 3)
ADDRESS_BITS = 32
INPUTS = ("wr_valid", "wr_addr", "wr_data", "aw_ready", "w_ready", "b_valid", "b_id")
OUTPUTS = ("wr_ready", "wr_done", "aw_valid", "aw_len", "w_valid", "w_strb", "w_last", "b_ready")


class _Channel:
    """What AW or W must bring, in order; a stalled beat stays as it is."""

    def __init__(self, dut: Any, name: str, signals: tuple[str, ...]) -> None:
        self._name = name
        self._valid, self._ready = getattr(dut, f"{name}_valid"), getattr(dut, f"{name}_ready")
        self._signals = {f"{name}_{signal}": getattr(dut, f"{name}_{signal}") for signal in signals}
        self._stalled: Mapping[str, int | None] | None = None
        self.expected: deque[dict[str, int]] = deque()
        self.stalls = 0

    def begins(self) -> bool:
        """Whether a beat is shown for the first time in this cycle."""
        return bool(int(self._valid.value)) and self._stalled is None

    def sample(self) -> bool:
        """Whether a beat was taken in this cycle."""
        if not int(self._valid.value):
            assert self._stalled is None, report(f"{self._name}_valid fell while stalled")
            return False
        seen = {name: resolved(handle) for name, handle in self._signals.items()}
        assert self._stalled in (None, seen), report(f"{self._name} changed from {self._stalled} to {seen}")
        taken = bool(int(self._ready.value))
        self._stalled = None if taken else seen
        self.stalls += not taken
        if taken:
            assert self.expected, report(f"{seen} although no client wrote")
            wanted = self.expected.popleft()
            assert seen == wanted, report(f"expected {wanted}, actual {seen}")
        return taken


class _Memory:
    """Takes addresses and data with stalls of their own; answers when it has both, IDs in any order."""

    def __init__(self, dut: Any, random: np.random.Generator, clients: RequestClients) -> None:
        self._dut = dut
        self._random = random
        self._clients = clients
        self._beats = run_parameters()["MEMORY_ATOM"] * 8 // BEAT_BITS
        self.addresses = _Channel(dut, "aw", ("id", "addr", "len"))
        self.data = _Channel(dut, "w", ("data", "strb", "last"))
        self._ids: deque[int] = deque()
        self._whole = 0
        self._unanswered = [0] * len(IDS)
        self._answering: int | None = None
        self._done = 0
        self.answered = [0] * len(IDS)

    def sample(self) -> None:
        if self.addresses.begins():
            written = int(self._dut.aw_id.value)
            assert written in IDS, report(f"aw_id is {written}, which no client has")
            client = IDS.index(written)
            self._expect(client, self._clients.served(client))
        assert int(self._dut.wr_done.value) == self._done, report(
            f"wr_done is {self._dut.wr_done.value}, expected {self._done:b}"
        )
        self._done = 0 if self._answering is None else 1 << self._answering
        assert int(self._dut.b_ready.value), report("b_ready is low")
        if self.addresses.sample():
            self._ids.append(int(self._dut.aw_id.value))
        if self.data.sample():
            self._whole += int(self._dut.w_last.value)
        while self._ids and self._whole:
            self._whole -= 1
            self._unanswered[IDS.index(self._ids.popleft())] += 1

    def _expect(self, client: int, request: tuple[int, ...]) -> None:
        address, atom = request
        self.addresses.expected.append({"aw_id": IDS[client], "aw_addr": address, "aw_len": self._beats - 1})
        for beat in range(self._beats):
            word = atom >> (BEAT_BITS * beat) & ((1 << BEAT_BITS) - 1)
            self.data.expected.append({"w_data": word, "w_strb": 0xFF, "w_last": int(beat == self._beats - 1)})

    def drive(self, rate: float) -> None:
        dut = self._dut
        room = sum(self._unanswered) < MOST_OUTSTANDING
        dut.aw_ready.value = int(room and self._random.random() < rate)
        dut.w_ready.value = int(room and self._random.random() < rate)
        waiting = [client for client, count in enumerate(self._unanswered) if count]
        self._answering = int(self._random.choice(waiting)) if waiting and self._random.random() < rate else None
        dut.b_valid.value = int(self._answering is not None)
        # Without an answer the ID is anything.
        dut.b_id.value = IDS[int(self._random.integers(len(IDS))) if self._answering is None else self._answering]
        if self._answering is not None:
            self._unanswered[self._answering] -= 1
            self.answered[self._answering] += 1

    @property
    def left(self) -> int:
        """Beats that never came and bursts without an answer."""
        return len(self.addresses.expected) + len(self.data.expected) + sum(self._unanswered)


@cocotb.test()
async def bursts_and_answers(dut: Any) -> None:
    """One address and its beats an atom, low bytes first; each answer gives its client, and no other, one wr_done."""
    await reset(dut, INPUTS, OUTPUTS)
    widths = {"addr": ADDRESS_BITS, "data": run_parameters()["MEMORY_ATOM"] * 8}
    clients = RequestClients(dut, "wr", len(IDS), widths, run_seed())
    memory = _Memory(dut, generator(run_seed(), "mcif_write"), clients)
    edge = RisingEdge(dut.clk)
    for cycle in range(CYCLES):
        asks, answers = (RATES[cycle * changes // CYCLES % len(RATES)] for changes in RATE_CHANGES)
        clients.drive(asks if cycle < CYCLES * 3 // 4 else 0.0)
        memory.drive(answers)
        await edge
        clients.sample()
        memory.sample()
    assert not clients.waiting, report(f"clients {clients.waiting} are never served")
    assert not memory.left, report(f"{memory.left} beats and answers are missing")
    assert min(memory.answered) > CYCLES // 100, report(f"only {memory.answered} answers were compared")
    assert memory.addresses.stalls, report("aw was never stalled")
    assert memory.data.stalls, report("w was never stalled")


@cocotb.test()
async def one_beat_a_cycle(dut: Any) -> None:
    """Clients that always write, memory that always takes: the data channel has a beat in every cycle."""
    await reset(dut, INPUTS, OUTPUTS)
    widths = {"addr": ADDRESS_BITS, "data": run_parameters()["MEMORY_ATOM"] * 8}
    clients = RequestClients(dut, "wr", len(IDS), widths, run_seed())
    dut.aw_ready.value = dut.w_ready.value = 1
    edge = RisingEdge(dut.clk)
    beats = 0
    for cycle in range(100):
        clients.drive(1.0)
        await edge
        clients.sample()
        beats += cycle > 2 and int(dut.w_valid.value)
    assert beats == 97, report(f"{beats} beats in 97 cycles")
