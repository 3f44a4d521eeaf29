"""Which of the NVDLA's bus addresses a transport reaches."""

from dataclasses import dataclass

from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import names_by_address

REGISTER_BYTES = max(names_by_address()) + 4
"""Bytes of the register space up to the last register of the map."""


@dataclass(frozen=True)
class Window:
    """A range of memory by the NVDLA's bus addresses: ``size_bytes`` from ``base``."""

    base: int
    size_bytes: int

    @property
    def end(self) -> int:
        """One beyond the last address."""
        return self.base + self.size_bytes

    def holds(self, base: int, size_bytes: int) -> bool:
        """Whether all of these bytes lie within."""
        return self.base <= base and base + size_bytes <= self.end

    def check(self, base: int, size_bytes: int) -> None:
        """Refuse bytes that do not lie within: BenchError with both ranges."""
        if size_bytes < 0 or not self.holds(base, size_bytes):
            raise BenchError(f"memory {Window(base, size_bytes)} is not within this transport's {self}")

    def __str__(self) -> str:
        return f"{self.base:#x} to {max(self.base, self.end - 1):#x}"


def check_register_address(address: int) -> None:
    """Refuse what is no byte address of a 32-bit register: BenchError."""
    if address % 4 or not 0 <= address < REGISTER_BYTES:
        last = REGISTER_BYTES - 4
        raise BenchError(f"register address {address:#x} is no multiple of 4 from 0x0 to {last:#x}")
