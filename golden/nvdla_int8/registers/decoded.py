"""One register access in words: the register, its fields, and what is unusual about it."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from nvdla_int8.registers.register_map import check_write, find_register, load_register_map, unpack, unpack_signed

_SIGNED = re.compile(r"\bsigned\b", re.IGNORECASE)


@dataclass(frozen=True)
class DecodedField:
    """A field of a word.

    Attributes
    ----------
    name, description
        The field's.
    lsb, msb
        Its bits.
    value
        What it holds: signed where the register map says so.
    meaning
        The value's name; empty when it has none.
    """

    name: str
    lsb: int
    msb: int
    value: int
    meaning: str
    description: str


@dataclass(frozen=True)
class DecodedAccess:
    """A word in a register.

    Attributes
    ----------
    register
        ``BLOCK.REGISTER``.
    address
        Byte address in the CSB space.
    word
        The 32-bit value.
    block, description
        What the block and the register are.
    fields
        From the lowest bits.
    notes
        Which group it reaches, what the hardware ignores, what is no value of a field; sentences.
    """

    register: str
    address: int
    word: int
    block: str
    description: str
    fields: tuple[DecodedField, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


def decode_access(name: str, word: int) -> DecodedAccess:
    """Decode a 32-bit word of ``BLOCK.REGISTER``; BenchError for a register that does not exist."""
    register = find_register(name)
    fields = tuple(
        DecodedField(
            field_name, field.lsb, field.msb, _value(name, word, field_name, field.description),
            next((meant for meant, number in field.enum.items() if number == unpack(name, word, field_name)), ""),
            field.description,
        )
        for field_name, field in sorted(register.fields.items(), key=lambda item: item[1].lsb)
    )  # fmt: skip
    block = load_register_map()[name.partition(".")[0]]
    return DecodedAccess(
        name, register.address, word, block.description, register.description, fields, tuple(_notes(name, word))
    )


def _value(name: str, word: int, field: str, description: str) -> int:
    return unpack_signed(name, word, field) if _SIGNED.search(description) else unpack(name, word, field)


def _notes(name: str, word: int) -> Iterator[str]:
    register = find_register(name)
    if register.grouped:
        yield "there are two, one for each group: the one that PRODUCER of S_POINTER says"
    if register.write_1_to_clear:
        yield "a written 1 clears its bit, a 0 leaves it"
    if register.ignored:
        yield register.ignored
    for field_name, field in register.fields.items():
        value = unpack(name, word, field_name)
        if field.enum and value not in field.enum.values():
            known = ", ".join(f"{number} {meant}" for meant, number in field.enum.items())
            yield f"{field_name} = {value} is none of {known}"
        if field.ignored and value != field.reset:
            yield f"{field_name} = {value} has no effect: {field.ignored}"
    for problem in check_write(name, word):
        yield f"{problem}, which a write leaves as they are"
