"""Inputs in which a fault can be read: counters, walking ones, every byte once."""

import numpy as np
from numpy.typing import NDArray

ATOM = 8
COUNTED = 251
"""A counter's period: prime, so that no stride or size falls on it."""


def in_memory_order(values: NDArray[np.int64], channels: int, height: int, width: int) -> NDArray[np.int8]:
    """Bytes of a dense cube's memory, atom after atom, as a cube (C, H, W)."""
    surfaces = -(-channels // ATOM)
    atoms = values.reshape(surfaces, height, width, ATOM)
    cube = np.moveaxis(atoms, -1, 1).reshape(surfaces * ATOM, height, width)[:channels]
    return np.ascontiguousarray(cube.astype(np.uint8)).view(np.int8)


def counter(channels: int, height: int, width: int, start: int = 0) -> NDArray[np.int8]:
    """A cube whose bytes count up in memory, modulo 251."""
    total = -(-channels // ATOM) * ATOM * height * width
    return in_memory_order((np.arange(total) + start) % COUNTED, channels, height, width)


def walking_ones() -> NDArray[np.int8]:
    """Eight pixels of one atom: in pixel x lane c has bit (c + x) % 8 alone."""
    pixel, lane = np.indices((8, ATOM))
    return in_memory_order(1 << (pixel + lane) % 8, ATOM, 1, 8)


def numbered_atoms(channels: int, height: int, width: int) -> NDArray[np.int8]:
    """A cube in which every byte of an atom is the atom's number in memory, modulo 251."""
    atoms = np.arange(-(-channels // ATOM) * height * width) % COUNTED
    return in_memory_order(np.repeat(atoms, ATOM), channels, height, width)


def every_byte() -> NDArray[np.int8]:
    """A cube (8, 4, 8) of all int8 values in ascending order."""
    return in_memory_order(np.arange(-128, 128), ATOM, 4, 8)


def one_hot(channels: int, value: int = 1) -> NDArray[np.int8]:
    """A line of as many pixels as channels: in pixel x channel x alone is not 0."""
    return (np.eye(channels, dtype=np.int8) * np.int8(value))[:, None, :]


def numbered_weights(kernels: int, channels: int, height: int, width: int) -> NDArray[np.int8]:
    """Kernels (K, C, R, S) whose weights count up in the order of their indices, modulo 251."""
    count = kernels * channels * height * width
    numbers = (np.arange(count) % COUNTED).astype(np.uint8).view(np.int8)
    return numbers.reshape(kernels, channels, height, width)


def identity_weights(channels: int) -> NDArray[np.int8]:
    """Kernels of 1x1 that hand the channels on."""
    return np.eye(channels, dtype=np.int8)[:, :, None, None]
