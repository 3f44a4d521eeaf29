"""Where a program's memory lies: what stays, one after another; tensors, each where none lies that is still needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
        self._next += _aligned(size_bytes)
        if self._next > self._end:
            raise BenchError(f"{what}: {size_bytes:,} bytes at {address:#x} do not fit the address space")
        return address


@dataclass(frozen=True)
class Block:
    """Memory that is needed for a while.

    Attributes
    ----------
    name
        What lies there.
    size_bytes
        How much of it.
    first_step, last_step
        The first step that writes into it and the last one that reads it: both need it.
    """

    name: str
    size_bytes: int
    first_step: int
    last_step: int

    def meets(self, other: "Block") -> bool:
        """Whether a step needs both."""
        return self.first_step <= other.last_step and other.first_step <= self.last_step


@dataclass(frozen=True)
class Arrangement:
    """Where blocks lie.

    Attributes
    ----------
    offsets
        The first byte of each block, by name, counted from the first byte of all; aligned.
    size_bytes
        What all of them take together.
    apart_bytes
        What they would take if none lay where another one has been.
    """

    offsets: Mapping[str, int]
    size_bytes: int
    apart_bytes: int


def arrange(blocks: Sequence[Block]) -> Arrangement:
    """Place blocks, the largest first, each at the lowest offset where it meets no other."""
    offsets: dict[str, int] = {}
    placed: list[Block] = []
    for block in sorted(blocks, key=lambda one: -one.size_bytes):
        offset = 0
        for other in sorted(placed, key=lambda one: offsets[one.name]):
            if block.meets(other) and offset + _aligned(block.size_bytes) > offsets[other.name]:
                offset = max(offset, offsets[other.name] + _aligned(other.size_bytes))
        offsets[block.name] = offset
        placed.append(block)
    check_apart(blocks, offsets)
    size = max((offsets[block.name] + _aligned(block.size_bytes) for block in blocks), default=0)
    return Arrangement(offsets, size, sum(_aligned(block.size_bytes) for block in blocks))


def check_apart(blocks: Sequence[Block], offsets: Mapping[str, int]) -> None:
    """Refuse blocks that a step needs both and that share a byte: a fault of this tool."""
    for index, one in enumerate(blocks):
        for other in blocks[:index]:
            first, second = sorted((one, other), key=lambda block: offsets[block.name])
            if one.meets(other) and offsets[first.name] + first.size_bytes > offsets[second.name]:
                raise BenchError(f"{first.name} and {second.name} lie in the same memory: a fault of this tool")


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT) * ALIGNMENT
