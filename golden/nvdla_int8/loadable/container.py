"""The container: tasks, memories, addresses, blobs and tensors of a loadable (loadables.md section 1).

Each class lists the fields of its FlatBuffers table in order; their numbers are their places in the list.
"""

from dataclasses import dataclass, field, fields
from enum import IntEnum, IntFlag
from typing import Any, Self, TypeVar

from nvdla_int8.loadable.flat_tables import FlatTable


class Interface(IntEnum):
    """Who carries out a task, or reads a blob."""

    NONE = 0
    DLA1 = 1
    """The hardware, through the driver's firmware."""
    EMU1 = 2
    """The CPU: softmax and power."""


class MemoryDomain(IntEnum):
    """Where a memory lies."""

    SYSTEM = 0
    SRAM = 1


class MemoryFlags(IntFlag):
    """What the runtime does with a memory."""

    ALLOC = 1
    SET = 2
    INPUT = 4
    OUTPUT = 8


def _column(kind: str) -> Any:
    """A field of a table: a kind of number, ``text``, ``data``, ``texts``, ``struct`` or ``[number]``."""
    return field(metadata={"kind": kind})


class ContainerTable:
    """A table whose dataclass fields are read in the order of their numbers."""

    @classmethod
    def read(cls, table: FlatTable) -> Self:
        """The table's fields; BenchError for what leads out of the file."""
        return cls(*(_read_column(table, number, one.metadata["kind"]) for number, one in enumerate(_columns(cls))))


T = TypeVar("T", bound=ContainerTable)


def _columns(cls: type) -> Any:
    return fields(cls)


def _read_column(table: FlatTable, number: int, kind: str) -> Any:
    match kind:
        case "text":
            return table.text(number)
        case "texts":
            return table.texts(number)
        case "data":
            return table.data(number)
        case "version":
            return table.struct(number, 3)
    if kind.startswith("["):
        return table.numbers(number, kind.strip("[]"))
    return table.scalar(number, kind)


@dataclass(frozen=True)
class Task(ContainerTable):
    """One piece of work for the hardware or the CPU; ``address_list`` maps an ALI to an address's id."""

    id: int = _column("uint16")
    interface: int = _column("uint32")
    instance: int = _column("int16")
    address_list: tuple[int, ...] = _column("[uint16]")
    pre_actions: tuple[int, ...] = _column("[uint16]")
    post_actions: tuple[int, ...] = _column("[uint16]")


@dataclass(frozen=True)
class MemoryEntry(ContainerTable):
    """A memory that the runtime binds; ``contents`` are names of blobs, each copied to its offset in bytes."""

    id: int = _column("uint16")
    domain: int = _column("uint8")
    flags: int = _column("uint16")
    size: int = _column("uint64")
    alignment: int = _column("uint32")
    contents: tuple[str, ...] = _column("texts")
    offsets: tuple[int, ...] = _column("[uint64]")
    bind_id: int = _column("uint16")
    tensor_desc_id: int = _column("uint16")

    @property
    def is_input(self) -> bool:
        """The application binds an input to it."""
        return bool(self.flags & MemoryFlags.INPUT)

    @property
    def is_output(self) -> bool:
        """The application binds an output to it."""
        return bool(self.flags & MemoryFlags.OUTPUT)

    @property
    def is_set(self) -> bool:
        """Blobs are copied into it."""
        return bool(self.flags & MemoryFlags.SET)


@dataclass(frozen=True)
class AddressEntry(ContainerTable):
    """A place in a memory, in bytes from its beginning."""

    id: int = _column("uint16")
    mem_id: int = _column("uint16")
    offset: int = _column("uint64")
    size: int = _column("uint64")


@dataclass(frozen=True)
class Event(ContainerTable):
    """Between tasks; the runtime ignores them."""

    id: int = _column("uint16")
    type: int = _column("uint8")
    target: int = _column("uint16")
    val: int = _column("uint32")
    op: int = _column("uint8")


@dataclass(frozen=True)
class Blob(ContainerTable):
    """Bytes with a name: weights, operands, descriptors; ``version`` is that of the descriptors."""

    name: str = _column("text")
    size: int = _column("uint64")
    interface: int = _column("uint32")
    sub_interface: int = _column("uint32")
    version: tuple[int, ...] = _column("version")
    data: bytes = _column("data")


@dataclass(frozen=True)
class TensorDescriptor(ContainerTable):
    """An input or output tensor of the network; ``stride`` in bytes: element, line, surface, ..."""

    name: str = _column("text")
    id: int = _column("uint16")
    mem_id: int = _column("uint16")
    size: int = _column("uint64")
    offset: int = _column("uint64")
    data_format: int = _column("uint8")
    data_type: int = _column("uint8")
    data_category: int = _column("uint8")
    pixel_format: int = _column("uint8")
    pixel_mapping: int = _column("uint8")
    n: int = _column("int32")
    c: int = _column("int32")
    h: int = _column("int32")
    w: int = _column("int32")
    stride_0: int = _column("uint32")
    stride_1: int = _column("uint32")
    stride_2: int = _column("uint32")
    stride_3: int = _column("uint32")
    stride_4: int = _column("uint32")
    stride_5: int = _column("uint32")
    stride_6: int = _column("uint32")
    stride_7: int = _column("uint32")


@dataclass(frozen=True)
class Relocation(ContainerTable):
    """Where a stride of an input or output cube stands in the descriptors; the runtime never needs it."""

    address_id: int = _column("uint16")
    write_id: int = _column("uint16")
    offset: int = _column("uint64")
    interface: int = _column("uint32")
    sub_interface: int = _column("uint32")
    type: int = _column("uint8")


@dataclass(frozen=True)
class Submit(ContainerTable):
    """Tasks that are handed over together, in order."""

    id: int = _column("uint16")
    task_ids: tuple[int, ...] = _column("[uint16]")


@dataclass(frozen=True)
class Container:
    """Everything that a file holds, in its order."""

    version: tuple[int, ...]
    tasks: tuple[Task, ...]
    memories: tuple[MemoryEntry, ...]
    addresses: tuple[AddressEntry, ...]
    events: tuple[Event, ...]
    blobs: tuple[Blob, ...]
    tensors: tuple[TensorDescriptor, ...]
    relocations: tuple[Relocation, ...]
    submits: tuple[Submit, ...]

    @classmethod
    def read(cls, root: FlatTable) -> Self:
        """The tables behind the root; BenchError for what leads out of the file."""

        def rows(number: int, kind: type[T]) -> tuple[T, ...]:
            return tuple(kind.read(table) for table in root.tables(number))

        return cls(
            root.struct(0, 3), rows(1, Task), rows(2, MemoryEntry), rows(3, AddressEntry), rows(4, Event),
            rows(5, Blob), rows(6, TensorDescriptor), rows(7, Relocation), rows(8, Submit),
        )  # fmt: skip
