"""The order in which CSC feeds the MACs: a layer's input atoms and weight tiles as beats (hardware.md section 3).

Outermost first: kernel group of atomic-K, stripe of output pixels, channel block of atomic-C, step of
kernel lines, kernel tap. Each of these tiles is an atom a kernel of weights and one beat a pixel of data.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.surfaces.weights import to_image_form


@dataclass(frozen=True)
class CscBeats:
    """What CSC hands to CMAC for one layer.

    Attributes
    ----------
    data
        (B, atomic-C) uint8 input atoms with padding; lanes beyond the block's channels are 0.
    stripe_last
        (B,) bool, the last atom of each tile.
    acc_first, acc_last
        (B,) bool, the atoms of the first and of the last tile of each stripe.
    layer_last
        (B,) bool, the very last atom.
    weights
        (T, atomic-K, atomic-C) int8 tiles; 0 for kernels beyond the last and in lanes beyond the block's channels.
    kernels, lanes
        (T,) int64, how many of these a tile has.
    """

    data: NDArray[np.uint8]
    stripe_last: NDArray[np.bool_]
    acc_first: NDArray[np.bool_]
    acc_last: NDArray[np.bool_]
    layer_last: NDArray[np.bool_]
    weights: NDArray[np.int8]
    kernels: NDArray[np.int64]
    lanes: NDArray[np.int64]


def stripe_lengths(pixels: int, atomic_k: int) -> list[int]:
    """Pixels of each stripe of an output of ``pixels`` pixels, 1 or more.

    2 * atomic-K each; the last takes all that is left as soon as that is below 4 * atomic-K.
    """
    full = max(0, pixels // (2 * atomic_k) - 1)
    return [2 * atomic_k] * full + [pixels - 2 * atomic_k * full]


def csc_beats(
    padded: NDArray[np.int8],
    weights: NDArray[np.int8],
    geometry: ConvGeometry,
    *,
    atomic_c: int,
    atomic_k: int,
    image: bool,
    post_extension: int = 0,
) -> CscBeats:
    """Lay a layer out as beats.

    Parameters
    ----------
    padded
        int8 (C, H, W), the converted input with all its padding.
    weights
        int8 (K, C, R, S), also an image layer's.
    geometry
        Strides and dilations; the padding is in ``padded``.
    atomic_c, atomic_k
        Lanes of an atom, kernels of a tile.
    image
        The input is an image: the taps of a kernel line are channels.
    post_extension
        e of an image layer: 2^e kernel lines share an atom.

    Raises
    ------
    BenchError
        A kernel that does not fit the input, or lines of a post-extension that do not fit an atom.
    """
    windows, kernels = _windows(padded, weights, geometry), weights
    out_h, out_w = windows.shape[-2:]
    if image:
        channels, lines, taps = windows.shape[:3]
        windows = windows.transpose(2, 0, 1, 3, 4).reshape(taps * channels, lines, 1, out_h, out_w)
        kernels = to_image_form(weights)
    step = 2**post_extension
    if post_extension and len(windows) * step > atomic_c:
        raise BenchError(f"{step} kernel lines of {len(windows)} do not fit an atom of {atomic_c} channels")
    tiles = [
        (slice(block, block + atomic_c), slice(line, line + step), tap)
        for block in range(0, windows.shape[0], atomic_c)
        for line in range(0, windows.shape[1], step)
        for tap in range(windows.shape[2])
    ]
    pixels = out_h * out_w
    atoms = np.stack([_lanes(windows[tile].reshape(*windows[tile].shape[:2], pixels), atomic_c) for tile in tiles])
    lengths = stripe_lengths(pixels, atomic_k)
    stripes = [slice(end - length, end) for length, end in zip(lengths, np.cumsum(lengths).tolist(), strict=True)]
    groups = range(0, len(kernels), atomic_k)
    group_data = np.concatenate([atoms[:, stripe].reshape(-1, atomic_c) for stripe in stripes])
    tile = np.concatenate([np.repeat(np.arange(len(tiles)), length) for length in lengths])
    stripe_last = np.concatenate([np.tile(np.arange(length) == length - 1, len(tiles)) for length in lengths])
    weight_tiles = [
        _kernel_tile(kernels[group : group + atomic_k], kernel_tile, atomic_k, atomic_c)
        for group in groups
        for _ in stripes
        for kernel_tile in tiles
    ]
    beats = len(groups) * len(group_data)
    return CscBeats(
        data=np.tile(group_data, (len(groups), 1)).view(np.uint8),
        stripe_last=np.tile(stripe_last, len(groups)),
        acc_first=np.tile(tile == 0, len(groups)),
        acc_last=np.tile(tile == len(tiles) - 1, len(groups)),
        layer_last=np.arange(beats) == beats - 1,
        weights=np.stack(weight_tiles),
        kernels=np.repeat([min(atomic_k, len(kernels) - group) for group in groups], len(stripes) * len(tiles)),
        lanes=np.tile([math.prod(windows[tile].shape[:2]) for tile in tiles], len(groups) * len(stripes)),
    )


def _windows(padded: NDArray[np.int8], weights: NDArray[np.int8], geometry: ConvGeometry) -> NDArray[np.int8]:
    """What each output pixel sees at each tap, (C, R, S, Ho, Wo)."""
    (height, width), (lines, taps) = padded.shape[1:], weights.shape[2:]
    unpadded = ConvGeometry(**geometry.model_dump(include={"stride_y", "stride_x", "dilation_y", "dilation_x"}))
    out_h, out_w = unpadded.output_size(height, width, lines, taps)
    y = np.arange(lines)[:, None] * geometry.dilation_y + np.arange(out_h) * geometry.stride_y
    x = np.arange(taps)[:, None] * geometry.dilation_x + np.arange(out_w) * geometry.stride_x
    windows: NDArray[np.int8] = padded[:, y[:, None, :, None], x[None, :, None, :]]
    return windows


def _lanes(part: NDArray[np.int8], atomic_c: int) -> NDArray[np.int8]:
    """(channels, lines, B) as atoms (B, atomic-C): line by line, channel by channel, then 0."""
    channels, lines, beats = part.shape
    atoms = np.zeros((beats, atomic_c), np.int8)
    atoms[:, : lines * channels] = part.transpose(2, 1, 0).reshape(beats, -1)
    return atoms


def _kernel_tile(
    group: NDArray[np.int8], tile: tuple[slice, slice, int], atomic_k: int, atomic_c: int
) -> NDArray[np.int8]:
    """One tile of a kernel group (K, C, R, S) as (atomic-K, atomic-C)."""
    atoms = np.zeros((atomic_k, atomic_c), np.int8)
    atoms[: len(group)] = _lanes(np.moveaxis(group[:, *tile], 0, -1), atomic_c)
    return atoms
