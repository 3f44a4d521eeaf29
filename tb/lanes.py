"""Packs rows of lanes into the flat vectors of the RTL's ports, and back: lane 0 in the lowest bits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray


def pack_lanes(rows: NDArray[np.integer]) -> list[int]:
    """(B, lanes) integers of 8, 16 or 32 bits to B vectors."""
    little = np.ascontiguousarray(rows.astype(rows.dtype.newbyteorder("<")))
    return [int.from_bytes(row.tobytes(), "little") for row in little]


def join_lanes(rows: NDArray[np.generic], width: int) -> list[int]:
    """(B, lanes) integers of any width, such as CMAC's sums, to B vectors with ``width`` bits a lane."""
    mask = (1 << width) - 1
    return [sum((value & mask) << (lane * width) for lane, value in enumerate(row)) for row in rows.tolist()]


def unpack_lanes(vectors: Sequence[int], lanes: int, dtype: DTypeLike) -> NDArray[np.integer]:
    """B vectors to (B, lanes) integers of ``dtype``."""
    little = np.dtype(dtype).newbyteorder("<")
    size = lanes * little.itemsize
    raw = b"".join(vector.to_bytes(size, "little") for vector in vectors)
    return np.frombuffer(raw, little).reshape(len(vectors), lanes).astype(dtype)


def pack_flags(rows: NDArray[np.bool_]) -> list[int]:
    """(B, lanes) flags to B vectors of one bit a lane."""
    return [int.from_bytes(row.tobytes(), "little") for row in np.packbits(rows, axis=1, bitorder="little")]


def unpack_flags(vectors: Sequence[int], lanes: int) -> NDArray[np.bool_]:
    """B vectors of one bit a lane to (B, lanes) flags."""
    octets = -(-lanes // 8)
    raw = b"".join(vector.to_bytes(octets, "little") for vector in vectors)
    rows = np.frombuffer(raw, np.uint8).reshape(len(vectors), octets)
    return np.unpackbits(rows, axis=1, count=lanes, bitorder="little").astype(np.bool_)
