"""Where a register program's surfaces lie: side by side, in any order, at any alignment, with bytes around them."""

from collections.abc import Mapping
from dataclasses import dataclass

from nvdla_int8.compiler.register_program import Region
from nvdla_int8.generator.draws import Draws
from nvdla_int8.surfaces.memory import PAGE, Memory

BASES = (0x8000_0000, 0x8000_0000, 0xC000_0000, 0x0000_0000, 0x0001_0000, 0x7FFF_F000, 0xFFE0_0000)


@dataclass(frozen=True)
class Window:
    """The bytes ``low`` to ``low + size`` hold a surface that starts at ``base``, and what lies around it."""

    name: str
    base: int
    low: int
    size: int

    def region(self, memory: Memory) -> Region:
        """The window's bytes in memory."""
        return Region(self.name, self.low, memory.read_bytes(self.low, self.size))


class Places:
    """Hands out windows upwards from a random base; none overlaps another.

    Parameters
    ----------
    draws
        The source of every choice.
    memory
        Receives random bytes wherever a window is.
    memory_atom
        Every base is a multiple of it.
    """

    def __init__(self, draws: Draws, memory: Memory, memory_atom: int) -> None:
        self._draws = draws
        self._memory = memory
        self._atom = memory_atom
        self._next = draws.pick(BASES)

    def take(self, sizes_bytes: Mapping[str, int]) -> dict[str, Window]:
        """Place surfaces of these sizes, by name, in a random order."""
        return {name: self._take(name, sizes_bytes[name]) for name in self._draws.order(list(sizes_bytes))}

    def _take(self, name: str, size_bytes: int) -> Window:
        draws, atom = self._draws, self._atom
        before, after = (atom * draws.pick((0, 0, 1, 4)) for _ in range(2))
        gap = draws.pick((0, 0, atom, 64, 0x1000, 0x1_0000))
        alignment = draws.pick((atom, 32, 256, PAGE))
        base = -(-(self._next + gap + before) // alignment) * alignment
        size_bytes = -(-size_bytes // atom) * atom
        window = Window(name, base, base - before, before + size_bytes + after)
        self._memory.write_bytes(window.low, draws.data(window.size))
        self._next = window.low + window.size
        return window
