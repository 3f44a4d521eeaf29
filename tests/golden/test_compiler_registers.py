"""What the writer puts into registers against what the reference programs put there for the same layers."""

from collections.abc import Iterator
from pathlib import Path

from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.network.network import Network
from nvdla_int8.registers.register_map import find_register, unpack
from tests.golden.reference_layers import ReferenceLayer, reference_layers
from tests.reference_store import CONVOLUTION_KINDS, of_kinds

PLACES = ("ADDR", "LINE_STRIDE", "SURF_STRIDE", "SURFACE_STRIDE")
"""Where things lie is the writer's choice."""

CHOICES = {
    # Random banks in the reference; here as many as needed.
    "CDMA.D_BANK.DATA_BANK", "CDMA.D_BANK.WEIGHT_BANK", "CSC.D_BANK.DATA_BANK", "CSC.D_BANK.WEIGHT_BANK",
    # How CDMA fetches: one line at a time, nothing packed.
    "CDMA.D_DAIN_MAP.LINE_PACKED", "CDMA.D_DAIN_MAP.SURF_PACKED", "CDMA.D_FETCH_GRAIN.GRAINS",
    # Operands here always have 2 bytes.
    "SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_SIZE", "SDP_RDMA.D_NRDMA_CFG.NRDMA_DATA_SIZE",
    # Counters that nothing reads, and floating point.
    "SDP.D_PERF_ENABLE.PERF_DMA_EN", "SDP.D_PERF_ENABLE.PERF_LUT_EN", "SDP.D_FEATURE_MODE_CFG.NAN_TO_ZERO",
}  # fmt: skip

OF_IMAGES = {
    "CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT", "CDMA.D_DATAIN_FORMAT.PIXEL_SIGN_OVERRIDE", "CDMA.D_MEAN_FORMAT.MEAN_FORMAT",
    "CDMA.D_MEAN_GLOBAL_0.MEAN_RY", "CDMA.D_MEAN_GLOBAL_0.MEAN_GU", "CDMA.D_MEAN_GLOBAL_1.MEAN_BV",
    "CDMA.D_MEAN_GLOBAL_1.MEAN_AX", "CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET",
}  # fmt: skip
"""Random in the reference's feature layers, whose results show that they do not count."""

ROWS = {
    "CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT", "CDMA.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT",
    "CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT", "CSC.D_RELEASE.RLS_SLICES",
}  # fmt: skip
"""The writer loads no more rows than the output needs."""

PIXEL_SIZES = {
    "CDMA.D_DATAIN_SIZE_1.DATAIN_CHANNEL", "CDMA.D_ENTRY_PER_SLICE.ENTRIES", "CDMA.D_WEIGHT_SIZE_0.BYTE_PER_KERNEL",
    "CSC.D_DATAIN_SIZE_EXT_1.DATAIN_CHANNEL_EXT", "CSC.D_ENTRY_PER_SLICE.ENTRIES",
    "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT",
}  # fmt: skip
"""Three channels in two planes become the first three of four."""

PADDING = {"CDMA.D_ZERO_PADDING.PAD_RIGHT": "pad_right", "CDMA.D_ZERO_PADDING.PAD_BOTTOM": "pad_bottom"}
"""Here no wider than the output needs."""

WEIGHT_BYTES = {"CDMA.D_WEIGHT_BYTES.WEIGHT_BYTES", "CSC.D_WEIGHT_BYTES.WEIGHT_BYTES"}


def differences(layer: ReferenceLayer) -> Iterator[tuple[str, int, int]]:
    """Field, the writer's value and the reference's, of every register that nv_small has a use for."""
    [part] = write_program("again", Network.chain([layer.program]), layer.data).passes
    ours = {**dict(part.writes), **dict(part.enables)}
    assert {name for name in ours if ".S_" not in name} <= layer.registers.values.keys()
    for register, theirs in layer.registers.values.items():
        for field, what in find_register(register).fields.items():
            if what.ignored or find_register(register).ignored or any(place in field for place in PLACES):
                continue
            mine = unpack(register, ours.get(register, find_register(register).reset), field)
            if mine != unpack(register, theirs, field):
                yield f"{register}.{field}", mine, unpack(register, theirs, field)


def is_explained(layer: ReferenceLayer, name: str, ours: int, theirs: int) -> bool:
    image: bool = layer.program.input_converter.pixel
    if name in CHOICES:
        return True
    if name in OF_IMAGES and not image:
        return True
    if name in WEIGHT_BYTES:  # the reference sometimes rounds up to 128, which leaves E6 behind
        whole = -(-int(layer.program.weights.size) // 8) * 8
        return ours == whole <= theirs or (image and is_planar(layer))
    if name in ROWS:
        return ours == rows_needed(layer) - 1 < theirs
    if name.endswith("ZERO_PADDING_VALUE.PAD_VALUE"):
        return ours & 255 == theirs & 255 or not pads(layer, name)  # only the low byte counts
    if name in PADDING:
        return ours == int(getattr(layer.program.geometry, PADDING[name])) < theirs
    if not image:
        return False
    if name in PIXEL_SIZES and is_planar(layer):
        return True
    if name.endswith("ENTRY_PER_SLICE.ENTRIES"):
        return layer.registers.field("CDMA.D_ZERO_PADDING.PAD_RIGHT") > layer.program.geometry.pad_right
    if name == "CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT":
        return ours == 0x0C and theirs != 0
    if name.startswith("CDMA.D_MEAN_GLOBAL"):  # meant for a mean that is off, or for a channel that is not there
        return not layer.program.input_converter.mean or is_planar(layer)
    # Of images CSC ignores left padding and dilation; the writer has no post-extension.
    return name in ("CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET", "CSC.D_ZERO_PADDING.PAD_LEFT",
                    "CSC.D_DILATION_EXT.X_DILATION_EXT", "CSC.D_DILATION_EXT.Y_DILATION_EXT",
                    "CSC.D_POST_Y_EXTENSION.Y_EXTENSION")  # fmt: skip


def rows_needed(layer: ReferenceLayer) -> int:
    geometry, kernel_h = layer.program.geometry, layer.program.weights.shape[2]
    out_height = layer.registers.size("SDP.D_DATA_CUBE_HEIGHT.HEIGHT")
    reach: int = (out_height - 1) * geometry.stride_y + (kernel_h - 1) * geometry.dilation_y + 1
    return reach - int(geometry.pad_top)


def pads(layer: ReferenceLayer, name: str) -> bool:
    """CDMA pads an image's lines, CSC the rest; where theirs differ, the layer program has CDMA's."""
    geometry = layer.program.geometry
    by_cdma = layer.program.input_converter.pixel and (geometry.pad_left or geometry.pad_right)
    return bool(by_cdma) if name.startswith("CDMA") else not by_cdma


def is_planar(layer: ReferenceLayer) -> bool:
    return bool(layer.program.weights.shape[1] == 3)


def test_every_register_is_the_references_or_the_difference_is_explained(reference_traces: list[Path]) -> None:
    compared = 0
    for folder in of_kinds(reference_traces, CONVOLUTION_KINDS):
        for layer in reference_layers(folder):
            found = list(differences(layer))
            assert not [difference for difference in found if not is_explained(layer, *difference)], layer.name
            compared += 1
    assert compared == 110
