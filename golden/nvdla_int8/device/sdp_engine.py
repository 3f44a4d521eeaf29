"""Layers that SDP ends: convolutions, and passes from memory to memory."""

from collections.abc import Container
from typing import ClassVar

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import Blocks, LayerRegisters
from nvdla_int8.device.checks import check_layer
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.engine import Engine, Needs
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.device.weight_ring import WeightRing
from nvdla_int8.surfaces.memory import Memory

CONVOLUTION_BLOCKS = ("CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC")
SATURATION_COUNT = "SDP.D_PERF_OUT_SATURATION"


class SdpEngine(Engine):
    """Runs SDP with or without a convolution before it; see :class:`Engine` for the parameters."""

    leader: ClassVar[str] = "SDP"
    own: ClassVar[tuple[str, ...]] = (*CONVOLUTION_BLOCKS, "SDP_RDMA", "SDP")

    def __init__(self, blocks: Blocks, build: Build, *, strict: bool, tolerated: Container[str]) -> None:
        super().__init__(blocks, build, strict=strict, tolerated=tolerated)
        self._weight_ring = WeightRing()
        self._uncounted: set[int] = set()

    def needs(self) -> Needs:
        """SDP, and what delivers to it."""
        sdp = SdpLayer(self.blocks.layer(("SDP",)), self.build)
        return Needs((*(CONVOLUTION_BLOCKS if sdp.flying else ()), *(("SDP_RDMA",) if sdp.reads_memory else ()), "SDP"))

    def end_idle(self) -> bool:
        """SDP_RDMA with nothing to fetch ends its layer by itself."""
        if not self.blocks.enabled("SDP_RDMA"):
            return False
        field = self.blocks.layer(("SDP_RDMA",)).field
        flying = field("SDP_RDMA.D_FEATURE_MODE_CFG.FLYING_MODE")
        streams = any(not field(f"SDP_RDMA.D_{dma}_CFG.{dma}_DISABLE") for dma in ("BRDMA", "NRDMA"))
        if not flying or streams:
            return False
        self.blocks["SDP_RDMA"].finish()
        return True

    def pending(self) -> bool:
        """As :meth:`Engine.pending`; SDP_RDMA alone may belong to a layer that is far ahead."""
        return any(self.blocks.enabled(name) for name in self.own if name != "SDP_RDMA")

    def check(self, registers: LayerRegisters) -> list[Diagnostic]:
        """All findings; E6, E7 and E10 by the convolutions so far."""
        return check_layer(registers, self.build, self._weight_ring, strict=self.strict, tolerated=self.tolerated)

    def run(self, registers: LayerRegisters, memory: Memory, diagnostics: tuple[Diagnostic, ...]) -> LayerRun:
        """Run the convolution, if there is one, and the pass."""
        sdp = SdpLayer(registers, self.build)
        layer = ConvolutionLayer(registers, self.build) if sdp.flying else None
        convolution = layer.run(memory) if layer else None
        result = sdp.run(memory, convolution.delivered if convolution else None)
        sdp.destination_surface().write(memory, result.output)
        if layer is not None:
            self._weight_ring = self._weight_ring.after(registers, self.build)
        group = self.blocks["SDP"].consumer
        # A layer that does not count leaves what an earlier one of its group counted, E9.
        counters = {SATURATION_COUNT: result.hardware_saturation} if sdp.counts_saturation else {}
        self._uncounted = self._uncounted - {group} if counters else self._uncounted | {group}
        return LayerRun(
            "SDP",
            group,
            registers,
            sdp.destination_surface(),
            layer.macs if layer else 0,
            convolution,
            result,
            counters,
            diagnostics,
        )

    def stale_count(self, group: int) -> list[Diagnostic]:
        """E9, when a group's saturation count is that of an earlier layer."""
        if group not in self._uncounted or self.build.name != "nv_small":
            return []
        text = (
            f"the last layer of group {group} did not count (PERF_SAT_EN = 0): "
            "the hardware keeps what an earlier one of this group counted"
        )
        return [Diagnostic("E9", SATURATION_COUNT, text, error=self.strict and "E9" not in self.tolerated)]
