"""Fields of a set of register values."""

from collections.abc import Mapping

from nvdla_int8.registers.register_map import find_register, unpack, unpack_signed

RegisterValues = Mapping[str, int]
"""Register values by ``BLOCK.REGISTER``; what is absent holds its reset value."""


def word_of(values: RegisterValues, register: str) -> int:
    """The value of ``BLOCK.REGISTER``."""
    value = values.get(register)
    return find_register(register).reset if value is None else value


def field_of(values: RegisterValues, register: str, field: str) -> int:
    """The unsigned value of a field of ``BLOCK.REGISTER``."""
    return unpack(register, word_of(values, register), field)


def signed_field_of(values: RegisterValues, register: str, field: str) -> int:
    """A field read as two's complement of its width."""
    return unpack_signed(register, word_of(values, register), field)
