"""Loadables from their tables and descriptors, written by the ``flatbuffers`` package, in either layout of descriptors.

A :class:`Draft` is what :func:`read_loadable` gives, to be changed: tests take one of the compiled networks and write
it in the old layout, for a batch, as several tasks, or damaged.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import flatbuffers
import numpy as np

from nvdla_int8.loadable.container import AddressEntry, Blob, Container, MemoryEntry, MemoryFlags, Task
from nvdla_int8.loadable.cpu_descriptors import CpuBuffer, CpuBuffers
from nvdla_int8.loadable.descriptors import OPERATION_BYTES, SURFACE_BYTES, DataCube, Dependency, Lut
from nvdla_int8.loadable.flat_tables import SCALARS
from nvdla_int8.loadable.loadable import Loadable, read_loadable
from nvdla_int8.loadable.structures import Layout, Structure
from nvdla_int8.loadable.tasks import AnyTask, CpuOperation, CpuTask, HardwareTask

VERSIONS = {Layout.OLD: (0, 11, 0), Layout.NEW: (0, 12, 3)}
"""Of the descriptors in each layout."""

PAGE = 4096


def write_container(container: Container, repeated: Mapping[str, int] | None = None) -> bytes:
    """A file with these tables; ``repeated`` says how often the last row of a list is to be named in it."""
    builder = flatbuffers.Builder(1024)
    slots: list[tuple[int, int]] = []
    for number, field in enumerate(fields(container)):
        rows = getattr(container, field.name)
        if number:
            offsets = [_table(builder, row) for row in rows]
            offsets += offsets[-1:] * (repeated or {}).get(field.name, 0)
            slots.append((number, _vector_of(builder, offsets)))
    builder.StartObject(len(fields(container)))
    _struct_slot(builder, 0, container.version)
    for number, offset in slots:
        builder.PrependUOffsetTRelativeSlot(number, offset, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def _table(builder: Any, row: Any) -> int:
    """One table of the container, by its columns."""
    columns = [(field.metadata["kind"], getattr(row, field.name)) for field in fields(row)]
    offsets = [_outside(builder, kind, value) for kind, value in columns]
    builder.StartObject(len(columns))
    for number, ((kind, value), offset) in enumerate(zip(columns, offsets, strict=True)):
        if offset is not None:
            builder.PrependUOffsetTRelativeSlot(number, offset, 0)
        elif kind == "version":
            _struct_slot(builder, number, value)
        else:
            builder.PrependSlot(SCALARS[kind], number, value, 0)
    return int(builder.EndObject())


def _outside(builder: Any, kind: str, value: Any) -> int | None:
    """What a field holds outside its table: strings and vectors; None for numbers and structs."""
    if kind == "text":
        return int(builder.CreateString(value))
    if kind == "texts":
        return _vector_of(builder, [builder.CreateString(text) for text in value])
    if kind == "data":
        return int(builder.CreateByteVector(value))
    if kind.startswith("["):
        return int(builder.CreateNumpyVector(np.array(value, kind.strip("[]"))))
    return None


def _vector_of(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _struct_slot(builder: Any, number: int, values: tuple[int, ...]) -> None:
    builder.Prep(1, len(values))
    for value in reversed(values):
        builder.PrependUint8(value)
    builder.PrependStructSlot(number, builder.Offset(), 0)


def structure_bytes(structure: Structure, layout: Layout) -> bytes:
    """A descriptor as it lies in memory; a field that the layout does not have must be 0."""
    data = bytearray(structure.bytes_in(layout))
    for field in fields(structure):  # type: ignore[arg-type]
        place, value = field.metadata["place"], getattr(structure, field.name)
        offset = place.offsets[layout]
        if offset is None:
            assert not value, f"{type(structure).__name__}.{field.name} = {value} has no place in {layout}"
        elif isinstance(place.kind, str):
            struct.pack_into(f"<{place.count or 1}{place.kind}", data, offset, *(value if place.count else (value,)))
        else:
            step = place.kind.bytes_in(layout)
            for index, part in enumerate(value if place.count else (value,)):
                at = offset + index * step
                data[at : at + step] = structure_bytes(part, layout)
    return bytes(data)


def _padded(structure: Structure | None, layout: Layout, size: int) -> bytes:
    return (structure_bytes(structure, layout) if structure else b"").ljust(size, b"\0")


@dataclass
class Draft:
    """A loadable to be written: its tables, whose descriptors are replaced by those of ``tasks``."""

    container: Container
    tasks: list[AnyTask]

    @classmethod
    def of(cls, path: Path) -> "Draft":
        """What a file holds."""
        return cls.of_loadable(read_loadable(path))

    @classmethod
    def of_loadable(cls, loadable: Loadable) -> "Draft":
        """What a loadable that was read holds."""
        return cls(loadable.container, list(loadable.tasks))

    def write(self, path: Path, layout: Layout = Layout.NEW) -> Path:
        """Write the file with descriptors in a layout; return its path."""
        path.write_bytes(self.to_bytes(layout))
        return path

    def to_bytes(self, layout: Layout = Layout.NEW, version: tuple[int, ...] | None = None) -> bytes:
        """The file; ``version`` is what it says of its descriptors, without it what goes with their layout."""
        draft = Draft(self.container, list(self.tasks))
        for place, task in enumerate(draft.tasks):
            if isinstance(task, HardwareTask):
                draft._put_hardware(place, task, layout)
            else:
                draft._put_cpu(place, task, layout)
        tasks = tuple(task.task for task in draft.tasks)
        blobs = tuple(
            replace(blob, version=version or VERSIONS[layout])
            if blob.interface in (0, 1) and blob.sub_interface
            else blob
            for blob in draft.container.blobs
        )
        return write_container(replace(draft.container, tasks=tasks, blobs=blobs))

    def add_address(self, memory: int, offset: int) -> int:
        """A new address in a memory; return its id."""
        number = 1 + max(entry.id for entry in self.container.addresses)
        entry = AddressEntry(number, memory, offset, 0)
        self.container = replace(self.container, addresses=(*self.container.addresses, entry))
        return number

    def add_descriptors(self, like: str, name: str) -> int:
        """A new memory for descriptors, as that of the blob ``like``; return the id of an address to it."""
        blob = next(blob for blob in self.container.blobs if blob.name == like)
        number = 1 + max(memory.id for memory in self.container.memories)
        flags = int(MemoryFlags.ALLOC | MemoryFlags.SET)
        memory = MemoryEntry(number, 0, flags, len(blob.data), PAGE, (name,), (0,), 0, 0)
        self.container = replace(
            self.container,
            memories=(*self.container.memories, memory),
            blobs=(*self.container.blobs, replace(blob, name=name)),
        )
        return self.add_address(number, 0)

    def behind(self, task: AnyTask, ali: int) -> Blob:
        """The blob of the descriptors behind an ALI."""
        memory = self._memory(task, ali)
        return next(blob for blob in self.container.blobs if blob.name == memory.contents[0])

    def _memory(self, task: AnyTask, ali: int) -> MemoryEntry:
        number = task.task.address_list[ali]
        address = next(entry for entry in self.container.addresses if entry.id == number)
        return next(memory for memory in self.container.memories if memory.id == address.mem_id)

    def _put(self, task: AnyTask, ali: int, data: bytes) -> None:
        """Replace the blob behind an ALI, and have its memory hold as much."""
        ours, old = self._memory(task, ali), self.behind(task, ali)
        self.container = replace(
            self.container,
            memories=tuple(
                replace(memory, size=len(data)) if memory is ours else memory for memory in self.container.memories
            ),
            blobs=tuple(
                replace(blob, data=data, size=len(data)) if blob is old else blob for blob in self.container.blobs
            ),
        )

    def _put_hardware(self, place: int, task: HardwareTask, layout: Layout) -> None:
        if layout is Layout.OLD:
            task = self._without_offsets(task)
            self.tasks[place] = task
        network = replace(
            task.network, num_operations=len(task.operations), num_luts=len(task.luts),
            num_addresses=len(task.task.address_list),
        )  # fmt: skip
        self._put(task, 0, structure_bytes(network, layout))
        dependencies = b"".join(_padded(one.dependency, layout, Dependency.BYTES) for one in task.operations)
        self._put(task, network.dependency_graph_index, dependencies)
        operations = b"".join(_padded(one.operation, layout, OPERATION_BYTES) for one in task.operations)
        self._put(task, network.operation_desc_index, operations)
        surfaces = b"".join(_padded(one.surface, layout, SURFACE_BYTES) for one in task.operations)
        self._put(task, network.surface_desc_index, surfaces)
        if task.luts:
            self._put(task, network.lut_data_index, b"".join(_padded(lut, layout, Lut.BYTES) for lut in task.luts))

    def _put_cpu(self, place: int, task: CpuTask, layout: Layout) -> None:
        if layout is Layout.OLD:  # it has neither scales nor offsets
            alis = _Alis(self, task)
            operations = tuple(
                CpuOperation(
                    one.index,
                    replace(one.operation, input_scale=0.0, output_scale=0.0),
                    CpuBuffers(alis.without_offset(one.buffers.src_data), alis.without_offset(one.buffers.dst_data)),
                )
                for one in task.operations
            )
            task = replace(task, task=alis.task, operations=operations)
            self.tasks[place] = task
        self._put(task, 0, structure_bytes(task.network, layout))
        data = b"".join(structure_bytes(one.operation, layout) for one in task.operations)
        self._put(task, task.network.operation_desc_index, data)
        buffers = b"".join(_padded(one.buffers, layout, CpuBuffers.BYTES) for one in task.operations)
        self._put(task, task.network.operation_buffer_desc_index, buffers)

    def _without_offsets(self, task: HardwareTask) -> HardwareTask:
        """The task with an address of its own for each cube that has an offset, which the old layout cannot say."""
        alis = _Alis(self, task)
        operations = []
        for operation in task.operations:
            surface = operation.surface
            if surface is not None:
                cubes = {field.name: getattr(surface, field.name) for field in fields(surface)}
                moved = {name: alis.without_offset(cube) for name, cube in cubes.items() if isinstance(cube, DataCube)}
                surface = replace(surface, **moved)  # type: ignore[arg-type]
            operations.append(replace(operation, surface=surface))
        return replace(task, task=alis.task, operations=tuple(operations))


Place = TypeVar("Place", DataCube, CpuBuffer)


class _Alis:
    """A task's addresses, with new ones for what had an offset."""

    def __init__(self, draft: Draft, task: AnyTask) -> None:
        self._draft = draft
        self._task = task.task
        self._list = list(task.task.address_list)
        self._known: dict[tuple[int, int], int] = {}

    def without_offset(self, place: Place) -> Place:
        """The same place behind an address that includes the offset."""
        if not place.offset:
            return place
        entry = next(one for one in self._draft.container.addresses if one.id == self._list[place.address])
        key = entry.mem_id, entry.offset + place.offset
        if key not in self._known:
            self._known[key] = len(self._list)
            self._list.append(self._draft.add_address(*key))
        return replace(place, address=self._known[key], offset=0)

    @property
    def task(self) -> Task:
        """The task with the new list."""
        return replace(self._task, address_list=tuple(self._list))
