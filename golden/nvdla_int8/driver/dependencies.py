"""Which operations of a task wait for which events of others (loadables.md sections 4 and 5)."""

from collections.abc import Collection, Iterator, Sequence

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import Consumer, DependencyEvent, OperationType
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask

MOST_TOLD = 3
"""Operations that wait, in a message."""


class Dependencies:
    """How many events each operation of a task still waits for.

    Parameters
    ----------
    task
        The task.
    """

    def __init__(self, task: HardwareTask) -> None:
        self._task = task
        self._counts = [operation.dependency.dependency_count for operation in task.operations]
        self._signalled: set[tuple[int, int]] = set()

    def free(self, operation: HardwareOperation) -> bool:
        """The operation waits for nothing."""
        return self._counts[operation.index] == 0

    def operation(self, index: int, kind: OperationType, of: str) -> HardwareOperation:
        """An operation of a processor by its index; BenchError when ``of``, which leads there, leads to none."""
        operations = self._task.operations
        if not 0 <= index < len(operations):
            raise BenchError(f"{of} leads to operation {index}, there are {len(operations)}")
        if operations[index].type is not kind:
            raise BenchError(f"{of} leads to {kind.name} {index}, which is {operations[index].name}")
        return operations[index]

    def signal(self, operation: HardwareOperation, event: DependencyEvent) -> Iterator[HardwareOperation]:
        """Tell an operation's consumers of an event: those that wait for nothing any more, one after the other.

        BenchError for a consumer that does not exist or waits for nothing.
        """
        for consumer, kind in self._consumers(operation):
            if consumer.index == -1 or consumer.event != event:
                continue
            told = self.operation(consumer.index, kind, f"{operation.name}: a consumer")
            if not self._counts[told.index]:
                raise BenchError(f"{operation.name} signals {told.name}, which waits for nothing any more")
            self._counts[told.index] -= 1
            self._signalled.add((operation.index, told.index))
            if not self._counts[told.index]:
                yield told

    def next_in_queue(self, operation: HardwareOperation) -> HardwareOperation | None:
        """The operation of the same processor that follows; None behind the last."""
        index = operation.dependency.consumers[operation.type].index
        return None if index == -1 else self.operation(index, operation.type, f"{operation.name}: the queue")

    def waiting(self, unfinished: Sequence[HardwareOperation], active: Collection[HardwareOperation]) -> str:
        """Which of the operations that have not ended wait for what; a line. ``active`` are enabled."""
        told = [
            f"{operation.name} {'is enabled' if operation in active else self._waits_for(operation)}"
            for operation in unfinished[:MOST_TOLD]
        ]
        if len(unfinished) > MOST_TOLD:
            told.append(f"{len(unfinished) - MOST_TOLD} more")
        return "; ".join(told)

    def _waits_for(self, operation: HardwareOperation) -> str:
        owing = [
            f"{other.name} ({DependencyEvent(consumer.event).name.lower()})"
            for other in self._task.operations
            for consumer, _ in self._consumers(other)
            if consumer.index == operation.index
            and consumer.event in DependencyEvent.__members__.values()
            and consumer.event != DependencyEvent.NONE
            and (other.index, operation.index) not in self._signalled
        ]
        count = self._counts[operation.index]
        if not count:
            return "waits for its turn"
        if count > len(owing):
            owing.append(f"what no operation signals (its dependency_count is {count - len(owing)} too large)")
        return f"waits for {', '.join(owing)}"

    @staticmethod
    def _consumers(operation: HardwareOperation) -> Iterator[tuple[Consumer, OperationType]]:
        """An operation's consumers by processor, then the one it is fused with, with their processors."""
        dependency = operation.dependency
        yield from zip(dependency.consumers, OperationType, strict=True)
        if operation.type > OperationType.BDMA:
            yield dependency.fused_parent, OperationType(operation.type - 1)
