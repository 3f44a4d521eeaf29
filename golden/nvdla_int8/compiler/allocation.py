"""Where a program's surfaces lie in the device's memory: one after another from a base address."""

from nvdla_int8.errors import BenchError

ALIGNMENT = 256
DEFAULT_BASE = 0x80000000


class Allocator:
    """Hands out addresses upwards.

    Parameters
    ----------
    base
        First address, a multiple of :data:`ALIGNMENT`.
    address_bits
        Width of an address of the build.

    Raises
    ------
    BenchError
        A base that is not aligned; later, when memory is used up.
    """

    def __init__(self, base: int, address_bits: int) -> None:
        if base % ALIGNMENT or not 0 <= base < 1 << address_bits:
            raise BenchError(f"memory base {base:#x} must be a multiple of {ALIGNMENT} below 2**{address_bits}")
        self._next = base
        self._end = 1 << address_bits

    def take(self, size_bytes: int, what: str) -> int:
        """Address of a new region; ``what`` names it should there be no room."""
        address = self._next
        self._next += -(-size_bytes // ALIGNMENT) * ALIGNMENT
        if self._next > self._end:
            raise BenchError(f"{what}: {size_bytes:,} bytes at {address:#x} do not fit the address space")
        return address
