"""A compiled network, read from its file."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.container import Container, Interface, MemoryEntry, Task, TensorDescriptor
from nvdla_int8.loadable.flat_tables import FlatFile
from nvdla_int8.loadable.memory_contents import MemoryContents
from nvdla_int8.loadable.plausible import nonsense
from nvdla_int8.loadable.recognised_build import RecognisedBuild, recognise_build
from nvdla_int8.loadable.structures import Layout
from nvdla_int8.loadable.tasks import (
    AnyTask,
    CpuTask,
    HardwareTask,
    descriptor_version,
    layout_of,
    read_cpu_task,
    read_hardware_task,
)

FILE_LIMIT = 1 << 30
"""Bytes of a file."""

LOADABLE_NAMES = (".nvdla", "_fbuf")
"""How names of compiled networks end."""

OTHER_NAMES = frozenset((".json", ".cfg", ".onnx", ".prototxt", ".caffemodel"))
"""Suffixes of the files that commands take beside compiled networks."""


class NetworkTensor(NamedTuple):
    """An input or output of the network: the memory that the application binds, and what lies in it."""

    memory: MemoryEntry
    tensor: TensorDescriptor


@dataclass(frozen=True)
class Loadable:
    """A compiled network.

    Attributes
    ----------
    path
        The file.
    container
        Its tables as they are.
    contents
        What lies in memory before a run.
    tasks
        In the order in which the runtime carries them out.
    inputs, outputs
        By bind id.
    build
        The build that it was compiled for, and what tells so.
    notes
        What the reader had to decide against the file's word.
    """

    path: Path
    container: Container
    contents: MemoryContents
    tasks: tuple[AnyTask, ...]
    inputs: tuple[NetworkTensor, ...]
    outputs: tuple[NetworkTensor, ...]
    build: RecognisedBuild
    notes: tuple[str, ...]

    @property
    def hardware_tasks(self) -> tuple[HardwareTask, ...]:
        """The tasks of the hardware."""
        return tuple(task for task in self.tasks if isinstance(task, HardwareTask))

    @property
    def cpu_tasks(self) -> tuple[CpuTask, ...]:
        """The tasks of the CPU."""
        return tuple(task for task in self.tasks if isinstance(task, CpuTask))


def read_loadable(path: str | os.PathLike[str]) -> Loadable:
    """Read a compiled network.

    Raises
    ------
    BenchError
        One line that begins with the file: cut off, damaged, or not a loadable.
    OSError
        The file cannot be read.
    """
    path = Path(path)
    with located(str(path)):
        if path.stat().st_size > FILE_LIMIT:
            raise BenchError(f"has {path.stat().st_size:,} bytes, at most {FILE_LIMIT:,} are read")
        container = Container.read(FlatFile(path.read_bytes()).root())
        contents = MemoryContents(container)
        notes: list[str] = []
        tasks = tuple(_tasks(container, contents, notes))
        return Loadable(
            path,
            container,
            contents,
            tasks,
            _bound(container, [memory for memory in container.memories if memory.is_input]),
            _bound(container, [memory for memory in container.memories if memory.is_output]),
            recognise_build(container.tensors, [task for task in tasks if isinstance(task, HardwareTask)]),
            tuple(notes),
        )


def _tasks(container: Container, contents: MemoryContents, notes: list[str]) -> Iterable[AnyTask]:
    """The tasks in the order of the submits; ``notes`` takes what was decided on the way."""
    tasks = {task.id: task for task in container.tasks}
    submitted = [number for submit in container.submits for number in submit.task_ids]
    if not submitted or not tasks:
        raise BenchError("is not a loadable: it holds no tasks")
    left = sum(len(blob.data) for blob in container.blobs)
    for number in submitted:
        if number not in tasks:
            raise BenchError(f"there is no task {number}, or submits name it twice")
        task = tasks.pop(number)
        if task.interface == Interface.DLA1:
            version = descriptor_version(container.blobs, task.interface)
            found: AnyTask = _hardware_task(task, contents, version, notes)
        elif task.interface == Interface.EMU1:
            found = read_cpu_task(task, contents)
        else:
            raise BenchError(f"task {task.id} is for interface {task.interface}, known are 1 (hardware) and 2 (CPU)")
        left -= found.list_bytes
        if left < 0:
            raise BenchError(f"task {task.id}: its lists are those of other tasks")
        yield found


def _hardware_task(task: Task, contents: MemoryContents, version: tuple[int, ...], notes: list[str]) -> HardwareTask:
    """A hardware task in the layout of its version, or in the other one if only that makes sense.

    BenchError when neither does: what is wrong in the layout of the version.
    """
    stated = layout_of(version)
    found = read_hardware_task(task, contents, version, stated)
    problem = next(nonsense(found), None)
    if problem is None:
        return found
    other = Layout.OLD if stated is Layout.NEW else Layout.NEW
    second = read_hardware_task(task, contents, version, other)
    if any(nonsense(second)):
        raise BenchError(f"task {task.id}: {problem}; the descriptors make no sense with {other.value} either")
    says = ".".join(map(str, version)) if any(version) else "none"
    notes.append(
        f"task {task.id}: the version of its descriptors is {says}, which goes with {stated.value}, "
        f"but only {other.value} make sense ({problem})"
    )
    return second


def _bound(container: Container, memories: list[MemoryEntry]) -> tuple[NetworkTensor, ...]:
    tensors = {tensor.id: tensor for tensor in container.tensors}
    found = []
    for memory in sorted(memories, key=lambda memory: memory.bind_id):
        if memory.tensor_desc_id not in tensors:
            raise BenchError(f"memory {memory.id}: there is no tensor {memory.tensor_desc_id}")
        found.append(NetworkTensor(memory, tensors[memory.tensor_desc_id]))
    return tuple(found)


def is_loadable(path: str | os.PathLike[str]) -> bool:
    """Whether a path is meant as a compiled network: by its name, or by what its first tables hold."""
    path = Path(path)
    if path.name.endswith(LOADABLE_NAMES):
        return True
    try:
        if not path.is_file() or path.suffix in OTHER_NAMES or path.stat().st_size > FILE_LIMIT:
            return False
        root = FlatFile(path.read_bytes()).root()
        return any(root.struct(0, 3)) and any(Task.read(table).interface for table in root.tables(1))
    except (BenchError, OSError):
        return False
