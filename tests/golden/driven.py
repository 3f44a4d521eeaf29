"""Driving compiled networks on the golden device, with a record of every access."""

from collections.abc import Mapping
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
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import MemLoad, Trace, read_commands
from nvdla_int8.trace.dat import read_dat
from tests import loadable_store
from tests.shared_data import LOADABLES

OTHER_COMPILATION = {"public_lenet", "regression_CONV_D_small"}
"""Folders of the shared data whose trace is of another loadable than the one beside it."""

FEATURE_X8 = 37
"""``pixel_format`` of a cube of nv_small's atoms."""


class RecordingDevice:
    """A golden device as the driver's target; ``writes`` and ``reads`` are what the driver did, in order."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.writes: list[tuple[str, int]] = []
        self.reads: list[str] = []

    @property
    def block_writes(self) -> list[tuple[str, int]]:
        """The writes that a trace has: it says in its own way (intr_notify) what the driver does with GLB."""
        return [write for write in self.writes if not write[0].startswith("GLB.")]

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
    (C, H, W) that it then found, by index. ``placed`` are bytes in memory beside the loadable's own.
    """

    def __init__(
        self, loadable: Loadable, order: Order = Order.DRIVER, placed: Mapping[int, bytes] | None = None
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
        for base, data in (placed or {}).items():
            memory.write_bytes(base, data)
        for task in loadable.hardware_tasks:
            drive(task, self.memory_map, self.target, order, partial(self._keep, task.task))

    def _keep(self, task: Task, operation: HardwareOperation) -> None:
        self.completed.append(operation.index)
        cube = operation.destination
        if cube is not None and not cube.flying:
            base = self.memory_map.address(task, cube.address, cube.offset)
            shape, strides = (cube.channel, cube.height, cube.width), (cube.line_stride, cube.surf_stride)
            self.outputs[operation.index] = _surface(base, shape, strides).read(self.target.device.memory)


def _surface(base: int, shape: tuple[int, ...], strides: tuple[int, int]) -> FeatureSurface:
    """A cube of (C, H, W), its line and its surface stride."""
    return FeatureSurface(
        base=base,
        channels=shape[0],
        height=shape[1],
        width=shape[2],
        line_stride=strides[0],
        surface_stride=strides[1],
        memory_atom=8,
        packs_one_pixel=True,
    )


@cache
def driven(path: Path, order: Order) -> Driven:
    """A loadable that has a trace, driven with the trace's input."""
    loadable = read_loadable(path)
    return Driven(loadable, order, placed_input(path, loadable))


def placed_input(path: Path, loadable: Loadable) -> dict[int, bytes]:
    """The input of the real driver's run, by address."""
    if path.is_relative_to(LOADABLES):
        trace = real_driver(path)
        loads = [command for command in trace.commands if isinstance(command, MemLoad)]
        return {load.base + offset: data for load in loads for offset, data in read_dat(trace.folder / load.file)}
    (bound,) = loadable.inputs
    base, tensor = MemoryMap(loadable).base(bound.memory.id), loadable_store.network_input(path)
    if bound.tensor.pixel_format != FEATURE_X8:
        channels = bound.tensor.c - len(tensor)
        return {base: np.pad(np.moveaxis(tensor, 0, -1), ((0, 0), (0, 0), (0, channels))).tobytes()}
    memory = Memory()
    memory.clear(base, bound.memory.size)
    _surface(base, tensor.shape, (bound.tensor.stride_1, bound.tensor.stride_2)).write(memory, tensor)
    return {base: memory.read_bytes(base, bound.memory.size)}


def trace_beside(path: Path) -> Path:
    """The folder with the real driver's trace of a loadable."""
    return path.parent / ("trace" if path.stem == "loadable" else f"{path.stem}_trace")


def traced_loadables() -> list[Path]:
    """The project's own loadables, and other people's where they are, that have a trace of their own."""
    others = [path for path in sorted(LOADABLES.glob("*/loadable.nvdla")) if path.parent.name not in OTHER_COMPILATION]
    return [*loadable_store.traced_loadables(), *others]


@cache
def real_driver(path: Path) -> Trace:
    """The real driver's trace of a loadable."""
    return read_commands(trace_beside(path))
