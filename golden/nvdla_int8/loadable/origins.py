"""Where the bytes that a layer reads come from: a layer, the network's input, the file, the CPU."""

from typing import Literal

from nvdla_int8.loadable.memory_contents import MemoryContents
from nvdla_int8.loadable.ranges import Ranges

Origin = int | Literal["input", "file", "cpu"]
"""The place of a layer among ``loadable_layers``; the application's input; what the file puts into memory; a CPU task.
"""


class Origins:
    """What was written where, in the order of work.

    Parameters
    ----------
    contents
        The memories, for what lies in them before the first layer.
    """

    def __init__(self, contents: MemoryContents) -> None:
        self._memories = contents.memories
        self._written: dict[int, list[tuple[Ranges, Origin]]] = {}

    def write(self, ranges: Ranges, origin: Origin) -> None:
        """Note that these bytes were written."""
        self._written.setdefault(ranges.memory, []).append((ranges, origin))

    def of(self, ranges: Ranges) -> tuple[Origin, ...]:
        """Who wrote these bytes last, layers in their order; empty when nobody did."""
        found: set[Origin] = set()
        left = ranges
        for written, origin in reversed(self._written.get(ranges.memory, [])):
            if not left:
                break
            shared, left = left.split(written)
            if shared:
                found.add(origin)
        memory = self._memories[ranges.memory]
        if left and memory.is_input:
            found.add("input")
        elif left and memory.is_set:
            found.add("file")
        return tuple(sorted(found, key=lambda origin: (isinstance(origin, str), origin)))
