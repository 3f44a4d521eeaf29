"""Descriptors whose fields are 0 but for those given, and what the driver writes for one of them."""

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from nvdla_int8.build import find_build
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.driver.register_writes import register_writes
from nvdla_int8.loadable.container import AddressEntry, Container, MemoryEntry, MemoryFlags, Task
from nvdla_int8.loadable.descriptors import (
    CdpOperation,
    Consumer,
    Converter,
    ConvolutionOperation,
    DataCube,
    Dependency,
    Lut,
    NetworkDescriptor,
    OperationType,
    PdpOperation,
    SdpOperation,
)
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.memory_contents import MemoryContents
from nvdla_int8.loadable.recognised_build import RecognisedBuild
from nvdla_int8.loadable.structures import Layout, Structure
from nvdla_int8.loadable.tasks import AnyOperation, AnySurface, HardwareOperation, HardwareTask

Kind = TypeVar("Kind", bound=Structure)

TYPES: dict[type[Structure], OperationType] = {
    ConvolutionOperation: OperationType.CONV,
    SdpOperation: OperationType.SDP,
    PdpOperation: OperationType.PDP,
    CdpOperation: OperationType.CDP,
}

NOBODY = Consumer(-1, 0)
DRAM, SRAM, FLYING = 0, 1, 2
MEMORY_BYTES = 1 << 16
BUILD = RecognisedBuild(("nv_small",), find_build("nv_small"), "made for it")


def blank(kind: type[Kind], **values: Any) -> Kind:
    """A structure of zeros but for ``values``."""
    found: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        place = field.metadata["place"]
        one = 0 if isinstance(place.kind, str) else blank(place.kind)
        found[field.name] = (one,) * place.count if place.count else one
    return kind(**found | values)


def cube(shape: tuple[int, int, int], ali: int, kind: int = DRAM, **values: int) -> DataCube:
    """A packed cube of (C, H, W) behind an ALI: ALI n is a memory of 64 KiB at 0x80000000 + n * 64 KiB."""
    channels, height, width = shape
    packed = {"line_stride": width * 8, "surf_stride": width * height * 8}
    return blank(DataCube, type=kind, address=ali, width=width, height=height, channel=channels, **packed | values)


def converter(scale: int = 1, truncate: int = 0, enable: int = 0, offset: int = 0) -> Converter:
    return Converter(scale, truncate, enable, offset)


def dependency(index: int, kind: OperationType, count: int = 0, **consumers: Consumer) -> Dependency:
    """An operation's place; consumers by the name of their processor, and ``fused_parent``."""
    parent = consumers.pop("fused_parent", NOBODY)
    by_type = tuple(consumers.get(one.name.lower(), NOBODY) for one in OperationType)
    return Dependency(index, 0, kind, count, by_type, parent)


def task_of(*operations: HardwareOperation, luts: tuple[Lut, ...] = ()) -> HardwareTask:
    """A task of eight addresses; the first operation of each type is that type's head."""
    heads = tuple(next((one.index for one in operations if one.type == kind), -1) for kind in OperationType)
    network = blank(NetworkDescriptor, num_rois=1, num_operations=len(operations), op_head=heads)
    return HardwareTask(Task(0, 1, -1, tuple(range(8)), (), ()), network, (0, 12, 3), Layout.NEW, operations, luts)


def operation_of(
    operation: AnyOperation, surface: AnySurface, index: int = 0, place: Dependency | None = None
) -> HardwareOperation:
    kind = TYPES[type(operation)]
    return HardwareOperation(index, kind, place or dependency(index, kind), operation, surface)


def map_of(task: HardwareTask) -> MemoryMap:
    """Where :func:`cube` says that the addresses are."""
    flags = int(MemoryFlags.ALLOC)
    numbers = task.task.address_list
    memories = tuple(MemoryEntry(number, 0, flags, MEMORY_BYTES, 4096, (), (), 0, 0) for number in numbers)
    addresses = tuple(AddressEntry(number, number, 0, 0) for number in numbers)
    container = Container((0, 7, 0), (task.task,), memories, addresses, (), (), (), (), ())
    loadable = Loadable(Path("made.nvdla"), container, MemoryContents(container), (task,), (), (), BUILD, ())
    return MemoryMap(loadable)


def writes_of(operation: AnyOperation, surface: AnySurface, luts: tuple[Lut, ...] = ()) -> list[tuple[str, int]]:
    """The driver's writes for one operation."""
    one = operation_of(operation, surface)
    task = task_of(one, luts=luts)
    return list(register_writes(task, one, map_of(task)))


def words(writes: list[tuple[str, int]]) -> dict[str, int]:
    """The last word written to each register."""
    return dict(writes)
