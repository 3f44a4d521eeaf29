"""Packs rows of lanes into the flat vectors of the RTL's ports: lane 0 in the lowest bits."""

import numpy as np
from numpy.typing import NDArray


def pack_lanes(rows: NDArray[np.integer]) -> list[int]:
    """(B, lanes) integers of 8, 16 or 32 bits to B vectors."""
    little = np.ascontiguousarray(rows.astype(rows.dtype.newbyteorder("<")))
    return [int.from_bytes(row.tobytes(), "little") for row in little]


def join_lanes(rows: NDArray[np.generic], width: int) -> list[int]:
    """(B, lanes) integers of any width, such as CMAC's sums, to B vectors with ``width`` bits a lane."""
    mask = (1 << width) - 1
    return [sum((value & mask) << (lane * width) for lane, value in enumerate(row)) for row in rows.tolist()]
