"""What a layer asks for that the build or this model does not have, or ignores (hardware.md sections 1 and 4)."""

from collections.abc import Iterator

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import Fetch
from nvdla_int8.device.diagnostics import UNMODELLED, Diagnostic
from nvdla_int8.device.finder import Finder
from nvdla_int8.device.sdp_layer import RDMA_NAMES, SdpLayer
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS

_WINOGRAD, _BATCHES, _NOT_INT8 = "Winograd convolution", "batches", "precision but INT8"
_COMPRESSION = "compressed weights"

CONVOLUTION_FEATURES = {
    "CDMA.D_MISC_CFG.CONV_MODE": _WINOGRAD,
    "CSC.D_MISC_CFG.CONV_MODE": _WINOGRAD,
    "CMAC_A.D_MISC_CFG.CONV_MODE": _WINOGRAD,
    "CMAC_B.D_MISC_CFG.CONV_MODE": _WINOGRAD,
    "CACC.D_MISC_CFG.CONV_MODE": _WINOGRAD,
    "CDMA.D_WEIGHT_FORMAT.WEIGHT_FORMAT": _COMPRESSION,
    "CSC.D_WEIGHT_FORMAT.WEIGHT_FORMAT": _COMPRESSION,
    "CDMA.D_BATCH_NUMBER.BATCHES": _BATCHES,
    "CSC.D_BATCH_NUMBER.BATCHES": _BATCHES,
    "CACC.D_BATCH_NUMBER.BATCHES": _BATCHES,
}
REUSE_FEATURES = {
    f"{block}.D_MISC_CFG.{what}_REUSE": f"reuse of the {words} in the CBUF"
    for what, words in (("DATA", "input"), ("WEIGHT", "weights"))
    for block in ("CDMA", "CSC")
}
"""Measured on nv_small alone (reuse.md section 4)."""
IMAGE_FEATURES = {
    "CDMA.D_DATAIN_FORMAT.PIXEL_MAPPING": "pixel mapping but PITCH_LINEAR",
    "CDMA.D_PIXEL_OFFSET.PIXEL_Y_OFFSET": "vertical pixel offset",
}
SDP_FEATURES = {
    "SDP.D_FEATURE_MODE_CFG.WINOGRAD": _WINOGRAD,
    "SDP.D_FEATURE_MODE_CFG.BATCH_NUMBER": _BATCHES,
    "SDP.D_DATA_FORMAT.PROC_PRECISION": _NOT_INT8,
}
SDP_RDMA_FEATURES = {
    "SDP_RDMA.D_FEATURE_MODE_CFG.WINOGRAD": _WINOGRAD,
    "SDP_RDMA.D_FEATURE_MODE_CFG.BATCH_NUMBER": _BATCHES,
    "SDP_RDMA.D_FEATURE_MODE_CFG.PROC_PRECISION": _NOT_INT8,
}
"""Fields that must be 0, and what another value would ask for."""

IGNORED_PRECISIONS = (
    "CDMA.D_MISC_CFG.IN_PRECISION",
    "CDMA.D_MISC_CFG.PROC_PRECISION",
    "CSC.D_MISC_CFG.IN_PRECISION",
    "CSC.D_MISC_CFG.PROC_PRECISION",
    "CMAC_A.D_MISC_CFG.PROC_PRECISION",
    "CMAC_B.D_MISC_CFG.PROC_PRECISION",
    "CACC.D_MISC_CFG.PROC_PRECISION",
)
IGNORED_COPIES = {
    "CDMA.D_CONV_STRIDE.CONV_X_STRIDE": "CSC.D_CONV_STRIDE_EXT.CONV_X_STRIDE_EXT",
    "CDMA.D_CONV_STRIDE.CONV_Y_STRIDE": "CSC.D_CONV_STRIDE_EXT.CONV_Y_STRIDE_EXT",
    "CDMA.D_ZERO_PADDING.PAD_LEFT": "CSC.D_ZERO_PADDING.PAD_LEFT",
    "CDMA.D_ZERO_PADDING.PAD_TOP": "CSC.D_ZERO_PADDING.PAD_TOP",
    "CDMA.D_ZERO_PADDING_VALUE.PAD_VALUE": "CSC.D_ZERO_PADDING_VALUE.PAD_VALUE",
}
"""CDMA's copies that do not count for feature input, with those of CSC that do."""


class FeatureChecks(Finder):
    """Checks of features.

    Parameters
    ----------
    registers, build
        As of :class:`Finder`.
    fetch
        What CDMA fetches; None unless it is a convolution.
    """

    def __init__(self, registers: LayerRegisters, build: Build, fetch: Fetch | None) -> None:
        super().__init__(registers, build)
        self._fetch = fetch

    def find(self) -> Iterator[Diagnostic]:
        """All findings."""
        field = self.registers.field
        sdp = self.registers.decoded(SdpLayer, self.build)
        pixel = field("CDMA.D_DATAIN_FORMAT.DATAIN_FORMAT") == 1
        wanted = dict(SDP_FEATURES)
        if sdp.flying:
            wanted |= CONVOLUTION_FEATURES | (IMAGE_FEATURES if pixel else {})
            wanted |= {} if self.build.name == "nv_small" else REUSE_FEATURES
        if sdp.reads_memory:
            wanted |= SDP_RDMA_FEATURES
        if not sdp.flying:
            wanted["SDP_RDMA.D_FEATURE_MODE_CFG.IN_PRECISION"] = _NOT_INT8
        for name, what in wanted.items():
            if field(name):
                yield self.error("feature", name, f"this model of {self.build.name} has no {what}")
        if sdp.flying and pixel:
            name = "CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT"
            if field(name) not in PIXEL_FORMATS:
                names = {value: text for text, value in _enum(name).items()}
                yield self.error("feature", name, f"{names.get(field(name), 'this')} is not an 8-bit pixel format")
        if field("SDP.D_DATA_FORMAT.OUT_PRECISION") > 1:
            yield self.error("feature", "SDP.D_DATA_FORMAT.OUT_PRECISION", "the output is INT8 or INT16")
        if sdp.feeds_pooling and field("SDP.D_DATA_FORMAT.OUT_PRECISION"):
            yield self.error("feature", "SDP.D_DATA_FORMAT.OUT_PRECISION", "PDP takes INT8")
        if not field("SDP.D_DP_EW_CFG.EW_BYPASS"):
            name = "SDP.D_DP_EW_CFG.EW_BYPASS"
            if self.build.name == "nv_small":
                yield self.warning("feature", name, "nv_small has no EW unit and ignores it")
            else:
                yield self.error(UNMODELLED, name, "the EW unit is not modelled")
        yield from self._other_memory(sdp)
        if sdp.flying:
            yield from self._ignored(pixel)
        if self.build.address_bits == 32:
            yield from self._high_addresses(sdp, pixel)

    def _other_memory(self, sdp: SdpLayer) -> Iterator[Diagnostic]:
        """RAM types other than the one memory port of nv_small: what it does then is not known."""
        names = [] if sdp.feeds_pooling else ["SDP.D_DST_DMA_CFG.DST_RAM_TYPE"]
        if self._fetch is not None:
            names += ["CDMA.D_DAIN_RAM_TYPE.DATAIN_RAM_TYPE"] if self._fetch.data else []
            names += ["CDMA.D_WEIGHT_RAM_TYPE.WEIGHT_RAM_TYPE"] if self._fetch.weights else []
        else:
            names.append("SDP_RDMA.D_SRC_DMA_CFG.SRC_RAM_TYPE")
        for which, (dma, _) in RDMA_NAMES.items():
            if sdp.stages[which].reads_alu or sdp.stages[which].reads_mul:
                names.append(f"SDP_RDMA.D_{dma}_CFG.{dma}_RAM_TYPE")
        for name in names:
            if self.build.name == "nv_small" and not self.registers.field(name):
                yield self.warning(
                    "feature", name, "nv_small has one memory port, type 1; this model uses it all the same"
                )

    def _ignored(self, pixel: bool) -> Iterator[Diagnostic]:
        """What a convolution's program asks for in vain."""
        for name in IGNORED_PRECISIONS:
            if self.registers.field(name):
                yield self.warning("ignored", name, f"this model of {self.build.name} works in INT8 all the same")
        if pixel:
            for name in ("CSC.D_DILATION_EXT.X_DILATION_EXT", "CSC.D_DILATION_EXT.Y_DILATION_EXT"):
                if self.registers.field(name):
                    yield self.warning("ignored", name, "images are not dilated")
            return
        for name, counts in IGNORED_COPIES.items():
            if self.registers.field(name) != self.registers.field(counts):
                yield self.warning("ignored", name, f"for feature input {self.describe(counts)} counts")

    def _high_addresses(self, sdp: SdpLayer, pixel: bool) -> Iterator[Diagnostic]:
        names = [] if sdp.feeds_pooling else ["SDP.D_DST_BASE_ADDR_HIGH"]
        if self._fetch is not None:
            planes = PIXEL_FORMATS.get(self.registers.field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT"), ())
            bases = ["CDMA.D_DAIN_ADDR_HIGH_0", "CDMA.D_DAIN_ADDR_HIGH_1"][: 1 + (pixel and len(planes) > 1)]
            names += bases if self._fetch.data else []
            names += ["CDMA.D_WEIGHT_ADDR_HIGH"] if self._fetch.weights else []
        else:
            names.append("SDP_RDMA.D_SRC_BASE_ADDR_HIGH")
        for which, (_, prefix) in RDMA_NAMES.items():
            stage = sdp.stages[which]
            if stage.reads_alu or stage.reads_mul:
                names.append(f"SDP_RDMA.D_{prefix}_BASE_ADDR_HIGH")
        for name in names:
            if self.registers.word(name):
                yield self.error("address", name, f"{self.build.name} has 32-bit addresses")


def _enum(name: str) -> dict[str, int]:
    register, _, field = name.rpartition(".")
    return dict(find_register(register).fields[field].enum)
