"""One convolution as the registers of CDMA, CSC, CMAC and CACC describe it (hardware.md sections 2 and 3)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import UNCHANGED, Point, Points, Sites
from nvdla_int8.registers.converters import decode_accumulator, decode_input_converter, decode_pad_value
from nvdla_int8.stages.convolution import ConvGeometry, convolve, convolve_at
from nvdla_int8.stages.fixedpoint import Saturating, sign_extend
from nvdla_int8.stages.input_converter import Converted
from nvdla_int8.stages.saturation import convolution_flags, count_flags
from nvdla_int8.stages.widths import FEATURE
from nvdla_int8.surfaces.cbuf_entries import (
    Entries,
    feature_entries,
    feature_rows,
    image_entries,
    image_rows,
    read_feature_rows,
    read_image_rows,
)
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface
from nvdla_int8.surfaces.weights import Shape, from_image_form, unpack_weights


@dataclass(frozen=True)
class Fetch:
    """What CDMA fetches for a convolution.

    Attributes
    ----------
    data, weights
        It fetches input, weights; otherwise the CBUF has them, and their addresses are never read.
    kept_rows
        Rows of the input that the CBUF has.
    """

    data: bool = True
    weights: bool = True
    kept_rows: int = 0


@dataclass(frozen=True)
class FetchedBytes:
    """Bytes that CDMA reads for a convolution, and those that it need not read because the CBUF has them.

    Input counts in whole memory atoms, weights in whole CBUF entries.
    """

    data: int = 0
    weights: int = 0
    kept_data: int = 0
    kept_weights: int = 0

    def __add__(self, other: "FetchedBytes") -> "FetchedBytes":
        """Those of two convolutions."""
        return FetchedBytes(
            self.data + other.data,
            self.weights + other.weights,
            self.kept_data + other.kept_data,
            self.kept_weights + other.kept_weights,
        )


@dataclass(frozen=True)
class ConvolutionResult:
    """Stages of one convolution.

    Attributes
    ----------
    fetch
        What CDMA fetched.
    converted
        (C, H, W) int8, without padding: the rows that CDMA fetched, none when the CBUF kept them all.
    delivered
        (K, Ho, Wo) int32, what CACC hands to SDP.
    saturations
        Elements each saturating step clipped, named as in ``LayerStages``.
    """

    fetch: Fetch
    converted: NDArray[np.int8]
    delivered: NDArray[np.int32]
    saturations: dict[str, int]


@dataclass(frozen=True)
class Loaded:
    """What lies in the CBUF for a convolution when it runs.

    Attributes
    ----------
    fetch, converted
        What CDMA fetched, and the rows of the input among it, (C, H, W), H = 0 when nothing.
    rows
        (H, entries, atomic-C) uint8: the rows that an earlier layer left, then those fetched.
    weights
        The weight stream, without the padding at its end; at least this layer's.
    """

    fetch: Fetch
    converted: Converted
    rows: NDArray[np.uint8]
    weights: bytes


class ConvolutionLayer:
    """A convolution decoded from registers; sizes are plain numbers, not value - 1.

    ``height`` are the rows that CSC reads; ``fetched_height`` are those that CDMA fetches, if it fetches any: fewer
    when the CBUF keeps the others.
    """

    def __init__(self, registers: LayerRegisters, build: Build) -> None:
        field, size = registers.field, registers.size
        self._registers = registers
        self._build = build
        self.pixel = field("CDMA.D_DATAIN_FORMAT.DATAIN_FORMAT") == 1
        self.width = size("CDMA.D_DATAIN_SIZE_0.DATAIN_WIDTH")
        self.height = size("CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT")
        self.fetched_height = size("CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT")
        self.channels = size("CDMA.D_DATAIN_SIZE_1.DATAIN_CHANNEL")
        self.kernels = size("CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_KERNEL")
        self.kernel_h = size("CSC.D_WEIGHT_SIZE_EXT_0.WEIGHT_HEIGHT_EXT")
        self.weight_channels = size("CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT")
        self.kernel_w = (
            self.weight_channels // self.channels if self.pixel else size("CSC.D_WEIGHT_SIZE_EXT_0.WEIGHT_WIDTH_EXT")
        )
        self.out_width = size("CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH")
        self.out_height = size("CSC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT")
        self.post_extension = field("CSC.D_POST_Y_EXTENSION.Y_EXTENSION")
        dilated = not self.pixel
        self.geometry = ConvGeometry(
            stride_y=size("CSC.D_CONV_STRIDE_EXT.CONV_Y_STRIDE_EXT"),
            stride_x=size("CSC.D_CONV_STRIDE_EXT.CONV_X_STRIDE_EXT"),
            dilation_y=size("CSC.D_DILATION_EXT.Y_DILATION_EXT") if dilated else 1,
            dilation_x=size("CSC.D_DILATION_EXT.X_DILATION_EXT") if dilated else 1,
        )
        self.pad_top = field("CSC.D_ZERO_PADDING.PAD_TOP")
        self.pad_left = field("CDMA.D_ZERO_PADDING.PAD_LEFT") if self.pixel else field("CSC.D_ZERO_PADDING.PAD_LEFT")
        self.pad_value = decode_pad_value(registers.values)
        self.converter = decode_input_converter(registers.values)
        self.accumulator = decode_accumulator(registers.values)

    @property
    def reach(self) -> tuple[int, int]:
        """Height and width of the padded input that the output needs."""
        return (
            (self.out_height - 1) * self.geometry.stride_y + (self.kernel_h - 1) * self.geometry.dilation_y + 1,
            (self.out_width - 1) * self.geometry.stride_x + (self.kernel_w - 1) * self.geometry.dilation_x + 1,
        )

    @property
    def padded_size(self) -> tuple[int, int]:
        """Height and width of the input with its padding, at least as far as the output reaches."""
        reach_h, reach_w = self.reach
        full_w = self.image_width_with_padding if self.pixel else max(self.pad_left + self.width, reach_w)
        return max(self.pad_top + self.height, reach_h), full_w

    @property
    def image_width_with_padding(self) -> int:
        """Width of an image with the left and right padding that CDMA adds."""
        return self.pad_left + self.width + self._registers.field("CDMA.D_ZERO_PADDING.PAD_RIGHT")

    @property
    def side_pad_value(self) -> int:
        """The int8 value left and right: CDMA pads an image's lines before CSC adds lines above and below."""
        if not self.pixel:
            return self.pad_value
        return int(sign_extend(self._registers.field("CDMA.D_ZERO_PADDING_VALUE.PAD_VALUE"), FEATURE))

    @property
    def weight_bytes(self) -> int:
        """Bytes of all kernels, without the padding at their end."""
        width = 1 if self.pixel else self.kernel_w
        return self.kernels * self.weight_channels * self.kernel_h * width

    @property
    def macs(self) -> int:
        """Multiplications of the whole layer."""
        return self.weight_bytes * self.out_height * self.out_width

    @property
    def atoms(self) -> int:
        """Steps of the MACs, atomic-C channels of atomic-K kernels each, that the whole layer takes."""
        groups = -(-self.kernels // self._build.atomic_k)
        blocks = -(-self.weight_channels // self._build.atomic_c)
        width = 1 if self.pixel else self.kernel_w
        rows = -(-self.kernel_h // (1 << self.post_extension)) if self.pixel else self.kernel_h
        return groups * blocks * rows * width * self.out_height * self.out_width

    @cached_property
    def input_surface(self) -> FeatureSurface | PixelSurface:
        """Where the rows lie that CDMA fetches."""
        registers, field = self._registers, self._registers.field
        base = registers.address("CDMA.D_DAIN_ADDR_{}_0")
        line_stride = registers.word("CDMA.D_LINE_STRIDE")
        if self.pixel:
            return PixelSurface(
                pixel_format=field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT"),
                base=base,
                width=self.width,
                height=self.fetched_height,
                line_stride=line_stride,
                x_offset=field("CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET"),
                base1=registers.address("CDMA.D_DAIN_ADDR_{}_1"),
                uv_stride=registers.word("CDMA.D_LINE_UV_STRIDE"),
                memory_atom=self._build.memory_atom,
            )
        return FeatureSurface(
            base=base,
            width=self.width,
            height=self.fetched_height,
            channels=self.channels,
            line_stride=line_stride,
            surface_stride=registers.word("CDMA.D_SURF_STRIDE"),
            memory_atom=self._build.memory_atom,
            packs_one_pixel=field("CDMA.D_DAIN_MAP.SURF_PACKED") == 1,
            packed_lines=self.packed_lines,
        )

    @property
    def packed_lines(self) -> int:
        """Lines of a feature cube that follow one another without regard to the line stride."""
        packed = self._registers.field("CDMA.D_DAIN_MAP.LINE_PACKED") == 1
        return self._registers.size("CDMA.D_FETCH_GRAIN.GRAINS") if packed else 1

    @property
    def weight_extent(self) -> tuple[int, int]:
        """First address of the weights and one beyond the last, without the padding at their end."""
        base = self._registers.address("CDMA.D_WEIGHT_ADDR_{}")
        return base, base + self.weight_bytes

    @property
    def row_bytes(self) -> int:
        """Bytes of one row in the CBUF, without what fills up its last entry."""
        if self.pixel:
            return self.image_width_with_padding * self.channels
        return self.width * -(-self.channels // self._build.atomic_c) * self._build.atomic_c

    @property
    def row_entries(self) -> int:
        """CBUF entries of one row of the input (hardware.md section 3, ENTRIES)."""
        return -(-self.row_bytes // self._build.atomic_c)

    def fetched_bytes(self, fetch: Fetch) -> FetchedBytes:
        """What CDMA reads when it fetches this."""
        entry = self._build.cbuf_entry_bytes
        row = self._row_fetch_bytes()
        weights = -(-self._registers.word("CDMA.D_WEIGHT_BYTES") // entry) * entry
        return FetchedBytes(
            data=row * self.fetched_height if fetch.data else 0,
            weights=weights if fetch.weights else 0,
            kept_data=row * (self.height - (self.fetched_height if fetch.data else 0)),
            kept_weights=0 if fetch.weights else weights,
        )

    def _row_fetch_bytes(self) -> int:
        """Bytes of the memory atoms that hold a row; of an image these depend on where the row begins in the first."""
        atom = self._build.memory_atom
        if not self.pixel:
            return self.width * -(-self.channels // atom) * atom
        total = 0
        x_offset = self._registers.field("CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET")
        for order in PIXEL_FORMATS[self._registers.field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT")]:
            start = x_offset * len(order) % atom
            total += -(-(start + self.width * len(order)) // atom) * atom
        return total

    def weights(self, stream: bytes) -> NDArray[np.int8]:
        """Kernels (K, C, R, S) int8 as the beginning of a weight stream holds them."""
        stored_w = 1 if self.pixel else self.kernel_w
        shape: Shape = (self.kernels, self.weight_channels, self.kernel_h, stored_w)
        extension = self.post_extension if self.pixel else 0
        weights = unpack_weights(stream[: self.weight_bytes], shape, self._build, post_extension=extension)
        return from_image_form(weights, self.channels) if self.pixel else weights

    def input_entries(self, converted: NDArray[np.int8]) -> Entries:
        """Entries of converted rows int8 (C, H, W), as ``feature_entries`` or ``image_entries``."""
        if self.pixel:
            return image_entries(converted, self._build.atomic_c, **self._sides)
        return feature_entries(converted, self._build.atomic_c)

    def rows(self, converted: NDArray[np.int8]) -> NDArray[np.uint8]:
        """Converted rows as they lie in the CBUF, (H, entries, atomic-C).

        Parameters
        ----------
        converted
            int8 (C, H, W) without padding; of a feature cube also with the lanes that pad its last memory atom.
        """
        if self.pixel:
            return image_rows(converted, self._build.atomic_c, **self._sides)
        return feature_rows(converted, self._build.atomic_c)

    @property
    def _sides(self) -> dict[str, int]:
        pad_right = self._registers.field("CDMA.D_ZERO_PADDING.PAD_RIGHT")
        return {"pad_left": self.pad_left, "pad_right": pad_right, "pad_value": self.side_pad_value}

    def padded(self, rows: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Rows of the CBUF, (H, entries, atomic-C), as int8 (C, H, W) with padding, cut to :attr:`reach`."""
        if self.pixel:
            lines, left = read_image_rows(rows, self.channels, self.image_width_with_padding), 0
        else:
            lines, left = read_feature_rows(rows, self.channels, self.width), self.pad_left
        channels, height, width = lines.shape
        padded = np.full((channels, *self.padded_size), self.pad_value, np.int8)
        padded[:, self.pad_top : self.pad_top + height, left : left + width] = lines
        reach_h, reach_w = self.reach
        return padded[:, :reach_h, :reach_w]

    def fetch_rows(self, memory: Memory, points: Points = UNCHANGED) -> Converted:
        """Read and convert what CDMA fetches of the input; a feature cube with the lanes of its last memory atom."""
        surface = self.input_surface
        data = surface.read_lanes(memory) if isinstance(surface, FeatureSurface) else surface.read(memory)
        converted = points.at(Point.CONVERTER, self.converter.apply)(points.at(Point.INPUT, data))
        return converted._replace(value=points.at(Point.CONVERTED, converted.value))

    def fetch_weights(self, memory: Memory) -> bytes:
        """Read the weight stream, without the padding at its end."""
        return memory.read_bytes(self.weight_extent[0], self.weight_bytes)

    def load(
        self,
        memory: Memory,
        fetch: Fetch | None = None,
        *,
        kept_rows: NDArray[np.uint8] | None = None,
        kept_weights: bytes = b"",
        points: Points = UNCHANGED,
    ) -> Loaded:
        """Fetch what is not in the CBUF.

        Parameters
        ----------
        memory
            Where it is fetched from.
        fetch
            What is fetched; all rows and all weights without it.
        kept_rows
            Rows in the CBUF before those that are fetched, (H, entries, atomic-C).
        kept_weights
            The weights in the CBUF, if they are not fetched.
        points
            What is done on the way.
        """
        fetch = fetch or Fetch()
        if fetch.data:
            converted = self.fetch_rows(memory, points)
        else:
            none = np.zeros((self.channels, 0, self.width), np.bool_)
            converted = Converted(none.astype(np.int8), none, none)
        rows = self.rows(converted.value)
        if kept_rows is not None and len(kept_rows):
            rows = np.concatenate([kept_rows, rows])
        return Loaded(fetch, converted, rows, self.fetch_weights(memory) if fetch.weights else kept_weights)

    def run(self, loaded: Loaded, points: Points = UNCHANGED, sites: Sites | None = None) -> ConvolutionResult:
        """Convolve what lies in the CBUF, deliver.

        Parameters
        ----------
        loaded
            What lies there.
        points
            What is done on the way.
        sites
            The pixels that are computed, delivered as (K, 1, P); sums of 34 bits do not saturate between atoms then.
        """
        padded = points.at(Point.PADDED, self.padded(loaded.rows[: self.height]))
        weights = points.at(Point.WEIGHTS, self.weights(loaded.weights))
        if sites is None:
            sums = convolve(padded, weights, self.geometry, atomic_c=self._build.atomic_c)
        else:
            sums = convolve_at(padded, weights, self.geometry, sites.y, sites.x)
        delivered = self.deliver(sums.value, points)
        value, saturated_17, saturated_8 = loaded.converted
        real = slice(self.channels)
        converted = Converted(value[real], saturated_17[real], saturated_8[real])
        flags = convolution_flags(converted, sums.saturated, delivered)
        return ConvolutionResult(loaded.fetch, converted.value, delivered.value.astype(np.int32), count_flags(flags))

    def deliver(self, sums: NDArray[np.int64], points: Points = UNCHANGED) -> Saturating:
        """What CACC makes of sums of 34 bits, (K, ...), and hands to SDP."""
        delivered = points.at(Point.DELIVERY, self.accumulator.apply)(points.at(Point.SUMS, sums))
        return delivered._replace(value=points.at(Point.DELIVERED, delivered.value.astype(np.int32)))
