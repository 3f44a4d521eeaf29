"""One convolution as the registers of CDMA, CSC, CMAC and CACC describe it (hardware.md sections 2 and 3)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.registers.converters import decode_accumulator, decode_input_converter, decode_pad_value
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.stages.saturation import convolution_flags, count_flags
from nvdla_int8.stages.widths import FEATURE
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.pixels import PixelSurface
from nvdla_int8.surfaces.weights import Shape, from_image_form, unpack_weights


@dataclass(frozen=True)
class ConvolutionResult:
    """Stages of one convolution.

    Attributes
    ----------
    converted
        (C, H, W) int8, without padding.
    delivered
        (K, Ho, Wo) int32, what CACC hands to SDP.
    saturations
        Elements each saturating step clipped, named as in ``LayerStages``.
    """

    converted: NDArray[np.int8]
    delivered: NDArray[np.int32]
    saturations: dict[str, int]


class ConvolutionLayer:
    """A convolution decoded from registers; sizes are plain numbers, not value - 1."""

    def __init__(self, registers: LayerRegisters, build: Build) -> None:
        field, size = registers.field, registers.size
        self._registers = registers
        self._build = build
        self.pixel = field("CDMA.D_DATAIN_FORMAT.DATAIN_FORMAT") == 1
        self.width = size("CDMA.D_DATAIN_SIZE_0.DATAIN_WIDTH")
        self.height = size("CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT")
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

    @property
    def input_surface(self) -> FeatureSurface | PixelSurface:
        """Where the input lies."""
        registers, field = self._registers, self._registers.field
        base = registers.address("CDMA.D_DAIN_ADDR_{}_0")
        line_stride = registers.word("CDMA.D_LINE_STRIDE")
        if self.pixel:
            return PixelSurface(
                pixel_format=field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT"),
                base=base,
                width=self.width,
                height=self.height,
                line_stride=line_stride,
                x_offset=field("CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET"),
                base1=registers.address("CDMA.D_DAIN_ADDR_{}_1"),
                uv_stride=registers.word("CDMA.D_LINE_UV_STRIDE"),
                memory_atom=self._build.memory_atom,
            )
        return FeatureSurface(
            base=base,
            width=self.width,
            height=self.height,
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

    def weights(self, memory: Memory) -> NDArray[np.int8]:
        """Kernels (K, C, R, S) int8 as the weight stream in memory holds them."""
        stream = memory.read_bytes(self.weight_extent[0], self.weight_bytes)
        stored_w = 1 if self.pixel else self.kernel_w
        shape: Shape = (self.kernels, self.weight_channels, self.kernel_h, stored_w)
        extension = self.post_extension if self.pixel else 0
        weights = unpack_weights(stream, shape, self._build, post_extension=extension)
        return from_image_form(weights, self.channels) if self.pixel else weights

    def padded(self, converted: NDArray[np.int8]) -> NDArray[np.int8]:
        """The converted input with padding, cut to what the output needs: :attr:`reach`."""
        channels, height, width = converted.shape
        padded = np.full((channels, *self.padded_size), self.pad_value, np.int8)
        rows = slice(self.pad_top, self.pad_top + height)
        padded[:, rows] = self.side_pad_value
        padded[:, rows, self.pad_left : self.pad_left + width] = converted
        reach_h, reach_w = self.reach
        return padded[:, :reach_h, :reach_w]

    def run(self, memory: Memory) -> ConvolutionResult:
        """Read input and weights, convert, convolve, deliver."""
        converted = self.converter.apply(self.input_surface.read(memory))
        sums = convolve(
            self.padded(converted.value), self.weights(memory), self.geometry, atomic_c=self._build.atomic_c
        )
        delivered = self.accumulator.apply(sums.value)
        flags = convolution_flags(converted, sums.saturated, delivered)
        return ConvolutionResult(converted.value, delivered.value.astype(np.int32), count_flags(flags))
