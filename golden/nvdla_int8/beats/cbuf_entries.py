"""What CDMA writes into the CBUF: slices of entries, one for each line of the input (hardware.md sections 3 and 4)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.device.convolution_layer import ConvolutionLayer
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


def input_entries(layer: ConvolutionLayer, converted: NDArray[np.int8], atomic_c: int) -> Entries:
    """Entries of a layer's input, as :func:`feature_entries` or :func:`image_entries`.

    Parameters
    ----------
    layer
        Feature or image, and an image's padding.
    converted
        int8 (C, H, W) behind the input converter, without padding; of a feature cube also with the
        lanes that pad its last memory atom.
    atomic_c
        Lanes of an entry.

    Raises
    ------
    BenchError
        Another dtype or rank.
    """
    if not layer.pixel:
        return feature_entries(converted, atomic_c)
    pad_right = layer.image_width_with_padding - layer.pad_left - layer.width
    return image_entries(
        converted, atomic_c, pad_left=layer.pad_left, pad_right=pad_right, pad_value=layer.side_pad_value
    )


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
    _check(converted)
    lanes = -(-len(converted) // atomic_c) * atomic_c
    values = np.zeros((lanes, *converted.shape[1:]), np.uint8)
    values[: len(converted)] = converted.view(np.uint8)
    elements = np.full(values.shape, -1)
    elements[: len(converted)] = np.arange(converted.size).reshape(converted.shape)
    placed = _line_by_line(elements, atomic_c)
    return Entries(_line_by_line(values, atomic_c), placed >= 0, placed)


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
    _check(converted)
    channels, height, width = converted.shape
    line = np.full((height, pad_left + width + pad_right, channels), pad_value & ((1 << FEATURE) - 1), np.uint8)
    line[:, pad_left : pad_left + width] = np.moveaxis(converted.view(np.uint8), 0, -1)
    line_elements = np.full(line.shape, -1)
    line_elements[:, pad_left : pad_left + width] = np.moveaxis(
        np.arange(converted.size).reshape(converted.shape), 0, -1
    )
    line_bytes = line.shape[1] * channels
    entries = -(-line_bytes // atomic_c)
    values = np.zeros((height, entries * atomic_c), np.uint8)
    values[:, :line_bytes] = line.reshape(height, line_bytes)
    counts = np.zeros(values.shape, np.bool_)
    counts[:, :line_bytes] = True
    elements = np.full(values.shape, -1)
    elements[:, :line_bytes] = line_elements.reshape(height, line_bytes)
    return Entries(values.reshape(-1, atomic_c), counts.reshape(-1, atomic_c), elements.reshape(-1, atomic_c))


def weight_entries(stream: bytes, atomic_c: int) -> Entries:
    """Entries of a layer's weights: the stream of WEIGHT_BYTES bytes, the rest of the last one does not count."""
    entries = -(-len(stream) // atomic_c)
    values = np.zeros(entries * atomic_c, np.uint8)
    values[: len(stream)] = np.frombuffer(stream, np.uint8)
    elements = np.arange(values.size).reshape(-1, atomic_c)
    counts = elements < len(stream)
    return Entries(values.reshape(-1, atomic_c), counts, np.where(counts, elements, -1))


def _line_by_line(lanes: NDArray[Scalar], atomic_c: int) -> NDArray[Scalar]:
    """Lanes (blocks * atomic-C, H, W) as entries (H * blocks * W, atomic-C)."""
    blocked = lanes.reshape(-1, atomic_c, *lanes.shape[1:])
    return blocked.transpose(2, 0, 3, 1).reshape(-1, atomic_c)


def _check(converted: NDArray[np.int8]) -> None:
    if not isinstance(converted, np.ndarray) or converted.dtype != np.int8 or converted.ndim != 3:
        raise BenchError(f"CBUF entries: takes converted input int8 (C, H, W), got {describe(converted)}")
