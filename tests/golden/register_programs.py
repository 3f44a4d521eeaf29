"""Small register programs for tests of the device, written out register by register.

Deliberately apart from ``nvdla_int8.compiler``: the tests of the device must not share its mistakes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import find_build
from nvdla_int8.device import Device
from nvdla_int8.registers.register_map import find_register, insert, pack
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.pixels import PixelSurface, format_channels
from nvdla_int8.surfaces.weights import pack_weights, to_image_form

INPUT, WEIGHTS, X1_OPERANDS, X2_OPERANDS, OUTPUT = 0x8000_0000, 0x9000_0000, 0xB000_0000, 0xB100_0000, 0xA000_0000
ENABLE_ORDER = ("SDP_RDMA", "SDP", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA")
MEMORY_ORDER = ("PDP_RDMA", "PDP", "CDP_RDMA", "CDP", *ENABLE_ORDER)
"""With the blocks that read memory or wait for SDP."""

ATOM = 8


@dataclass(frozen=True)
class RegisterLayer:
    """D_ registers of one layer on nv_small by name, for the blocks it uses."""

    values: Mapping[str, int]

    @property
    def blocks(self) -> list[str]:
        """The blocks it uses, in the order in which they are enabled."""
        used = {name.partition(".")[0] for name in self.values}
        return [block for block in MEMORY_ORDER if block in used]

    def but(self, changes: Mapping[str, int | str]) -> "RegisterLayer":
        """The layer with other values of ``BLOCK.REGISTER`` or ``BLOCK.REGISTER.FIELD``."""
        values = dict(self.values)
        for name, value in changes.items():
            register = ".".join(name.split(".")[:2])
            word = values.get(register, find_register(register).reset)
            if register == name:
                assert isinstance(value, int)
                values[name] = value
            else:
                values[register] = insert(register, word, **{name.split(".")[2]: value})
        return RegisterLayer(values)

    def write(self, device: Device, group: int = 0) -> None:
        """Write everything but the enables."""
        for block in self.blocks:
            device.write(f"{block}.S_POINTER", group)
        for name, word in self.values.items():
            device.write(name, word)

    def enable(self, device: Device, order: Iterable[str] | None = None) -> None:
        """Hand the group over, block after block."""
        for block in order or self.blocks:
            device.write(f"{block}.D_OP_ENABLE", 1)

    def run(self, device: Device, group: int = 0) -> None:
        """Write and enable."""
        self.write(device, group)
        self.enable(device)

    def run_next(self, device: Device) -> None:
        """Write and enable in each block the group whose turn it is."""
        for block in self.blocks:
            device.write(f"{block}.S_POINTER", device.read_field(f"{block}.S_POINTER", "CONSUMER"))
        for name, word in self.values.items():
            device.write(name, word)
        self.enable(device)

    def words(self, names: str) -> list[int]:
        """Values of registers of one block, ``"BLOCK.A B C"``."""
        block, _, registers = names.partition(".")
        return [self.values[f"{block}.{register}"] for register in registers.split()]


def _packed(fields: Mapping[str, Mapping[str, int | str]]) -> dict[str, int]:
    return {register: pack(register, **of_register) for register, of_register in fields.items()}


def _cube_sizes(block: str, channels: int, height: int, width: int) -> dict[str, int]:
    sizes = {"WIDTH": width, "HEIGHT": height, "CHANNEL": channels}
    return {f"{block}.D_DATA_CUBE_{part}": size - 1 for part, size in sizes.items()}


def _sdp(channels: int, height: int, width: int, *, flying: bool) -> dict[str, int]:
    """X1 and X2 bypassed, output converter the identity, output without gaps."""
    return _cube_sizes("SDP", channels, height, width) | _packed(
        {
            "SDP.D_DST_BASE_ADDR_LOW": {"DST_BASE_ADDR_LOW": OUTPUT},
            "SDP.D_DST_LINE_STRIDE": {"DST_LINE_STRIDE": width * ATOM},
            "SDP.D_DST_SURFACE_STRIDE": {"DST_SURFACE_STRIDE": width * height * ATOM},
            "SDP.D_DST_DMA_CFG": {"DST_RAM_TYPE": "MC"},
            "SDP.D_FEATURE_MODE_CFG": {"FLYING_MODE": int(flying)},
            "SDP.D_DP_EW_CFG": {"EW_BYPASS": "YES"},
            "SDP.D_DATA_FORMAT": {"OUT_PRECISION": "INT8"},
            "SDP.D_CVT_SCALE": {"CVT_SCALE": 1},
            "SDP.D_PERF_ENABLE": {"PERF_SAT_EN": "YES"},
        }
    )


def _sdp_rdma(channels: int, height: int, width: int, *, flying: bool) -> dict[str, int]:
    int8 = {f"{which}_PRECISION": "INT8" for which in ("IN", "PROC", "OUT")}
    return _cube_sizes("SDP_RDMA", channels, height, width) | _packed(
        {
            "SDP_RDMA.D_FEATURE_MODE_CFG": {"FLYING_MODE": int(flying), **int8},
            "SDP_RDMA.D_SRC_BASE_ADDR_LOW": {"SRC_BASE_ADDR_LOW": INPUT},
            "SDP_RDMA.D_SRC_LINE_STRIDE": {"SRC_LINE_STRIDE": width * ATOM},
            "SDP_RDMA.D_SRC_SURFACE_STRIDE": {"SRC_SURFACE_STRIDE": width * height * ATOM},
            "SDP_RDMA.D_SRC_DMA_CFG": {"SRC_RAM_TYPE": "MC"},
        }
    )


def memory_layer(channels: int = 9, height: int = 3, width: int = 4) -> RegisterLayer:
    """SDP from memory to memory."""
    shape = (channels, height, width)
    return RegisterLayer(_sdp(*shape, flying=False) | _sdp_rdma(*shape, flying=False))


def place_cube(memory: Memory, base: int, cube: NDArray[np.int8]) -> None:
    """Write a feature cube (C, H, W) without gaps."""
    cube_surface(base, cube.shape).write(memory, cube)


def read_cube(memory: Memory, base: int, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Read a feature cube without gaps, with the lanes beyond its last channel: (lanes, H, W)."""
    return cube_surface(base, shape).read_lanes(memory)


def cube_surface(base: int, shape: tuple[int, ...]) -> FeatureSurface:
    """A feature cube (C, H, W) without gaps."""
    channels, height, width = shape
    return FeatureSurface(
        base=base, width=width, height=height, channels=channels, line_stride=width * ATOM,
        surface_stride=width * height * ATOM, memory_atom=ATOM, packs_one_pixel=True,
    )  # fmt: skip


OPERAND_NAMES = {"x1": ("BRDMA", "BS", X1_OPERANDS), "x2": ("NRDMA", "BN", X2_OPERANDS)}


def with_operands(
    layer: RegisterLayer, which: str, use: str, *, element_bytes: int = 2, per_element: bool = False
) -> RegisterLayer:
    """The layer with ``x1`` or ``x2`` on and reading its ``ALU``, ``MUL`` or ``BOTH`` from memory."""
    dma, prefix, base = OPERAND_NAMES[which]
    width, height, channels = (
        word + 1 for word in layer.words("SDP.D_DATA_CUBE_WIDTH D_DATA_CUBE_HEIGHT D_DATA_CUBE_CHANNEL")
    )
    if "SDP_RDMA" not in layer.blocks:
        layer = RegisterLayer({**layer.values, **_sdp_rdma(channels, height, width, flying=True)})
    unit = ATOM * element_bytes * (2 if use == "BOTH" else 1)
    alu, mul = use != "MUL", use != "ALU"
    stage, stream = f"SDP.D_DP_{prefix}", f"SDP_RDMA.D_{dma}_CFG.{dma}"
    return layer.but(
        {
            f"{stage}_CFG.{prefix}_BYPASS": 0,
            f"{stage}_CFG.{prefix}_ALU_BYPASS": int(not alu),
            f"{stage}_CFG.{prefix}_ALU_ALGO": "SUM",
            f"{stage}_CFG.{prefix}_MUL_BYPASS": int(not mul),
            f"{stage}_CFG.{prefix}_MUL_PRELU": 0,
            f"{stage}_ALU_CFG.{prefix}_ALU_SRC": "MEM" if alu else "REG",
            f"{stage}_MUL_CFG.{prefix}_MUL_SRC": "MEM" if mul else "REG",
            f"{stream}_DISABLE": "NO",
            f"{stream}_DATA_USE": use,
            f"{stream}_DATA_SIZE": "TWO_BYTE" if element_bytes == 2 else "ONE_BYTE",
            f"{stream}_DATA_MODE": "PER_ELEMENT" if per_element else "PER_KERNEL",
            f"{stream}_RAM_TYPE": "MC",
            f"SDP_RDMA.D_{prefix}_BASE_ADDR_LOW": base,
            f"SDP_RDMA.D_{prefix}_LINE_STRIDE": width * unit,
            f"SDP_RDMA.D_{prefix}_SURFACE_STRIDE": width * height * unit,
        }
    )


@dataclass(frozen=True)
class Convolution:
    """A convolution in plain numbers; pairs are (y, x), ``padding`` is (top, left, bottom, right).

    ``pixel_format`` makes it an image, whose channels the format gives.
    """

    channels: int = 9
    height: int = 3
    width: int = 4
    kernels: int = 9
    kernel: tuple[int, int] = (2, 2)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (1, 1, 1, 1)
    pad_value: int = 0
    pixel_format: int | None = None
    post_extension: int = 0

    @property
    def image(self) -> bool:
        return self.pixel_format is not None

    @property
    def line_bytes(self) -> int:
        """Line stride of the input: a feature line, or pixels rounded up to atoms with one atom to spare."""
        return self.width * ATOM if not self.image else (-(-self.width * 4 // ATOM) + 2) * ATOM

    @property
    def output(self) -> tuple[int, int, int]:
        """(K, Ho, Wo)."""
        top, left, bottom, right = self.padding
        sizes = [
            (size - (kernel - 1) * (1 if self.image else dilation) - 1) // stride + 1
            for size, kernel, dilation, stride in zip(
                (top + self.height + bottom, left + self.width + right),
                self.kernel,
                self.dilation,
                self.stride,
                strict=True,
            )
        ]
        return self.kernels, sizes[0], sizes[1]

    def layer(self) -> RegisterLayer:
        """Its registers; input converter off, X1 and X2 bypassed, output converter the identity."""
        kernels, out_h, out_w = self.output
        return RegisterLayer(self._cdma() | self._csc() | self._accumulate() | _sdp(kernels, out_h, out_w, flying=True))

    def but(self, **changes: object) -> "Convolution":
        """The convolution with other numbers."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def _taps(self) -> tuple[int, int]:
        """Channels and pixels of a kernel as the hardware takes it."""
        return (self.kernel[1] * self.channels, 1) if self.image else (self.channels, self.kernel[1])

    @property
    def _entries(self) -> int:
        line = (self.padding[1] + self.width + self.padding[3]) * self.channels
        return -(-line // 8) if self.image else self.width * -(-self.channels // 8)

    @property
    def _weight_bytes(self) -> int:
        return -(-self.kernels * self.channels * self.kernel[0] * self.kernel[1] // 8) * 8

    def _cdma(self) -> dict[str, int]:
        top, left, bottom, right = self.padding
        size = {"DATAIN_WIDTH": self.width - 1, "DATAIN_HEIGHT": self.height - 1}
        return _packed(
            {
                "CDMA.D_MISC_CFG": {"IN_PRECISION": "INT8", "PROC_PRECISION": "INT8"},
                "CDMA.D_DATAIN_FORMAT": {"DATAIN_FORMAT": int(self.image), "PIXEL_FORMAT": self.pixel_format or 0},
                "CDMA.D_DATAIN_SIZE_0": size,
                "CDMA.D_DATAIN_SIZE_1": {"DATAIN_CHANNEL": self.channels - 1},
                "CDMA.D_DAIN_RAM_TYPE": {"DATAIN_RAM_TYPE": "MCIF"},
                "CDMA.D_DAIN_ADDR_LOW_0": {"DATAIN_ADDR_LOW_0": INPUT},
                "CDMA.D_LINE_STRIDE": {"LINE_STRIDE": self.line_bytes},
                "CDMA.D_SURF_STRIDE": {"SURF_STRIDE": self.line_bytes * self.height},
                "CDMA.D_ENTRY_PER_SLICE": {"ENTRIES": self._entries - 1},
                "CDMA.D_WEIGHT_SIZE_0": {"BYTE_PER_KERNEL": self.channels * self.kernel[0] * self.kernel[1] - 1},
                "CDMA.D_WEIGHT_SIZE_1": {"WEIGHT_KERNEL": self.kernels - 1},
                "CDMA.D_WEIGHT_RAM_TYPE": {"WEIGHT_RAM_TYPE": "MCIF"},
                "CDMA.D_WEIGHT_ADDR_LOW": {"WEIGHT_ADDR_LOW": WEIGHTS},
                "CDMA.D_WEIGHT_BYTES": {"WEIGHT_BYTES": self._weight_bytes},
                "CDMA.D_CONV_STRIDE": {"CONV_Y_STRIDE": self.stride[0] - 1, "CONV_X_STRIDE": self.stride[1] - 1},
                "CDMA.D_ZERO_PADDING": {"PAD_TOP": top, "PAD_LEFT": left, "PAD_BOTTOM": bottom, "PAD_RIGHT": right},
                "CDMA.D_ZERO_PADDING_VALUE": {"PAD_VALUE": self.pad_value},
                "CDMA.D_CVT_SCALE": {"CVT_SCALE": 1},
                "CDMA.D_BANK": {"DATA_BANK": 0, "WEIGHT_BANK": 0},
            }
        )

    def _csc(self) -> dict[str, int]:
        taps, kernel_w = self._taps
        _, out_h, out_w = self.output
        return _packed(
            {
                "CSC.D_MISC_CFG": {"IN_PRECISION": "INT8", "PROC_PRECISION": "INT8"},
                "CSC.D_DATAIN_FORMAT": {"DATAIN_FORMAT": int(self.image)},
                "CSC.D_DATAIN_SIZE_EXT_0": {
                    "DATAIN_WIDTH_EXT": self.width - 1,
                    "DATAIN_HEIGHT_EXT": self.height - 1,
                },
                "CSC.D_DATAIN_SIZE_EXT_1": {"DATAIN_CHANNEL_EXT": self.channels - 1},
                "CSC.D_POST_Y_EXTENSION": {"Y_EXTENSION": self.post_extension},
                "CSC.D_ENTRY_PER_SLICE": {"ENTRIES": self._entries - 1},
                "CSC.D_WEIGHT_SIZE_EXT_0": {"WEIGHT_WIDTH_EXT": kernel_w - 1, "WEIGHT_HEIGHT_EXT": self.kernel[0] - 1},
                "CSC.D_WEIGHT_SIZE_EXT_1": {"WEIGHT_CHANNEL_EXT": taps - 1, "WEIGHT_KERNEL": self.kernels - 1},
                "CSC.D_WEIGHT_BYTES": {"WEIGHT_BYTES": self._weight_bytes},
                "CSC.D_DATAOUT_SIZE_0": {"DATAOUT_WIDTH": out_w - 1, "DATAOUT_HEIGHT": out_h - 1},
                "CSC.D_DATAOUT_SIZE_1": {"DATAOUT_CHANNEL": self.kernels - 1},
                "CSC.D_ATOMICS": {"ATOMICS": out_h * out_w - 1},
                "CSC.D_RELEASE": {"RLS_SLICES": self.height - 1},
                "CSC.D_CONV_STRIDE_EXT": {
                    "CONV_Y_STRIDE_EXT": self.stride[0] - 1,
                    "CONV_X_STRIDE_EXT": self.stride[1] - 1,
                },
                "CSC.D_DILATION_EXT": {"Y_DILATION_EXT": self.dilation[0] - 1, "X_DILATION_EXT": self.dilation[1] - 1},
                "CSC.D_ZERO_PADDING": {"PAD_TOP": self.padding[0], "PAD_LEFT": self.padding[1]},
                "CSC.D_ZERO_PADDING_VALUE": {"PAD_VALUE": self.pad_value},
                "CSC.D_BANK": {"DATA_BANK": 0, "WEIGHT_BANK": 0},
            }
        )

    def _accumulate(self) -> dict[str, int]:
        kernels, out_h, out_w = self.output
        return _packed(
            {
                "CMAC_A.D_MISC_CFG": {"PROC_PRECISION": "INT8"},
                "CMAC_B.D_MISC_CFG": {"PROC_PRECISION": "INT8"},
                "CACC.D_MISC_CFG": {"PROC_PRECISION": "INT8"},
                "CACC.D_DATAOUT_SIZE_0": {"DATAOUT_WIDTH": out_w - 1, "DATAOUT_HEIGHT": out_h - 1},
                "CACC.D_DATAOUT_SIZE_1": {"DATAOUT_CHANNEL": kernels - 1},
            }
        )

    def place(self, memory: Memory, data: NDArray[np.integer], weights: NDArray[np.int8]) -> None:
        """Put input, int8 or for an image uint8 (C, H, W), and weights (K, C, R, S) where the registers say."""
        if self.pixel_format is not None:
            surface = PixelSurface(
                pixel_format=self.pixel_format, base=INPUT, width=self.width, height=self.height,
                line_stride=self.line_bytes, memory_atom=ATOM,
            )  # fmt: skip
            surface.write(memory, data.astype(np.uint8))
            stored = to_image_form(weights)
        else:
            place_cube(memory, INPUT, data.astype(np.int8))
            stored = weights
        memory.write_bytes(WEIGHTS, pack_weights(stored, find_build("nv_small"), post_extension=self.post_extension))


def image(pixel_format: int = 0x0C, **numbers: object) -> Convolution:
    """A small image layer of a one-plane format."""
    return Convolution(channels=format_channels(pixel_format), pixel_format=pixel_format).but(**numbers)


def ramp() -> NDArray[np.int8]:
    """The input of :func:`ready_device`."""
    return np.arange(9 * 3 * 4, dtype=np.int8).reshape(9, 3, 4)


def zeroed_device(build: str = "nv_small", *, strict: bool = False) -> Device:
    """A device whose 32-bit memory was cleared, so that no layer reads what nothing wrote."""
    device = Device(build, strict=strict)
    device.memory.clear(0, 1 << 32)
    return device


def ready_device(*, strict: bool = True) -> Device:
    """A device with :func:`ramp` where :func:`memory_layer` reads its cube."""
    device = Device(strict=strict)
    place_cube(device.memory, INPUT, ramp())
    return device
