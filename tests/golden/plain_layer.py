"""One output byte of a layer from its registers and memory, by hardware.md sections 2 and 3 alone, with :mod:`plain`.

Bytes are found one address at a time; nothing of golden's surfaces, converters or convolution is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from nvdla_int8.device.blocks import LayerRegisters
from tests.golden.plain import PlainX, accumulate, input_convert, output_convert, pixel_convert, sx, x_stage

PIXEL_BYTES = {
    (0x0C, 0x10): (0, 1, 2, 3), (0x0D, 0x11, 0x1A): (2, 1, 0, 3), (0x0E, 0x12, 0x1B): (1, 2, 3, 0),
    (0x0F, 0x13): (3, 2, 1, 0),
}  # fmt: skip
A = ATOMIC_C = ATOMIC_K = 8


@dataclass
class PlainLayer:
    """A layer on nv_small: registers, and memory as address to byte before it runs."""

    registers: LayerRegisters
    memory: Mapping[int, int]
    flying: bool = field(init=False)

    def __post_init__(self) -> None:
        self.flying = self._f("SDP.D_FEATURE_MODE_CFG.FLYING_MODE") == 1
        self.channels = self._f("SDP.D_DATA_CUBE_CHANNEL.CHANNEL") + 1
        self.height = self._f("SDP.D_DATA_CUBE_HEIGHT.HEIGHT") + 1
        self.width = self._f("SDP.D_DATA_CUBE_WIDTH.WIDTH") + 1

    @property
    def lanes(self) -> int:
        """Channels with those that fill the last atom."""
        return (self.channels + A - 1) // A * A

    def address(self, k: int, y: int, x: int) -> int:
        """Where an output byte goes."""
        return self._cube("SDP.D_DST_BASE_ADDR_LOW", "SDP.D_DST_LINE_STRIDE", "SDP.D_DST_SURFACE_STRIDE", k, y, x)

    def output(self, k: int, y: int, x: int) -> int:
        """The output byte, unsigned."""
        value = self._delivered(k, y, x) if self.flying else self._source(k, y, x)
        value = self._x("BS", "BRDMA", value, k, y, x)
        value = self._x("BN", "NRDMA", value, k, y, x)
        int16 = self._f("SDP.D_DATA_FORMAT.OUT_PRECISION") == 1
        offset = sx(self._f("SDP.D_CVT_OFFSET.CVT_OFFSET"), 32)
        scale, shift = sx(self._f("SDP.D_CVT_SCALE.CVT_SCALE"), 16), self._f("SDP.D_CVT_SHIFT.CVT_SHIFT")
        return output_convert(value, offset, scale, shift, 16 if int16 else 8)[0] % 256

    def _f(self, name: str) -> int:
        return self.registers.field(name)

    def _w(self, name: str) -> int:
        return self.registers.word(name)

    def _int8(self, address: int) -> int:
        return sx(self.memory.get(address, 0), 8)

    def _cube(self, base: str, line: str, surface: str, c: int, y: int, x: int) -> int:
        """A feature cube of SDP: a 1x1 cube is packed."""
        start = self._w(base)
        if self.width == self.height == 1:
            return start + c
        return start + c // A * self._w(surface) + y * self._w(line) + x * A + c % A

    def _source(self, k: int, y: int, x: int) -> int:
        base, line, surface = (f"SDP_RDMA.D_SRC_{name}" for name in ("BASE_ADDR_LOW", "LINE_STRIDE", "SURFACE_STRIDE"))
        return self._int8(self._cube(base, line, surface, k, y, x))

    # --- SDP

    def _x(self, prefix: str, dma: str, value: int, k: int, y: int, x: int) -> int:
        cfg, memory = f"SDP.D_DP_{prefix}_CFG.{prefix}_", f"SDP_RDMA.D_{dma}_CFG.{dma}_"
        alu = mul = None
        if not self._f(f"{cfg}BYPASS"):
            both = self._f(f"{memory}DATA_USE") >= 2
            if not self._f(f"{cfg}ALU_BYPASS"):
                alu = sx(self._f(f"SDP.D_DP_{prefix}_ALU_SRC_VALUE.{prefix}_ALU_OPERAND"), 16)
                if self._f(f"SDP.D_DP_{prefix}_ALU_CFG.{prefix}_ALU_SRC"):
                    alu = self._operand(prefix, memory, both, 0, k, y, x)
            if not self._f(f"{cfg}MUL_BYPASS"):
                mul = sx(self._f(f"SDP.D_DP_{prefix}_MUL_SRC_VALUE.{prefix}_MUL_OPERAND"), 16)
                if self._f(f"SDP.D_DP_{prefix}_MUL_CFG.{prefix}_MUL_SRC"):
                    mul = self._operand(prefix, memory, both, 1 if both else 0, k, y, x)
        unit = PlainX(
            alu=alu, alu_mode=self._f(f"{cfg}ALU_ALGO"),
            alu_shift=self._f(f"SDP.D_DP_{prefix}_ALU_CFG.{prefix}_ALU_SHIFT_VALUE"), mul=mul,
            mul_shift=self._f(f"SDP.D_DP_{prefix}_MUL_CFG.{prefix}_MUL_SHIFT_VALUE"),
            prelu=self._f(f"{cfg}MUL_PRELU") == 1, relu=self._f(f"{cfg}RELU_BYPASS") == 0,
            bypass=self._f(f"{cfg}BYPASS") == 1,
        )  # fmt: skip
        return x_stage(value, unit)[0]

    def _operand(self, prefix: str, memory: str, both: bool, place: int, k: int, y: int, x: int) -> int:
        size = 2 if self._f(f"{memory}DATA_SIZE") else 1
        channel_bytes = size * (2 if both else 1)
        unit, base = A * channel_bytes, self._w(f"SDP_RDMA.D_{prefix}_BASE_ADDR_LOW")
        at = base + k // A * unit
        if self._f(f"{memory}DATA_MODE") and (self.width, self.height) != (1, 1):
            line, surface = (self._w(f"SDP_RDMA.D_{prefix}_{which}_STRIDE") for which in ("LINE", "SURFACE"))
            at = base + k // A * surface + y * line + x * unit
        at += k % A * channel_bytes + place * size
        return sx(sum(self.memory.get(at + byte, 0) << 8 * byte for byte in range(size)), 8 * size)

    # --- Convolution

    @property
    def _image(self) -> bool:
        return self._f("CDMA.D_DATAIN_FORMAT.DATAIN_FORMAT") == 1

    @cached_property
    def _sizes(self) -> tuple[int, int, int, int, int]:
        """C, H, W, and R, S of the kernels."""
        channels = self._f("CSC.D_DATAIN_SIZE_EXT_1.DATAIN_CHANNEL_EXT") + 1
        height = self._f("CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT") + 1
        width = self._f("CSC.D_DATAIN_SIZE_EXT_0.DATAIN_WIDTH_EXT") + 1
        lines = self._f("CSC.D_WEIGHT_SIZE_EXT_0.WEIGHT_HEIGHT_EXT") + 1
        pixels = self._f("CSC.D_WEIGHT_SIZE_EXT_0.WEIGHT_WIDTH_EXT") + 1
        if self._image:
            pixels = (self._f("CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT") + 1) // channels
        return channels, height, width, lines, pixels

    @cached_property
    def _weights(self) -> dict[tuple[int, int, int, int], int]:
        """Weights by k, c, r, s, walked through in the order of the stream."""
        channels, _, _, lines, pixels = self._sizes
        block_channels, block_pixels = (channels * pixels, 1) if self._image else (channels, pixels)
        step = 1 << (self._f("CSC.D_POST_Y_EXTENSION.Y_EXTENSION") if self._image else 0)
        found = {}
        at = self._w("CDMA.D_WEIGHT_ADDR_LOW")
        for group in range(0, self.channels, ATOMIC_K):
            for block in range(0, block_channels, ATOMIC_C):
                for first in range(0, lines, step):
                    for s in range(block_pixels):
                        for k in range(group, min(group + ATOMIC_K, self.channels)):
                            for r in range(first, min(first + step, lines)):
                                for c in range(block, min(block + ATOMIC_C, block_channels)):
                                    key = (k, c % channels, r, c // channels) if self._image else (k, c, r, s)
                                    found[key] = self._int8(at)
                                    at += 1
        return found

    def _delivered(self, k: int, oy: int, ox: int) -> int:
        if k >= self.channels:
            return 0
        channels, _, _, lines, pixels = self._sizes
        stride = "CSC.D_CONV_STRIDE_EXT.CONV_{}_STRIDE_EXT"
        dilation = "CSC.D_DILATION_EXT.{}_DILATION_EXT"
        sy, sx_ = (self._f(stride.format(axis)) + 1 for axis in "YX")
        dy, dx = (1 if self._image else self._f(dilation.format(axis)) + 1 for axis in "YX")
        top = self._f("CSC.D_ZERO_PADDING.PAD_TOP")
        left = self._f(f"{'CDMA' if self._image else 'CSC'}.D_ZERO_PADDING.PAD_LEFT")
        total = 0
        for r in range(lines):
            for s in range(pixels):
                y, x = oy * sy + r * dy - top, ox * sx_ + s * dx - left
                total += sum(self._input(c, y, x) * self._weights[k, c, r, s] for c in range(channels))
        return accumulate([total], self._f("CACC.D_CLIP_CFG.CLIP_TRUNCATE"))[0]

    def _input(self, c: int, y: int, x: int) -> int:
        _, height, width, _, _ = self._sizes
        if not 0 <= y < height:
            return sx(self._f("CSC.D_ZERO_PADDING_VALUE.PAD_VALUE"), 8)
        if not 0 <= x < width:
            return sx(self._f(f"{'CDMA' if self._image else 'CSC'}.D_ZERO_PADDING_VALUE.PAD_VALUE"), 8)
        enabled = self._f("CDMA.D_CVT_CFG.CVT_EN") == 1
        offset, scale = sx(self._f("CDMA.D_CVT_OFFSET.CVT_OFFSET"), 16), sx(self._f("CDMA.D_CVT_SCALE.CVT_SCALE"), 16)
        truncate = self._f("CDMA.D_CVT_CFG.CVT_TRUNCATE")
        if not self._image:
            value = self._int8(self._feature_address(c, y, x))
            return input_convert(value, offset, scale, truncate) if enabled else value
        means = None
        if self._f("CDMA.D_MEAN_FORMAT.MEAN_FORMAT"):
            names = ("0.MEAN_RY", "0.MEAN_GU", "1.MEAN_BV", "1.MEAN_AX")
            means = [sx(self._f(f"CDMA.D_MEAN_GLOBAL_{name}"), 16) for name in names]
        return pixel_convert(
            self.memory.get(self._pixel_address(c, y, x), 0), c, enabled=enabled,
            signed=self._f("CDMA.D_DATAIN_FORMAT.PIXEL_SIGN_OVERRIDE") == 1, offset=offset, means=means, scale=scale,
            truncate=truncate,
        )  # fmt: skip

    def _feature_address(self, c: int, y: int, x: int) -> int:
        _, height, width, _, _ = self._sizes
        base = self._w("CDMA.D_DAIN_ADDR_LOW_0")
        if height == width == 1 and self._f("CDMA.D_DAIN_MAP.SURF_PACKED"):
            return base + c
        together = self._f("CDMA.D_FETCH_GRAIN.GRAINS") + 1 if self._f("CDMA.D_DAIN_MAP.LINE_PACKED") else 1
        line = y // together * together * self._w("CDMA.D_LINE_STRIDE") + y % together * width * A
        return base + c // A * self._w("CDMA.D_SURF_STRIDE") + line + x * A + c % A

    def _pixel_address(self, c: int, y: int, x: int) -> int:
        code, skipped = self._f("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT"), self._f("CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET")
        line = self._w("CDMA.D_DAIN_ADDR_LOW_0") + y * self._w("CDMA.D_LINE_STRIDE")
        for codes, order in PIXEL_BYTES.items():
            if code in codes:
                return line + (skipped + x) * 4 + order[c]
        if c == 0:
            return line + skipped + x
        second = self._w("CDMA.D_DAIN_ADDR_LOW_1") + y * self._w("CDMA.D_LINE_UV_STRIDE")
        return second + (skipped % 4 + x) * 2 + (c - 1 if code == 0x1D else 2 - c)
