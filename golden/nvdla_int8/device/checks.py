"""Are a layer's registers legal? Every finding names block, register and value (hardware.md sections 3 and 4)."""

from collections.abc import Container, Iterator

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cbuf_checks import CbufChecks
from nvdla_int8.device.cbuf_contents import FoundInCbuf
from nvdla_int8.device.convolution_checks import ConvolutionChecks
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.errata import find_errata
from nvdla_int8.device.feature_checks import FeatureChecks
from nvdla_int8.device.finder import LARGEST_CUBE, Finder
from nvdla_int8.device.sdp_layer import RDMA_NAMES, SdpLayer


def check_layer(
    registers: LayerRegisters, build: Build, found: FoundInCbuf | None, *, strict: bool, tolerated: Container[str] = ()
) -> list[Diagnostic]:
    """All findings about one layer.

    Parameters
    ----------
    registers
        The layer's registers, of all the blocks it uses.
    build
        The build it runs on.
    found
        What it finds in the CBUF; None unless it is a convolution.
    strict
        Make errata errors.
    tolerated
        Errata that stay warnings in strict mode.
    """
    findings = list(FeatureChecks(registers, build, found.fetch if found else None).find())
    if not _refused(findings):
        findings += SdpChecks(registers, build).find()
    if found is not None:
        if not _refused(findings):
            findings += ConvolutionChecks(registers, build, found.fetch).find()
            findings += CbufChecks(registers, build, found).find()
        if not _refused(findings) and build.name == "nv_small":
            findings += find_errata(registers, build, found, strict=strict, tolerated=tolerated)
    return findings


def _refused(findings: list[Diagnostic]) -> bool:
    return any(finding.error for finding in findings)


class SdpChecks(Finder):
    """Checks of SDP and SDP_RDMA; see :class:`Finder` for the parameters."""

    def __init__(self, registers: LayerRegisters, build: Build) -> None:
        super().__init__(registers, build)
        self._sdp = registers.decoded(SdpLayer, build)

    def find(self) -> Iterator[Diagnostic]:
        """All findings: the destination, the source, the operands."""
        sdp = self._sdp
        elements = sdp.width * sdp.height * sdp.lanes
        if elements > LARGEST_CUBE:
            yield self.error(
                "size", "SDP.D_DATA_CUBE_CHANNEL.CHANNEL", f"a cube of {elements:,} elements is beyond this model"
            )
            return
        if not sdp.feeds_pooling:
            strides = self._strides("SDP.D_DST_LINE_STRIDE", "SDP.D_DST_SURFACE_STRIDE")
            yield from self.written("SDP.D_DST_BASE_ADDR_LOW", strides, sdp.destination_surface)
        if not sdp.reads_memory:
            return
        for part in ("WIDTH", "HEIGHT", "CHANNEL"):
            yield from self.agree(f"SDP.D_DATA_CUBE_{part}.{part}", f"SDP_RDMA.D_DATA_CUBE_{part}.{part}")
        yield from self.agree("SDP.D_FEATURE_MODE_CFG.FLYING_MODE", "SDP_RDMA.D_FEATURE_MODE_CFG.FLYING_MODE")
        if not sdp.flying:
            strides = self._strides("SDP_RDMA.D_SRC_LINE_STRIDE", "SDP_RDMA.D_SRC_SURFACE_STRIDE")
            yield from self.placed({"SDP_RDMA.D_SRC_BASE_ADDR_LOW": strides}, lambda: sdp.source_surface().extents())
        for which in RDMA_NAMES:
            yield from self._operands(which)

    def _strides(self, line: str, surface: str) -> list[str]:
        """Those of a stride pair of SDP or SDP_RDMA that the cube uses; a 1x1 cube is packed."""
        sdp = self._sdp
        one_atom = sdp.lanes <= self.build.memory_atom
        one_pixel = sdp.width == sdp.height == 1
        return ([line] if sdp.height > 1 else []) + ([] if one_atom or one_pixel else [surface])

    def _operands(self, which: str) -> Iterator[Diagnostic]:
        dma, prefix = RDMA_NAMES[which]
        stage = self._sdp.stages[which]
        needs = [what for what, reads in (("ALU", stage.reads_alu), ("MUL", stage.reads_mul)) if reads]
        disable, use = f"SDP_RDMA.D_{dma}_CFG.{dma}_DISABLE", f"SDP_RDMA.D_{dma}_CFG.{dma}_DATA_USE"
        if self.registers.field(disable):
            if needs:
                yield self.error("operand", disable, f"{prefix} reads its {needs[0]} operand from memory: it hangs")
            return
        if not needs:
            yield self.error("operand", disable, f"{prefix} reads no operand from memory: the stream hangs")
            return
        streams = {0: ["MUL"], 1: ["ALU"]}.get(self.registers.field(use), ["ALU", "MUL"])
        if streams != needs:
            yield self.error(
                "operand", use, f"streams {' and '.join(streams)}, but {prefix} reads {' and '.join(needs)}: it hangs"
            )
        per_element = self.registers.field(f"SDP_RDMA.D_{dma}_CFG.{dma}_DATA_MODE") == 1
        pair = (f"SDP_RDMA.D_{prefix}_LINE_STRIDE", f"SDP_RDMA.D_{prefix}_SURFACE_STRIDE")
        base = f"SDP_RDMA.D_{prefix}_BASE_ADDR_LOW"
        strides = self._strides(*pair) if per_element else []
        yield from self.placed({base: strides}, lambda: self._sdp.operand_surface(which).extents())
