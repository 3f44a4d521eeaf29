"""A pooling layer wider than PDP's line buffer: the parts it runs in (pdp_cdp.md section 3)."""

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nvdla_int8.errors import BenchError, located
from nvdla_int8.parameters import Parameters
from nvdla_int8.stages.pooling import Axis, Pooling, PoolingStages

MOST_PARTS = 256
MOST_PART_WIDTH = 1024

Parts = Annotated[int, Field(strict=True, ge=2, le=MOST_PARTS)]
PartWidth = Annotated[int, Field(strict=True, ge=1, le=MOST_PART_WIDTH)]


def line_buffer_columns(kernel_h: int, stride_y: int) -> int:
    """Output columns that the line buffer holds: fewer, the more output rows are in progress."""
    if kernel_h == 1:
        return 8192
    rows = 1 if stride_y >= kernel_h else -(-kernel_h // stride_y)
    return 128 >> (rows - 1).bit_length()


class PoolingPart(NamedTuple):
    """One part: an own pooling problem of this width, whose columns go behind those of the part before."""

    start_column: int
    width: int
    pad_left: int
    pad_right: int
    out_column: int
    out_width: int

    @property
    def columns(self) -> slice:
        """The input's columns that it reads."""
        return slice(self.start_column, self.start_column + self.width)

    @property
    def out_columns(self) -> slice:
        """The output's columns that it gives."""
        return slice(self.out_column, self.out_column + self.out_width)

    def pooling(self, layer: Pooling) -> Pooling:
        """Return the layer's parameters with this part's padding."""
        return layer.model_copy(update={"pad_left": self.pad_left, "pad_right": self.pad_right})


class WidthSplit(Parameters):
    """How PARTIAL_WIDTH_IN and PARTIAL_WIDTH_OUT cut a layer.

    Attributes
    ----------
    parts
        SPLIT_NUM + 1, 2..256.
    in_first, in_mid, in_last
        New input columns of the first part, of each in between and of the last, 1..1024. Parts after the first read
        kernel_w - stride_x columns of the one before again, or leave as many out when that is negative.
    out_first, out_mid, out_last
        Their output columns, 1..1024. Two parts do not use the middle ones.
    """

    parts: Parts
    in_first: PartWidth
    in_mid: PartWidth = 1
    in_last: PartWidth
    out_first: PartWidth
    out_mid: PartWidth = 1
    out_last: PartWidth

    @property
    def width(self) -> int:
        """Columns of the whole input."""
        return self.in_first + (self.parts - 2) * self.in_mid + self.in_last

    @property
    def out_width(self) -> int:
        """Columns of the whole output."""
        return self.out_first + (self.parts - 2) * self.out_mid + self.out_last

    def cut(self, layer: Pooling) -> tuple[PoolingPart, ...]:
        """Return the parts from left to right.

        Raises
        ------
        BenchError
            When a part starts left of the cube or has no column.
        """
        overlap = layer.kernel_w - layer.stride_x
        parts = [PoolingPart(0, self.in_first, layer.pad_left, 0, 0, self.out_first)]
        for number in range(1, self.parts):
            last = number == self.parts - 1
            new, out = (self.in_last, self.out_last) if last else (self.in_mid, self.out_mid)
            before = parts[-1]
            start = before.start_column + before.width - overlap
            part = PoolingPart(
                start_column=start,
                width=new + overlap,
                pad_left=0,
                pad_right=layer.pad_right if last else 0,
                out_column=before.out_column + before.out_width,
                out_width=out,
            )
            if part.start_column < 0 or part.width < 1:
                raise BenchError(f"WidthSplit: part {number} starts at column {start} and has {part.width} columns")
            parts.append(part)
        return tuple(parts)


def split_columns(columns: Axis, size: int, parts: int, out_widths: tuple[int, int, int]) -> WidthSplit | None:
    """Cut ``size`` input columns so that the first part, those between and the last give so many output columns.

    None when a part would have no column or more than :data:`MOST_PART_WIDTH`, or start left of the cube.
    """
    out_first, out_mid, out_last = out_widths
    overlap = columns.kernel - columns.stride
    in_first, in_mid = (out_first - 1) * columns.stride - columns.before + columns.kernel, out_mid * columns.stride
    in_last = size - in_first - (parts - 2) * in_mid
    widths = (in_first, in_last, in_last + overlap, *((in_mid, in_mid + overlap) if parts > 2 else ()))
    if not all(1 <= width <= MOST_PART_WIDTH for width in widths) or in_first < overlap:
        return None
    if parts == 2:
        in_mid = out_mid = 1
    return WidthSplit(
        parts=parts, in_first=in_first, in_mid=in_mid, in_last=in_last, out_first=out_first, out_mid=out_mid,
        out_last=out_last,
    )  # fmt: skip


def pool_in_parts(layer: Pooling, split: WidthSplit, cube: NDArray[np.int8], out_height: int) -> PoolingStages:
    """Pool a cube part by part; the stages of all parts stand side by side.

    Parameters
    ----------
    layer
        The whole layer: padding at its own borders.
    split
        How its width is cut.
    cube
        (C, H, W) int8, W = ``split.width``.
    out_height
        Rows of the output.

    Raises
    ------
    BenchError
        For another width, or what :meth:`WidthSplit.cut` or :meth:`Pooling.apply` refuse, naming the part.
    """
    if cube.shape[-1] != split.width:
        raise BenchError(f"WidthSplit: the parts have {split.width} columns, the cube {cube.shape[-1]}")
    results = []
    for number, part in enumerate(split.cut(layer)):
        with located(f"part {number}"):
            results.append(part.pooling(layer).apply(cube[:, :, part.columns], out_height, part.out_width))
    return PoolingStages(*(np.concatenate(stage, axis=2) for stage in zip(*results, strict=True)))
