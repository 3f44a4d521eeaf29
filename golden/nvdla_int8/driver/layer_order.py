"""One layer after the other: programmed, enabled, waited for, with nothing between (loadables.md section 5)."""

from collections.abc import Callable

from nvdla_int8.driver.interrupts import DriverInterrupts
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.driver.processor import Processor, Slot, find_processor, make_processors
from nvdla_int8.driver.register_writes import register_writes
from nvdla_int8.driver.target import Target
from nvdla_int8.loadable.chains import Chain, chains
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask


class LayerOrder:
    """One task's chains in the order of their operations' indices, which the compiler gives as tensors are needed.

    Parameters
    ----------
    task, memory_map, target, completed
        As :func:`nvdla_int8.driver.driver.drive`.

    Raises
    ------
    BenchError
        An operation that works on the fly without the one that it goes with.
    """

    def __init__(
        self,
        task: HardwareTask,
        memory_map: MemoryMap,
        target: Target,
        completed: Callable[[HardwareOperation], None],
    ) -> None:
        self._task, self._memory_map, self._completed = task, memory_map, completed
        self._processors = make_processors(target)
        self._chains = tuple(chains(task))
        self._running: list[tuple[Processor, Slot]] = []
        self._interrupts = DriverInterrupts(target, self._waiting)

    def run(self) -> None:
        """Carry out the task; BenchError for what the driver refuses, or an interrupt that never comes."""
        for operation in self._task.operations:
            find_processor(self._processors, operation)
        for chain in self._chains:
            self._run_chain(chain)

    def _run_chain(self, chain: Chain) -> None:
        """Program a chain's operations in the data's order, enable them against it, wait for all their ends."""
        placed = []
        for operation in chain.operations:
            processor = find_processor(self._processors, operation)
            slot = processor.take(operation)
            processor.program(slot, register_writes(self._task, operation, self._memory_map))
            placed.append((processor, slot))
        for processor, slot in reversed(placed):
            processor.enable(slot)
        self._running = placed
        while self._running:
            status = self._interrupts.await_status()
            bits = sum(bit for processor, slot in self._running for bit in processor.raised(slot, status).values())
            self._interrupts.clear(bits, status)
            self._running = [(one, slot) for one, slot in self._running if not one.ended(slot, status)]
        for processor, slot in placed:
            processor.slots.remove(slot)
            self._completed(slot.operation)

    def _waiting(self) -> str:
        return f"{' + '.join(slot.operation.name for _, slot in self._running)} does not end"
