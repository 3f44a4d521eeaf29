"""Layers of PDP and CDP, registers and memory included, element by element in Python's own integers (pdp_cdp.md)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.registers.lrn import LutEntries
from tests.golden.plain import sx
from tests.golden.plain_layer import PlainLayer
from tests.golden.plain_lrn import PlainLrn, PlainTable
from tests.golden.plain_pooling import PlainPooling

A = 8


@dataclass(frozen=True)
class _Line(Sequence[int]):
    """A line, or a plane of lines, whose elements are computed when they are asked for."""

    element: Callable[[int], int]
    size: int

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        assert isinstance(index, int)
        return self.element(index)


def _at(registers: LayerRegisters, prefix: str, c: int, y: int, x: int) -> int:
    base, line, surface = (
        registers.word(f"{prefix}_{name}") for name in ("BASE_ADDR_LOW", "LINE_STRIDE", "SURFACE_STRIDE")
    )
    return base + c // A * surface + y * line + x * A + c % A


@dataclass(frozen=True)
class PlainPoolingLayer:
    """A pooling, from memory or behind SDP, with memory as address to byte before it runs."""

    registers: LayerRegisters
    memory: Mapping[int, int]

    def _f(self, name: str) -> int:
        return self.registers.field(f"PDP.{name}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(lanes, Ho, Wo)."""
        channels = self._f("D_DATA_CUBE_OUT_CHANNEL.CUBE_OUT_CHANNEL") + 1
        widths = [out for _, out in self._parts()]
        return -(-channels // A) * A, self._f("D_DATA_CUBE_OUT_HEIGHT.CUBE_OUT_HEIGHT") + 1, sum(widths)

    def address(self, c: int, y: int, x: int) -> int:
        """Where an output byte goes."""
        return _at(self.registers, "PDP.D_DST", c, y, x)

    def _input(self, c: int, y: int, x: int) -> int:
        if self._f("D_OPERATION_MODE_CFG.FLYING_MODE") == 0:
            return sx(PlainLayer(self.registers, self.memory).output(c, y, x), 8)
        return sx(self.memory.get(_at(self.registers, "PDP_RDMA.D_SRC", c, y, x), 0), 8)

    def _parts(self) -> list[tuple[int, int]]:
        """Columns in and out of each part, as the registers count them."""
        more = self._f("D_OPERATION_MODE_CFG.SPLIT_NUM")
        if not more:
            return [
                (self._f("D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH") + 1, self._f("D_DATA_CUBE_OUT_WIDTH.CUBE_OUT_WIDTH") + 1)
            ]
        into, out = "D_PARTIAL_WIDTH_IN.PARTIAL_WIDTH_IN", "D_PARTIAL_WIDTH_OUT.PARTIAL_WIDTH_OUT"
        names = ["FIRST", *["MID"] * (more - 1), "LAST"]
        return [(self._f(f"{into}_{name}") + 1, self._f(f"{out}_{name}") + 1) for name in names]

    def output(self, c: int, y: int, x: int) -> int:
        """The output byte, unsigned."""
        kernel, stride = "D_POOLING_KERNEL_CFG.KERNEL", "D_POOLING_KERNEL_CFG.KERNEL_STRIDE"
        kw, sx_ = self._f(f"{kernel}_WIDTH") % 8 + 1, self._f(f"{stride}_WIDTH") + 1
        start, left, width = 0, self._f("D_POOLING_PADDING_CFG.PAD_LEFT"), 0
        for number, (columns, out) in enumerate(self._parts()):
            overlap = kw - sx_ if number else 0
            start, width = start + width - overlap, columns + overlap
            if x < out:
                break
            x, left = x - out, 0
        plain = PlainPooling(
            self._f("D_OPERATION_MODE_CFG.POOLING_METHOD"),
            (self._f(f"{kernel}_HEIGHT") % 8 + 1, kw),
            (self._f(f"{stride}_HEIGHT") + 1, sx_),
            (self._f("D_POOLING_PADDING_CFG.PAD_TOP"), left),
            [self._f(f"D_POOLING_PADDING_VALUE_{one}_CFG.PAD_VALUE_{one}X") for one in range(1, 8)],
            (self._f("D_RECIP_KERNEL_HEIGHT.RECIP_KERNEL_HEIGHT"), self._f("D_RECIP_KERNEL_WIDTH.RECIP_KERNEL_WIDTH")),
        )

        def row(iy: int) -> Sequence[int]:
            return _Line(lambda ix: self._input(c, iy, start + ix), width)

        height = self._f("D_DATA_CUBE_IN_HEIGHT.CUBE_IN_HEIGHT") + 1
        plane: Sequence[Sequence[int]] = _Line(row, height)  # type: ignore[arg-type, assignment]
        return plain.output(plane, y, x) & 0xFF


@dataclass(frozen=True)
class PlainLrnLayer:
    """A normalisation, with memory as address to byte before it runs, and what lies in the tables."""

    registers: LayerRegisters
    memory: Mapping[int, int]
    entries: LutEntries

    def _f(self, name: str) -> int:
        return self.registers.field(f"CDP.{name}")

    @property
    def _channels(self) -> int:
        return self.registers.field("CDP_RDMA.D_DATA_CUBE_CHANNEL.CHANNEL") + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(lanes, H, W)."""
        height, width = (
            self.registers.field(f"CDP_RDMA.D_DATA_CUBE_{part}.{part}") + 1 for part in ("HEIGHT", "WIDTH")
        )
        return -(-self._channels // A) * A, height, width

    def address(self, c: int, y: int, x: int) -> int:
        """Where an output byte goes."""
        return _at(self.registers, "CDP.D_DST", c, y, x)

    def _table(self, name: str, entries: Sequence[int]) -> PlainTable:
        def bound(which: str) -> int:
            low, high = (self.registers.word(f"CDP.S_LUT_{name}_{which}_{part}") for part in ("LOW", "HIGH"))
            return high * 2**32 + low

        scale, shift = (self.registers.word(f"CDP.S_LUT_{name}_SLOPE_{part}") for part in ("SCALE", "SHIFT"))
        info = self.registers.word("CDP.S_LUT_INFO")
        return PlainTable(
            entries,
            name == "LE" and self._f("S_LUT_CFG.LUT_LE_FUNCTION") == 0,
            bound("START"),
            bound("END"),
            info & 0xFF,
            info >> 8 & 0xFF if name == "LE" else info >> 16 & 0xFF,
            ((scale & 0xFFFF, shift & 31), (scale >> 16, shift >> 5 & 31)),
        )

    def output(self, c: int, y: int, x: int) -> int:
        """The output byte, unsigned."""
        plain = PlainLrn(
            self._f("D_LRN_CFG.NORMALZ_LEN"),
            self._f("D_FUNC_BYPASS.SQSUM_BYPASS") == 1,
            self._f("D_FUNC_BYPASS.MUL_BYPASS") == 1,
            (
                self._f("D_DATIN_OFFSET.DATIN_OFFSET"),
                self._f("D_DATIN_SCALE.DATIN_SCALE"),
                self._f("D_DATIN_SHIFTER.DATIN_SHIFTER"),
            ),
            self._table("LE", self.entries.le),
            self._table("LO", self.entries.lo),
            (
                self._f("S_LUT_CFG.LUT_UFLOW_PRIORITY"),
                self._f("S_LUT_CFG.LUT_OFLOW_PRIORITY"),
                self._f("S_LUT_CFG.LUT_HYBRID_PRIORITY"),
            ),
            (
                self._f("D_DATOUT_OFFSET.DATOUT_OFFSET"),
                self._f("D_DATOUT_SCALE.DATOUT_SCALE"),
                self._f("D_DATOUT_SHIFTER.DATOUT_SHIFTER"),
            ),
        )
        lanes = [
            sx(self.memory.get(_at(self.registers, "CDP_RDMA.D_SRC", lane, y, x), 0), 8)
            for lane in range(self.shape[0])
        ]
        return plain.output(lanes, c, self._channels)[0] & 0xFF
