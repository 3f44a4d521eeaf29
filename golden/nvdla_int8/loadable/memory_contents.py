"""What a loadable puts into its memories before a run, and where an ALI leads (loadables.md section 3)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.container import AddressEntry, Blob, Container, MemoryEntry, Task

CONTENTS_LIMIT = 1 << 30
"""Bytes that one memory may hold; a file that wants more is damaged, not large."""


Entry = TypeVar("Entry", MemoryEntry, AddressEntry)


class Content(NamedTuple):
    """A blob's bytes at an offset into a memory."""

    offset: int
    data: bytes


class _Contents:
    """A memory's contents, to be found by their bytes."""

    def __init__(self, contents: tuple[Content, ...]) -> None:
        self.contents = contents
        self._starts = np.array([content.offset for content in contents], np.int64)
        self._ends = np.array([content.offset + len(content.data) for content in contents], np.int64)

    def holding(self, begin: int, size: int) -> Content | None:
        """The content that holds these bytes; of several the one that is copied last."""
        if not 0 <= begin <= CONTENTS_LIMIT:
            return None
        (found,) = np.nonzero((self._starts <= begin) & (begin + size <= self._ends))
        return self.contents[int(found[-1])] if found.size else None


class MemoryContents:
    """The memories by id, the addresses by id, and each memory's blobs.

    Parameters
    ----------
    container
        The file's tables.

    Raises
    ------
    BenchError
        A blob that is not there or does not fit.
    """

    def __init__(self, container: Container) -> None:
        self.memories = _by_id("memory", container.memories)
        self.addresses = _by_id("address", container.addresses)
        self._blobs: Mapping[str, Blob] = {blob.name: blob for blob in container.blobs}
        self._found: dict[int, _Contents] = {}

    def of(self, memory: MemoryEntry) -> tuple[Content, ...]:
        """What is copied into a memory, in this order; BenchError for a blob that is not there or does not fit."""
        return self._contents(memory).contents

    def _contents(self, memory: MemoryEntry) -> "_Contents":
        if memory.id not in self._found:
            self._found[memory.id] = _Contents(self._read(memory))
        return self._found[memory.id]

    def _read(self, memory: MemoryEntry) -> tuple[Content, ...]:
        if not memory.is_set:
            return ()
        with located(f"memory {memory.id}"):
            if memory.size > CONTENTS_LIMIT:
                raise BenchError(f"is to hold {memory.size:,} bytes, at most {CONTENTS_LIMIT:,} are taken")
            if len(memory.contents) != len(memory.offsets):
                raise BenchError(f"{len(memory.contents)} contents with {len(memory.offsets)} offsets")
            return tuple(map(lambda name, offset: self._content(memory, name, offset), memory.contents, memory.offsets))

    def _content(self, memory: MemoryEntry, name: str, offset: int) -> Content:
        blob = self._blobs.get(name)
        if blob is None:
            raise BenchError(f"its content {name!r} is none of the file's blobs")
        if offset + len(blob.data) > memory.size:
            raise BenchError(
                f"blob {name!r} of {len(blob.data):,} bytes at {offset:#x} exceeds its {memory.size:,} bytes"
            )
        return Content(offset, blob.data)

    def address(self, task: Task, ali: int) -> AddressEntry:
        """The address behind an ALI; BenchError when the task's list has none."""
        if not 0 <= ali < len(task.address_list):
            raise BenchError(f"ALI {ali} is beyond the {len(task.address_list)} addresses of task {task.id}")
        number = task.address_list[ali]
        if number not in self.addresses:
            raise BenchError(f"ALI {ali} of task {task.id}: there is no address {number}")
        return self.addresses[number]

    def memory(self, task: Task, ali: int) -> MemoryEntry:
        """The memory behind an ALI; BenchError when there is none."""
        entry = self.address(task, ali)
        if entry.mem_id not in self.memories:
            raise BenchError(f"address {entry.id}: there is no memory {entry.mem_id}")
        return self.memories[entry.mem_id]

    def behind(self, task: Task, ali: int) -> bytes:
        """The bytes of the descriptors behind an ALI, which the firmware reads from the memory's beginning."""
        contents = self.of(self.memory(task, ali))
        if not contents:
            raise BenchError(f"ALI {ali} of task {task.id} leads to memory without contents")
        return contents[0].data

    def data(self, task: Task, ali: int, offset: int, size: int) -> bytes:
        """``size`` bytes of what the file puts at an ALI's address and ``offset``: weights, operands.

        BenchError when the file does not put as many bytes there.
        """
        begin = self.address(task, ali).offset + offset
        memory = self.memory(task, ali)
        content = self._contents(memory).holding(begin, size)
        if content is not None:
            return content.data[begin - content.offset : begin - content.offset + size]
        raise BenchError(f"memory {memory.id}: the file puts no {size:,} bytes at offset {begin:#x}")


def _by_id(what: str, entries: Sequence[Entry]) -> dict[int, Entry]:
    found: dict[int, Entry] = {}
    for entry in entries:
        if entry.id in found:
            raise BenchError(f"two entries are {what} {entry.id}")
        found[entry.id] = entry
    return found
