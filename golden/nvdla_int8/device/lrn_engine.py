"""Layers of CDP, and when software may touch its tables (pdp_cdp.md section 7)."""

from collections.abc import Container
from typing import ClassVar

from nvdla_int8.build import Build
from nvdla_int8.device.all_blocks import Blocks
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cbuf_contents import CbufContents
from nvdla_int8.device.cdp_block import DATA, LUT_REGISTERS
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.engine import Engine, Needs
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.lrn_checks import LrnChecks
from nvdla_int8.device.run_layer import run_layer, write_output
from nvdla_int8.stages.lrn import LutCounts
from nvdla_int8.surfaces.memory import Memory

SHOW_THE_END = ("CDP.S_STATUS", "CDP.S_POINTER", "CDP.D_OP_ENABLE")
"""Registers that tell software, when it reads them, whether a layer has ended."""


class LrnEngine(Engine):
    """Runs CDP behind CDP_RDMA; see :class:`Engine` for the parameters."""

    leader: ClassVar[str] = "CDP"
    own: ClassVar[tuple[str, ...]] = ("CDP_RDMA", "CDP")

    def __init__(self, blocks: Blocks, build: Build, *, strict: bool, tolerated: Container[str]) -> None:
        super().__init__(blocks, build, strict=strict, tolerated=tolerated)
        self._end_unseen = False

    def needs(self) -> Needs:
        """Both blocks."""
        return Needs(self.own)

    def check(self, registers: LayerRegisters) -> list[Diagnostic]:
        """All findings."""
        return list(LrnChecks(registers, self.build).find())

    def run(self, registers: LayerRegisters, memory: Memory, diagnostics: tuple[Diagnostic, ...]) -> LayerRun:
        """Read, normalise, write."""
        entries = self.blocks.cdp.entries
        parts = run_layer(registers, self.build, memory, CbufContents(), entries)
        assert parts.lrn is not None, "a layer of CDP"
        self._end_unseen = True
        return LayerRun(
            writer="CDP",
            group=self.blocks["CDP"].consumer,
            registers=registers,
            destination=parts.destination,
            overwritten=write_output(memory, parts.destination, parts.output).before,
            read_elements=parts.read_elements,
            lrn=parts.lrn,
            lut=entries,
            counters=_counters(parts.lrn.counts),
            diagnostics=diagnostics,
        )

    def about_write(self, name: str, word: int) -> list[Diagnostic]:
        """Tables that change under a layer, or an access beside or against their entries."""
        register = name.removeprefix("CDP.")
        if name == register or not register.startswith(LUT_REGISTERS):
            return []
        where = f"{name} = {word:#x}"
        enabled = [group for group in (0, 1) if self.blocks.cdp.enabled(group)]
        if enabled:
            text = f"CDP group {enabled[0]} is enabled, and the tables are not double-buffered: they act at once"
            return [Diagnostic("LUT", where, text, error=True)]
        found = self._running(where) + (self._beside(name, error=True) if register == DATA else [])
        if register == DATA and not self.blocks.cdp.lut_writes:
            text = "CDP.S_LUT_ACCESS_CFG.LUT_ACCESS_TYPE = 0: data written to a reading access are dropped"
            found.append(Diagnostic("lost write", where, text, error=self.strict))
        return found

    def about_read(self, name: str) -> list[Diagnostic]:
        """An access beside the tables."""
        if name in SHOW_THE_END:
            self._end_unseen = False
        return self._beside(name, error=False) if name == f"CDP.{DATA}" else []

    def interrupt_seen(self, interrupt: str) -> None:
        """Software knows that a layer of CDP has ended."""
        if interrupt.startswith("CDP_"):
            self._end_unseen = False

    def _running(self, where: str) -> list[Diagnostic]:
        """A change right after a layer was started, which the hardware is still at; told once."""
        if not self._end_unseen:
            return []
        self._end_unseen = False
        text = (
            "software has not waited for CDP's layer, neither for its interrupt nor by CDP.S_STATUS: on a board it may "
            "still run, and the tables change under it"
        )
        return [Diagnostic("LUT", where, text, error=self.strict)]

    def _beside(self, name: str, *, error: bool) -> list[Diagnostic]:
        table, address, last = self.blocks.cdp.lut_place
        if address <= last:
            return []
        where = f"CDP.S_LUT_ACCESS_CFG.LUT_ADDR = {address}"
        text = f"{name} is accessed, but table {table} ends at {last}: what the hardware does is not known"
        return [Diagnostic("LUT", where, text, error=error)]


def _counters(counts: LutCounts) -> dict[str, int]:
    return {
        "CDP.D_PERF_LUT_UFLOW": counts.underflow,
        "CDP.D_PERF_LUT_OFLOW": counts.overflow,
        "CDP.D_PERF_LUT_HYBRID": counts.hybrid,
        "CDP.D_PERF_LUT_LE_HIT": counts.le_hit,
        "CDP.D_PERF_LUT_LO_HIT": counts.lo_hit,
    }
