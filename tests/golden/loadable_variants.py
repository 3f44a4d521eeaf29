"""Compiled networks changed into what no file of ours is: for a batch, as several tasks, with other CPU operations."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from nvdla_int8.loadable.container import MemoryEntry
from nvdla_int8.loadable.cpu_descriptors import CpuPower
from nvdla_int8.loadable.descriptors import (
    Consumer,
    DataCube,
    Dependency,
    DependencyEvent,
    NetworkDescriptor,
    OperationType,
    SdpSurface,
)
from nvdla_int8.loadable.tasks import CpuTask, HardwareOperation, HardwareTask
from tests.golden.loadable_builder import Draft

NOBODY = Consumer(-1, DependencyEvent.COMPLETED)


def edited(
    draft: Draft, index: int, change: Callable[[HardwareOperation], HardwareOperation], *, task: int = 0
) -> Draft:
    """The draft with one operation of one hardware task changed."""
    hardware = draft.tasks[task]
    assert isinstance(hardware, HardwareTask)
    operations = tuple(change(one) if one.index == index else one for one in hardware.operations)
    tasks = [replace(hardware, operations=operations) if one is hardware else one for one in draft.tasks]
    return Draft(draft.container, tasks)


def with_power(draft: Draft, operation: CpuPower) -> Draft:
    """The draft whose CPU operations are this power."""
    tasks = [
        replace(task, operations=tuple(replace(one, operation=operation) for one in task.operations))
        if isinstance(task, CpuTask)
        else task
        for task in draft.tasks
    ]
    return Draft(draft.container, tasks)


def in_two_tasks(draft: Draft, first: int) -> Draft:
    """The draft whose only task is two: the first so many operations, and the rest."""
    (task,) = draft.tasks
    assert isinstance(task, HardwareTask)
    draft = Draft(draft.container, [])
    lists = "dependency_graph_index", "operation_desc_index", "surface_desc_index"
    alis = list(task.task.address_list)
    for ali in (0, *(getattr(task.network, name) for name in lists)):
        name = Draft(draft.container, [task]).behind(task, ali).name
        alis[ali] = draft.add_descriptors(name, name.replace("task-0", "task-0-rest"))
    second = replace(task.task, id=1, address_list=tuple(alis))
    head, tail = task.operations[:first], [replace(one, index=one.index - first) for one in task.operations[first:]]
    draft.tasks = [
        _with_operations(task, head),
        _with_operations(replace(task, task=second), tail),
    ]
    submit = replace(draft.container.submits[0], task_ids=(0, 1))
    draft.container = replace(draft.container, submits=(submit,))
    return draft


def for_batch(draft: Draft, batch: int) -> Draft:
    """The draft for a batch: every operation once for each element, each with its own places in every memory.

    As NVIDIA's compiler orders them: a layer's convolutions, then its other operations.
    """
    (task,) = draft.tasks
    assert isinstance(task, HardwareTask)
    container = draft.container
    written = {memory.id for memory in container.memories if not memory.is_set}
    memories = tuple(_enlarged(memory, batch) if memory.id in written else memory for memory in container.memories)
    tensors = tuple(replace(tensor, n=batch, size=tensor.size * batch) for tensor in container.tensors)
    sizes = {memory.id: memory.size for memory in container.memories}
    draft = Draft(replace(container, memories=memories, tensors=tensors), [])
    alis = list(task.task.address_list)
    addresses = {entry.id: entry for entry in container.addresses}
    elements: list[dict[int, int]] = []  # by element: another ALI for each ALI of a written memory
    for element in range(batch):
        others = {}
        for ali, number in enumerate(task.task.address_list):
            entry = addresses[number]
            if element and entry.mem_id in written:
                others[ali] = len(alis)
                alis.append(draft.add_address(entry.mem_id, entry.offset + element * sizes[entry.mem_id]))
        elements.append(others)
    operations: list[HardwareOperation] = []
    for group in _groups(task.operations):
        for one in group:
            operations += [_moved(one, others) for others in elements]
    draft.tasks = [_with_operations(replace(task, task=replace(task.task, address_list=tuple(alis))), operations)]
    return draft


def _enlarged(memory: MemoryEntry, batch: int) -> MemoryEntry:
    return replace(memory, size=memory.size * batch)


def _groups(operations: Sequence[HardwareOperation]) -> list[list[HardwareOperation]]:
    """A convolution with its SDP, any other operation alone."""
    groups: list[list[HardwareOperation]] = []
    for one in operations:
        fused = isinstance(one.surface, SdpSurface) and one.surface.src_data.flying
        if fused:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _moved(one: HardwareOperation, others: dict[int, int]) -> HardwareOperation:
    """The operation with the cubes of another element; each knows its element by its place among equals."""
    surface = one.surface
    assert surface is not None
    cubes = {
        name: replace(cube, address=others[cube.address])
        for name, cube in vars(surface).items()
        if isinstance(cube, DataCube) and cube.address in others and not cube.flying and cube.width
    }
    return replace(one, surface=replace(surface, **cubes))  # type: ignore[arg-type]


def _with_operations(task: HardwareTask, operations: Sequence[HardwareOperation]) -> HardwareTask:
    """The task with these operations, numbered, and the dependencies that the compiler would write."""
    numbered = [replace(one, index=index) for index, one in enumerate(operations)]
    consumers = [[NOBODY] * 6 for _ in numbered]
    parents = [NOBODY] * len(numbered)
    free = {one.index for one in numbered if one.type == OperationType.CONV}
    last: dict[OperationType, int] = {}
    writers: dict[tuple[int, int], int] = {}
    for one in numbered:
        if one.type in last:
            consumers[last[one.type]][one.type] = Consumer(one.index, DependencyEvent.PROGRAMMED)
        last[one.type] = one.index
        flying = isinstance(one.surface, SdpSurface) and one.surface.src_data.flying
        if flying:
            parent = min(free)
            free.remove(parent)
            consumers[parent][OperationType.SDP] = Consumer(one.index, DependencyEvent.PROGRAMMED)
            parents[one.index] = Consumer(parent, DependencyEvent.ENABLED)
        else:
            before = writers.get(_place(one.surface.src_data)) if one.surface else None
            if before is not None and consumers[before][one.type].index < 0:
                consumers[before][one.type] = Consumer(one.index, DependencyEvent.COMPLETED)
        if one.surface:
            writers[_place(one.surface.dst_data)] = one.index
    counts = [0] * len(numbered)
    for consumer in [*(entry for row in consumers for entry in row), *parents]:
        if consumer.index >= 0:
            counts[consumer.index] += 1
    linked = [
        replace(one, dependency=Dependency(one.index, 0, one.type, counts[one.index], tuple(row), parents[one.index]))
        for one, row in zip(numbered, consumers, strict=True)
    ]
    return replace(task, network=_with_heads(task.network, linked), operations=tuple(linked))


def _place(cube: DataCube) -> tuple[int, int]:
    return cube.address, cube.offset


def _with_heads(network: NetworkDescriptor, operations: Sequence[HardwareOperation]) -> NetworkDescriptor:
    heads = tuple(next((one.index for one in operations if one.type == kind), -1) for kind in OperationType)
    return replace(network, op_head=heads)
