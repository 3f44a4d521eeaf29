"""Carrying out a hardware task as NVIDIA's driver does, or layer by layer (loadables.md section 5)."""

from collections.abc import Callable
from enum import Enum

from nvdla_int8.driver.driver_order import DriverOrder
from nvdla_int8.driver.layer_order import LayerOrder
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.driver.target import Target
from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask

__all__ = ["Order", "Target", "drive"]


class Order(Enum):
    """In which order operations are programmed and enabled; the tensors are the same."""

    DRIVER = "driver"
    """As NVIDIA's driver does: both register groups of every processor in use."""
    LAYERS = "layers"
    """One layer after the other."""


ORDERS: dict[Order, type[DriverOrder] | type[LayerOrder]] = {Order.DRIVER: DriverOrder, Order.LAYERS: LayerOrder}


def drive(
    task: HardwareTask,
    memory_map: MemoryMap,
    target: Target,
    order: Order = Order.DRIVER,
    completed: Callable[[HardwareOperation], None] | None = None,
) -> None:
    """Carry out a hardware task.

    Parameters
    ----------
    task
        The task.
    memory_map
        Where its memories lie; what is in them is the caller's business.
    target
        The hardware: it is written, read and waited for.
    order
        Order of work.
    completed
        Called with each operation whose end the driver has seen, convolutions too, before anything that waits for it
        is enabled: its output is still in memory then, though it may lie in a pool that later operations use again.

    Raises
    ------
    BenchError
        One line that begins with the task: what the driver refuses, a value that a register does not hold, operations
        that wait for one another or for nothing; and what the target raises.
    """
    work = ORDERS[order](task, memory_map, target, completed or _ignore)
    with located(f"task {task.task.id}"):
        if task.network.num_rois != 1 or task.network.dynamic_roi:
            raise BenchError(f"{task.network.num_rois} regions of interest, only one fixed one is taken")
        work.run()


def _ignore(operation: HardwareOperation) -> None:
    """Nobody wants to know."""
