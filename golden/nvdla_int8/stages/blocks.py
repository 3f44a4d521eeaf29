"""Arrays cut into blocks that stay in the cache, and flags that take no memory while nothing is clipped."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic

BLOCK_ELEMENTS = 2**16
"""Elements of a block: 512 KB as float64, a usual core's own cache; smaller ones cost more calls than they save."""

BUFFER_ELEMENTS = 512
"""Elements of NumPy's own buffers: longer ones are slower for rows of up to twice that, shorter ones for all others."""


def runs_on_blocks(data: NDArray[np.generic], arithmetic: Arithmetic) -> bool:
    """The hardware's arithmetic on an array runs on blocks of float64; any other in int64 on the whole."""
    return arithmetic == HARDWARE and data.ndim > 0


Index = tuple[slice, ...]
"""A block of an array: one slice for each of its dimensions."""


def blocks(shape: tuple[int, ...]) -> Iterator[Index]:
    """Cut an array's shape into blocks of at most :data:`BLOCK_ELEMENTS`, in the order of its memory."""
    axis, inner = len(shape), 1
    while axis and inner * shape[axis - 1] <= BLOCK_ELEMENTS:
        axis -= 1
        inner *= shape[axis]
    whole = (slice(None),) * (len(shape) - axis)
    if not axis:
        yield whole
        return
    step = BLOCK_ELEMENTS // inner
    for outer in np.ndindex(shape[: axis - 1]):
        for start in range(0, shape[axis - 1], step):
            yield (*(slice(at, at + 1) for at in outer), slice(start, start + step), *whole)


def part(array: NDArray[Any], index: Index) -> NDArray[Any]:
    """What an array that broadcasts against the blocks' shape has for one of them."""
    own = index[len(index) - array.ndim :]
    return array[tuple(slice(None) if size == 1 else cut for size, cut in zip(array.shape, own, strict=True))]


class _Workspace(threading.local):
    """Memory of each thread for one block of float64, used again and again."""

    def __init__(self) -> None:
        self.memory = np.empty(BLOCK_ELEMENTS)


_workspace = _Workspace()


def load_block(values: NDArray[np.integer], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Integers of at most 53 bits as float64 of a block's shape, against which they broadcast.

    The thread's next block takes the same memory.
    """
    block = _workspace.memory[: prod(shape)].reshape(shape)
    np.copyto(block, values)
    return block


@lru_cache(maxsize=1 << 10)  # small layers ask ten times each
def no_flags(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Flags that are all false, read-only and without memory: for each shape the same array."""
    return np.broadcast_to(np.False_, shape)


def spread_flags(flags: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Flags that broadcast against a shape, of this shape, read-only."""
    return no_flags(shape) if flags is no_flags(flags.shape) else np.broadcast_to(flags, shape)


@contextmanager
def short_buffers() -> Iterator[None]:
    """Calculate on blocks in this context, in this thread.

    NumPy copies what is repeated along rows, as an operand of each kernel is, into buffers of 8,192 elements. It does
    not where a row is longer than a buffer.
    """
    with np.errstate():  # whose end also takes the buffers back
        np.setbufsize(BUFFER_ELEMENTS)
        yield


class FlagCollector:
    """Flags of an array, put together from those of its blocks."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.flags = no_flags(shape)

    def put(self, index: Index, flags: NDArray[np.bool_] | None) -> None:
        """Take those of a block; None where all are false."""
        if flags is None:
            return
        if not self.flags.flags.writeable:
            self.flags = np.zeros(self.flags.shape, np.bool_)
        self.flags[index] = flags


def count_true(flags: NDArray[np.bool_]) -> int:
    """How many flags are true; of those that are repeated by broadcasting only one is looked at."""
    if flags is no_flags(flags.shape):
        return 0
    stored = flags[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in flags.strides)]
    return int(np.count_nonzero(stored)) * (flags.size // max(stored.size, 1))
