"""Damaged descriptors: the driver comes to an end, or to one line that names the operation."""

import struct
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from nvdla_int8.driver.driver import Order, drive
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.loadable import Loadable, read_loadable
from nvdla_int8.loadable.tasks import HardwareTask
from nvdla_int8.seeds import generator
from tests.conftest import SEED
from tests.golden.quick_hardware import QuickHardware
from tests.loadable_store import loadable

DAMAGED = (("concat", "per_kernel"), ("residual", "per_kernel"), ("lenet", "per_filter"), ("big_data", "per_kernel"))
PER_NETWORK = 60


def damaged(rng: np.random.Generator, structure: Any) -> Any:
    """The structure with one number, at any depth, replaced by another that its field can hold."""
    field = fields(structure)[rng.integers(len(fields(structure)))]
    value, kind = getattr(structure, field.name), field.metadata["place"].kind
    if isinstance(value, tuple):
        place = int(rng.integers(len(value)))
        other = damaged(rng, value[place]) if is_dataclass(value[place]) else drawn(rng, kind)
        return replace(structure, **{field.name: (*value[:place], other, *value[place + 1 :])})
    return replace(structure, **{field.name: damaged(rng, value) if is_dataclass(value) else drawn(rng, kind)})


def drawn(rng: np.random.Generator, kind: str) -> int:
    """A small number or any."""
    size = struct.calcsize(kind)
    data = (
        int(rng.integers(-1, 12)).to_bytes(8, "little", signed=True)[:size] if rng.random() < 0.6 else rng.bytes(size)
    )
    (value,) = struct.unpack(f"<{kind}", data)
    return int(value)


def damaged_task(rng: np.random.Generator, task: HardwareTask) -> HardwareTask:
    """The task with one number of its network, or of an operation, changed."""
    if rng.random() < 0.1:
        return replace(task, network=damaged(rng, task.network))
    index, part = int(rng.integers(len(task.operations))), ("dependency", "operation", "surface")[rng.integers(3)]
    one = task.operations[index]
    other = replace(one, **{part: damaged(rng, getattr(one, part))})
    return replace(task, operations=(*task.operations[:index], other, *task.operations[index + 1 :]))


def outcome(network: Loadable, task: HardwareTask, order: Order) -> str:
    """What is wrong, or nothing."""
    try:
        drive(task, MemoryMap(network), QuickHardware(), order)
    except BenchError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("name", "mode"), DAMAGED)
def test_damaged_task_ends_or_is_one_line(name: str, mode: str) -> None:
    network, rng = read_loadable(loadable(name, mode)), generator(SEED, "damaged task", name)
    (task,) = network.hardware_tasks
    outcomes = [
        outcome(network, changed, order)
        for changed in (damaged_task(rng, task) for _ in range(PER_NETWORK))
        for order in Order
    ]
    refused = [line for line in outcomes if line]
    assert 0 < len(refused) < len(outcomes)
    assert all(line.startswith("task 0: ") and "\n" not in line for line in refused)
