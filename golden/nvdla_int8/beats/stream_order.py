"""The order in which CACC, SDP and CDP stream a cube's atoms (hardware.md sections 1 and 3, pdp_cdp.md section 7)."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.surfaces.layout import Scalar, channels_last

STRIP_COLUMNS = 8
"""Columns of CDP's strips; the last strip of a line may have fewer."""


def in_stream_order(units: NDArray[Scalar], surfaces_together: int) -> NDArray[Scalar]:
    """Units of a cube in the order group of surfaces, y, x, surface within the group.

    Parameters
    ----------
    units
        (S, H, W, ...): one unit for each surface and pixel.
    surfaces_together
        Surfaces of a group: atomic-K / memory atom, 1 or more. The last group may have fewer.

    Returns
    -------
    NDArray
        (S * H * W, ...), of the dtype of ``units``.
    """
    groups = [units[first : first + surfaces_together] for first in range(0, len(units), surfaces_together)]
    return np.concatenate([np.moveaxis(group, 0, 2).reshape(-1, *units.shape[3:]) for group in groups])


def sdp_beats(cube: NDArray[Scalar], memory_atom: int, atomic_k: int) -> NDArray[Scalar]:
    """A cube (S * A, H, W) as the beats of SDP's streams, (S * H * W, A): source, X1, X2, output, operands."""
    return in_stream_order(channels_last(cube, memory_atom), atomic_k // memory_atom)


def cacc_beats(cube: NDArray[Scalar], atomic_k: int) -> NDArray[Scalar]:
    """A cube (K, H, W), K in whole kernel groups, as the beats CACC delivers, (K / atomic-K * H * W, atomic-K)."""
    return in_stream_order(channels_last(cube, atomic_k), 1)


def in_strip_order(units: NDArray[Scalar]) -> NDArray[Scalar]:
    """Units of a cube in CDP's order: y, strip of columns, surface, x within the strip.

    Parameters
    ----------
    units
        (S, H, W, ...): one unit for each surface and pixel.

    Returns
    -------
    NDArray
        (S * H * W, ...), of the dtype of ``units``.
    """
    surfaces, height, width, *rest = units.shape
    lines = np.moveaxis(units, 0, 1)
    strips = [lines[:, :, first : first + STRIP_COLUMNS] for first in range(0, width, STRIP_COLUMNS)]
    together = np.concatenate([strip.reshape(height, -1, *rest) for strip in strips], axis=1)
    return together.reshape(surfaces * height * width, *rest)


def cdp_beats(cube: NDArray[Scalar], memory_atom: int) -> NDArray[Scalar]:
    """A cube (S * A, H, W) as the beats of CDP's streams, (S * H * W, A)."""
    return in_strip_order(channels_last(cube, memory_atom))


def pdp_beats(cube: NDArray[Scalar], memory_atom: int, parts: Iterable[slice]) -> NDArray[Scalar]:
    """A cube (S * A, H, W) as the beats of PDP's streams, (B, A): part, surface, y, x.

    ``parts`` are the columns of each part of a width split; a column of two parts comes twice.
    """
    atoms = channels_last(cube, memory_atom)
    return np.concatenate([atoms[:, :, columns].reshape(-1, memory_atom) for columns in parts])
