"""Driving compiled networks on the golden device, with a record of every access."""

from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.device import Device
from nvdla_int8.driver.driver import Order, drive
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.container import Task
from nvdla_int8.loadable.loadable import Loadable, read_loadable
from nvdla_int8.loadable.tasks import HardwareOperation
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.trace.commands import MemInit, MemLoad, Trace, read_trace
from nvdla_int8.trace.dat import read_dat
from tests.shared_data import LOADABLES

OTHER_COMPILATION = {"public_lenet", "regression_CONV_D_small"}
"""Folders of the shared data whose trace is of another loadable than the one beside it."""


class RecordingDevice:
    """A golden device as the driver's target; ``writes`` and ``reads`` are what the driver did, in order."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.writes: list[tuple[str, int]] = []
        self.reads: list[str] = []

    def write(self, register: str, word: int) -> None:
        self.writes.append((register, word))
        self.device.write(register, word)

    def read(self, register: str) -> int:
        self.reads.append(register)
        return self.device.read(register)

    def wait(self) -> None:
        if not self.device.interrupt:
            raise BenchError(self.device.waiting())


class Driven:
    """A loadable's hardware tasks, driven on a golden device.

    ``completed`` are the operations' indices in the order in which the driver saw their ends; ``outputs`` the tensors
    (C, H, W) that it then found, by index.
    """

    def __init__(
        self, loadable: Loadable, order: Order = Order.DRIVER, images: Iterable[tuple[int, bytes]] = ()
    ) -> None:
        self.memory_map = MemoryMap(loadable)
        self.target = RecordingDevice(Device())
        self.completed: list[int] = []
        self.outputs: dict[int, NDArray[np.int8]] = {}
        memory = self.target.device.memory
        for entry in self.memory_map.hardware_memories():
            memory.clear(self.memory_map.base(entry.id), entry.size)
        for base, image in self.memory_map.images().items():
            memory.write_bytes(base, image.tobytes())
        for base, data in images:
            memory.write_bytes(base, data)
        for task in loadable.hardware_tasks:
            drive(task, self.memory_map, self.target, order, partial(self._keep, task.task))

    def _keep(self, task: Task, operation: HardwareOperation) -> None:
        self.completed.append(operation.index)
        cube = operation.destination
        if cube is None or cube.flying:
            return
        surface = FeatureSurface(
            base=self.memory_map.address(task, cube.address, cube.offset),
            width=cube.width,
            height=cube.height,
            channels=cube.channel,
            line_stride=cube.line_stride,
            surface_stride=cube.surf_stride,
            memory_atom=8,
            packs_one_pixel=True,
        )
        self.outputs[operation.index] = surface.read(self.target.device.memory)


@cache
def driven(path: Path, order: Order) -> Driven:
    """A shared loadable driven with its trace's input."""
    return Driven(read_loadable(path), order, loaded_by(real_driver(path)))


def trace_beside(path: Path) -> Path:
    """Where the shared data has the real driver's trace of a loadable."""
    return path.parent / ("trace" if path.stem == "loadable" else f"{path.stem}_trace")


def traced_loadables() -> list[Path]:
    """The shared loadables that have a trace of their own."""
    found = sorted(LOADABLES.glob("*/*.nvdla"))
    return [path for path in found if trace_beside(path).exists() and path.parent.name not in OTHER_COMPILATION]


def loaded_by(trace: Trace) -> list[tuple[int, bytes]]:
    """What a trace loads: input and contents, by address."""
    return [
        (command.base + offset, data)
        for command in trace.commands
        if isinstance(command, MemLoad)
        for offset, data in read_dat(trace.folder / command.file)
    ]


def initialised_by(trace: Trace) -> list[int]:
    """Bases of the memories that a trace begins with."""
    return [command.base for command in trace.commands if isinstance(command, MemInit)]


@cache
def real_driver(path: Path) -> Trace:
    """The real driver's trace of a loadable."""
    return read_trace(trace_beside(path))
