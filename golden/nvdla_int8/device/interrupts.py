"""GLB's interrupt registers: status, mask, the line (hardware.md section 4)."""

from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import find_register

INTERRUPT_BITS = {
    "SDP_0": 0, "SDP_1": 1, "CDP_0": 2, "CDP_1": 3, "PDP_0": 4, "PDP_1": 5, "CDMA_DAT_0": 16, "CDMA_DAT_1": 17,
    "CDMA_WT_0": 18, "CDMA_WT_1": 19, "CACC_0": 20, "CACC_1": 21,
}  # fmt: skip
"""Bits of GLB.S_INTR_STATUS, S_INTR_MASK and S_INTR_SET by the names that traces use."""

INTERRUPTS_OF = {
    "CDMA": ("CDMA_DAT", "CDMA_WT"), "CACC": ("CACC",), "SDP": ("SDP",), "PDP": ("PDP",), "CDP": ("CDP",),
}  # fmt: skip
"""The interrupts that a block raises when its layer ends."""


class Interrupts:
    """Which interrupts are raised and which of them the line does not show."""

    def __init__(self) -> None:
        self._status = 0
        self._mask = find_register("GLB.S_INTR_MASK").reset

    @property
    def line(self) -> bool:
        """The interrupt line: any status bit that is not masked."""
        return self._status & ~self._mask != 0

    def write(self, register: str, word: int) -> None:
        """Write a register of GLB; those of no interrupt are read-only."""
        word &= find_register(f"GLB.{register}").writable_mask
        if register == "S_INTR_MASK":
            self._mask = word
        elif register == "S_INTR_SET":
            self._status |= word
        elif register == "S_INTR_STATUS":
            self._status &= ~word

    def read(self, register: str) -> int:
        """Read a register of GLB."""
        known = {"S_INTR_STATUS": self._status, "S_INTR_MASK": self._mask}
        return known.get(register, find_register(f"GLB.{register}").reset)

    def raised(self, interrupt: str) -> bool:
        """The status bit of an interrupt such as ``SDP_0``; BenchError for an unknown name."""
        return self._status & _bit(interrupt) != 0

    def masked(self, interrupt: str) -> bool:
        """Whether S_INTR_MASK keeps an interrupt from the line; BenchError for an unknown name."""
        return self._mask & _bit(interrupt) != 0

    def clear(self, interrupt: str) -> None:
        """Clear an interrupt's status bit; BenchError for an unknown name."""
        self._status &= ~_bit(interrupt)

    def layer_ended(self, block: str, group: int) -> None:
        """Raise the interrupts of a block whose layer has ended."""
        for interrupt in INTERRUPTS_OF.get(block, ()):
            self._status |= _bit(f"{interrupt}_{group}")


def _bit(interrupt: str) -> int:
    if interrupt not in INTERRUPT_BITS:
        raise BenchError(f"interrupt {interrupt} does not exist; there are {', '.join(INTERRUPT_BITS)}")
    return 1 << INTERRUPT_BITS[interrupt]
