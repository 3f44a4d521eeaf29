"""Where the registers begin in a log's addresses, and whether these count bytes or words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nvdla_int8.register_log.access import Access
from nvdla_int8.registers.register_map import check_write, names_by_address

WINDOW = 1 << 16
"""Bytes of the registers' addresses."""

BASES = (0, 0x2000)
"""What the first register's address is within such a window: public nv_full has its blocks 0x2000 higher."""

MOST_TRIED = 512
"""Accesses from which a base is found."""

LEAST_SHARE = 0.5
"""Of a log's addresses that must be registers'."""


@dataclass(frozen=True)
class AddressSpace:
    """How addresses of a log become those of registers.

    Attributes
    ----------
    base
        Of byte address 0 of the register map, in bytes.
    word_bytes
        4 where the log counts words, 1 where it counts bytes.
    mask
        The bits of the log's addresses that are addresses.
    """

    base: int
    word_bytes: int
    mask: int

    def register(self, place: int | str) -> str | None:
        """The register of a log's address or name; None when there is none."""
        if isinstance(place, str):
            return place
        return names_by_address().get((place & self.mask) * self.word_bytes - self.base)

    def in_words(self) -> str:
        """For people; empty for byte addresses from 0."""
        if self == BYTES_FROM_0:
            return ""
        unit = "its addresses count words of 4 bytes" if self.word_bytes == 4 else "its addresses count bytes"
        return unit + (f", registers begin at {self.base:#x}" if self.base else "")


ALL_BITS = (1 << 64) - 1
BYTES_FROM_0 = AddressSpace(0, 1, ALL_BITS)
LOW_HALF = 0xFFFF
"""What is address of a test bench's word: the upper half are bits of the CSB."""


def find_space(accesses: Sequence[Access]) -> AddressSpace | None:
    """The way to read addresses by which most of them are registers, and what is written makes most sense.

    Returns
    -------
    AddressSpace or None
        None when by no way half of the addresses are registers'.
    """
    by_address = [access for access in accesses if isinstance(access.place, int)]
    if not by_address:
        return BYTES_FROM_0
    step = max(1, len(by_address) // MOST_TRIED)
    sample = by_address[::step][:MOST_TRIED]
    counted = Counter((access.place, access.value, access.writes) for access in sample)
    best = max(
        _spaces({access.place for access in sample if isinstance(access.place, int)}),
        default=None,
        key=lambda space: _merit(space, counted),
    )
    if best is None:
        return None
    hits = sum(best.register(access.place) is not None for access in sample)
    return best if hits >= LEAST_SHARE * len(sample) else None


def spaces_of(place: int) -> list[AddressSpace]:
    """Every way to read an address that makes it a register's, the plainest first."""
    return sorted(_spaces([place]), key=_plainness, reverse=True)


def _spaces(places: Iterable[int]) -> set[AddressSpace]:
    """Ways to read addresses that make at least one of them a register's."""
    found = set()
    for place in places:
        for word_bytes, mask in ((1, ALL_BITS), (4, ALL_BITS), (4, LOW_HALF)):
            if mask == LOW_HALF and place < WINDOW:
                continue
            address = (place & mask) * word_bytes
            for base in BASES:
                origin = (address - base) // WINDOW * WINDOW + base
                if origin >= 0 and address - origin in names_by_address():
                    found.add(AddressSpace(origin, word_bytes, mask))
    return found


def _merit(space: AddressSpace, counted: Counter[tuple[int | str, int | None, bool | None]]) -> tuple[float, ...]:
    """Registers found, less half of those into which software would write nonsense; then the plainest way."""
    merit = 0.0
    for (place, value, writes), count in counted.items():
        name = space.register(place)
        if name is not None:
            strange = value is not None and writes is not False and bool(check_write(name, value))
            merit += count * (0.5 if strange else 1.0)
    return merit, *_plainness(space)


def _plainness(space: AddressSpace) -> tuple[int, ...]:
    """Greater for bytes than for words, for whole windows than for nv_full's, for bases near 0."""
    return -space.word_bytes, -(space.base % WINDOW), -space.base
