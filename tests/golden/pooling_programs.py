"""Small register programs for PDP and CDP, written out register by register, with :mod:`register_programs`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.device import Device
from nvdla_int8.registers.register_map import pack
from tests.golden.plain_lrn import PlainLrn, PlainTable
from tests.golden.plain_pooling import PlainPooling
from tests.golden.register_programs import ATOM, INPUT, OUTPUT, RegisterLayer, place_cube, read_cube

METHODS = {"AVERAGE": 0, "MAX": 1, "MIN": 2}
NO_DESTINATION = {
    "SDP.D_DST_BASE_ADDR_LOW": 0x1234_5671, "SDP.D_DST_BASE_ADDR_HIGH": 7, "SDP.D_DST_LINE_STRIDE": 3,
    "SDP.D_DST_SURFACE_STRIDE": 1, "SDP.D_DST_DMA_CFG": 0,
}  # fmt: skip
"""What SDP's destination registers may hold when PDP takes the output."""


def _packed(fields: Mapping[str, Mapping[str, int | str]]) -> dict[str, int]:
    return {register: pack(register, **of_register) for register, of_register in fields.items()}


@dataclass(frozen=True)
class PoolingNumbers:
    """A pooling layer in plain numbers; pairs are (y, x), ``padding`` is (top, left, bottom, right).

    ``parts`` are (input, output) columns of each part, as the registers count them.
    """

    channels: int = 9
    height: int = 6
    width: int = 8
    kernel: tuple[int, int] = (2, 2)
    stride: tuple[int, int] = (2, 2)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    method: str = "MAX"
    pad_values: tuple[int, ...] = (-40, -80, -120, -160, -200, -240, -280)
    parts: tuple[tuple[int, int], ...] = ()

    def but(self, **changes: object) -> "PoolingNumbers":
        """The layer with other numbers."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def output(self) -> tuple[int, int, int]:
        """(C, Ho, Wo)."""
        top, left, bottom, right = self.padding
        padded = (top + self.height + bottom, left + self.width + right)
        rows, columns = (
            (size - kernel) // stride + 1 for size, kernel, stride in zip(padded, self.kernel, self.stride, strict=True)
        )
        return self.channels, rows, columns

    @property
    def reciprocals(self) -> tuple[int, int]:
        """1/kernel height and width, Q16."""
        return round(65536 / self.kernel[0]), round(65536 / self.kernel[1])

    def plain(self) -> PlainPooling:
        """The same, to be computed element by element."""
        return PlainPooling(
            METHODS[self.method], self.kernel, self.stride, self.padding[:2], self.pad_values, self.reciprocals
        )

    def expected(self, cube: NDArray[np.int8]) -> NDArray[np.int8]:
        """The whole output, element by element; of a layer that is not cut."""
        plain, (_, rows, columns) = self.plain(), self.output
        values = [
            [[plain.output(plane, oy, ox) for ox in range(columns)] for oy in range(rows)] for plane in cube.tolist()
        ]
        return np.array(values, np.int8)

    def layer(self, *, flying: bool = False, source: int = INPUT, destination: int = OUTPUT) -> RegisterLayer:
        """PDP's registers, and PDP_RDMA's unless it is flying."""
        _, rows, columns = self.output
        top, left, bottom, right = self.padding
        kernel_h, kernel_w = self.kernel
        values = _packed(
            {
                "PDP.D_DATA_CUBE_IN_WIDTH": {"CUBE_IN_WIDTH": self.width - 1},
                "PDP.D_DATA_CUBE_IN_HEIGHT": {"CUBE_IN_HEIGHT": self.height - 1},
                "PDP.D_DATA_CUBE_IN_CHANNEL": {"CUBE_IN_CHANNEL": self.channels - 1},
                "PDP.D_DATA_CUBE_OUT_WIDTH": {"CUBE_OUT_WIDTH": columns - 1},
                "PDP.D_DATA_CUBE_OUT_HEIGHT": {"CUBE_OUT_HEIGHT": rows - 1},
                "PDP.D_DATA_CUBE_OUT_CHANNEL": {"CUBE_OUT_CHANNEL": self.channels - 1},
                "PDP.D_OPERATION_MODE_CFG": {
                    "POOLING_METHOD": METHODS[self.method],
                    "FLYING_MODE": int(not flying),
                    "SPLIT_NUM": max(len(self.parts) - 1, 0),
                },
                "PDP.D_PARTIAL_WIDTH_IN": self._partial_widths("IN", 0),
                "PDP.D_PARTIAL_WIDTH_OUT": self._partial_widths("OUT", 1),
                "PDP.D_POOLING_KERNEL_CFG": {
                    "KERNEL_WIDTH": kernel_w - 1,
                    "KERNEL_HEIGHT": kernel_h - 1,
                    "KERNEL_STRIDE_WIDTH": self.stride[1] - 1,
                    "KERNEL_STRIDE_HEIGHT": self.stride[0] - 1,
                },
                "PDP.D_RECIP_KERNEL_HEIGHT": {"RECIP_KERNEL_HEIGHT": self.reciprocals[0]},
                "PDP.D_RECIP_KERNEL_WIDTH": {"RECIP_KERNEL_WIDTH": self.reciprocals[1]},
                "PDP.D_POOLING_PADDING_CFG": {
                    "PAD_LEFT": left, "PAD_TOP": top, "PAD_RIGHT": right, "PAD_BOTTOM": bottom,
                },
                **{
                    f"PDP.D_POOLING_PADDING_VALUE_{missing}_CFG": {f"PAD_VALUE_{missing}X": value}
                    for missing, value in enumerate(self.pad_values, 1)
                },
                "PDP.D_DST_BASE_ADDR_LOW": {"DST_BASE_ADDR_LOW": destination},
                "PDP.D_DST_LINE_STRIDE": {"DST_LINE_STRIDE": columns * ATOM},
                "PDP.D_DST_SURFACE_STRIDE": {"DST_SURFACE_STRIDE": rows * columns * ATOM},
                "PDP.D_DST_RAM_CFG": {"DST_RAM_TYPE": "MC"},
            }
        )  # fmt: skip
        return RegisterLayer(values if flying else values | self._rdma(source))

    def _rdma(self, source: int) -> dict[str, int]:
        return _packed(
            {
                "PDP_RDMA.D_DATA_CUBE_IN_WIDTH": {"CUBE_IN_WIDTH": self.width - 1},
                "PDP_RDMA.D_DATA_CUBE_IN_HEIGHT": {"CUBE_IN_HEIGHT": self.height - 1},
                "PDP_RDMA.D_DATA_CUBE_IN_CHANNEL": {"CUBE_IN_CHANNEL": self.channels - 1},
                "PDP_RDMA.D_SRC_BASE_ADDR_LOW": {"SRC_BASE_ADDR_LOW": source},
                "PDP_RDMA.D_SRC_LINE_STRIDE": {"SRC_LINE_STRIDE": self.width * ATOM},
                "PDP_RDMA.D_SRC_SURFACE_STRIDE": {"SRC_SURFACE_STRIDE": self.width * self.height * ATOM},
                "PDP_RDMA.D_SRC_RAM_CFG": {"SRC_RAM_TYPE": "MC"},
                "PDP_RDMA.D_OPERATION_MODE_CFG": {"SPLIT_NUM": max(len(self.parts) - 1, 0)},
                "PDP_RDMA.D_POOLING_KERNEL_CFG": {
                    "KERNEL_WIDTH": self.kernel[1] - 1,
                    "KERNEL_STRIDE_WIDTH": self.stride[1] - 1,
                },
                "PDP_RDMA.D_PARTIAL_WIDTH_IN": self._partial_widths("IN", 0),
            }
        )

    def _partial_widths(self, direction: str, index: int) -> dict[str, int | str]:
        if not self.parts:
            return {}
        first, last = self.parts[0][index], self.parts[-1][index]
        widths = {"FIRST": first, "MID": self.parts[1][index], "LAST": last}
        return {f"PARTIAL_WIDTH_{direction}_{part}": width - 1 for part, width in widths.items()}


def behind_sdp(sdp: RegisterLayer, pooling: PoolingNumbers, destination: int = OUTPUT) -> RegisterLayer:
    """A layer whose SDP hands its output to PDP; SDP's own destination registers hold nonsense."""
    feeding = sdp.but({"SDP.D_FEATURE_MODE_CFG.OUTPUT_DST": "PDP", **NO_DESTINATION})
    return RegisterLayer({**feeding.values, **pooling.layer(flying=True, destination=destination).values})


LE_ENTRIES = tuple((100 - 3 * index) * 50 for index in range(65))
LO_ENTRIES = tuple(8000 - 30 * index for index in range(257))


@dataclass(frozen=True)
class LrnNumbers:
    """A normalisation in plain numbers; both tables linear and from 0, LE over half of what LO covers."""

    channels: int = 9
    height: int = 3
    width: int = 4
    length: int = 1
    le_select: int = 8
    lo_select: int = 7

    def but(self, **changes: object) -> "LrnNumbers":
        """The layer with other numbers."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def layer(self, *, source: int = INPUT, destination: int = OUTPUT) -> RegisterLayer:
        """Registers of CDP and CDP_RDMA, without those of the tables."""
        line, surface = self.width * ATOM, self.width * self.height * ATOM
        sizes = {"WIDTH": self.width, "HEIGHT": self.height, "CHANNEL": self.channels}
        return RegisterLayer(
            {f"CDP_RDMA.D_DATA_CUBE_{part}": size - 1 for part, size in sizes.items()}
            | {
                "CDP_RDMA.D_SRC_BASE_ADDR_LOW": source, "CDP_RDMA.D_SRC_LINE_STRIDE": line,
                "CDP_RDMA.D_SRC_SURFACE_STRIDE": surface, "CDP_RDMA.D_SRC_DMA_CFG": 1,
                "CDP.D_LRN_CFG": self.length,
                "CDP.D_DATOUT_SHIFTER": 9,
                "CDP.D_DST_BASE_ADDR_LOW": destination, "CDP.D_DST_LINE_STRIDE": line,
                "CDP.D_DST_SURFACE_STRIDE": surface, "CDP.D_DST_DMA_CFG": 1,
            }
        )  # fmt: skip

    def write_tables(self, device: Device) -> None:
        """Load both tables and say how they are indexed."""
        load_table(device, "LE", LE_ENTRIES)
        load_table(device, "LO", LO_ENTRIES)
        device.write("CDP.S_LUT_CFG", pack("CDP.S_LUT_CFG", LUT_LE_FUNCTION="LINEAR"))
        selects = {"LUT_LE_INDEX_SELECT": self.le_select, "LUT_LO_INDEX_SELECT": self.lo_select}
        device.write("CDP.S_LUT_INFO", pack("CDP.S_LUT_INFO", **selects))

    def plain(self) -> PlainLrn:
        """The same, to be computed element by element."""
        flat = ((0, 0), (0, 0))
        return PlainLrn(
            length=self.length, square_sum_bypass=False, multiply_bypass=False, converter_in=(0, 1, 0),
            le=PlainTable(LE_ENTRIES, False, 0, 0, 0, self.le_select, flat),
            lo=PlainTable(LO_ENTRIES, False, 0, 0, 0, self.lo_select, flat),
            priorities=(0, 0, 0), converter_out=(0, 1, 9),
        )  # fmt: skip

    def expected(self, cube: NDArray[np.int8]) -> tuple[NDArray[np.int8], Counter[str]]:
        """The whole output, element by element, and how often each case of the tables was met."""
        plain, counts = self.plain(), Counter[str]()
        output = np.zeros(cube.shape, np.int8)
        for lane, y, x in np.ndindex(cube.shape):
            output[lane, y, x], case = plain.output(cube[:, y, x].tolist(), lane, self.channels)
            counts[case] += 1
        return output, counts


def load_table(device: Device, table: str, entries: Iterable[int], start: int = 0) -> None:
    """Write entries of ``LE`` or ``LO`` from an address on."""
    access = pack("CDP.S_LUT_ACCESS_CFG", LUT_ADDR=start, LUT_TABLE_ID=table, LUT_ACCESS_TYPE="WRITE")
    device.write("CDP.S_LUT_ACCESS_CFG", access)
    for entry in entries:
        device.write("CDP.S_LUT_ACCESS_DATA", entry & 0xFFFF)


def read_table(device: Device, table: str, count: int, start: int = 0) -> list[int]:
    """Read entries of a table from an address on."""
    access = pack("CDP.S_LUT_ACCESS_CFG", LUT_ADDR=start, LUT_TABLE_ID=table, LUT_ACCESS_TYPE="READ")
    device.write("CDP.S_LUT_ACCESS_CFG", access)
    words = [device.read("CDP.S_LUT_ACCESS_DATA") for _ in range(count)]
    return [word - 65536 if word & 0x8000 else word for word in words]


def random_cube(shape: tuple[int, int, int], seed: int = 0) -> NDArray[np.int8]:
    """All lanes of a cube, (lanes, H, W)."""
    channels, height, width = shape
    lanes = -(-channels // ATOM) * ATOM
    return np.random.default_rng(seed).integers(-128, 128, (lanes, height, width), dtype=np.int8)


def device_with(cube: NDArray[np.int8], *, strict: bool = True, base: int = INPUT) -> Device:
    """A device with a cube of whole atoms in memory."""
    device = Device(strict=strict)
    place_cube(device.memory, base, cube)
    return device


def written(device: Device, shape: tuple[int, ...], base: int = OUTPUT) -> NDArray[np.int8]:
    """The output with its lanes."""
    return read_cube(device.memory, base, shape)
