"""Bench of nvdla_csb_slave: every access reaches its block, answers come in order, one access a cycle."""

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, assert_resolved, report, resolved
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.registers.register_map import WORD_MASK, load_register_map
from nvdla_int8.registers.rtl_ports import CSB_BLOCKS
from nvdla_int8.seeds import generator

CYCLES = 3000
PAGE_BYTES = 0x1000
INPUTS = ("valid", "addr", "wdat", "write", "nposted")
CONTROL = ("csb2nvdla_ready", "nvdla2csb_valid", "nvdla2csb_data", "nvdla2csb_wr_complete", "csb_valid")
OUTPUTS = (*CONTROL, "csb_write", "csb_addr", "csb_wdata")
PAGES = {block.base // PAGE_BYTES: name for name, block in load_register_map().items()}


@dataclass(frozen=True)
class _Access:
    """One access; ``addr`` counts words, ``words`` are what the blocks answer if it reaches them."""

    addr: int
    wdat: int
    write: bool
    nposted: bool
    words: tuple[int, ...]

    @property
    def block(self) -> int | None:
        """Which block is addressed; None for an address of no block."""
        name = PAGES.get(self.addr * 4 // PAGE_BYTES)
        return None if name is None else CSB_BLOCKS.index(name)

    def at_block(self) -> dict[str, int]:
        """What the blocks must see."""
        return {
            "csb_valid": 0 if self.block is None else 1 << self.block,
            "csb_write": self.write,
            "csb_addr": self.addr % (PAGE_BYTES // 4),
            "csb_wdata": self.wdat,
        }

    def answer(self) -> dict[str, int]:
        """What must come back a cycle later."""
        read = not self.write
        word = 0 if self.block is None else self.words[self.block]
        answer = {"nvdla2csb_valid": read, "nvdla2csb_wr_complete": self.write and self.nposted}
        return answer | ({"nvdla2csb_data": word} if read else {})


IDLE = {"csb_valid": 0}
NO_ANSWER = {"nvdla2csb_valid": 0, "nvdla2csb_wr_complete": 0}


def _random_access(random: np.random.Generator) -> _Access:
    # All 64 pages of 16 address bits: a block must not answer where only some bits are its own.
    page = int(random.choice([*PAGES, *random.integers(0, 64, 4)]))
    offset = int(random.choice([0, PAGE_BYTES // 4 - 1, *random.integers(0, PAGE_BYTES // 4, 2)]))
    words = random.integers(0, WORD_MASK, len(CSB_BLOCKS) + 1, endpoint=True).tolist()
    return _Access(
        addr=page * (PAGE_BYTES // 4) + offset,
        wdat=words.pop(),
        write=random.random() < 0.5,
        nposted=random.random() < 0.5,
        words=tuple(words),
    )


def _drive(dut: Any, access: _Access | None) -> None:
    dut.csb2nvdla_valid.value = access is not None
    if access:
        for name in INPUTS[1:]:
            getattr(dut, f"csb2nvdla_{name}").value = int(getattr(access, name))


def _answer_as_blocks(dut: Any, access: _Access) -> None:
    dut.csb_rdata.value = sum(word << (32 * index) for index, word in enumerate(access.words))


@cocotb.test()
async def accesses_back_to_back_and_apart(dut: Any) -> None:
    """Reads, posted and non-posted writes to all blocks and to none; the cycle of every answer."""
    random = generator(run_seed(), "csb_slave")
    await reset(dut, (*(f"csb2nvdla_{name}" for name in INPUTS), "csb_rdata"), CONTROL)
    widths = {name: len(getattr(dut, name)) for name in OUTPUTS}
    comparison = Comparison()
    offered: _Access | None = None
    at_block: _Access | None = None
    answered: _Access | None = None
    reached: set[int | None] = set()
    rate = 1.0
    for cycle in range(CYCLES):
        if cycle % 50 == 0:
            rate = float(random.choice([1.0, 0.5, 0.1]))
        offered = _random_access(random) if random.random() < rate else None
        _drive(dut, offered)
        # Blocks that are not addressed hold other words every cycle.
        _answer_as_blocks(dut, at_block or _random_access(random))
        await RisingEdge(dut.clk)
        expected = {
            "csb2nvdla_ready": 1,
            **(at_block.at_block() if at_block else IDLE),
            **(answered.answer() if answered else NO_ANSWER),
        }
        actual = {name: resolved(getattr(dut, name)) for name in OUTPUTS}
        comparison.check({"cycle": cycle}, expected, actual, widths | {"cycle": 32})
        if at_block:
            reached.add(at_block.block)
        at_block, answered = offered, at_block
    assert reached == {None, *range(len(CSB_BLOCKS))}, report(f"only blocks {reached} were reached")
    comparison.finish()


@cocotb.test()
async def reset_takes_no_access(dut: Any) -> None:
    """In reset nothing is ready, and an access under way is forgotten."""
    random = generator(run_seed(), "csb_slave", "reset")
    await reset(dut, (*(f"csb2nvdla_{name}" for name in INPUTS), "csb_rdata"), CONTROL)
    access = _Access(load_register_map()["CSC"].base // 4, 0, write=False, nposted=False, words=(WORD_MASK,) * 8)
    for delay in range(3):
        _drive(dut, access)
        await ClockCycles(dut.clk, 1)
        _drive(dut, None)
        await ClockCycles(dut.clk, delay)
        dut.rst_n.value = 0
        _drive(dut, _random_access(random))
        await ClockCycles(dut.clk, 2)
        assert dut.csb2nvdla_ready.value == 0, report("ready is high in reset")
        dut.rst_n.value = 1
        await ClockCycles(dut.clk, 1)
        # Not ready yet in that cycle, so nothing was taken.
        _drive(dut, None)
        for _ in range(4):
            await RisingEdge(dut.clk)
            assert_resolved(dut, CONTROL)
            for name in ("csb_valid", *NO_ANSWER):
                assert getattr(dut, name).value == 0, report(f"{name} is high after a reset")
