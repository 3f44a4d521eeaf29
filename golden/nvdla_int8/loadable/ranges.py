"""Ranges of bytes in a loadable's memories: where cubes lie, and what wrote there last (loadables.md section 3).

Pools of memory are reused by later layers, so that a cube's origin follows from its bytes and the order of work.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.container import Task
from nvdla_int8.loadable.descriptors import DataCube
from nvdla_int8.loadable.memory_contents import MemoryContents
from nvdla_int8.surfaces.memory import ADDRESS_LIMIT


class Ranges(NamedTuple):
    """Disjoint ranges of one memory, sorted: first bytes and ends, int64 (N,), from the memory's beginning."""

    memory: int
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __bool__(self) -> bool:
        """Whether there is any byte."""
        return bool(self.starts.size)

    def split(self, other: "Ranges") -> "tuple[Ranges, Ranges]":
        """What of it is in ``other``, of the same memory, and what is not."""
        points = np.unique(np.concatenate((self.starts, self.ends, other.starts, other.ends)))
        mine, theirs = self._holds(points[:-1]), other._holds(points[:-1])
        shared, left = mine & theirs, mine & ~theirs
        return (
            Ranges(self.memory, points[:-1][shared], points[1:][shared]),
            Ranges(self.memory, points[:-1][left], points[1:][left]),
        )

    def _holds(self, points: NDArray[np.int64]) -> NDArray[np.bool_]:
        started = np.searchsorted(self.starts, points, side="right")
        held: NDArray[np.bool_] = started > np.searchsorted(self.ends, points, side="right")
        return held


def cube_offset(contents: MemoryContents, task: Task, cube: DataCube) -> int:
    """Where a cube begins in its memory, in bytes; BenchError for an ALI that leads nowhere."""
    return contents.address(task, cube.address).offset + cube.offset


def cube_ranges(contents: MemoryContents, task: Task, cube: DataCube, memory_atom: int) -> Ranges:
    """The bytes of a feature cube: a range for each atom of channels.

    BenchError for an ALI that leads nowhere or an address beyond the hardware's.
    """
    begin = cube_offset(contents, task, cube)
    memory = contents.memory(task, cube.address).id
    surfaces = max(1, -(-cube.channel // memory_atom))
    line_bytes = cube.width * memory_atom
    if cube.width == cube.height == 1:
        strides, length = memory_atom, memory_atom  # a cube of one pixel is packed
    else:
        strides, length = cube.surf_stride, max(0, cube.height - 1) * cube.line_stride + line_bytes
    return _ranges(memory, begin, surfaces, strides, length)


def line_ranges(contents: MemoryContents, task: Task, cube: DataCube) -> Ranges:
    """The bytes of an image, from its first line to the end of its last; BenchError as :func:`cube_ranges`."""
    memory = contents.memory(task, cube.address).id
    return _ranges(memory, cube_offset(contents, task, cube), 1, 0, cube.height * cube.line_stride)


def _ranges(memory: int, begin: int, count: int, stride: int, length: int) -> Ranges:
    """``count`` ranges of ``length`` bytes, a stride apart, as disjoint ones."""
    if begin + count * stride + length > ADDRESS_LIMIT:
        raise BenchError(f"memory {memory}: a cube at {begin:#x} reaches beyond the highest address")
    if not length:
        return Ranges(memory, np.zeros(0, np.int64), np.zeros(0, np.int64))
    if stride <= length:  # they touch or overlap
        return Ranges(memory, np.array([begin]), np.array([begin + (count - 1) * stride + length]))
    starts = begin + np.arange(count, dtype=np.int64) * stride
    return Ranges(memory, starts, starts + length)
