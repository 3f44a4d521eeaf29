"""Bench of nvdla_cdma."""

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.cdma_layer import (
    FetchedLayer,
    input_layer,
    random_input,
    random_memory,
    random_weights,
    register_words,
    unit_build,
    weight_layer,
)
from nvdla_bench.units.support.comparison import Comparison, check_beats, report, resolved
from nvdla_bench.units.support.read_answers import ReadAnswers
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.registers.register_map import find_register, unpack
from nvdla_int8.seeds import generator
from nvdla_int8.stages.widths import FEATURE

ROUNDS = 12
LATENCIES_CYCLES = (1, 20, 150)
RINGS = {"dat": "cbuf_dat_wr", "wt": "cbuf_wt_wr"}
"""The fetches, and the streams that they write."""

INPUTS = (
    "csb_valid", "csb_write", "csb_addr", "csb_wdata", "cbuf_open_ready",
    *(f"{fetch}_rd_{signal}" for fetch in RINGS for signal in ("req_ready", "rsp_valid", "rsp_data")),
    *(f"{stream}_ready" for stream in RINGS.values()),
)  # fmt: skip
OUTPUTS = (
    "csb_rdata", "cbuf_open_valid", "dat_done", "wt_done", "group",
    *(f"{fetch}_rd_req_valid" for fetch in RINGS), *(f"{stream}_valid" for stream in RINGS.values()),
)  # fmt: skip


class _Csb:
    """Writes and reads CDMA's registers."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut

    async def write(self, register: str, word: int) -> None:
        self._address(register)
        self._dut.csb_wdata.value = word
        self._dut.csb_valid.value = self._dut.csb_write.value = 1
        await RisingEdge(self._dut.clk)
        self._dut.csb_valid.value = self._dut.csb_write.value = 0

    async def read(self, register: str) -> int | None:
        self._address(register)
        await RisingEdge(self._dut.clk)
        return resolved(self._dut.csb_rdata)

    def _address(self, register: str) -> None:
        self._dut.csb_addr.value = find_register(register).address // 4 % (1 << len(self._dut.csb_addr))


class _Events:
    """Ends of fetches: which, of which group, and how many entries its ring had taken by then."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.seen: list[tuple[str, int, int]] = []
        self._taken = dict.fromkeys(RINGS, 0)
        cocotb.start_soon(self._watch())

    def forget(self) -> None:
        self.seen, self._taken = [], dict.fromkeys(RINGS, 0)

    async def _watch(self) -> None:
        dut = self._dut
        writes = [
            (fetch, getattr(dut, f"{name}_valid"), getattr(dut, f"{name}_ready")) for fetch, name in RINGS.items()
        ]
        done = {fetch: getattr(dut, f"{fetch}_done") for fetch in RINGS}
        edge = RisingEdge(dut.clk)
        while True:
            await edge
            for fetch, valid, ready in writes:
                if done[fetch].value == 1:
                    self.seen.append((fetch, int(dut.group.value), self._taken[fetch]))
                self._taken[fetch] += int(valid.value == 1 and ready.value == 1)


Layer = dict[str, FetchedLayer]
"""What each fetch of a layer brings."""


@cocotb.test()
async def groups_under_stalls(dut: Any) -> None:
    """Pairs of layers in both groups: the rings are opened, entries follow in order, every fetch ends once."""
    random = generator(run_seed(), "cdma")
    parameters = run_parameters()
    build = unit_build(parameters["MEMORY_ATOM"], parameters["ATOMIC_C"])
    await reset(dut, INPUTS, OUTPUTS)
    csb = _Csb(dut)
    memory = random_memory(random)
    answers = [ReadAnswers(dut, f"{fetch}_rd", memory, build.memory_atom, random) for fetch in RINGS]
    events = _Events(dut)
    sinks = {f"{fetch}_rd_req": ["addr"] for fetch in RINGS} | {stream: ["data"] for stream in RINGS.values()}
    bench = UnitStreams(dut, {}, sinks | {"cbuf_open": ["data_bank", "weight_bank"]})
    comparison = Comparison()
    for _ in range(ROUNDS):
        fields = [random_input(random, build) | random_weights(random, build) for _ in range(2)]
        words = [register_words(random, layer) for layer in fields]
        layers = [
            {"dat": input_layer(layer, memory, build), "wt": weight_layer(layer, memory, build)} for layer in words
        ]
        events.forget()
        for answer in answers:
            answer.draw(LATENCIES_CYCLES)
        for group in (0, 1):
            await csb.write("CDMA.S_POINTER", group)
            for register, word in words[group].items():
                await csb.write(register, word)
        # The group whose turn it is comes last: the other one must wait for it.
        await csb.write("CDMA.D_OP_ENABLE", 1)
        await csb.write("CDMA.S_POINTER", 0)
        await csb.write("CDMA.D_OP_ENABLE", 1)
        await _compare(bench, comparison, words, layers)
        _check_ends(events.seen, layers)
        for register in ("CDMA.S_STATUS", "CDMA.D_OP_ENABLE"):
            left = await csb.read(register)
            assert left == 0, report(f"{register} is {left} behind both layers")
    comparison.finish()
    bench.finish()


async def _compare(
    bench: UnitStreams, comparison: Comparison, words: list[dict[str, int]], layers: list[Layer]
) -> None:
    entries = {fetch: np.concatenate([layer[fetch].entries.values for layer in layers]) for fetch in RINGS}
    expected = {
        **{f"{fetch}_rd_req": sum(layer[fetch].atoms for layer in layers) for fetch in RINGS},
        **{stream: len(entries[fetch]) for fetch, stream in RINGS.items()},
        "cbuf_open": len(layers),
    }
    out = await bench.run({}, expected)
    for fetch, stream in RINGS.items():
        check_beats(comparison, {}, {stream: (entries[fetch], FEATURE)}, out[stream])
    banks = [
        tuple(unpack("CDMA.D_BANK", layer["CDMA.D_BANK"], field) for field in ("DATA_BANK", "WEIGHT_BANK"))
        for layer in words
    ]
    assert out["cbuf_open"] == banks, report(f"the rings were opened with {out['cbuf_open']}, D_BANK held {banks}")


def _check_ends(seen: list[tuple[str, int, int]], layers: list[Layer]) -> None:
    """Both fetches end in group 0, in any order, and then in group 1."""
    taken = dict.fromkeys(RINGS, 0)
    expected = []
    for group, layer in enumerate(layers):
        for fetch in RINGS:
            taken[fetch] += len(layer[fetch].entries.values)
            expected.append((fetch, group, taken[fetch]))
    ordered = [event for group in range(0, len(seen), len(RINGS)) for event in sorted(seen[group : group + len(RINGS)])]
    assert ordered == expected, report(f"fetches ended as (fetch, group, entries) {seen}, expected {expected}")
