"""Where a compiled network's tensors lie, and which later layer writes over them (loadables.md section 3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from nvdla_int8.loadable.container import MemoryEntry
from nvdla_int8.loadable.descriptors import DataCube
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.tasks import HardwareTask


@dataclass(frozen=True)
class TensorLocation:
    """Where a tensor lies.

    Attributes
    ----------
    memory
        What the memory is for: ``input``, ``output``, ``stored`` (comes with the file) or ``pool``.
    memory_id
        Its number in the file.
    ali
        The index into the address list of the task that leads there.
    spans
        Of each part, or element of a batch, the bytes that it takes, from the first to behind the last. Between those
        of a batch other tensors may lie.
    """

    memory: str
    memory_id: int
    ali: int
    spans: tuple[tuple[int, int], ...]

    @property
    def offset(self) -> int:
        """Of the first byte, from the memory's beginning."""
        return min(begin for begin, _ in self.spans)

    @property
    def size_bytes(self) -> int:
        """From its first byte to behind its last one."""
        return max(end for _, end in self.spans) - self.offset

    def in_words(self) -> str:
        """Such as ``pool memory 2 + 0x1000``."""
        return f"{self.memory} memory {self.memory_id} + {self.offset:#x}"

    def overlaps(self, other: "TensorLocation") -> bool:
        """Both take the same bytes."""
        return self.memory_id == other.memory_id and any(
            begin < other_end and other_begin < end
            for begin, end in self.spans
            for other_begin, other_end in other.spans
        )


@dataclass(frozen=True)
class MemoryUse:
    """What a network takes of the memory, in bytes, without the descriptors.

    Attributes
    ----------
    stored
        Bytes in the file that are copied there: weights, operands, in NVIDIA's single-block files the input too.
    stored_allocated
        The memories that hold them.
    pool
        Memories for tensors between layers.
    inputs, outputs
        What the application binds.
    """

    stored: int
    stored_allocated: int
    pool: int
    inputs: int
    outputs: int

    @property
    def total(self) -> int:
        """All that is allocated."""
        return self.stored_allocated + self.pool + self.inputs + self.outputs


def memory_use(loadable: Loadable, outputs: Sequence[TensorLocation]) -> MemoryUse:
    """What a compiled network takes of the memory; ``outputs`` of its layers show which memories are pools."""
    descriptors = {blob.name for blob in loadable.container.blobs if blob.interface or blob.sub_interface}
    pools = {one.memory_id for one in outputs}
    stored = 0
    allocated = dict.fromkeys(("input", "output", "stored", "pool"), 0)
    for memory in loadable.container.memories:
        purpose = purpose_of(memory)
        if descriptors.intersection(memory.contents) or (purpose == "pool" and memory.id not in pools):
            continue
        allocated[purpose] += memory.size
        stored += sum(len(content.data) for content in loadable.contents.of(memory)) if purpose == "stored" else 0
    return MemoryUse(stored, allocated["stored"], allocated["pool"], allocated["input"], allocated["output"])


def purpose_of(memory: MemoryEntry) -> str:
    """What a memory is for, in a word."""
    if memory.is_input:
        return "input"
    if memory.is_output:
        return "output"
    return "stored" if memory.is_set else "pool"


def location_of(loadable: Loadable, task: HardwareTask, cubes: Sequence[DataCube], atom: int) -> TensorLocation:
    """Where a tensor lies that consists of these cubes, the parts of a layer that is split.

    Raises
    ------
    BenchError
        An ALI that leads nowhere.
    """
    entries = [loadable.contents.address(task.task, cube.address) for cube in cubes]
    memory = loadable.contents.memory(task.task, cubes[0].address)
    begins = [entry.offset + cube.offset for entry, cube in zip(entries, cubes, strict=True)]
    spans = tuple((begin, begin + _extent_bytes(cube, atom)) for begin, cube in zip(begins, cubes, strict=True))
    return TensorLocation(purpose_of(memory), memory.id, cubes[0].address, spans)


def _extent_bytes(cube: DataCube, atom: int) -> int:
    """From a cube's first byte to behind its last one."""
    surfaces = -(-cube.channel // atom) if cube.surf_stride else 1
    return (surfaces - 1) * cube.surf_stride + (cube.height - 1) * cube.line_stride + cube.width * atom
