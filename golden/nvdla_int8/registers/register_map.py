"""The register map: names, addresses and fields, from the one data file ``registers.json`` (hardware.md section 4)."""

import json
import operator
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Any, Literal

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import Parameters
from nvdla_int8.stages.fixedpoint import sign_extend

WORD_MASK = 2**32 - 1
"""The bits of a register."""


class Field(Parameters):
    """Bits ``lsb`` to ``msb`` of a register.

    Attributes
    ----------
    access
        What software can do: read, write or both.
    reset
        Value after reset.
    enum
        Names of values.
    ignored
        Why the field has no effect on nv_small; empty when it has one.
    """

    lsb: int
    msb: int
    access: Literal["r", "w", "rw"]
    reset: int
    enum: Mapping[str, int] = {}
    description: str
    ignored: str = ""

    @cached_property
    def width(self) -> int:
        """Number of bits."""
        return self.msb - self.lsb + 1

    @cached_property
    def mask(self) -> int:
        """The field's bits within the register."""
        return ((1 << self.width) - 1) << self.lsb


class Register(Parameters):
    """One 32-bit register.

    Attributes
    ----------
    address
        Byte address in the CSB space.
    grouped
        Whether there are two, one for each ping-pong group: ``D_`` registers are, ``S_`` ones are not.
    write_1_to_clear
        Writing 1 clears a bit and writing 0 leaves it, so that reading, changing and writing back
        would clear what is pending.
    ignored
        Why the register has no effect on nv_small; empty when it has one.
    """

    address: int
    description: str
    grouped: bool
    write_1_to_clear: bool = False
    ignored: str = ""
    fields: Mapping[str, Field]

    @cached_property
    def reset(self) -> int:
        """Value after reset."""
        return sum(field.reset << field.lsb for field in self.fields.values())

    @cached_property
    def readable_mask(self) -> int:
        """Bits that software can read."""
        return sum(field.mask for field in self.fields.values() if "r" in field.access)

    @cached_property
    def writable_mask(self) -> int:
        """Bits that software can write."""
        return sum(field.mask for field in self.fields.values() if "w" in field.access)

    @cached_property
    def reserved_mask(self) -> int:
        """Bits of no field."""
        return WORD_MASK & ~(self.readable_mask | self.writable_mask)

    @cached_property
    def read_only_mask(self) -> int:
        """Bits of no field that software can write."""
        return WORD_MASK & ~self.writable_mask

    def takes(self, word: int) -> bool:
        """Whether software can write all bits that are set in a word, and anything at all."""
        return self.writable_mask != 0 and not word & self.read_only_mask


class Block(Parameters):
    """One unit's registers by name; ``base`` is its first byte address."""

    base: int
    description: str
    registers: Mapping[str, Register]


@cache
def load_register_map() -> Mapping[str, Block]:
    """Read the register map; blocks by name."""
    data = json.loads(files("nvdla_int8.registers").joinpath("registers.json").read_text())
    return {
        name: Block(
            base=block["base"],
            description=block["description"],
            registers=dict(_registers(block["base"], data, block["registers"])),
        )
        for name, block in data.items()
    }


def _registers(
    base: int, data: Mapping[str, Any], registers: Mapping[str, Any] | str
) -> Iterator[tuple[str, Register]]:
    """Registers by name; a string is the block whose registers these are a copy of (CMAC_B)."""
    described = data[registers]["registers"] if isinstance(registers, str) else registers
    for name, register in described.items():
        rest = {key: value for key, value in register.items() if key != "offset"}
        yield name, Register(address=base + register["offset"], grouped=name.startswith("D_"), **rest)


def find_register(name: str) -> Register:
    """Return the register called ``BLOCK.REGISTER``; BenchError when there is none."""
    register = _registers_by_name().get(name)
    if register is None:
        raise BenchError(f"register {name} does not exist{similar(name, names_by_address().values())}")
    return register


@cache
def _registers_by_name() -> Mapping[str, Register]:
    return {
        f"{block_name}.{name}": register
        for block_name, block in load_register_map().items()
        for name, register in block.registers.items()
    }


def similar(name: str, names: Iterable[str]) -> str:
    """End of a message about an unknown name: "; similar: ..." or, when nothing is similar, empty."""
    matches = get_close_matches(name, list(names))
    return f"; similar: {', '.join(matches)}" if matches else ""


@cache
def names_by_address() -> Mapping[int, str]:
    """``BLOCK.REGISTER`` names by byte address."""
    return {
        register.address: f"{block_name}.{name}"
        for block_name, block in load_register_map().items()
        for name, register in block.registers.items()
    }


def name_at(address: int) -> str:
    """Return the ``BLOCK.REGISTER`` at a byte address; BenchError when there is none."""
    names = names_by_address()
    if address in names:
        return names[address]
    below = max((known for known in names if known < address), default=None)
    hint = (
        f"the map starts with {names[min(names)]} at 0x{min(names):04x}"
        if below is None
        else f"the nearest below is {names[below]} at 0x{below:04x}"
    )
    raise BenchError(f"no register at byte address {address:#06x}; {hint}")


def check_write(name: str, word: int) -> list[str]:
    """What is wrong with writing ``word`` to ``BLOCK.REGISTER``, one line each; empty when nothing is.

    Reported are an unknown register, a word of more than 32 bits, any write to a register that is
    read-only as a whole, and bits set in read-only fields or outside all fields.
    """
    try:
        register = find_register(name)
    except BenchError as error:
        return [str(error)]
    if not 0 <= word <= WORD_MASK:
        return [f"{name} = {word:#x} does not fit 32 bits"]
    if register.takes(word):
        return []
    what = f"{name} = 0x{word:08x}"
    if not register.writable_mask:
        return [f"{what} writes a read-only register"]
    problems = [
        f"{what} sets read-only field {field_name}"
        for field_name, field in register.fields.items()
        if word & field.mask and "w" not in field.access
    ]
    if reserved := word & register.reserved_mask:
        problems.append(f"{what} sets reserved bits 0x{reserved:08x}")
    return problems


def pack(name: str, **values: int | str) -> int:
    """Build a register's value from fields; fields not given keep their reset value.

    Parameters
    ----------
    name
        ``BLOCK.REGISTER``.
    values
        By field name: an enumeration's name, or an integer that fits the field's n bits, as signed number
        or as the bits themselves: -2^(n-1) to 2^n - 1. 40000 in a 16-bit signed field is its -25536.

    Raises
    ------
    BenchError
        Unknown register or field, unknown enumeration name, value too wide or not an integer.
    """
    return insert(name, find_register(name).reset, **values)


def insert(name: str, word: int, **values: int | str) -> int:
    """Return ``word`` with these fields of register ``name`` replaced; values as for :func:`pack`."""
    for field_name, value in values.items():
        field = find_field(name, field_name)
        bits = _field_bits(name, field_name, field, value) << field.lsb
        word = (word & ~field.mask) | (bits & field.mask)
    return word


@cache  # asked for with every access; there are about 900 fields
def find_field(name: str, field_name: str) -> Field:
    """Return a field of the register called ``BLOCK.REGISTER``; BenchError when there is none."""
    register = find_register(name)
    if field_name not in register.fields:
        raise BenchError(f"register {name} has no field {field_name}; it has {', '.join(register.fields)}")
    return register.fields[field_name]


def _field_bits(name: str, field_name: str, field: Field, value: int | str) -> int:
    if isinstance(value, str):
        if value not in field.enum:
            known = f"none of {', '.join(field.enum)}" if field.enum else "not a number"
            raise BenchError(f"{name}.{field_name} = {value!r} is {known}")
        return field.enum[value]
    try:
        number = operator.index(value)
    except TypeError:
        raise BenchError(f"{name}.{field_name} = {value!r} is not an integer") from None
    if not -(1 << (field.width - 1)) <= number < 1 << field.width:
        raise BenchError(f"{name}.{field_name} = {number} does not fit {field.width} bits")
    return number


def unpack(name: str, word: int, field_name: str) -> int:
    """The unsigned value of one field in a register's value."""
    field = find_field(name, field_name)
    return (word & field.mask) >> field.lsb


@lru_cache(maxsize=1 << 12)
def unpack_signed(name: str, word: int, field_name: str) -> int:
    """The value of one field read as two's complement of the field's width."""
    width = find_field(name, field_name).width
    return int(sign_extend(unpack(name, word, field_name), width))


LAYER_BLOCKS = (
    "CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC", "SDP_RDMA", "SDP", "PDP_RDMA", "PDP", "CDP_RDMA", "CDP",
)  # fmt: skip
"""Blocks with two groups of D_ registers."""
