"""Two tensors compared where both are known: what a file does not hold is never counted as equal."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nvdla_int8.dumps.board_tensor import BoardTensor
from nvdla_int8.errors import BenchError

MOST_LISTED = 8


class Difference(NamedTuple):
    """An element that differs."""

    channel: int
    y: int
    x: int
    one: float
    other: float


@dataclass(frozen=True)
class TensorComparison:
    """What two files say of one tensor.

    Attributes
    ----------
    count
        Elements of the tensor.
    compared, wrong
        How many of them both files hold, and how many of those differ.
    first
        The first that differ, by channel, line and pixel.
    channels
        Channels in which elements differ.
    """

    count: int
    compared: int
    wrong: int
    first: tuple[Difference, ...]
    channels: tuple[int, ...]

    @property
    def unknown(self) -> int:
        """Elements that one of the files does not hold."""
        return self.count - self.compared


def compare_board_tensors(one: BoardTensor, other: BoardTensor) -> TensorComparison:
    """Compare two tensors, bit by bit; bytes without a sign are taken as int8 where the other side is.

    Raises
    ------
    BenchError
        Tensors of different shapes or types, or that have no element in common.
    """
    first, second = one.tensor.values, other.tensor.values
    if {first.dtype, second.dtype} == {np.dtype(np.int8), np.dtype(np.uint8)}:
        first, second = first.view(np.int8), second.view(np.int8)
    if first.shape != second.shape or first.dtype != second.dtype:
        raise BenchError(
            f"{one.path} holds {first.dtype} {first.shape}, {other.path} {second.dtype} {second.shape}: "
            "they cannot be compared"
        )
    both = one.tensor.known & other.tensor.known
    if not both.any():
        raise BenchError(f"{one.path} and {other.path} have no element in common")
    bits = np.dtype(f"u{first.dtype.itemsize}")
    wrong = (np.ascontiguousarray(first).view(bits) != np.ascontiguousarray(second).view(bits)) & both
    places = [(int(channel), int(y), int(x)) for channel, y, x in np.argwhere(wrong)[:MOST_LISTED]]
    return TensorComparison(
        first.size,
        int(np.count_nonzero(both)),
        int(np.count_nonzero(wrong)),
        tuple(Difference(*place, first[place].item(), second[place].item()) for place in places),
        tuple(np.flatnonzero(wrong.any(axis=(1, 2))).tolist()),
    )
