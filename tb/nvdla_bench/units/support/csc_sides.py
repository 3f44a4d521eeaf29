"""What surrounds nvdla_csc in its bench: a CBUF that CDMA fills, the layers' starts, and the MACs' tiles."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.units.support.comparison import known, report, resolved
from nvdla_bench.units.support.csc_layers import CscCase
from nvdla_int8.beats.cbuf import Cbuf, Ring
from nvdla_int8.build import Build
from nvdla_int8.errors import BenchError

START_RATE = 0.2
SLOW_ENTRIES = 64
WORDS = 2  # entries of a read


def chances(random: np.random.Generator) -> Iterator[float]:
    """Uniform numbers from 0 to 1, without end."""
    while True:
        yield from random.random(4096).tolist()


class _Port:
    """One ring's read port: answers three cycles after the request, frees entries, fills from a list."""

    def __init__(self, dut: Any, name: str, ring: Ring, random: np.random.Generator) -> None:
        self._available = getattr(dut, f"cbuf_{name}_available")
        self._valid = getattr(dut, f"cbuf_{name}_rd_valid")
        self._offset = getattr(dut, f"cbuf_{name}_rd_offset")
        self._data = getattr(dut, f"cbuf_{name}_rd_data")
        self._release_valid = getattr(dut, f"cbuf_{name}_release_valid")
        self._release_entries = getattr(dut, f"cbuf_{name}_release_entries")
        self._ring = ring
        self._entry_bits = len(self._data) // WORDS
        self._random = random
        self._answers: list[int | None] = [None, None]
        self._waiting: list[int] = []
        self._slow_until = 0

    @property
    def filled(self) -> bool:
        """All of the layer's entries are in the ring."""
        return not self._waiting

    def fill(self, entries: Sequence[int]) -> None:
        """Entries of the next layer; the first SLOW_ENTRIES come when ``step`` says so, the others at once."""
        self._waiting = list(entries)
        self._slow_until = len(entries) - SLOW_ENTRIES

    def step(self, write: bool) -> None:
        """One cycle: what the unit asked for and freed in it; what it sees in the next one."""
        answer = self._answers.pop(0)
        if answer is not None:
            self._data.value = answer
        self._answers.append(self._read() if resolved(self._valid) else None)
        if resolved(self._release_valid):
            self._ring.release(known(self._release_entries))
        if (write or len(self._waiting) <= self._slow_until) and self._waiting and self._ring.room:
            self._ring.write(self._waiting.pop(0))
        self._available.value = self._ring.available

    def _read(self) -> int:
        """The entry asked for and those behind it; noise for one that is not there yet."""
        offset = known(self._offset)
        entries = [self._ring.read(offset)]
        while len(entries) < WORDS:
            there = offset + len(entries) < self._ring.available
            noise = int.from_bytes(self._random.bytes(self._entry_bits // 8), "little")
            entries.append(self._ring.read(offset + len(entries)) if there else noise)
        return sum(entry << (place * self._entry_bits) for place, entry in enumerate(entries))


class CbufSide:
    """Fills the rings layer by layer, answers the unit's reads, starts its layers and watches their ends.

    ``rate`` is the chance of an entry in a cycle, ``ended`` the number of layers that are done.
    """

    def __init__(self, dut: Any, random: np.random.Generator, build: Build) -> None:
        self._dut = dut
        self._chances = chances(random)
        self._cbuf = Cbuf(build.cbuf_banks, build.cbuf_bank_entries)
        self._data = _Port(dut, "dat", self._cbuf.data, random)
        self._weights = _Port(dut, "wt", self._cbuf.weights, random)
        self._layers: list[tuple[CscCase, tuple[int, int]]] = []
        self._loaded: list[tuple[int, int]] = []
        self._freed: list[tuple[int, int]] = []
        self._queued = (0, 0)
        self._emptied = [dut.cbuf_dat_emptied, dut.cbuf_wt_emptied]
        self._closed = 0
        self.rate = 1.0
        self.ended = 0

    def add(self, cases: Sequence[CscCase], banks: Sequence[tuple[int, int]]) -> None:
        """Layers to fill in behind those before, each into its banks."""
        self._layers += zip(cases, banks, strict=True)
        for case in cases:
            data, weights = self._queued
            self._queued = data + len(case.data_entries), weights + len(case.weight_entries)
            self._loaded.append(self._queued)
            self._freed.append((self._queued[0] - case.left[0], self._queued[1] - case.left[1]))

    async def run(self) -> None:
        """Work for ever; fails when the unit reads or frees what is not there or ends a layer too early."""
        dut, edge, starting = self._dut, RisingEdge(self._dut.clk), False
        while True:
            await edge
            opened = self._cbuf.layers > 0
            try:
                self._data.step(next(self._chances) < self.rate)
                self._weights.step(next(self._chances) < self.rate)
                if resolved(dut.cbuf_close):
                    self._close()
                self._open()
            except BenchError as error:
                raise AssertionError(report(str(error))) from None
            if resolved(dut.done):
                self.ended += 1
                assert self.ended == self._closed, report(
                    f"{self.ended} layers ended, of {self._closed} the CBUF was closed"
                )
            busy = resolved(dut.busy)
            assert busy or not resolved(dut.dat_valid), report("an atom waits and no layer is running")
            startable = opened and not starting and resolved(dut.op_en) and not busy
            starting = bool(startable) and next(self._chances) < START_RATE
            dut.start.value = int(starting)

    def _close(self) -> None:
        """The layer has read and freed what it will."""
        self._cbuf.close()
        freed, expected = (self._cbuf.data.released, self._cbuf.weights.released), self._freed[self._closed]
        assert freed == expected, report(
            f"layer {self._closed} ends with {freed} data and weight entries freed, {expected} were expected"
        )
        loaded = self._cbuf.data.written, self._cbuf.weights.written
        assert all(seen >= least for seen, least in zip(loaded, self._loaded[self._closed], strict=True)), report(
            f"layer {self._closed} ends with {loaded} data and weight entries loaded of {self._loaded[self._closed]}"
        )
        self._closed += 1

    def _open(self) -> None:
        """Begin with the next layer when the one before is in the rings and its banks are granted."""
        emptied = False, False
        if self._layers and self._data.filled and self._weights.filled and self._cbuf.grants(*self._layers[0][1]):
            case, banks = self._layers.pop(0)
            emptied = self._cbuf.empties(*banks)
            self._cbuf.open(*banks)
            self._data.fill(case.data_entries)
            self._weights.fill(case.weight_entries)
        for handle, value in zip(self._emptied, emptied, strict=True):
            handle.value = int(value)


class MacSide:
    """Takes data and weights as fast as nvdla_cmac_array can: two tiles, each filled and then used."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.atoms = 0
        self.first_cycle = self.last_cycle = 0

    async def run(self) -> None:
        """Work for ever; counts the atoms and notes the cycles of the first and of the last one."""
        dut, edge, cycle = self._dut, RisingEdge(self._dut.clk), 0
        full = 0
        while True:
            await edge
            cycle += 1
            if dut.wt_valid.value == 1 and dut.wt_ready.value == 1:
                full += int(dut.wt_last.value)
            if dut.dat_valid.value == 1 and dut.dat_ready.value == 1:
                self.atoms += 1
                self.first_cycle = self.first_cycle or cycle
                self.last_cycle = cycle
                full -= int(dut.dat_stripe_last.value)
            dut.wt_ready.value = int(full < 2)
            dut.dat_ready.value = int(full > 0)
