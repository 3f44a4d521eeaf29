"""X1, X2 and the output converter on blocks of float64, exact; what they do is said in sdp.py, for int64."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.blocks import Index, part
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.float_rounding import Extent, Scaling, clip_block, round_block
from nvdla_int8.stages.widths import ACC_OUT, FEATURE, OUT_INT16, OUT_ROUNDED

Flags = NDArray[np.bool_] | None
"""Of a block; None where all are false."""


@dataclass(frozen=True)
class XBlocks:
    """X1 or X2 that is not bypassed.

    Attributes
    ----------
    combine
        What the ALU does with value and operand: add, maximum or minimum; None when it is bypassed.
    operand, operand_factor, operand_extent
        The ALU's operand, the power of two that shifts it left, and the bounds of both together, signed 32 bits.
    scaling
        Factor and shift; None where neither changes a value.
    skips
        PReLU: values that are not negative skip them.
    relu
        Negative results become 0.
    """

    combine: np.ufunc | None
    operand: NDArray[Any]
    operand_factor: float
    operand_extent: Extent
    scaling: Scaling | None
    skips: bool
    relu: bool

    def part(self, tile: Index) -> "XBlocks":
        """The same for a part of the values."""
        scaling = self.scaling and self.scaling._replace(factor=part(self.scaling.factor, tile))
        return replace(self, operand=part(self.operand, tile), scaling=scaling)

    def run(self, values: NDArray[np.float64], extent: Extent, index: Index) -> tuple[Extent, Flags]:
        """Replace a block's values by the results: their bounds, and the flags of the multiplier's shift."""
        if self.combine is not None:
            operand = np.multiply(part(self.operand, index), self.operand_factor, dtype=np.float64)
            self.combine(values, operand, out=values)
            ends = map(self.combine, extent, self.operand_extent)
            extent = Extent(*map(float, ends))
        skipping = values >= 0 if self.skips else None
        wrapped = _wrapped(values) if self.skips else values
        scaling = self.scaling and self.scaling._replace(factor=part(self.scaling.factor, index))
        extent, flags = round_block(values, extent, scaling, ACC_OUT)
        if skipping is not None:
            np.copyto(values, wrapped, where=skipping)
            extent = Extent.of(values)
            flags = None if flags is None else flags & ~skipping
        if self.relu:
            np.maximum(values, 0.0, out=values)
            extent = extent.limited(0, np.inf)
        return extent, flags


def _wrapped(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of two signed 32-bit integers that are not negative, wrapped at 32 bits."""
    wrapped: NDArray[np.float64] = np.where(values > signed_range(ACC_OUT)[1], values - (1 << ACC_OUT), values)
    return wrapped


@dataclass(frozen=True)
class OutputBlocks:
    """The output converter.

    Attributes
    ----------
    offset
        Signed 32 bits.
    scaling
        Scale and shift.
    int16
        The clip is to 16 bits, and the low byte is written.
    """

    offset: int
    scaling: Scaling
    int16: bool

    def run(self, values: NDArray[np.float64], extent: Extent, out: NDArray[np.int8]) -> tuple[Flags, Flags]:
        """Convert a block of signed 32 bits, which is lost, to bytes: the flags of the 17 bits and of the clip."""
        if self.offset:
            np.subtract(values, self.offset, out=values)
            extent = Extent(extent.low - self.offset, extent.high - self.offset)
        extent, flags_17 = round_block(values, extent, self.scaling, OUT_ROUNDED)
        low, high = signed_range(OUT_INT16)
        extent, flags_16 = clip_block(values, extent, OUT_INT16, low, high + 1)
        rounded = values.astype(np.int16)  # shorter integers are clipped and compared faster
        flags = flags_16 if self.int16 else _clip_to_bytes(rounded, extent)
        np.copyto(out, rounded, casting="unsafe")  # of 16 bits the low byte
        return flags_17, flags


def _clip_to_bytes(values: NDArray[np.int16], extent: Extent) -> Flags:
    """Clip to int8, in place, and flag what was clipped."""
    low, high = signed_range(FEATURE)
    if extent.low >= low and extent.high <= high:
        return None
    flags = values > high
    if extent.low < low:
        flags |= values < low
    values.clip(low, high, out=values)
    return flags
