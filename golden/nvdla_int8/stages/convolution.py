"""Exact INT8 convolution to the accumulators of NVDLA's CACC.

The work is done by float32 matrix products. They are exact: a product of two int8 is at most 2^14 in
magnitude and at most 1,024 of them are added in float32, so every partial sum is an integer of at most
2^24, which float32 holds whatever the order of the additions, the use of fused multiply-add or the number
of threads. Longer sums are added up in int64.
"""

from typing import Annotated, NamedTuple, TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from pydantic import Field

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import S8, Parameters
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.saturating_sum import saturating_sum
from nvdla_int8.stages.widths import ACC as ACCUMULATOR_BITS

LARGEST_PRODUCT = 2**14
EXACT_TAPS = 2**24 // LARGEST_PRODUCT
TILE_ELEMENTS = 2**22  # the aim for one temporary array; a single output row may take more

Sample = TypeVar("Sample", np.int8, np.float32)
LARGEST_CUBE = 2**13
"""Pixels of the widest and highest cube: its size registers have 13 bits."""
AtLeastOne = Annotated[int, Field(strict=True, ge=1, le=LARGEST_CUBE)]
NotNegative = Annotated[int, Field(strict=True, ge=0, le=LARGEST_CUBE)]


class ConvGeometry(Parameters):
    """Stride, dilation and padding of one convolution, in pixels, and its groups (hardware.md section 3).

    Kernels of group g, of as many as there are, see the channels of group g only.

    Raises
    ------
    BenchError
        A stride or dilation below 1, a negative padding, any of them above
        :data:`LARGEST_CUBE`, or a `pad_value` that is not an int8.
    """

    stride_y: AtLeastOne = 1
    stride_x: AtLeastOne = 1
    dilation_y: AtLeastOne = 1
    dilation_x: AtLeastOne = 1
    pad_top: NotNegative = 0
    pad_left: NotNegative = 0
    pad_bottom: NotNegative = 0
    pad_right: NotNegative = 0
    pad_value: S8 = 0
    groups: AtLeastOne = 1

    def padded_size(self, in_h: int, in_w: int) -> tuple[int, int]:
        """Height and width of the input with its padding."""
        return in_h + self.pad_top + self.pad_bottom, in_w + self.pad_left + self.pad_right

    def output_size(self, in_h: int, in_w: int, kernel_h: int, kernel_w: int) -> tuple[int, int]:
        """Height and width of the output.

        Raises
        ------
        BenchError
            The dilated kernel is larger than the padded input.
        """
        padded_h, padded_w = self.padded_size(in_h, in_w)
        reach_h, reach_w = (kernel_h - 1) * self.dilation_y + 1, (kernel_w - 1) * self.dilation_x + 1
        if reach_h > padded_h or reach_w > padded_w:
            raise BenchError(
                f"convolution: kernel {kernel_h}x{kernel_w}, dilated to {reach_h}x{reach_w}, "
                f"does not fit the padded input {padded_h}x{padded_w}"
            )
        return (padded_h - reach_h) // self.stride_y + 1, (padded_w - reach_w) // self.stride_x + 1


class Accumulators(NamedTuple):
    """CACC's accumulators before CLIP_TRUNCATE (hardware.md section 2), shape (K, Ho, Wo) or (N, K, Ho, Wo).

    `value` is int64 within signed 34 bits; `saturated` is bool, True where any addition was clipped.
    """

    value: NDArray[np.int64]
    saturated: NDArray[np.bool_]


def convolve(
    x: NDArray[np.int8],
    weights: NDArray[np.int8],
    geometry: ConvGeometry,
    *,
    atomic_c: int = 8,
    accumulator_bits: int | None = None,
) -> Accumulators:
    """Convolve as CMAC and CACC do: clip to 34 bits after every atom (hardware.md sections 2 and 3).

    Parameters
    ----------
    x
        int8 input, shape (C, H, W) or (N, C, H, W).
    weights
        int8 kernels, shape (K, C / groups, R, S).
    geometry
        Stride, dilation, padding and groups.
    atomic_c
        Channels per atom. Atoms are added in hardware order: channel block, then r, then s. It matters
        only where an accumulator saturates, which takes more than 524,287 taps.
    accumulator_bits
        The hardware's width unless another one is tried on purpose.

    Raises
    ------
    BenchError
        Wrong dtype or number of dimensions, an empty dimension, channel counts that differ, a kernel
        that does not fit, or `atomic_c` below 1.
    """
    _check(x, weights, geometry.groups, atomic_c)
    bits = ACCUMULATOR_BITS if accumulator_bits is None else accumulator_bits
    if geometry.groups > 1:
        alone = geometry.model_copy(update={"groups": 1})
        parts = [
            convolve(one, some, alone, atomic_c=atomic_c, accumulator_bits=bits)
            for one, some in zip(np.split(x, geometry.groups, axis=-3), np.split(weights, geometry.groups), strict=True)
        ]
        return Accumulators(*(np.concatenate(arrays, axis=-3) for arrays in zip(*parts, strict=True)))
    batch = x.reshape(-1, *x.shape[-3:])
    out_h, out_w = geometry.output_size(*x.shape[-2:], *weights.shape[-2:])
    value = np.empty((len(batch), len(weights), out_h, out_w), np.int64)
    matrix = weights.reshape(len(weights), -1).astype(np.float32)
    run = _run_length(x.shape[-1], out_w, geometry)
    row_elements = max(len(matrix), min(EXACT_TAPS, matrix.shape[1])) * run
    images = max(1, TILE_ELEMENTS // max(row_elements * out_h, batch[0].size))
    rows = max(1, TILE_ELEMENTS // row_elements)
    for image in range(0, len(batch), images):
        windows = _windows(batch[image : image + images], np.float32, weights.shape, geometry, (out_h, run))
        for row in range(0, out_h, rows):
            out = value[image : image + images, :, row : row + rows].swapaxes(0, 1)
            _add_exactly(windows[..., row : row + rows, :], matrix, out)
    saturated = np.zeros(value.shape, np.bool_)
    doubtful = _kernels_that_may_saturate(weights, bits)
    if doubtful.size:
        taps = _windows(batch, np.int8, weights.shape, geometry, (out_h, out_w))
        _saturate(value, saturated, taps, weights, doubtful, atomic_c, bits)
    shape = (*x.shape[:-3], *value.shape[1:])
    return Accumulators(value.reshape(shape), saturated.reshape(shape))


def convolve_at(
    padded: NDArray[np.int8],
    weights: NDArray[np.int8],
    geometry: ConvGeometry,
    y: NDArray[np.int64],
    x: NDArray[np.int64],
) -> Accumulators:
    """Convolve some pixels of the output only, without the saturation between atoms.

    Parameters
    ----------
    padded
        int8 (C, H, W) with its padding.
    weights
        int8 (K, C, R, S).
    geometry
        Strides and dilation.
    y, x
        Rows and columns of the output, (P,).

    Returns
    -------
    Accumulators
        (K, 1, P).
    """
    taps = taps_at(padded, weights.shape[2:], geometry, y, x)
    sums = (weights.reshape(len(weights), -1).astype(np.float64) @ taps).astype(np.int64)[:, None]
    return Accumulators(sums, np.zeros(sums.shape, np.bool_))


def taps_at(
    padded: NDArray[np.int8],
    kernel_size: tuple[int, ...],
    geometry: ConvGeometry,
    y: NDArray[np.int64],
    x: NDArray[np.int64],
) -> NDArray[np.float64]:
    """What kernels of this height and width meet at some pixels, (C * R * S, P), as :func:`convolve_at` takes them.

    The sums of their products with weights stay far below 2^53.
    """
    rows = y[:, None] * geometry.stride_y + np.arange(kernel_size[0]) * geometry.dilation_y
    columns = x[:, None] * geometry.stride_x + np.arange(kernel_size[1]) * geometry.dilation_x
    windows = padded[:, rows[:, :, None], columns[:, None, :]]  # (C, P, R, S)
    return windows.transpose(0, 2, 3, 1).reshape(-1, len(y)).astype(np.float64)


def _check(x: NDArray[np.int8], weights: NDArray[np.int8], groups: int, atomic_c: int) -> None:
    for name, array, dimensions in (("input", x, (3, 4)), ("weights", weights, (4,))):
        if array.dtype != np.int8:
            raise BenchError(f"convolution: {name} has dtype {array.dtype}, int8 is needed")
        if array.ndim not in dimensions or 0 in array.shape:
            needed = " or ".join(str(count) for count in dimensions)
            raise BenchError(f"convolution: {name} has shape {array.shape}, {needed} non-empty dimensions are needed")
    if x.shape[-3] != weights.shape[1] * groups:
        in_groups = f" in {groups} groups" if groups > 1 else ""
        raise BenchError(
            f"convolution: input {x.shape} has {x.shape[-3]} channels, weights {weights.shape} have "
            f"{weights.shape[1] * groups}{in_groups}"
        )
    if len(weights) % groups:
        raise BenchError(f"convolution: {len(weights)} kernels do not divide into {groups} groups")
    if atomic_c < 1:
        raise BenchError(f"convolution: atomic_c = {atomic_c}, at least 1 is needed")


def _run_length(in_w: int, out_w: int, geometry: ConvGeometry) -> int:
    """Columns to compute per output row: `out_w`, or the whole padded row where that is faster.

    With stride 1 the windows of all rows join into one long run if the few columns that stand across a
    row's end are computed too and dropped later; copying one long run beats copying many short ones.
    """
    _, padded_w = geometry.padded_size(1, in_w)
    worth_it = geometry.stride_y == geometry.stride_x == 1 and 16 * (padded_w - out_w) <= out_w
    return padded_w if worth_it else out_w


def _windows(
    batch: NDArray[np.int8],
    dtype: type[Sample],
    kernel_shape: tuple[int, ...],
    geometry: ConvGeometry,
    out_size: tuple[int, int],
) -> NDArray[Sample]:
    """View of the padded batch, shape (C, R, S, N, rows, columns): for each tap, what each output sees."""
    count, channels, in_h, in_w = batch.shape
    kernel_h, kernel_w = kernel_shape[2:]
    padded_h, padded_w = geometry.padded_size(in_h, in_w)
    size = channels * count * padded_h * padded_w
    # Columns across the end of the very last row read beyond it, by less than the width of the kernel.
    memory = np.full(size + (kernel_w - 1) * geometry.dilation_x, geometry.pad_value, dtype)
    planes = memory[:size].reshape(channels, count, padded_h, padded_w)
    top, left = geometry.pad_top, geometry.pad_left
    planes[:, :, top : top + in_h, left : left + in_w] = batch.swapaxes(0, 1)
    channel, image, row, column = planes.strides
    return as_strided(
        memory,
        (channels, kernel_h, kernel_w, count, *out_size),
        (
            channel,
            row * geometry.dilation_y,
            column * geometry.dilation_x,
            image,
            row * geometry.stride_y,
            column * geometry.stride_x,
        ),
        writeable=False,
    )


def _add_exactly(windows: NDArray[np.float32], matrix: NDArray[np.float32], out: NDArray[np.int64]) -> None:
    """Write the plain sums of windows times weights (K, taps) to `out` (K, N, rows, columns).

    The windows may have more columns than `out`; those are dropped.
    """
    channels, kernel_h, kernel_w = windows.shape[:3]
    block = max(1, EXACT_TAPS // (kernel_h * kernel_w))
    tap = 0
    for channel in range(0, channels, block):
        # This is im2col. It copies only what is not yet a matrix: a 1x1 kernel with stride 1 needs no copy.
        part = windows[channel : channel + block]
        columns = part.reshape(len(part) * kernel_h * kernel_w, -1)
        for start in range(0, len(columns), EXACT_TAPS):
            chunk = columns[start : start + EXACT_TAPS]
            product = (matrix[:, tap : tap + len(chunk)] @ chunk).astype(np.int32)
            sums = product.reshape(-1, *windows.shape[3:])[..., : out.shape[-1]]
            if tap == 0:
                out[...] = sums
            else:
                out += sums
            tap += len(chunk)


def _kernels_that_may_saturate(weights: NDArray[np.int8], accumulator_bits: int) -> NDArray[np.intp]:
    """Kernels whose accumulator some input could drive out of its width; of 34 bits nearly always none."""
    _, largest = signed_range(accumulator_bits)
    if weights[0].size * LARGEST_PRODUCT <= largest:
        return np.empty(0, np.intp)
    magnitudes = np.abs(weights.astype(np.int16)).sum(axis=(1, 2, 3), dtype=np.int64)
    return np.flatnonzero(magnitudes * 128 > largest)


def _saturate(
    value: NDArray[np.int64],
    saturated: NDArray[np.bool_],
    windows: NDArray[np.int8],
    weights: NDArray[np.int8],
    kernels: NDArray[np.intp],
    atomic_c: int,
    accumulator_bits: int,
) -> None:
    """Replace `value` and `saturated` of these kernels by sums clipped after every atom."""
    count, _, out_h, out_w = value.shape
    pixels = max(1, TILE_ELEMENTS // weights[0].size)
    for pixel in range(0, count * out_h * out_w, pixels):
        image, y, x = np.unravel_index(
            np.arange(pixel, min(pixel + pixels, count * out_h * out_w)), (count, out_h, out_w)
        )
        columns = windows[:, :, :, image, y, x]
        for first in range(0, len(kernels), atomic_c):
            some = kernels[first : first + atomic_c, np.newaxis]
            atoms = _atoms(weights[some[:, 0]], columns, atomic_c)
            value[image, some, y, x], saturated[image, some, y, x] = saturating_sum(atoms, accumulator_bits)


def _atoms(weights: NDArray[np.int8], columns: NDArray[np.int8], atomic_c: int) -> NDArray[np.int64]:
    """Sum each atom of columns (C, R, S, pixels); shape (atoms, K, pixels), atoms in hardware order."""
    channels, kernel_h, kernel_w, pixels = columns.shape
    blocks = -(-channels // atomic_c)
    fill = blocks * atomic_c - channels  # the last block may be short: zeros add nothing
    weights = np.pad(weights, ((0, 0), (0, fill), (0, 0), (0, 0)))
    columns = np.pad(columns, ((0, fill), (0, 0), (0, 0), (0, 0)))
    left = weights.reshape(-1, blocks, atomic_c, kernel_h, kernel_w).transpose(1, 3, 4, 0, 2)
    right = columns.reshape(blocks, atomic_c, kernel_h, kernel_w, pixels).transpose(0, 2, 3, 1, 4)
    sums = left.astype(np.int64) @ right.astype(np.int64)
    return sums.reshape(-1, len(weights), pixels)
