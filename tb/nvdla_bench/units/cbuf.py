"""Bench of nvdla_cbuf: layers that open and close, traffic on both rings in every cycle, changes of the banks."""

from itertools import product
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, report, resolved
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.beats.cbuf import Cbuf, Ring
from nvdla_int8.seeds import generator

RINGS = ("dat", "wt")
CYCLES = 6000
OPEN_RATE, CLOSE_RATE = 0.02, 0.025
# Chances of a write, a read and a release in a cycle: fill, hold, empty.
PHASES = ((0.95, 0.5, 0.01), (0.6, 0.9, 0.3), (0.1, 0.5, 0.6))
PHASE_CYCLES = 90
# Of layers: the same banks, and the same number of data banks.
SAME_RATE, SAME_DATA_RATE = 0.4, 0.7
OUTPUTS = ("open_ready", "opened", "dat_emptied", "wt_emptied")
LATENCY = 3


class _RingSide:
    """Drives one ring at random and compares what it shows in every cycle."""

    def __init__(self, dut: Any, name: str, ring: Ring, random: np.random.Generator, comparison: Comparison) -> None:
        self._handles = {
            port: getattr(dut, f"{name}_{port}")
            for port in (
                "available",
                "wr_valid",
                "wr_ready",
                "wr_data",
                "rd_valid",
                "rd_offset",
                "rd_data",
                "release_valid",
                "release_entries",
            )
        }
        self._name = name
        self._ring = ring
        self._random = random
        self._comparison = comparison
        self._entry_bits = len(self._handles["wr_data"])
        self._written: int | None = None
        self._read: int | None = None
        self._released = 0
        self._due: list[list[int]] = [[] for _ in range(LATENCY)]

    def check(self) -> None:
        """The cycle that ended: counts, room, and the data of the read three cycles before."""
        handles, ring = self._handles, self._ring
        expected = {"available": ring.available, "wr_ready": int(ring.room > 0)}
        widths = {name: len(handles[name]) for name in expected}
        self._comparison.check({}, expected, {name: resolved(handles[name]) for name in expected}, widths)
        # Only the entries that were there: the half of another one may be X.
        shown = str(handles["rd_data"].value)
        for place, entry in enumerate(self._due.pop(0)):
            bits = shown[len(shown) - (place + 1) * self._entry_bits :][: self._entry_bits]
            seen = int(bits, 2) if set(bits) <= {"0", "1"} else None
            name = f"{self._name}_rd_data[{place}]"
            self._comparison.check({}, {name: entry}, {name: seen}, {name: self._entry_bits})

    def apply(self) -> None:
        """Carry out what was driven in the cycle that ended."""
        ring = self._ring
        if self._read is None:
            self._due.append([])
        else:
            words = len(self._handles["rd_data"]) // self._entry_bits
            places = range(self._read, min(self._read + words, ring.available))
            self._due.append([ring.read(place) for place in places])
        if self._written is not None and ring.room:
            ring.write(self._written)
        ring.release(self._released)

    def drive(self, rates: tuple[float, float, float], *, writes: bool, reads: bool) -> None:
        """Drive the next cycle; without reads nothing is released either."""
        handles, ring, random = self._handles, self._ring, self._random
        chance_write, chance_read, chance_release = (random.random() < rate for rate in rates)
        write = chance_write and writes
        self._written = int.from_bytes(random.bytes(self._entry_bits // 8), "little") if write else None
        read = chance_read and reads and ring.available > 0
        self._read = int(random.integers(ring.available)) if read else None
        most = min(ring.available, 1 + ring.size // 4)
        release = chance_release and reads and most
        self._released = int(random.integers(1, most, endpoint=True)) if release else 0
        handles["wr_valid"].value = int(write)
        handles["wr_data"].value = self._written or 0
        handles["rd_valid"].value = int(read)
        handles["rd_offset"].value = self._read or 0
        handles["release_valid"].value = int(self._released > 0)
        handles["release_entries"].value = self._released


def _other_banks(random: np.random.Generator, used: tuple[int, int], banks: int) -> tuple[int, int]:
    """The same banks, other banks for the weights alone, or any."""
    chance = random.random()
    if chance < SAME_RATE:
        return used
    data = used[0] if chance < SAME_DATA_RATE else int(random.integers(1, banks))
    return data, int(random.integers(1, banks - data + 1))


class _Opening:
    """Opens and closes layers at random, and compares what the unit tells of them in every cycle."""

    def __init__(self, dut: Any, cbuf: Cbuf, random: np.random.Generator, comparison: Comparison) -> None:
        self._dut = dut
        self._cbuf = cbuf
        self._random = random
        self._comparison = comparison
        self._used = (1, 1)
        self._opened = self._closing = False
        self._granted = False
        self._emptied = (False, False)
        self.wanted: tuple[int, int] | None = None
        self.met: set[tuple[tuple[bool, bool], tuple[bool, bool]]] = set()
        """What the rings held when they were opened, and which of them that emptied."""

    def check(self) -> None:
        """The cycle that ended; the layer that ends with it is closed."""
        cbuf, wanted = self._cbuf, self.wanted
        if self._closing:
            cbuf.close()
        self._granted = wanted is not None and cbuf.grants(*wanted)
        self._emptied = cbuf.empties(*wanted) if wanted is not None and self._granted else (False, False)
        data, weights = self._emptied
        expected = {"opened": int(self._opened), "dat_emptied": int(data), "wt_emptied": int(weights)}
        if wanted is not None:
            expected["open_ready"] = int(self._granted)
        self._comparison.check(
            {"layers": cbuf.layers, "open_valid": int(wanted is not None)},
            expected,
            {name: resolved(getattr(self._dut, name)) for name in expected},
            {"layers": 2, "open_valid": 1} | dict.fromkeys(expected, 1),
        )

    def apply(self) -> None:
        """Open what was granted in the cycle that ended."""
        cbuf = self._cbuf
        if self.wanted is not None and self._granted:
            self.met.add(((cbuf.data.available > 0, cbuf.weights.available > 0), self._emptied))
            cbuf.open(*self.wanted)
            self._used, self.wanted = self.wanted, None
        self._opened = cbuf.layers > 0

    def drive(self, banks: int) -> None:
        """Drive the next cycle; ``banks`` is how many there are."""
        dut, random = self._dut, self._random
        if self.wanted is None and (not self._opened or random.random() < OPEN_RATE):
            self.wanted = _other_banks(random, self._used, banks)
            dut.open_data_bank.value, dut.open_weight_bank.value = self.wanted[0] - 1, self.wanted[1] - 1
        dut.open_valid.value = int(self.wanted is not None)
        self._closing = self._opened and random.random() < CLOSE_RATE
        dut.close.value = int(self._closing)


@cocotb.test()
async def rings_in_every_phase(dut: Any) -> None:
    """Random traffic on both rings while they fill, stay and empty; layers with the same and other banks."""
    random = generator(run_seed(), "cbuf")
    banks = run_parameters()["CBUF_BANKS"]
    cbuf = Cbuf(banks, run_parameters()["CBUF_BANK_ENTRIES"])
    inputs = ("wr_valid", "wr_data", "rd_valid", "rd_offset", "release_valid", "release_entries")
    ports = ("open_valid", "open_data_bank", "open_weight_bank", "close")
    await reset(
        dut,
        (*ports, *(f"{name}_{port}" for name in RINGS for port in inputs)),
        (*OUTPUTS, *(f"{name}_{port}" for name in RINGS for port in ("available", "wr_ready"))),
    )
    comparison = Comparison()
    rings = {"dat": cbuf.data, "wt": cbuf.weights}
    sides = [_RingSide(dut, name, ring, random, comparison) for name, ring in rings.items()]
    opening = _Opening(dut, cbuf, random, comparison)
    edge = RisingEdge(dut.clk)
    for cycle in range(CYCLES):
        await edge
        for side in sides:
            side.check()
        opening.check()
        for side in sides:
            side.apply()
        opening.apply()
        opening.drive(banks)
        for side in sides:
            rates = PHASES[cycle // PHASE_CYCLES % len(PHASES)]
            side.drive(rates, writes=cbuf.layers > 0 and opening.wanted is None, reads=cbuf.layers > 0)
    comparison.finish()
    for case in product([(True, True)], [(False, False), (False, True), (True, True)]):
        assert case in opening.met, report(f"(data, weights) held and emptied never were {case}")
