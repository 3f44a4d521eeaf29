"""The driver's order of work: both groups of every processor kept busy, as events allow (loadables.md section 5)."""

from collections.abc import Callable

from nvdla_int8.driver.dependencies import Dependencies
from nvdla_int8.driver.interrupts import DriverInterrupts
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.driver.processor import Processor, Slot, find_processor, make_processors
from nvdla_int8.driver.register_writes import register_writes
from nvdla_int8.driver.target import Target
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import DependencyEvent, OperationType
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask

EVENTS = {
    "CDMA_WT": DependencyEvent.CDMA_WEIGHT_DONE,
    "CDMA_DAT": DependencyEvent.CDMA_DATA_DONE,
}
"""Events that interrupts before an operation's end stand for."""

WRITERS = (OperationType.SDP, OperationType.PDP, OperationType.CDP)
"""Processors whose operations end a layer, in the order in which the driver looks after them."""


class DriverOrder:
    """One task's way through the driver.

    Layers end one at a time: of several that have ended the driver sees SDP's first, then PDP's, then CDP's, and of one
    processor the older, as if the others had not yet ended. So the order of work does not depend on how fast the
    hardware is: a device that runs a layer as soon as it is enabled gives the order of one that is slow.

    Parameters
    ----------
    task, memory_map, target, completed
        As :func:`nvdla_int8.driver.driver.drive`.
    """

    def __init__(
        self,
        task: HardwareTask,
        memory_map: MemoryMap,
        target: Target,
        completed: Callable[[HardwareOperation], None],
    ) -> None:
        self._task, self._memory_map, self._completed = task, memory_map, completed
        self._dependencies = Dependencies(task)
        self._processors = make_processors(target)
        self._interrupts = DriverInterrupts(target, self._waiting)
        self._last: dict[OperationType, HardwareOperation] = {}
        self._submitted: set[int] = set()
        self._unfinished = {operation.index: operation for operation in task.operations}

    def run(self) -> None:
        """Carry out the task; BenchError when it cannot end."""
        for kind, head in zip(OperationType, self._task.network.op_head, strict=True):
            if head != -1:
                self._submit(self._dependencies.operation(head, kind, "op_head"))
                self._submit_next(kind)
        while self._unfinished:
            self._handle_interrupt()

    # ---- Operations ---------------------------------------------------------------------------

    def _submit(self, operation: HardwareOperation) -> None:
        processor = find_processor(self._processors, operation)
        if operation.index in self._submitted:
            raise BenchError(f"the queue of {operation.type.name} leads to {operation.name} twice")
        if processor.full:
            return
        slot = processor.take(operation)
        self._submitted.add(operation.index)
        self._last[operation.type] = operation
        if processor.can_take_lut(slot):
            self._program(processor, slot)

    def _submit_next(self, kind: OperationType) -> None:
        following = self._dependencies.next_in_queue(self._last[kind])
        if following is not None:
            self._submit(following)

    def _program(self, processor: Processor, slot: Slot) -> None:
        """Program an operation, and enable it if it waits for nothing."""
        operation = slot.operation
        slot.programming = True
        processor.program(slot, register_writes(self._task, operation, self._memory_map))
        slot.programmed = True
        self._signal(operation, DependencyEvent.PROGRAMMED)
        slot.programming = False
        if self._dependencies.free(operation):
            self._enable(operation)

    def _enable(self, operation: HardwareOperation) -> None:
        """Enable an operation that waits for nothing; one that is not yet programmed is enabled after that."""
        processor = find_processor(self._processors, operation)
        for slot in processor.slots:
            if slot.operation is operation and slot.programmed and not slot.programming and not slot.active:
                processor.enable(slot)
                self._signal(operation, DependencyEvent.ENABLED)
                return

    def _signal(self, operation: HardwareOperation, event: DependencyEvent) -> None:
        for free in self._dependencies.signal(operation, event):
            self._enable(free)

    def _complete(self, processor: Processor, slot: Slot) -> None:
        """Free the operation's group, tell of its end, and fill the group again."""
        del self._unfinished[slot.operation.index]
        processor.slots.remove(slot)
        self._completed(slot.operation)
        self._signal(slot.operation, DependencyEvent.COMPLETED)
        if not self._unfinished:
            return
        for other in list(processor.slots):
            if not other.programmed and processor.can_take_lut(other):
                self._program(processor, other)
        self._submit_next(processor.kind)

    # ---- Interrupts ---------------------------------------------------------------------------

    def _handle_interrupt(self) -> None:
        if not self._active():
            never = f"{len(self._unfinished)} of {len(self._task.operations)} operations never run"
            raise BenchError(f"{never}: {self._waiting()}")
        status = self._interrupts.await_status()
        raised = [(processor, slot, processor.raised(slot, status)) for processor, slot in self._ended(status)]
        bits = sum(bit for _, _, of_slot in raised for bit in of_slot.values())
        self._interrupts.clear(bits, status)
        for processor, slot, of_slot in raised:
            for interrupt in of_slot:
                if interrupt in EVENTS:
                    self._signal(slot.operation, EVENTS[interrupt])
                else:
                    self._complete(processor, slot)

    def _active(self) -> list[HardwareOperation]:
        slots = [slot for processor in self._processors.values() for slot in processor.slots]
        return [slot.operation for slot in slots if slot.active]

    def _waiting(self) -> str:
        return self._dependencies.waiting(list(self._unfinished.values()), self._active())

    def _ended(self, status: int) -> list[tuple[Processor, Slot]]:
        """The operations of the layer that has ended, the convolution first; without one, the convolution that runs."""
        convolution = self._processors[OperationType.CONV]
        running = [(convolution, slot) for slot in convolution.slots if slot.active]
        for kind in WRITERS:
            processor = self._processors[kind]
            if processor.slots and processor.ended(processor.slots[0], status):
                slot = processor.slots[0]
                parent = slot.operation.dependency.fused_parent.index
                fused = [(_, feeding) for _, feeding in running if feeding.operation.index == parent]
                return [*fused, (processor, slot)]
        return running[:1]
