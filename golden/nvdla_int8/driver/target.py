"""What a driver drives: hardware's registers and its interrupt line."""

from typing import Protocol


class Target(Protocol):
    """Registers by ``BLOCK.REGISTER`` and the interrupt line: a device, a simulation, a recorder of traces."""

    def write(self, register: str, word: int) -> None:
        """Write a register."""

    def read(self, register: str) -> int:
        """Read a register."""

    def wait(self) -> None:
        """Return when the interrupt line is up; BenchError when it never will be."""
