"""Where a compiled network's memories lie, as the runtime and the driver place them (loadables.md section 3)."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import find_build
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.container import MemoryEntry, Task
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.tasks import HardwareTask
from nvdla_int8.surfaces.memory import PAGE

FIRST_BASE = 0x8000_0000
"""Where NVIDIA's small builds have their memory, and the first memory of a network."""

ADDRESS_BITS = find_build("nv_small").address_bits


class MemoryMap:
    """The memories one behind the other in the order of their ids, each from a page of its own.

    Parameters
    ----------
    loadable
        The compiled network.
    base
        DMA address of the memory with the lowest id.

    Attributes
    ----------
    sizes
        Bytes of each memory by id, as the file has them: not rounded to pages.

    Raises
    ------
    BenchError
        A memory of no bytes, or memories that reach beyond the hardware's addresses.
    """

    def __init__(self, loadable: Loadable, base: int = FIRST_BASE) -> None:
        self._loadable = loadable
        self._bases: dict[int, int] = {}
        memories = loadable.contents.memories
        self.sizes: Mapping[int, int] = {number: memories[number].size for number in sorted(memories)}
        if base < 0 or base % PAGE:
            raise BenchError(f"base {base:#x} is not the beginning of a page of {PAGE:,} bytes")
        for number, size in self.sizes.items():
            if not size:
                raise BenchError(f"{loadable.path}: memory {number} has no bytes")
            self._bases[number] = base
            base += -(-size // PAGE) * PAGE
            if base > 1 << ADDRESS_BITS:
                raise BenchError(
                    f"{loadable.path}: memory {number} of {size:,} bytes at {self._bases[number]:#x} "
                    f"reaches beyond the hardware's {ADDRESS_BITS}-bit addresses"
                )

    def base(self, memory_id: int) -> int:
        """DMA address of a memory; BenchError when there is none."""
        if memory_id not in self._bases:
            raise BenchError(f"{self._loadable.path}: there is no memory {memory_id}")
        return self._bases[memory_id]

    def address(self, task: Task, ali: int, offset: int = 0) -> int:
        """DMA address of ``offset`` bytes into what an ALI of a task stands for.

        Raises
        ------
        BenchError
            There is no such address, or it lies beyond its memory.
        """
        contents = self._loadable.contents
        entry, memory = contents.address(task, ali), contents.memory(task, ali)
        if entry.offset + offset >= memory.size:
            raise BenchError(
                f"ALI {ali} leads to byte {entry.offset + offset:#x} of memory {memory.id}, which has {memory.size:,}"
            )
        return self.base(memory.id) + entry.offset + offset

    def hardware_memories(self) -> tuple[MemoryEntry, ...]:
        """The memories that the hardware's tasks read and write, by id; not their descriptors."""
        contents = self._loadable.contents
        found: dict[int, MemoryEntry] = {}
        for task in self._loadable.hardware_tasks:
            for ali in set(range(len(task.task.address_list))) - _descriptor_alis(task):
                memory = contents.memory(task.task, ali)
                found[memory.id] = memory
        return tuple(found[number] for number in sorted(found))

    def images(self) -> dict[int, NDArray[np.uint8]]:
        """What the hardware's memories with contents hold before a run: whole, by base address.

        BenchError for contents that are not in the file or do not fit.
        """
        found = {}
        for memory in self.hardware_memories():
            contents = self._loadable.contents.of(memory)
            if contents:
                image = np.zeros(memory.size, np.uint8)
                for content in contents:
                    image[content.offset : content.offset + len(content.data)] = np.frombuffer(content.data, np.uint8)
                found[self.base(memory.id)] = image
        return found


def _descriptor_alis(task: HardwareTask) -> set[int]:
    """The ALIs behind which the driver itself reads."""
    network = task.network
    lists: Iterable[int] = (
        network.operation_desc_index,
        network.surface_desc_index,
        network.dependency_graph_index,
        network.lut_data_index,
    )
    return {0, *lists}
