"""Ranges of bytes in a loadable's memories: where cubes lie (loadables.md section 3)."""

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

    def meets(self, other: "Ranges") -> bool:
        """Whether there is a byte in both."""
        if self.memory != other.memory or not self.starts.size:
            return False
        first_behind = np.searchsorted(self.ends, other.starts, side="right")
        starts = np.append(self.starts, ADDRESS_LIMIT - 1)[first_behind]
        return bool((starts < other.ends).any())


def cube_offset(contents: MemoryContents, task: Task, cube: DataCube) -> int:
    """Where a cube begins in its memory, in bytes; BenchError for an ALI that leads nowhere."""
    return contents.address(task, cube.address).offset + cube.offset


def cube_ranges(contents: MemoryContents, task: Task, cube: DataCube, memory_atom: int) -> Ranges:
    """The bytes of a feature cube: a range for each atom of channels.

    BenchError for an ALI that leads nowhere, or an address beyond the hardware's.
    """
    surfaces = max(1, -(-cube.channel // memory_atom))
    if cube.width == cube.height == 1:
        stride = length = memory_atom  # a cube of one pixel is packed
    else:
        stride = cube.surf_stride
        length = max(0, cube.height - 1) * cube.line_stride + cube.width * memory_atom
    return _ranges(contents, task, cube, surfaces, stride, length)


def line_ranges(contents: MemoryContents, task: Task, cube: DataCube) -> Ranges:
    """The bytes of an image, from its first line to the end of its last; BenchError as :func:`cube_ranges`."""
    return _ranges(contents, task, cube, 1, 0, cube.height * cube.line_stride)


def _ranges(contents: MemoryContents, task: Task, cube: DataCube, count: int, stride: int, length: int) -> Ranges:
    """``count`` ranges of ``length`` bytes, a stride apart, as disjoint ones."""
    memory = contents.memory(task, cube.address).id
    begin = cube_offset(contents, task, cube)
    end = begin + (count - 1) * stride + length
    if end > ADDRESS_LIMIT:
        raise BenchError(f"memory {memory}: a cube at {begin:#x} reaches beyond the highest address")
    if not length:
        return Ranges(memory, np.zeros(0, np.int64), np.zeros(0, np.int64))
    if stride <= length:  # they touch or overlap
        return Ranges(memory, np.array([begin]), np.array([end]))
    starts = begin + np.arange(count, dtype=np.int64) * stride
    return Ranges(memory, starts, starts + length)
