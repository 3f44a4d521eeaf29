"""A compiled network on the golden device: memory bound, tasks in order, every layer's tensor kept."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.device import Device
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.driver.driver import Order, drive
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.dumps.dump import Dump
from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.chains import Chain, chains
from nvdla_int8.loadable.descriptors import DataCube
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask
from nvdla_int8.loadable.unsupported import check_supported
from nvdla_int8.runtime.bound_tensor import BoundTensor
from nvdla_int8.runtime.cpu_tasks import run_cpu_task
from nvdla_int8.runtime.device_target import DeviceTarget
from nvdla_int8.surfaces.written_ranges import RememberingMemory

Completed = Callable[[HardwareOperation], None]
"""Told of every operation when it has ended."""


@dataclass(frozen=True)
class RanLayer:
    """A layer that ran.

    Attributes
    ----------
    task
        The place of its task among those of the hardware.
    chain
        Its operations.
    run
        What it left on the device.
    """

    task: int
    chain: Chain
    run: LayerRun

    @property
    def operation(self) -> HardwareOperation:
        """What wrote its tensor: of SDP, PDP or CDP."""
        return self.chain.writer

    @property
    def convolution(self) -> HardwareOperation | None:
        """The convolution before it, if there is one."""
        return self.chain.convolution

    @property
    def key(self) -> str:
        """The name of its tensor: ``layer6``, with ``task1.`` before it from the second task of the hardware on."""
        return tensor_key(self.task, self.operation.index)

    @property
    def name(self) -> str:
        """Its operations: ``CONV 5 + SDP 6``."""
        return self.chain.name

    @property
    def output(self) -> NDArray[np.int8]:
        """Its tensor, (C, H, W)."""
        return self.run.output[: self.run.destination.channels]

    @property
    def accumulators(self) -> tuple[str, NDArray[np.int32]] | None:
        """The name of what its convolution delivered, such as ``acc5``, and that, (K, Ho, Wo)."""
        if self.convolution is None or self.run.convolution is None:
            return None
        return tensor_key(self.task, self.convolution.index, "acc"), self.run.convolution.delivered


def tensor_key(task: int, operation: int, what: str = "layer") -> str:
    """The name of what an operation left, of a task by its place among those of the hardware: ``task1.layer6``."""
    return f"task{task}." * (task > 0) + f"{what}{operation}"


def layer_cubes(loadable: Loadable) -> dict[str, DataCube]:
    """Where each layer's tensor lies, by the name that a run gives it; BenchError for operations that do not chain."""
    return {
        tensor_key(place, chain.writer.index): chain.destination
        for place, task in enumerate(loadable.hardware_tasks)
        for chain in chains(task)
    }


@dataclass(frozen=True)
class LoadableRun:
    """A run of a compiled network.

    Attributes
    ----------
    loadable
        The file.
    inputs
        What it ran on, int8 (C, H, W) for each bind id, of a batch (N, C, H, W).
    layers
        In the order in which they ended.
    outputs
        The network's output tensors as the hardware or the CPU left them, shapes as of the inputs.
    dumps
        What the runtime makes of them.
    device
        With its memory and what it had to say.
    memory_map
        Where the memories lie.
    """

    loadable: Loadable
    inputs: tuple[NDArray[np.int8], ...]
    layers: tuple[RanLayer, ...]
    outputs: tuple[NDArray[np.int8], ...]
    dumps: tuple[Dump, ...]
    device: Device
    memory_map: MemoryMap

    def tensors(self) -> dict[str, NDArray[np.int8] | NDArray[np.int32]]:
        """Every layer's tensor and accumulators by their names."""
        found: dict[str, NDArray[np.int8] | NDArray[np.int32]] = {}
        for layer in self.layers:
            found[layer.key] = layer.output
            if layer.accumulators is not None:
                name, accumulators = layer.accumulators
                found[name] = accumulators
        return found


def run_loadable(
    loadable: Loadable,
    inputs: Sequence[NDArray[np.int8]],
    *,
    order: Order = Order.DRIVER,
    completed: Completed | None = None,
) -> LoadableRun:
    """Run a compiled network as NVIDIA's runtime and driver do.

    Parameters
    ----------
    loadable
        The network.
    inputs
        int8 (C, H, W) for each bind id, of a batch (N, C, H, W).
    order
        The driver's order of work, or layer by layer; the tensors are the same.
    completed
        Told of every operation of the hardware when it has ended.

    Raises
    ------
    BenchError
        A line that begins with the file: what is not run at all (a line each), inputs that do not fit, a program
        that the hardware would not run as meant, a CPU task that the runtime refuses.
    """
    check_supported(loadable)
    with located(str(loadable.path)):
        device, memory_map = Device(), MemoryMap(loadable)
        bind(loadable, inputs, memory_map, device.memory)
        outputs = [(BoundTensor(one), memory_map.base(one.memory.id)) for one in loadable.outputs]
        layers: list[RanLayer] = []
        for task in loadable.tasks:
            if isinstance(task, HardwareTask):
                number = loadable.hardware_tasks.index(task)
                layers += run_hardware_task(number, task, memory_map, DeviceTarget(device), order, completed)
            else:
                run_cpu_task(task, memory_map, device.memory)
        return LoadableRun(
            loadable=loadable,
            inputs=tuple(inputs),
            layers=tuple(layers),
            outputs=tuple(one.fetch(device.memory, base, device.build.memory_atom) for one, base in outputs),
            dumps=tuple(one.dump(device.memory, base) for one, base in outputs),
            device=device,
            memory_map=memory_map,
        )


def bind(
    loadable: Loadable, inputs: Sequence[NDArray[np.int8]], memory_map: MemoryMap, memory: RememberingMemory
) -> None:
    """Put into memory what is there before a run: the file's contents, and the inputs by bind id."""
    for base, image in memory_map.images().items():
        memory.write_bytes(base, image.tobytes())
    if len(inputs) != len(loadable.inputs):
        raise BenchError(f"{len(inputs)} inputs given, the network has {len(loadable.inputs)}")
    for bound, images in zip(loadable.inputs, inputs, strict=True):
        BoundTensor(bound).put(memory, memory_map.base(bound.memory.id), images)


def run_hardware_task(
    number: int,
    task: HardwareTask,
    memory_map: MemoryMap,
    target: DeviceTarget,
    order: Order,
    completed: Completed | None = None,
) -> tuple[RanLayer, ...]:
    """Run a task, the ``number``-th of the hardware's; its layers in the order in which they ended."""
    first = len(target.device.layers)
    ended: list[HardwareOperation] = []

    def note(operation: HardwareOperation) -> None:
        ended.append(operation)
        if completed:
            completed(operation)

    drive(task, memory_map, target, order, note)
    by_writer: dict[str, deque[LayerRun]] = {}
    for run in target.device.layers[first:]:
        by_writer.setdefault(run.writer, deque()).append(run)
    layers = {chain.writer.index: chain for chain in chains(task)}
    return tuple(
        RanLayer(number, layers[operation.index], by_writer[operation.type.name].popleft())
        for operation in ended
        if operation.index in layers  # each unit ends its layers in the order in which it began them
    )
