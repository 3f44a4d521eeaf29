"""Register groups of a device that has not been reset since its last layers.

A trace is written for a device that comes out of reset, where group 0 runs first in every block. After an odd number
of layers it is group 1's turn in a block, and a layer in group 0 would wait for ever. Both groups of a block are the
same, so that the trace runs as it is meant when their names are exchanged in the blocks where it is group 1's turn.
"""

from collections.abc import Callable, Iterable

from nvdla_int8.device.interrupts import INTERRUPT_BITS, INTERRUPTS_OF
from nvdla_int8.registers.register_map import find_register, unpack

INTERRUPT_REGISTERS = ("GLB.S_INTR_STATUS", "GLB.S_INTR_MASK", "GLB.S_INTR_SET")


class GroupNames:
    """What a trace calls groups, and what the device calls them.

    Parameters
    ----------
    blocks
        The blocks that the trace uses.
    read
        Reads a register of the device by name.

    Attributes
    ----------
    exchanged
        The blocks whose two groups have exchanged their names.
    """

    def __init__(self, blocks: Iterable[str], read: Callable[[str], int]) -> None:
        pointers = {block: f"{block}.S_POINTER" for block in blocks}
        self.exchanged = frozenset(
            block for block, name in pointers.items() if unpack(name, read(name), "CONSUMER") == 1
        )
        self._interrupts = {kind for block in self.exchanged for kind in INTERRUPTS_OF.get(block, ())}

    def written(self, name: str, word: int) -> int:
        """What the device takes where the trace writes a word."""
        if name in INTERRUPT_REGISTERS:
            return self._exchange_interrupts(word)
        block, _, register = name.partition(".")
        if block in self.exchanged and register == "S_POINTER":
            return word ^ find_register(name).fields["PRODUCER"].mask
        return word

    def found(self, name: str, word: int) -> int:
        """What the trace expects where the device holds a word."""
        if name in INTERRUPT_REGISTERS:
            return self._exchange_interrupts(word)
        block, _, register = name.partition(".")
        if block in self.exchanged and register == "S_POINTER":
            fields = find_register(name).fields
            return word ^ fields["PRODUCER"].mask ^ fields["CONSUMER"].mask
        if block in self.exchanged and register == "S_STATUS":
            first, second = (find_register(name).fields[f"STATUS_{group}"] for group in (0, 1))
            kept = word & ~(first.mask | second.mask)
            return (
                kept | (word & first.mask) >> first.lsb << second.lsb | (word & second.mask) >> second.lsb << first.lsb
            )
        return word

    def bit(self, interrupt: str) -> int:
        """The bit of the device's interrupt registers for an interrupt of the trace, such as ``SDP_0``."""
        return self._exchange_interrupts(1 << INTERRUPT_BITS[interrupt])

    def _exchange_interrupts(self, word: int) -> int:
        for kind in self._interrupts:
            first, second = (INTERRUPT_BITS[f"{kind}_{group}"] for group in (0, 1))
            if (word >> first ^ word >> second) & 1:
                word ^= 1 << first | 1 << second
        return word
