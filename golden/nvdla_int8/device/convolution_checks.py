"""Are a convolution's registers legal? Sizes, weights, places (hardware.md sections 3 and 4)."""

import math
from collections.abc import Iterator

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer, Fetch
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.finder import Finder
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, format_channels
from nvdla_int8.surfaces.weights import POST_EXTENSIONS

LARGEST_WEIGHTS = 1 << 26
LARGEST_MACS = 1 << 34
LARGEST_INPUT = 1 << 24
"""Bounds of what the model takes on, in about 2 GiB and 20 s; no layer of a real network comes near."""

MOST_PADDING = 63
"""What the padding fields hold; an output that needs more does not belong to its input."""


class ConvolutionChecks(Finder):
    """Checks of CDMA, CSC, CMAC and CACC but for the CBUF.

    Parameters
    ----------
    registers, build
        As of :class:`Finder`.
    fetch
        What CDMA fetches.
    """

    def __init__(self, registers: LayerRegisters, build: Build, fetch: Fetch) -> None:
        super().__init__(registers, build)
        self._fetch = fetch

    def find(self) -> Iterator[Diagnostic]:
        """All findings."""
        layer = self.registers.decoded(ConvolutionLayer, self.build)
        yield from self._sizes(layer)
        yield from self._reach(layer)
        yield from self._weights(layer)
        if self._fetch.data:
            yield from self.placed(self._input_registers(layer), lambda: layer.input_surface.extents())
        if self._fetch.weights:
            yield from self.placed({"CDMA.D_WEIGHT_ADDR_LOW": ["CDMA.D_WEIGHT_BYTES"]}, lambda: [layer.weight_extent])

    def _input_registers(self, layer: ConvolutionLayer) -> dict[str, list[str]]:
        """The input's base addresses, each with the strides it uses."""
        if layer.pixel:
            planes = {"CDMA.D_DAIN_ADDR_LOW_0": "CDMA.D_LINE_STRIDE", "CDMA.D_DAIN_ADDR_LOW_1": "CDMA.D_LINE_UV_STRIDE"}
            count = len(PIXEL_FORMATS[self.registers.field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT")])
            return {base: [stride] * (layer.fetched_height > 1) for base, stride in list(planes.items())[:count]}
        packed_pixel = layer.width == layer.fetched_height == 1 and self.registers.field("CDMA.D_DAIN_MAP.SURF_PACKED")
        strides = ["CDMA.D_LINE_STRIDE"] if layer.fetched_height > layer.packed_lines else []
        if layer.channels > self.build.memory_atom and not packed_pixel:
            strides.append("CDMA.D_SURF_STRIDE")
        return {"CDMA.D_DAIN_ADDR_LOW_0": strides}

    def _sizes(self, layer: ConvolutionLayer) -> Iterator[Diagnostic]:
        pairs = [
            ("CDMA.D_DATAIN_FORMAT.DATAIN_FORMAT", "CSC.D_DATAIN_FORMAT.DATAIN_FORMAT"),
            ("CDMA.D_WEIGHT_SIZE_1.WEIGHT_KERNEL", "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_KERNEL"),
            ("CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_KERNEL", "CSC.D_DATAOUT_SIZE_1.DATAOUT_CHANNEL"),
            ("CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH", "CACC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH"),
            ("CSC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT", "CACC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT"),
            ("CSC.D_DATAOUT_SIZE_1.DATAOUT_CHANNEL", "CACC.D_DATAOUT_SIZE_1.DATAOUT_CHANNEL"),
            ("CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH", "SDP.D_DATA_CUBE_WIDTH.WIDTH"),
            ("CSC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT", "SDP.D_DATA_CUBE_HEIGHT.HEIGHT"),
            ("CSC.D_DATAOUT_SIZE_1.DATAOUT_CHANNEL", "SDP.D_DATA_CUBE_CHANNEL.CHANNEL"),
            ("CDMA.D_WEIGHT_BYTES.WEIGHT_BYTES", "CSC.D_WEIGHT_BYTES.WEIGHT_BYTES"),
            ("CDMA.D_ENTRY_PER_SLICE.ENTRIES", "CSC.D_ENTRY_PER_SLICE.ENTRIES"),
            ("CDMA.D_DATAIN_SIZE_0.DATAIN_WIDTH", "CSC.D_DATAIN_SIZE_EXT_0.DATAIN_WIDTH_EXT"),
            ("CDMA.D_DATAIN_SIZE_1.DATAIN_CHANNEL", "CSC.D_DATAIN_SIZE_EXT_1.DATAIN_CHANNEL_EXT"),
        ]
        if not layer.pixel:
            pairs.append(("CSC.D_DATAIN_SIZE_EXT_1.DATAIN_CHANNEL_EXT", "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT"))
        for one, other in pairs:
            yield from self.agree(one, other)
        if layer.pixel:
            pixel_channels = format_channels(self.registers.field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT"))
            if layer.channels != pixel_channels:
                text = f"the pixel format has {pixel_channels} channels"
                yield self.error("size", "CDMA.D_DATAIN_SIZE_1.DATAIN_CHANNEL", text)
            if layer.weight_channels % layer.channels or self.registers.field(
                "CSC.D_WEIGHT_SIZE_EXT_0.WEIGHT_WIDTH_EXT"
            ):
                text = f"image weights are 1 wide and hold whole pixels of {layer.channels} channels"
                yield self.error("size", "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT", text)
        atomics = layer.out_width * layer.out_height
        if self.registers.size("CSC.D_ATOMICS.ATOMICS") != atomics:
            yield self.error("size", "CSC.D_ATOMICS.ATOMICS", f"the output has {atomics} atoms, ATOMICS is one less")
        yield from self._post_extension(layer)

    def _post_extension(self, layer: ConvolutionLayer) -> Iterator[Diagnostic]:
        name = "CSC.D_POST_Y_EXTENSION.Y_EXTENSION"
        extension, atom = layer.post_extension, self.build.atomic_c
        if extension and not layer.pixel:
            yield self.error("feature", name, "only images have a post-extension")
        elif extension > POST_EXTENSIONS[-1]:
            yield self.error("feature", name, f"the post-extension is {POST_EXTENSIONS[0]} to {POST_EXTENSIONS[-1]}")
        elif extension and layer.weight_channels << extension > atom:
            text = f"{1 << extension} kernel lines of {layer.weight_channels} do not fit an atom of {atom} channels"
            yield self.error("size", name, text)

    def _reach(self, layer: ConvolutionLayer) -> Iterator[Diagnostic]:
        reach_h, reach_w = layer.reach
        given_h = layer.pad_top + layer.height + MOST_PADDING
        if reach_h > given_h:
            name = "CSC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT"
            yield self.error("size", name, f"needs {reach_h} lines, input and padding have at most {given_h}")
        given_w = layer.image_width_with_padding if layer.pixel else layer.pad_left + layer.width + MOST_PADDING
        if reach_w > given_w:
            name = "CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH"
            yield self.error("size", name, f"needs {reach_w} columns, input and padding have at most {given_w}")
        padded = math.prod((layer.channels, *layer.padded_size))
        if padded > LARGEST_INPUT:
            name = "CDMA.D_DATAIN_SIZE_0"
            yield self.error("size", name, f"an input of {padded:,} elements with its padding is beyond this model")

    def _weights(self, layer: ConvolutionLayer) -> Iterator[Diagnostic]:
        per_kernel = layer.weight_bytes // layer.kernels
        name = "CDMA.D_WEIGHT_SIZE_0.BYTE_PER_KERNEL"
        if self.registers.size(name) != per_kernel:
            yield self.error("size", name, f"a kernel has {per_kernel} bytes, BYTE_PER_KERNEL is one less")
        if self.registers.word("CDMA.D_WEIGHT_BYTES") < layer.weight_bytes:
            yield self.error("size", "CDMA.D_WEIGHT_BYTES", f"{layer.kernels} kernels have {layer.weight_bytes} bytes")
        macs = layer.macs
        if layer.weight_bytes > LARGEST_WEIGHTS or macs > LARGEST_MACS:
            yield self.error("size", "CDMA.D_WEIGHT_BYTES", f"{macs:,} multiplications are beyond this model")
