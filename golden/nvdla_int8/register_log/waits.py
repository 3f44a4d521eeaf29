"""Where a log's software waited for layers: it read or cleared the status of interrupts."""

from collections import Counter

from nvdla_int8.device.interrupts import INTERRUPT_BITS, INTERRUPTS_OF
from nvdla_int8.registers.register_map import LAYER_BLOCKS
from nvdla_int8.trace.commands import IntrNotify

STATUS = "GLB.S_INTR_STATUS"


class Waits:
    """Which layers were started and which of them software knew to have ended."""

    def __init__(self) -> None:
        self._producer = dict.fromkeys(LAYER_BLOCKS, 0)
        self._started: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()

    def written(self, register: str, word: int) -> None:
        """Software writes a register."""
        block, _, name = register.partition(".")
        if name == "S_POINTER" and block in self._producer:
            self._producer[block] = word & 1
        elif name == "D_OP_ENABLE" and word & 1:
            self._started.update(f"{one}_{self._producer[block]}" for one in INTERRUPTS_OF.get(block, ()))

    def status(self, line: int, word: int) -> list[IntrNotify]:
        """Software reads or clears these bits of the status: the waits that this tells of.

        One of a block's interrupts counts once for each layer that was started, however often it is read.
        """
        found = []
        for interrupt, bit in INTERRUPT_BITS.items():
            if word >> bit & 1 and self._seen[interrupt] < self._started[interrupt]:
                self._seen[interrupt] += 1
                found.append(IntrNotify(line, interrupt, f"{interrupt}_{self._seen[interrupt]}"))
        return found
