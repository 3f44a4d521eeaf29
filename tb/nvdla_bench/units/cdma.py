"""Bench of nvdla_cdma: layers in both groups, what they fetch, and what they need not fetch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.block_csb import CSB_INPUTS, BlockCsb
from nvdla_bench.units.support.cdma_layer import random_memory
from nvdla_bench.units.support.cdma_sequence import NOTHING, Layer, LayerSequence, Words, has_field, with_fields
from nvdla_bench.units.support.comparison import Comparison, check_beats, report, resolved
from nvdla_bench.units.support.read_answers import ReadAnswers
from nvdla_bench.units.support.unit_build import unit_build
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator
from nvdla_int8.stages.widths import FEATURE
from nvdla_int8.surfaces.memory import Memory

ROUNDS = 12
LATENCIES_CYCLES = (1, 20, 150)
RINGS = {"dat": "cbuf_dat_wr", "wt": "cbuf_wt_wr"}
"""The fetches, and the streams that they write."""

INPUTS = (
    *CSB_INPUTS, "cbuf_open_ready", "cbuf_dat_emptied", "cbuf_wt_emptied",
    *(f"{fetch}_rd_{signal}" for fetch in RINGS for signal in ("req_ready", "rsp_valid", "rsp_data")),
    *(f"{stream}_ready" for stream in RINGS.values()),
)  # fmt: skip
OUTPUTS = (
    "csb_rdata", "cbuf_open_valid", "dat_done", "wt_done", "group",
    *(f"{fetch}_rd_req_valid" for fetch in RINGS), *(f"{stream}_valid" for stream in RINGS.values()),
)  # fmt: skip


@dataclass(frozen=True)
class _End:
    """The end of a fetch: of which group, entries its ring had taken, cycles since the group opened the rings."""

    fetch: str
    group: int
    taken: int
    cycles: int


class _Ends:
    """Ends of fetches as they come."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.seen: list[_End] = []
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
        edge, cycles = RisingEdge(dut.clk), 0
        while True:
            await edge
            cycles += 1
            for fetch, valid, ready in writes:
                if done[fetch].value == 1:
                    self.seen.append(_End(fetch, int(dut.group.value), self._taken[fetch], cycles))
                self._taken[fetch] += int(valid.value == 1 and ready.value == 1)
            if dut.cbuf_open_valid.value == 1 and dut.cbuf_open_ready.value == 1:
                cycles = 0


async def _tell_emptied(dut: Any) -> None:
    """Tell in the cycle that opens the rings which of them that empties, as the CBUF does."""
    last: tuple[int | None, int | None] = None, None
    while True:
        await FallingEdge(dut.clk)
        banks = resolved(dut.cbuf_open_data_bank), resolved(dut.cbuf_open_weight_bank)
        opening = dut.cbuf_open_valid.value == 1 and dut.cbuf_open_ready.value == 1
        dut.cbuf_dat_emptied.value = int(opening and banks[0] != last[0])
        dut.cbuf_wt_emptied.value = int(opening and banks != last)
        if opening:
            last = banks


class _Bench:
    """The unit, its memory, and software that hands over two layers at a time."""

    def __init__(self, dut: Any, random: np.random.Generator, memory: Memory, memory_atom: int) -> None:
        self._csb = BlockCsb(dut, "CDMA")
        self._answers = [ReadAnswers(dut, f"{fetch}_rd", memory, memory_atom, random) for fetch in RINGS]
        self._ends = _Ends(dut)
        sinks = {f"{fetch}_rd_req": ["addr"] for fetch in RINGS} | {stream: ["data"] for stream in RINGS.values()}
        self._streams = UnitStreams(dut, {}, sinks | {"cbuf_open": ["data_bank", "weight_bank"]})
        self._comparison = Comparison()
        cocotb.start_soon(_tell_emptied(dut))

    async def run(self, words: Sequence[Words], layers: Sequence[Layer]) -> None:
        """Run two layers in groups 0 and 1, and compare what they fetch and when they end."""
        self._ends.forget()
        for answer in self._answers:
            answer.draw(LATENCIES_CYCLES)
        for group in (0, 1):
            await self._csb.program(group, words[group])
        # The group whose turn it is comes last: the other one must wait for it.
        await self._csb.write("D_OP_ENABLE", 1)
        await self._csb.program(0, {})
        await self._csb.write("D_OP_ENABLE", 1)
        await self._compare(words, layers)
        _check_ends(self._ends.seen, layers)
        for register in ("S_STATUS", "D_OP_ENABLE"):
            left = await self._csb.read(register)
            assert left == 0, report(f"{register} is {left} behind both layers")

    def finish(self) -> None:
        self._comparison.finish()
        self._streams.finish()

    async def _compare(self, words: Sequence[Words], layers: Sequence[Layer]) -> None:
        entries = {fetch: [entry for layer in layers for entry in layer[fetch].entries.values] for fetch in RINGS}
        expected = {
            **{f"{fetch}_rd_req": sum(layer[fetch].atoms for layer in layers) for fetch in RINGS},
            **{stream: len(entries[fetch]) for fetch, stream in RINGS.items()},
            "cbuf_open": len(layers),
        }
        out = await self._streams.run({}, expected)
        for fetch, stream in RINGS.items():
            if entries[fetch]:
                check_beats(self._comparison, {}, {stream: (np.array(entries[fetch]), FEATURE)}, out[stream])
        banks = [tuple(has_field(layer, f"D_BANK.{ring}_BANK") for ring in ("DATA", "WEIGHT")) for layer in words]
        assert out["cbuf_open"] == banks, report(f"the rings were opened with {out['cbuf_open']}, D_BANK held {banks}")


def _check_ends(seen: Sequence[_End], layers: Sequence[Layer]) -> None:
    """Both fetches end in group 0, in any order, and then in group 1; those of nothing in their first cycle."""
    taken = dict.fromkeys(RINGS, 0)
    expected = []
    for group, layer in enumerate(layers):
        for fetch in RINGS:
            taken[fetch] += len(layer[fetch].entries.values)
            expected.append((fetch, group, taken[fetch], layer[fetch] is NOTHING))
    ends = [(end.fetch, end.group, end.taken, end.cycles == 1) for end in seen]
    ordered = [event for group in range(0, len(ends), len(RINGS)) for event in sorted(ends[group : group + len(RINGS)])]
    assert ordered == expected, report(f"fetches ended as (fetch, group, entries, at once) {ends}, expected {expected}")


async def _start(dut: Any, name: str) -> tuple[_Bench, LayerSequence]:
    random = generator(run_seed(), name)
    build = unit_build()
    memory = random_memory(random)
    await reset(dut, INPUTS, OUTPUTS)
    return _Bench(dut, random, memory, build.memory_atom), LayerSequence(random, build, memory)


@cocotb.test()
async def groups_under_stalls(dut: Any) -> None:
    """Pairs of layers in both groups: the rings are opened, entries follow in order, every fetch ends once."""
    bench, sequence = await _start(dut, "cdma")
    for _ in range(ROUNDS):
        words = [sequence.draw() for _ in range(2)]
        await bench.run(words, [sequence.follow(layer) for layer in words])
    bench.finish()


LEFT, TAKEN = ("SKIP_DATA_RLS", "SKIP_WEIGHT_RLS"), ("DATA_REUSE", "WEIGHT_REUSE")
BROKEN: dict[str, tuple[str, ...]] = {
    "": (),
    "DATA_REUSE": ("dat",),
    "WEIGHT_REUSE": ("wt",),
    "SKIP_DATA_RLS": ("dat",),
    "SKIP_WEIGHT_RLS": ("wt",),
    "DATAIN_FORMAT": ("dat",),
    "DATA_BANK": ("dat", "wt"),
    "WEIGHT_BANK": ("wt",),
}
"""What the second of two layers fetches when one condition of reuse.md's steps 4 and 5 does not hold, or all do."""


@cocotb.test()
async def kept_input_and_weights_are_not_fetched(dut: Any) -> None:
    """A layer takes all that the one before left; then each condition for that is broken alone."""
    bench, sequence = await _start(dut, "cdma reuse")
    for broken, fetched in BROKEN.items():
        first = sequence.draw()
        kind = has_field(first, "D_DATAIN_FORMAT.DATAIN_FORMAT")
        second = sequence.draw(kind=1 - kind if broken == "DATAIN_FORMAT" else kind)
        second["CDMA.D_BANK"] = first["CDMA.D_BANK"]
        if broken.endswith("_BANK"):
            second = with_fields(second, "D_BANK", {broken: has_field(first, f"D_BANK.{broken}") ^ 1})
        left, taken = ({name: int(name != broken) for name in names} for names in (LEFT, TAKEN))
        words = [
            with_fields(first, "D_MISC_CFG", dict.fromkeys(TAKEN, 0) | left),
            with_fields(second, "D_MISC_CFG", taken | dict.fromkeys(LEFT, 0)),
        ]
        layers = [sequence.follow(layer) for layer in words]
        assert [name for name in RINGS if layers[1][name] is not NOTHING] == [*fetched]
        await bench.run(words, layers)
    bench.finish()
