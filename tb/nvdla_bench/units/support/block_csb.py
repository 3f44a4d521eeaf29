"""Register accesses of one block under test, and layers that software keeps in its two groups."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cocotb.triggers import ClockCycles, RisingEdge

from nvdla_bench.units.support.comparison import report, resolved
from nvdla_int8.device.blocks import IDLE
from nvdla_int8.registers.register_map import find_register, load_register_map, pack, unpack

CSB_INPUTS = ("csb_valid", "csb_write", "csb_addr", "csb_wdata")
POLL_CYCLES = 8
MOST_POLLS = 2000


async def all_ended(dut: Any, programming: Any, most_cycles: int) -> None:
    """Wait until :meth:`BlockCsb.run_layers`, as a task, has seen every layer end; fail when it takes longer."""
    for _ in range(0, most_cycles, POLL_CYCLES):
        if programming.done():
            break
        await ClockCycles(dut.clk, POLL_CYCLES)
    assert programming.done(), report("the last layer's group does not become idle")
    programming.result()


class BlockCsb:
    """Accesses by register name through a block's ``csb_*`` ports, one a cycle."""

    def __init__(self, dut: Any, block: str) -> None:
        self._dut = dut
        self._block = block
        self._base = load_register_map()[block].base

    async def write(self, register: str, word: int) -> None:
        """Write one register, for example ``S_POINTER``."""
        await self._access(register, word)
        self._dut.csb_valid.value = 0

    async def read(self, register: str) -> int:
        """Read one register; an X fails."""
        await self._access(register, None)
        word = resolved(self._dut.csb_rdata)
        self._dut.csb_valid.value = 0
        assert word is not None, report(f"{register} reads X")
        return word

    async def _access(self, register: str, word: int | None) -> None:
        address = find_register(f"{self._block}.{register}").address
        self._dut.csb_valid.value = 1
        self._dut.csb_write.value = int(word is not None)
        self._dut.csb_addr.value = (address - self._base) // 4
        self._dut.csb_wdata.value = word or 0
        await RisingEdge(self._dut.clk)

    async def program(self, group: int, registers: Mapping[str, int]) -> None:
        """Write a group's registers, by ``BLOCK.REGISTER``; those of other blocks are left out."""
        await self.write("S_POINTER", pack(f"{self._block}.S_POINTER", PRODUCER=group))
        for name, word in registers.items():
            block, _, register = name.partition(".")
            if block == self._block:
                await self.write(register, word)

    async def run_layers(
        self, programs: Sequence[Mapping[str, int]], ended: Callable[[int, int], None] = lambda _index, _count: None
    ) -> None:
        """Run layers in groups 0 and 1 in turn; each is handed over while the one before may still run.

        Parameters
        ----------
        programs
            Register values as :meth:`program` takes them.
        ended
            Called with a layer's index and its D_PERF_OUT_SATURATION, 0 for a block without, once
            its group is idle.
        """
        for index, program in enumerate(programs):
            if index >= 2:
                await self._wait(index - 2, ended)
            await self.program(index % 2, program)
            await self.write("D_OP_ENABLE", 1)
        for index in range(max(0, len(programs) - 2), len(programs)):
            await self._wait(index, ended)

    async def _wait(self, index: int, ended: Callable[[int, int], None]) -> None:
        group = index % 2
        for _ in range(MOST_POLLS):
            if unpack(f"{self._block}.S_STATUS", await self.read("S_STATUS"), f"STATUS_{group}") == IDLE:
                break
            await ClockCycles(self._dut.clk, POLL_CYCLES)
        else:
            raise AssertionError(report(f"layer {index} does not end"))
        await self.write("S_POINTER", pack(f"{self._block}.S_POINTER", PRODUCER=group))
        counts = "D_PERF_OUT_SATURATION" in load_register_map()[self._block].registers
        ended(index, await self.read("D_PERF_OUT_SATURATION") if counts else 0)
