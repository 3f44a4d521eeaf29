"""Layers of CDP, and when software may touch its tables (pdp_cdp.md section 7)."""

from typing import ClassVar

from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cdp_block import DATA, LUT_REGISTERS
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.engine import Engine, Needs
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.lrn_checks import LrnChecks
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.stages.lrn import LutCounts
from nvdla_int8.surfaces.memory import Memory


class LrnEngine(Engine):
    """Runs CDP behind CDP_RDMA; see :class:`Engine` for the parameters."""

    leader: ClassVar[str] = "CDP"
    own: ClassVar[tuple[str, ...]] = ("CDP_RDMA", "CDP")

    def needs(self) -> Needs:
        """Both blocks."""
        return Needs(self.own)

    def check(self, registers: LayerRegisters) -> list[Diagnostic]:
        """All findings."""
        return list(LrnChecks(registers, self.build).find())

    def run(self, registers: LayerRegisters, memory: Memory, diagnostics: tuple[Diagnostic, ...]) -> LayerRun:
        """Read, normalise, write."""
        layer, entries = LrnLayer(registers, self.build), self.blocks.cdp.entries
        stages = layer.run(layer.source_surface().read_lanes(memory), entries)
        destination = layer.destination_surface()
        destination.write(memory, stages.output)
        return LayerRun(
            writer="CDP",
            group=self.blocks["CDP"].consumer,
            registers=registers,
            destination=destination,
            lrn=stages,
            lut=entries,
            counters=_counters(stages.counts),
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
        if register == DATA and not self.blocks.cdp.lut_writes:
            text = "CDP.S_LUT_ACCESS_CFG.LUT_ACCESS_TYPE = 0: data written to a reading access are dropped"
            return [Diagnostic("lost write", where, text, error=self.strict)]
        return self._beside(name) if register == DATA else []

    def about_read(self, name: str) -> list[Diagnostic]:
        """An access beside the tables."""
        return self._beside(name) if name == f"CDP.{DATA}" else []

    def _beside(self, name: str) -> list[Diagnostic]:
        table, address, last = self.blocks.cdp.lut_place
        if address <= last:
            return []
        where = f"CDP.S_LUT_ACCESS_CFG.LUT_ADDR = {address}"
        text = f"{name} is accessed, but table {table} ends at {last}: what the hardware does is not known"
        return [Diagnostic("LUT", where, text, error=True)]


def _counters(counts: LutCounts) -> dict[str, int]:
    return {
        "CDP.D_PERF_LUT_UFLOW": counts.underflow,
        "CDP.D_PERF_LUT_OFLOW": counts.overflow,
        "CDP.D_PERF_LUT_HYBRID": counts.hybrid,
        "CDP.D_PERF_LUT_LE_HIT": counts.le_hit,
        "CDP.D_PERF_LUT_LO_HIT": counts.lo_hit,
    }
