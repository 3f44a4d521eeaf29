"""A compiled network and its input as register programs: the driver's work, recorded (loadables.md section 5)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.compiler.register_program import Region, RegisterProgram, Stretch, check_name
from nvdla_int8.device import Device
from nvdla_int8.driver.driver import Order
from nvdla_int8.driver.memory_map import FIRST_BASE, MemoryMap
from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.tasks import HardwareTask
from nvdla_int8.loadable.unsupported import check_supported
from nvdla_int8.runtime.cpu_tasks import run_cpu_task
from nvdla_int8.runtime.loadable_run import RanLayer, bind, run_hardware_task
from nvdla_int8.runtime.recorder import Recorder
from nvdla_int8.surfaces.written_ranges import RememberingMemory


@dataclass(frozen=True)
class LoadableProgram(RegisterProgram):
    """A hardware task of a compiled network as a register program.

    Attributes
    ----------
    name, build, images
        As of every register program; the images are whole memories of the network.
    recorded
        What the driver did.
    layers
        The layers in the order in which they ended.
    """

    name: str
    build: str
    images: tuple[Region, ...]
    recorded: tuple[Stretch, ...]
    layers: tuple[RanLayer, ...]

    def stretches(self) -> Iterator[Stretch]:
        """What the driver did, to the end of each layer."""
        return iter(self.recorded)

    @property
    def uncompared(self) -> tuple[RanLayer, ...]:
        """Layers all of whose bytes another one may write that runs at the same time: nothing is sure of them."""
        return tuple(layer for layer, stretch in zip(self.layers, self.recorded, strict=True) if not stretch.outputs)


def write_loadable(
    name: str,
    loadable: Loadable,
    inputs: Sequence[NDArray[np.int8]],
    *,
    order: Order = Order.DRIVER,
    base: int = FIRST_BASE,
) -> tuple[LoadableProgram, ...]:
    """Turn a compiled network and its input into programs for the hardware.

    Parameters
    ----------
    name
        For files and messages, as of :func:`nvdla_int8.compiler.program_writer.write_program`. Of several hardware
        tasks each has a program of its own, for hardware that comes out of reset: ``NAME_task0``, ``NAME_task1``.
    loadable
        The network.
    inputs
        int8 (C, H, W) for each bind id, of a batch (N, C, H, W).
    order
        The driver's order of work, with two layers of a unit ahead, or layer by layer.
    base
        Where the first memory begins.

    Returns
    -------
    tuple[LoadableProgram, ...]
        In order, one behind the other; what the CPU does between two of them lies in the second one's images.

    Raises
    ------
    BenchError
        As :func:`nvdla_int8.runtime.loadable_run.run_loadable`; a name that is none.
    """
    check_name(name)
    check_supported(loadable)
    with located(str(loadable.path)):
        if not loadable.hardware_tasks:
            raise BenchError("it has no task for the hardware: there is nothing to write")
        memory_map, memory = MemoryMap(loadable, base), RememberingMemory()
        bind(loadable, inputs, memory_map, memory)
        several = len(loadable.hardware_tasks) > 1
        programs: list[LoadableProgram] = []
        for task in loadable.tasks:
            number = len(programs)
            if isinstance(task, HardwareTask):
                own_name = f"{name}_task{number}" if several else name
                programs.append(_write_task(own_name, number, task, memory_map, memory, order))
            elif number < len(loadable.hardware_tasks):
                run_cpu_task(task, memory_map, memory)
        return tuple(programs)


def _write_task(
    name: str, number: int, task: HardwareTask, memory_map: MemoryMap, memory: RememberingMemory, order: Order
) -> LoadableProgram:
    device = Device()
    device.memory = memory
    images = tuple(_images(memory_map, memory))
    recorder = Recorder(device)
    layers = run_hardware_task(number, task, memory_map, recorder, order)
    names = {id(layer.run): f"{layer.name} output" for layer in layers}
    return LoadableProgram(
        name, device.build.name, images, tuple(recorder.stretches(lambda run: names[id(run)])), layers
    )


def _images(memory_map: MemoryMap, memory: RememberingMemory) -> Iterator[Region]:
    """The network's memories, without descriptors, that hold anything."""
    for entry in memory_map.hardware_memories():
        base = memory_map.base(entry.id)
        untouched = memory.written.missing_of([(np.array([base]), entry.size)])
        if untouched is None or untouched.missing < entry.size:
            yield Region(f"memory {entry.id}", base, memory.read_bytes(base, entry.size))
