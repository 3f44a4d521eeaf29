"""PDP: maximum, minimum and average over windows of one channel (pdp_cdp.md section 2).

Rows are pooled first, then columns of what that gives. A wide layer runs as parts: :mod:`pooling_split`.
"""

from enum import IntEnum
from functools import reduce
from typing import Annotated, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import S19, U3, U17, Parameters
from nvdla_int8.stages.fixedpoint import round_half_away, sign_extend
from nvdla_int8.stages.widths import (
    FEATURE,
    POOL_MISSING_ROWS,
    POOL_RECIPROCAL_FRACTION,
    POOL_ROW,
    POOL_WIDTH_PRODUCT,
    POOL_WIDTH_ROUNDED,
)

MOST_KERNEL, MOST_STRIDE = 8, 16

Kernel = Annotated[int, Field(strict=True, ge=1, le=MOST_KERNEL)]
Stride = Annotated[int, Field(strict=True, ge=1, le=MOST_STRIDE)]
Element = TypeVar("Element", np.int8, np.int64)
PadValues = tuple[S19, S19, S19, S19, S19, S19, S19]


class PoolingMethod(IntEnum):
    """POOLING_METHOD; the hardware reserves 3."""

    AVERAGE = 0
    MAX = 1
    MIN = 2


class PoolingStages(NamedTuple):
    """What a layer gives on the way.

    Attributes
    ----------
    horizontal
        (C, H, Wo) int16: the pooled rows, those that no window uses too. An average's are sums of 11 bits.
    vertical
        (C, Ho, Wo) int16: the pooled windows. An average's are sums of 15 bits, missing rows included.
    output
        (C, Ho, Wo) int8.
    """

    horizontal: NDArray[np.int16]
    vertical: NDArray[np.int16]
    output: NDArray[np.int8]


class Axis(NamedTuple):
    """One direction of the windows."""

    name: str
    kernel: int
    stride: int
    before: int
    after: int

    def out_size(self, size: int, *, ceil: bool = False) -> int:
        """How many windows fit an input of this size with its padding (rule P0); below 1 when none does.

        With ``ceil`` a last one may reach beyond the padding, if it begins before it.
        """
        room = size + self.before + self.after - self.kernel
        if room < 0:
            return 0
        count = (-(-room // self.stride) if ceil else room // self.stride) + 1
        if ceil and (count - 1) * self.stride >= size + self.before:
            count -= 1  # it would begin in the padding behind the input
        return count

    def missing(self, size: int, out_size: int) -> NDArray[np.int64]:
        """Elements of each window that are padding, (out_size,)."""
        first = np.arange(out_size) * self.stride - self.before
        real = np.minimum(first + self.kernel, size) - np.maximum(first, 0)
        return self.kernel - real


class Pooling(Parameters):
    """Parameters of a pooling layer, or of one part of a split one.

    Nothing saturates: an average that leaves its range wraps (pdp_cdp.md section 2).

    Attributes
    ----------
    method
        Average, maximum or minimum. Padding takes no part in maximum and minimum.
    kernel_h, kernel_w, stride_y, stride_x
        The window, 1..8, and its steps, 1..16.
    pad_top, pad_bottom, pad_left, pad_right
        0..7 elements of padding.
    pad_values
        Average only: what 1, 2, ... 7 missing elements of a row add up to, signed 19 bits each.
    reciprocal_h_q16, reciprocal_w_q16
        Average only: 1/kernel_h and 1/kernel_w as Q16, unsigned 17 bits.
    """

    method: PoolingMethod
    kernel_h: Kernel
    kernel_w: Kernel
    stride_y: Stride = 1
    stride_x: Stride = 1
    pad_top: U3 = 0
    pad_bottom: U3 = 0
    pad_left: U3 = 0
    pad_right: U3 = 0
    pad_values: PadValues = (0, 0, 0, 0, 0, 0, 0)
    reciprocal_h_q16: U17 = 0
    reciprocal_w_q16: U17 = 0

    @property
    def rows(self) -> Axis:
        """The windows from top to bottom."""
        return Axis("height", self.kernel_h, self.stride_y, self.pad_top, self.pad_bottom)

    @property
    def columns(self) -> Axis:
        """The windows from left to right."""
        return Axis("width", self.kernel_w, self.stride_x, self.pad_left, self.pad_right)

    def apply(self, cube: NDArray[np.int8], out_height: int, out_width: int) -> PoolingStages:
        """Pool a cube.

        Parameters
        ----------
        cube
            (C, H, W) int8, all lanes of the last atom: every channel is pooled alone.
        out_height, out_width
            Size of the output, as many windows as fit. What they leave unused does no harm here (P5, P6).

        Raises
        ------
        BenchError
            For another dtype or shape, another number of windows (P0), or a window of nothing but padding (P1).
        """
        if cube.dtype != np.int8 or cube.ndim != 3:
            raise BenchError(f"Pooling: input of {cube.dtype} {cube.shape}, it takes int8 (channels, height, width)")
        _check_windows(self.rows, cube.shape[1], out_height)
        _check_windows(self.columns, cube.shape[2], out_width)
        return self.pool(cube, out_height, out_width)

    def pool(self, cube: NDArray[np.int8], out_height: int, out_width: int) -> PoolingStages:
        """As :meth:`apply`, of any number of windows: behind the input there is padding."""
        missing_rows = self.rows.missing(cube.shape[1], out_height)
        missing_columns = self.columns.missing(cube.shape[2], out_width)
        if self.method is PoolingMethod.AVERAGE:
            rows = self._row_sums(cube, missing_columns)
            windows = self._window_sums(rows, missing_rows)
            output = self.averages(windows).astype(np.int8)
            return PoolingStages(rows.astype(np.int16), windows.astype(np.int16), output)
        best_of_rows = self._extreme(cube, 2, self.columns, out_width)
        best = self._extreme(best_of_rows, 1, self.rows, out_height)
        return PoolingStages(best_of_rows.astype(np.int16), best.astype(np.int16), best)

    def _extreme(self, values: NDArray[np.int8], dimension: int, axis: Axis, out_size: int) -> NDArray[np.int8]:
        """Maximum or minimum along a dimension; padding is what cannot win."""
        if self.method is PoolingMethod.MAX:
            return reduce(np.maximum, _taps(values, dimension, axis, out_size, np.iinfo(np.int8).min))
        return reduce(np.minimum, _taps(values, dimension, axis, out_size, np.iinfo(np.int8).max))

    def _pad_sums(self, missing: NDArray[np.int64]) -> NDArray[np.int64]:
        """The pad value of each number of missing elements; none missing adds nothing."""
        return np.array((0, *self.pad_values), np.int64)[missing]

    def _row_sums(self, cube: NDArray[np.int8], missing: NDArray[np.int64]) -> NDArray[np.int64]:
        real = reduce(np.add, _taps(cube.astype(np.int64), 2, self.columns, len(missing), 0))
        return sign_extend(real + self._pad_sums(missing), POOL_ROW)

    def _window_sums(self, rows: NDArray[np.int64], missing: NDArray[np.int64]) -> NDArray[np.int64]:
        real = reduce(np.add, _taps(rows, 1, self.rows, len(missing), 0))
        return real + sign_extend(self._pad_sums(missing) * self.kernel_w, POOL_MISSING_ROWS)[:, None]

    def averages(self, windows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sums of signed 15 bits times both reciprocals, in two roundings, width first."""
        by_width = sign_extend(windows * self.reciprocal_w_q16, POOL_WIDTH_PRODUCT)
        rows = _rounded_quotient(by_width, POOL_WIDTH_ROUNDED)
        return _rounded_quotient(rows * self.reciprocal_h_q16, FEATURE)


def reciprocal_q16(kernel: int) -> int:
    """Return 1/kernel as RECIP_KERNEL_WIDTH and RECIP_KERNEL_HEIGHT take it: Q16, rounded to nearest."""
    return round((1 << POOL_RECIPROCAL_FRACTION) / kernel)


def _check_windows(axis: Axis, size: int, out_size: int) -> None:
    """BenchError when the number of windows is wrong or one has no real element."""
    windows = axis.out_size(size)
    if out_size != windows or windows < 1:
        raise BenchError(
            f"Pooling: output {axis.name} {out_size}, but {max(windows, 0)} windows of {axis.kernel} with stride "
            f"{axis.stride} fit {axis.name} {size} with padding {axis.before} and {axis.after}"
        )
    missing = axis.missing(size, out_size)
    if missing.max() >= axis.kernel:
        raise BenchError(
            f"Pooling: window {int(missing.argmax())} along the {axis.name} of {size} holds nothing but padding "
            f"({axis.before} before, {axis.after} after, windows of {axis.kernel})"
        )


def _taps(values: NDArray[Element], dimension: int, axis: Axis, out_size: int, padding: int) -> list[NDArray[Element]]:
    """The first, second, ... element of every window along a dimension, padding filled in."""
    reach = (out_size - 1) * axis.stride + axis.kernel
    after = max(reach - axis.before - values.shape[dimension], 0)
    widths = [(axis.before, after) if one == dimension else (0, 0) for one in range(values.ndim)]
    padded = np.moveaxis(np.pad(values, widths, constant_values=padding), dimension, 0)
    end = (out_size - 1) * axis.stride + 1
    return [np.moveaxis(padded[tap : tap + end : axis.stride], 0, dimension) for tap in range(axis.kernel)]


def _rounded_quotient(product: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """A Q16 product as the hardware rounds it into ``width`` bits: to nearest, ties away from zero, and not saturated.

    A positive one loses its bits above before the rounding bit is added, so one beyond the range wraps differently
    from a negative one.
    """
    magnitude = (1 << (width - 1)) - 1
    floor = (product >> POOL_RECIPROCAL_FRACTION) & magnitude
    positive = floor + ((product >> (POOL_RECIPROCAL_FRACTION - 1)) & 1)
    rounded = np.where(product < 0, round_half_away(product, POOL_RECIPROCAL_FRACTION), positive)
    return sign_extend(rounded, width)
