"""Windows of random pooling layers within the rules P0 to P4 of pdp_cdp.md section 5, corners preferred."""

from collections.abc import Sequence
from dataclasses import dataclass

from nvdla_int8.generator.draws import Draws, RejectedError
from nvdla_int8.stages.pooling import MOST_KERNEL, MOST_STRIDE, Axis
from nvdla_int8.stages.pooling_split import MOST_PART_WIDTH, MOST_PARTS, WidthSplit, line_buffer_columns, split_columns

TRIES = 200
KERNELS = (1, 2, 2, 2, 3, 3, 3, 4, 5, 6, 7, MOST_KERNEL, MOST_KERNEL)
STRIDES = (1, 1, 2, 2, 2, 3, 4, 5, 7, 8, 9, MOST_STRIDE)
OUT_SIZES = (1, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16)
MOST_PADDING = 7
WIDEST = 160
"""Output columns of a layer without a split."""

FEWEST_MANY = 8
"""Parts of a wide layer, less one, that are many."""

MOST_UNUSED_COLUMNS = 3
"""More lose an interrupt (P6)."""


@dataclass(frozen=True)
class Windows:
    """The windows of one direction over ``size`` elements, ``out_size`` of them."""

    axis: Axis
    size: int
    out_size: int

    @property
    def rest(self) -> int:
        """Elements, padding included, that are too few for one more step."""
        return (self.size + self.axis.before + self.axis.after - self.axis.kernel) % self.axis.stride

    @property
    def unused(self) -> int:
        """Elements at the end that no window uses."""
        return max(self.rest - self.axis.after, 0)

    @property
    def legal(self) -> bool:
        """Whether P0, P1 and P2 hold."""
        axis = self.axis
        if self.size < 1 or self.out_size < 1 or axis.out_size(self.size) != self.out_size:
            return False
        if self.size + axis.before + axis.after < axis.kernel or max(axis.before, axis.after) >= axis.kernel:
            return False
        if axis.after < axis.stride:
            return True
        reaches_beyond = self.size + axis.before < axis.kernel
        return axis.after % axis.stride >= self.rest and not (reaches_beyond and self.rest and self.out_size > 1)


def draw_windows(
    draws: Draws, name: str, size: int | None, most_unused: int, kernels: Sequence[int] = KERNELS
) -> Windows:
    """Windows over ``size`` elements, or over as many as come out of it.

    Parameters
    ----------
    name
        ``height`` or ``width``.
    most_unused
        Elements at the end that no window may need to use.
    kernels
        Sizes of a window.

    Raises
    ------
    RejectedError
        There seem to be none.
    """
    for _ in range(TRIES):
        kernel, stride = draws.pick(kernels), draws.pick(STRIDES)
        if draws.chance(0.25):
            stride = kernel
        before, after = (_draw_padding(draws, kernel) for _ in range(2))
        axis = Axis(name, kernel, stride, before, after)
        length = size
        if length is None:
            rest = draws.between(0, stride - 1) if draws.chance(0.3) else 0
            length = (draws.pick(OUT_SIZES) - 1) * stride + kernel + rest - before - after
        windows = Windows(axis, length, axis.out_size(length))
        if windows.legal and windows.unused <= most_unused and _fills_first_rows(windows):
            return windows
    raise RejectedError(f"no windows over {size} elements")


def _draw_padding(draws: Draws, kernel: int) -> int:
    """Often none, sometimes as much as the windows and the registers allow."""
    most = min(kernel - 1, MOST_PADDING)
    return draws.pick((0, 0, 0, 0, most, *(draws.between(0, most) for _ in range(3))))


def _fills_first_rows(windows: Windows) -> bool:
    """P4, which only the height must keep."""
    axis = windows.axis
    return axis.name == "width" or axis.before // axis.stride + 1 <= windows.out_size


def buffered_columns(rows: Axis) -> int:
    """Output columns that the line buffer holds for these windows."""
    return line_buffer_columns(rows.kernel, rows.stride)


def draw_wide_windows(draws: Draws, most: int) -> Windows:
    """Columns that fill the line buffer of ``most`` output columns, or that take two or three parts.

    A buffer for more than :data:`WIDEST` is not filled: that takes long and is as any wide layer.
    """
    most = min(most, WIDEST)
    for _ in range(TRIES):
        kernel, stride = (
            draws.pick(KERNELS),
            draws.pick((1, 1, 1, 2, 2, 3, draws.between(MOST_KERNEL + 1, MOST_STRIDE))),
        )
        before, after = (_draw_padding(draws, kernel) for _ in range(2))
        axis = Axis("width", kernel, stride, before, after)
        out_size = draws.pick((most, most, most + 1, most + draws.between(1, most), 2 * most + 1))
        size = (out_size - 1) * stride + kernel - before - after
        windows = Windows(axis, size, out_size)
        if windows.legal and size <= MOST_PART_WIDTH:
            return windows
    raise RejectedError("no windows for a wide layer")


def draw_split(draws: Draws, columns: Windows, most: int) -> WidthSplit:
    """Cut columns into parts of at most ``most`` output columns.

    Raises
    ------
    RejectedError
        They cannot be cut so, or :data:`TRIES` draws found no way.
    """
    largest = min(columns.out_size, MOST_PARTS) - 1
    for _ in range(TRIES):
        parts = draws.pick((2, 2, 3, 3, 4, draws.between(2, 8)))
        if largest >= FEWEST_MANY and draws.chance(0.5):  # so many that one bit of SPLIT_NUM tells them from one
            most_bits = largest.bit_length() - 1
            parts = 1 + (1 << draws.pick((most_bits, draws.between(FEWEST_MANY.bit_length() - 1, most_bits))))
        first, last = (draws.between(1, min(most, max(columns.out_size - parts, 1))) for _ in range(2))
        if parts == 2:
            first, mid = columns.out_size - last, 1
        else:
            mid, left_over = divmod(columns.out_size - first - last, parts - 2)
            first += max(left_over, 0)
        if min(first, mid) < 1 or max(first, mid, last) > most:
            continue
        split = split_columns(columns.axis, columns.size, parts, (first, mid, last))
        if split is not None and _keeps_the_rules(columns.axis, split):
            return split
    raise RejectedError(f"no way to cut {columns.out_size} columns")


def _keeps_the_rules(axis: Axis, split: WidthSplit) -> bool:
    """Whether the first and the last part alone keep P0 to P2; those between have no padding."""
    last = Windows(axis._replace(before=0), split.in_last + axis.kernel - axis.stride, split.out_last)
    return last.legal and Windows(axis._replace(after=0), split.in_first, split.out_first).legal
