"""One register access of a log, before it is known where the registers begin."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from nvdla_int8.registers.register_map import LAYER_BLOCKS, names_by_address

BLOCKS = ("GLB", *LAYER_BLOCKS)
"""Blocks whose registers are known."""


@dataclass(frozen=True)
class Access:
    """A read or a write.

    Attributes
    ----------
    line
        From 1.
    place
        The address as it stands in the log, or the register's name.
    value
        32 bits; None of a read whose value is not in the log.
    writes
        Whether it is a write; None when the line does not say.
    digits
        The value's digits where they are not marked as hex.
    hex
        Whether these are hex all the same, by a letter or a leading zero: those of other accesses are, then, too.
    """

    line: int
    place: int | str
    value: int | None
    writes: bool | None
    digits: str = ""
    hex: bool = False


@lru_cache(maxsize=1 << 12)  # logs name few registers, again and again
def register_named(text: str) -> str | None:
    """The ``BLOCK.REGISTER`` that a name means; None when it is that of no register.

    ``CDMA.D_BANK``, ``NVDLA_CDMA.D_BANK_0``, ``CDMA_D_BANK_0``, ``cdma->d_bank``.
    """
    name = text.upper().replace("->", "_").replace(".", "_").removeprefix("NVDLA_")
    names = _names()
    return names.get(name) or names.get(name.removesuffix("_0"))


def block_of(text: str) -> str | None:
    """The block that a name begins with, of a register or of a function such as ``cdma_reg_write``."""
    name = text.upper().replace("->", "_").replace(".", "_").removeprefix("NVDLA_").removeprefix("DLA_")
    found = [block for block in BLOCKS if name.startswith(f"{block}_")]
    return max(found, key=len) if found else None


@cache
def _names() -> Mapping[str, str]:
    return {name.replace(".", "_"): name for name in names_by_address().values()}
