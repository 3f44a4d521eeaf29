"""Layers that PDP reads from memory; those behind SDP are SDP's, see :mod:`nvdla_int8.device.sdp_engine`."""

from typing import ClassVar

from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cbuf_contents import CbufContents
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.engine import Engine, Needs
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.pooling_checks import PoolingChecks
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.device.run_layer import run_layer, write_output
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.surfaces.memory import Memory


class PoolingEngine(Engine):
    """Runs PDP behind PDP_RDMA; see :class:`Engine` for the parameters."""

    leader: ClassVar[str] = "PDP"
    own: ClassVar[tuple[str, ...]] = ("PDP_RDMA", "PDP")

    def needs(self) -> Needs:
        """PDP and what delivers to it; a flying layer is part of SDP's, which runs it."""
        if not PoolingLayer(self.blocks.layer(("PDP",)), self.build).flying:
            return Needs(("PDP_RDMA", "PDP"))
        sdp = self.blocks.turn("SDP")
        if SdpLayer(self.blocks.layer(("SDP",)), self.build).feeds_pooling:
            return Needs(("SDP", "PDP"), f"{sdp}, which delivers to it, does not start")
        return Needs(("SDP", "PDP"), f"{sdp} writes to memory (SDP.D_FEATURE_MODE_CFG.OUTPUT_DST = 0)")

    def check(self, registers: LayerRegisters) -> list[Diagnostic]:
        """All findings."""
        return list(PoolingChecks(registers, self.build, strict=self.strict, tolerated=self.tolerated).find())

    def run(self, registers: LayerRegisters, memory: Memory, diagnostics: tuple[Diagnostic, ...]) -> LayerRun:
        """Read, pool, write."""
        parts = run_layer(registers, self.build, memory, CbufContents())
        return LayerRun(
            writer="PDP",
            group=self.blocks["PDP"].consumer,
            registers=registers,
            destination=parts.destination,
            overwritten=write_output(memory, parts.destination, parts.output).before,
            read_elements=parts.read_elements,
            pooling=parts.pooling,
            diagnostics=diagnostics,
        )
