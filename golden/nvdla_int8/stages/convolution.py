"""Exact INT8 convolution to the accumulators of NVDLA's CACC.

The work is done by exact matrix products (exact_products.py), on tiles of the output that threads take in turn. Peak
memory beside the results: the padded input once, in the product's type, and for each thread a tile's columns and
sums, each of :data:`TILE_ELEMENTS` or, if that is more, of one output row.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from pydantic import Field

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import S8, Parameters
from nvdla_int8.stages.atom_saturation import kernels_that_may_saturate, saturate
from nvdla_int8.stages.blocks import Index, no_flags
from nvdla_int8.stages.exact_products import LARGEST_PRODUCT, ExactProduct, exact_product
from nvdla_int8.stages.float_rounding import Extent
from nvdla_int8.stages.widths import ACC as ACCUMULATOR_BITS
from nvdla_int8.threads import in_threads, thread_count

TILE_ELEMENTS = 2**19
"""The aim for one temporary array, so that it stays near the cores."""

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

    `value` is int64 within signed 34 bits; `saturated` is bool, True where any addition was clipped, read-only where
    none can be.
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
    check_convolution(x, weights, geometry.groups, atomic_c)
    bits = ACCUMULATOR_BITS if accumulator_bits is None else accumulator_bits
    doubtful = kernels_that_may_saturate(weights, bits)
    if geometry.groups > 1 and doubtful.size:
        alone = geometry.model_copy(update={"groups": 1})
        parts = [
            convolve(one, some, alone, atomic_c=atomic_c, accumulator_bits=bits)
            for one, some in zip(np.split(x, geometry.groups, axis=-3), np.split(weights, geometry.groups), strict=True)
        ]
        return Accumulators(*(np.concatenate(arrays, axis=-3) for arrays in zip(*parts, strict=True)))
    batch = x.reshape(-1, *x.shape[-3:])
    sums = TiledSums(batch, weights, geometry)
    value = np.empty(sums.shape, np.int64)

    def fill(tile: Index) -> None:
        value[tile] = sums.of(tile)

    in_threads(fill, sums.tiles())
    shape = (*x.shape[:-3], *value.shape[1:])
    if not doubtful.size:
        return Accumulators(value.reshape(shape), no_flags(shape))
    saturated = np.zeros(value.shape, np.bool_)
    planes = _padded_planes(batch, geometry, weights.shape[3], ExactProduct.U8_S8)
    taps = _windows(planes, weights.shape, geometry, sums.shape[2:])
    saturate(value, saturated, taps, weights, doubtful, atomic_c, bits)
    return Accumulators(value.reshape(shape), saturated.reshape(shape))


class TiledSums:
    """The plain sums of a convolution, tile by tile of the output (N, K, Ho, Wo); not clipped between atoms.

    Parameters
    ----------
    batch
        int8 (N, C, H, W).
    weights
        int8 (K, C / groups, R, S).
    geometry
        Stride, dilation, padding and groups.

    Attributes
    ----------
    shape
        (N, K, Ho, Wo).
    extent
        Bounds of the sums, whatever the weights.
    """

    def __init__(self, batch: NDArray[np.int8], weights: NDArray[np.int8], geometry: ConvGeometry) -> None:
        out_h, out_w = geometry.output_size(*batch.shape[-2:], *weights.shape[-2:])
        self.shape = (len(batch), len(weights), out_h, out_w)
        self._product = exact_product()
        largest = float(weights[0].size * LARGEST_PRODUCT)
        self.extent = Extent(-largest, largest)
        self._groups = geometry.groups
        self._weights = self._product.weights(np.ascontiguousarray(weights).reshape(len(weights), -1))
        self._run = _run_length(batch.shape[-1], out_w, geometry)
        planes = _padded_planes(batch, geometry, weights.shape[3], self._product)
        self._windows = _windows(planes, weights.shape, geometry, (out_h, self._run))

    def tiles(self) -> list[Index]:
        """Cut the output into tiles that fit :data:`TILE_ELEMENTS`, a multiple of the threads where there is room.

        Each tile multiplies some kernels by some pixels, and what is not cut is prepared for every tile anew; so for
        the threads the longer side is cut: images, rows of pixels, or kernels.
        """
        count, kernels, out_h, _ = self.shape
        of_group, threads = kernels // self._groups, thread_count()
        row = max(of_group, min(self._product.most_taps, self._weights.shape[1])) * self._run
        at_once = TILE_ELEMENTS // row
        by_image, by_row, by_kernel = -(-count // max(1, at_once // out_h)), -(-out_h // max(1, at_once)), 1
        if by_image * by_row * self._groups % threads:
            if count > 1:
                by_image = _multiple(by_image, threads)
            elif out_h * self._run >= of_group:
                by_row = _multiple(by_row, threads)
            else:
                by_kernel = threads
        return [
            (images, slice(first + some.start, first + some.stop), rows, slice(None))
            for images in _ranges(count, by_image)
            for rows in _ranges(out_h, by_row)
            for first in range(0, kernels, of_group)
            for some in _ranges(of_group, by_kernel)
        ]

    def of(self, tile: Index) -> NDArray[np.signedinteger]:
        """The sums of one tile, int32 where they fit, else int64."""
        images, kernels, rows, _ = tile
        channels = len(self._windows) // self._groups
        first = kernels.start // (self.shape[1] // self._groups) * channels
        windows = self._windows[first : first + channels, :, :, images, rows]
        weights = self._weights[kernels]
        total: NDArray[np.signedinteger] | None = None
        tap = 0
        for columns in _columns(windows, self._product.most_taps):
            some = weights if len(columns) == weights.shape[1] else weights[:, tap : tap + len(columns)]
            sums = self._product.multiply(np.ascontiguousarray(some), columns)
            if total is None:
                total = sums.astype(np.int32 if weights.shape[1] * LARGEST_PRODUCT < 2**31 else np.int64, copy=False)
            else:
                total += sums
            tap += len(columns)
        assert total is not None, "no dimension is empty"
        return total.reshape(-1, *windows.shape[3:])[..., : self.shape[3]].swapaxes(0, 1)


def _multiple(parts: int, threads: int) -> int:
    return -(-parts // threads) * threads


def _ranges(size: int, parts: int) -> list[slice]:
    """Cut a size into parts as alike as possible, fewer where there are not so many."""
    parts = min(parts, size)
    ends = [size * part // parts for part in range(parts + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]


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


def may_saturate(weights: NDArray[np.int8]) -> bool:
    """Some input could drive a kernel's accumulator out of its 34 bits."""
    return kernels_that_may_saturate(weights, ACCUMULATOR_BITS).size > 0


def check_convolution(x: NDArray[np.int8], weights: NDArray[np.int8], groups: int, atomic_c: int) -> None:
    """Refuse what cannot be convolved, as :func:`convolve` says."""
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


def _padded_planes(
    batch: NDArray[np.int8], geometry: ConvGeometry, kernel_w: int, product: ExactProduct
) -> NDArray[Any]:
    """The batch with its padding, (C, N, H, W), as a product takes it."""
    count, channels, in_h, in_w = batch.shape
    padded_h, padded_w = geometry.padded_size(in_h, in_w)
    size = channels * count * padded_h * padded_w
    pad_value = product.pixels(np.array([geometry.pad_value], np.int8))[0]
    # Columns across the end of the very last row read beyond it, by less than the width of the kernel.
    memory = np.full(size + (kernel_w - 1) * geometry.dilation_x, pad_value, product.pixel_type)
    planes = memory[:size].reshape(channels, count, padded_h, padded_w)
    top, left = geometry.pad_top, geometry.pad_left
    planes[:, :, top : top + in_h, left : left + in_w] = product.pixels(batch).swapaxes(0, 1)
    return planes


def _windows(
    planes: NDArray[Any], kernel_shape: tuple[int, ...], geometry: ConvGeometry, out_size: tuple[int, ...]
) -> NDArray[Any]:
    """View of padded planes, shape (C, R, S, N, rows, columns): for each tap, what each output sees."""
    channel, image, row, column = planes.strides
    return as_strided(
        planes,
        (len(planes), *kernel_shape[2:], planes.shape[1], *out_size),
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


def _columns(windows: NDArray[Any], most_taps: int) -> Iterator[NDArray[Any]]:
    """Windows as matrices (taps, pixels) of at most so many taps: im2col.

    It copies only what is not yet a matrix: a 1x1 kernel with stride 1 needs no copy.
    """
    channels, kernel_h, kernel_w = windows.shape[:3]
    block = max(1, most_taps // (kernel_h * kernel_w))
    for channel in range(0, channels, block):
        part = windows[channel : channel + block]
        columns = part.reshape(len(part) * kernel_h * kernel_w, -1)
        for start in range(0, len(columns), most_taps):
            yield columns[start : start + most_taps]
