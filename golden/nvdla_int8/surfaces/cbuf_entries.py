"""Entries of the CBUF: slices, one for each line of the input, and weights (hardware.md sections 3 and 4).

A slice is a row of entries, (entries, atomic-C) uint8: what CDMA writes and CSC reads.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.stages.widths import FEATURE
from nvdla_int8.surfaces.layout import Scalar, describe


class Entries(NamedTuple):
    """Entries of the CBUF in the order in which they are written.

    Attributes
    ----------
    values
        (N, atomic-C) uint8; 0 where no element of the input lies.
    counts
        (N, atomic-C) bool: the lanes that hold an element of the input, or padding of an image.
    elements
        (N, atomic-C) int64: which element of the input (C, H, W), or byte of the weights, a lane holds; -1 for none.
    """

    values: NDArray[np.uint8]
    counts: NDArray[np.bool_]
    elements: NDArray[np.int64]


def feature_rows(converted: NDArray[np.int8], atomic_c: int) -> NDArray[np.uint8]:
    """Slices of a feature cube, (H, entries, atomic-C): for each block of atomic-C channels an entry a pixel.

    Parameters
    ----------
    converted
        int8 (C, H, W) behind the input converter, without padding.
    atomic_c
        Lanes of an entry; 0 beyond the last channel.

    Raises
    ------
    BenchError
        Another dtype or rank.
    """
    _check(converted)
    return _by_line(_whole_atoms(converted.view(np.uint8), atomic_c, 0), atomic_c)


def read_feature_rows(rows: NDArray[np.uint8], channels: int, width: int) -> NDArray[np.int8]:
    """The cube (C, H, W) int8 that CSC sees in slices, given as :func:`feature_rows` makes them."""
    height, _, atomic_c = rows.shape
    blocked = rows.reshape(height, -(-channels // atomic_c), width, atomic_c)
    lanes = blocked.transpose(1, 3, 0, 2).reshape(-(-channels // atomic_c) * atomic_c, height, width)
    return np.ascontiguousarray(lanes[:channels]).view(np.int8)


def image_rows(
    converted: NDArray[np.int8], atomic_c: int, *, pad_left: int, pad_right: int, pad_value: int
) -> NDArray[np.uint8]:
    """Slices of an image, (H, entries, atomic-C): each line's bytes with its padding, channel fastest.

    Parameters as of :func:`image_entries`.
    """
    _check(converted)
    channels, height, width = converted.shape
    line = np.full((height, pad_left + width + pad_right, channels), pad_value & ((1 << FEATURE) - 1), np.uint8)
    line[:, pad_left : pad_left + width] = np.moveaxis(converted.view(np.uint8), 0, -1)
    return _in_entries(line, atomic_c, 0)


def read_image_rows(rows: NDArray[np.uint8], channels: int, width: int) -> NDArray[np.int8]:
    """The lines (C, H, W) int8, left and right padding within W, that CSC sees in slices of an image."""
    height = len(rows)
    line = rows.reshape(height, rows[0].size if height else 0)[:, : width * channels]
    return np.ascontiguousarray(np.moveaxis(line.reshape(height, width, channels), -1, 0)).view(np.int8)


def feature_entries(converted: NDArray[np.int8], atomic_c: int) -> Entries:
    """Entries of a feature cube: for each line, for each block of atomic-C channels, one a pixel.

    Parameters
    ----------
    converted
        int8 (C, H, W) behind the input converter, without padding.
    atomic_c
        Lanes of an entry. Those beyond the last channel do not count: the hardware writes there what
        lies in memory behind the last channel, converted, or 0 beyond the last memory atom.

    Raises
    ------
    BenchError
        Another dtype or rank.
    """
    rows = feature_rows(converted, atomic_c)
    places = np.arange(converted.size).reshape(converted.shape)
    elements = _by_line(_whole_atoms(places, atomic_c, -1), atomic_c).reshape(-1, atomic_c)
    return Entries(rows.reshape(-1, atomic_c), elements >= 0, elements)


def image_entries(
    converted: NDArray[np.int8], atomic_c: int, *, pad_left: int, pad_right: int, pad_value: int
) -> Entries:
    """Entries of an image: each line's bytes with its padding, channel fastest, in whole entries.

    Parameters
    ----------
    converted
        int8 (C, H, W) behind the input converter, without padding.
    atomic_c
        Lanes of an entry; the rest of a line's last entry is 0 and does not count.
    pad_left, pad_right
        Pixels that CDMA adds to each line.
    pad_value
        Their value in every channel; its low byte counts.

    Raises
    ------
    BenchError
        Another dtype or rank.
    """
    rows = image_rows(converted, atomic_c, pad_left=pad_left, pad_right=pad_right, pad_value=pad_value)
    channels, height, width = converted.shape
    line_elements = np.full((height, pad_left + width + pad_right, channels), -1)
    line_elements[:, pad_left : pad_left + width] = np.moveaxis(
        np.arange(converted.size).reshape(converted.shape), 0, -1
    )
    elements = _in_entries(line_elements, atomic_c, -1)
    counts = _in_entries(np.ones(line_elements.shape, np.bool_), atomic_c, False)
    return Entries(rows.reshape(-1, atomic_c), counts.reshape(-1, atomic_c), elements.reshape(-1, atomic_c))


def weight_entries(stream: bytes, atomic_c: int) -> Entries:
    """Entries of a layer's weights: the stream of WEIGHT_BYTES bytes, the rest of the last one does not count."""
    entries = -(-len(stream) // atomic_c)
    values = np.zeros(entries * atomic_c, np.uint8)
    values[: len(stream)] = np.frombuffer(stream, np.uint8)
    elements = np.arange(values.size).reshape(-1, atomic_c)
    counts = elements < len(stream)
    return Entries(values.reshape(-1, atomic_c), counts, np.where(counts, elements, -1))


def _whole_atoms(cube: NDArray[Scalar], atomic_c: int, filler: int) -> NDArray[Scalar]:
    """A cube (C, H, W) with C in whole blocks of atomic-C channels."""
    lanes = np.full((-(-len(cube) // atomic_c) * atomic_c, *cube.shape[1:]), filler, cube.dtype)
    lanes[: len(cube)] = cube
    return lanes


def _by_line(lanes: NDArray[Scalar], atomic_c: int) -> NDArray[Scalar]:
    """Lanes (blocks * atomic-C, H, W) as slices (H, blocks * W, atomic-C)."""
    channels, height, width = lanes.shape
    blocked = lanes.reshape(channels // atomic_c, atomic_c, height, width)
    return blocked.transpose(2, 0, 3, 1).reshape(height, channels // atomic_c * width, atomic_c)


def _in_entries(line: NDArray[Scalar], atomic_c: int, filler: int) -> NDArray[Scalar]:
    """Lines (H, W, C) as slices (H, entries, atomic-C), the rest of the last entry filled up."""
    height, line_bytes = len(line), line.shape[1] * line.shape[2]
    entries = -(-line_bytes // atomic_c)
    values = np.full((height, entries * atomic_c), filler, line.dtype)
    values[:, :line_bytes] = line.reshape(height, line_bytes)
    return values.reshape(height, entries, atomic_c)


def _check(converted: NDArray[np.int8]) -> None:
    if not isinstance(converted, np.ndarray) or converted.dtype != np.int8 or converted.ndim != 3:
        raise BenchError(f"CBUF entries: takes converted input int8 (C, H, W), got {describe(converted)}")
