"""Layers of SDP: convolutions and passes from memory, to memory or on to PDP."""

from collections.abc import Container
from typing import ClassVar

from nvdla_int8.build import Build
from nvdla_int8.device.all_blocks import Blocks
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cbuf_contents import CbufContents, FoundInCbuf
from nvdla_int8.device.checks import check_layer
from nvdla_int8.device.convolution_layer import Fetch
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.engine import Engine, Needs
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.pooling_checks import PoolingChecks
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.device.run_layer import run_layer, write_output
from nvdla_int8.device.sdp_layer import SdpLayer, SdpResult
from nvdla_int8.surfaces.memory import Memory

CONVOLUTION_BLOCKS = ("CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC")
SATURATION_COUNT = "SDP.D_PERF_OUT_SATURATION"


class SdpEngine(Engine):
    """Runs SDP with or without a convolution before it and PDP behind it; see :class:`Engine` for the parameters."""

    leader: ClassVar[str] = "SDP"
    own: ClassVar[tuple[str, ...]] = (*CONVOLUTION_BLOCKS, "SDP_RDMA", "SDP")

    def __init__(self, blocks: Blocks, build: Build, *, strict: bool, tolerated: Container[str]) -> None:
        super().__init__(blocks, build, strict=strict, tolerated=tolerated)
        self._cbuf = CbufContents()
        self._uncounted: set[int] = set()

    def needs(self) -> Needs:
        """SDP, what delivers to it, and PDP where SDP delivers to that."""
        sdp = self.blocks["SDP"].handed_over().decoded(SdpLayer, self.build)
        before = (*(CONVOLUTION_BLOCKS if sdp.flying else ()), *(("SDP_RDMA",) if sdp.reads_memory else ()))
        if not sdp.feeds_pooling:
            return Needs((*before, "SDP"))
        flying = PoolingLayer(self.blocks.layer(("PDP",)), self.build).flying
        conflict = f"{self.blocks.turn('PDP')} reads memory (PDP.D_OPERATION_MODE_CFG.FLYING_MODE = 1)"
        return Needs((*before, "SDP", "PDP"), "" if flying else conflict)

    def end_idle(self) -> bool:
        """SDP_RDMA with nothing to fetch ends its layer by itself."""
        if not self.blocks.enabled("SDP_RDMA"):
            return False
        field = self.blocks["SDP_RDMA"].handed_over().field
        flying = field("SDP_RDMA.D_FEATURE_MODE_CFG.FLYING_MODE")
        streams = any(not field(f"SDP_RDMA.D_{dma}_CFG.{dma}_DISABLE") for dma in ("BRDMA", "NRDMA"))
        if not flying or streams:
            return False
        self.blocks["SDP_RDMA"].finish()
        return True

    def pending(self) -> bool:
        """As :meth:`Engine.pending`; SDP_RDMA alone may belong to a layer that is far ahead."""
        return any(self.blocks.enabled(name) for name in self.own if name != "SDP_RDMA")

    def described_by(self) -> tuple[str, ...]:
        """As :meth:`Engine.described_by`, with PDP where SDP delivers to it."""
        feeds = SdpLayer(self.blocks.layer(("SDP",)), self.build).feeds_pooling
        return (*self.own, "PDP") if feeds else self.own

    def check(self, registers: LayerRegisters) -> list[Diagnostic]:
        """All findings; of reuse, E6, E7 and E10 by the convolutions so far."""
        found = self._found_by(registers)
        findings = check_layer(registers, self.build, found, strict=self.strict, tolerated=self.tolerated)
        if "PDP" in registers.blocks and not any(finding.error for finding in findings):
            findings += PoolingChecks(registers, self.build, strict=self.strict, tolerated=self.tolerated).find()
        return findings

    def fetch(self, registers: LayerRegisters) -> Fetch | None:
        """As :meth:`Engine.fetch`, by the convolutions so far."""
        found = self._found_by(registers)
        return found.fetch if found else None

    def _found_by(self, registers: LayerRegisters) -> FoundInCbuf | None:
        return self._cbuf.found_by(registers) if registers.decoded(SdpLayer, self.build).flying else None

    def run(self, registers: LayerRegisters, memory: Memory, diagnostics: tuple[Diagnostic, ...]) -> LayerRun:
        """Run the convolution, if there is one, the pass, and the pooling, if there is one."""
        parts = run_layer(registers, self.build, memory, self._cbuf)
        self._cbuf = parts.cbuf
        writer = "PDP" if parts.pooling else "SDP"
        assert parts.sdp is not None, "a layer of SDP"
        return LayerRun(
            writer=writer,
            group=self.blocks[writer].consumer,
            registers=registers,
            destination=parts.destination,
            overwritten=write_output(memory, parts.destination, parts.output).before,
            diagnostics=diagnostics,
            macs=parts.macs,
            counters=self._count(registers.decoded(SdpLayer, self.build), parts.sdp),
            read_elements=parts.read_elements,
            convolution=parts.convolution,
            sdp=parts.sdp,
            pooling=parts.pooling,
        )

    def _count(self, sdp: SdpLayer, result: SdpResult) -> dict[str, int]:
        """A layer that does not count leaves what an earlier one of its group counted, E9."""
        group = self.blocks["SDP"].consumer
        if sdp.counts_saturation:
            self._uncounted.discard(group)
            return {SATURATION_COUNT: result.hardware_saturation}
        self._uncounted.add(group)
        return {}

    def about_read(self, name: str) -> list[Diagnostic]:
        """E9, when the saturation count is that of an earlier layer."""
        group = self.blocks["SDP"].producer
        if name != SATURATION_COUNT or group not in self._uncounted or self.build.name != "nv_small":
            return []
        text = (
            f"the last layer of group {group} did not count (PERF_SAT_EN = 0): "
            "the hardware keeps what an earlier one of this group counted"
        )
        return [Diagnostic("E9", SATURATION_COUNT, text, error=self.strict and "E9" not in self.tolerated)]
