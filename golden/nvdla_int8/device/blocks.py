"""The register blocks as software sees them: ping-pong groups, pointers, enables, status (hardware.md section 4)."""

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, TypeVar

from nvdla_int8.build import Build
from nvdla_int8.registers.register_map import (
    Field,
    find_field,
    find_register,
    insert,
    load_register_map,
    pack,
    unpack,
    unpack_signed,
)

IDLE, RUNNING, PENDING = 0, 1, 2

Decoded = TypeVar("Decoded")


class LayerBlock:
    """One block: S_ registers, two groups of D_ registers, and which group is whose turn.

    ``producer`` is the group that software reaches, ``consumer`` the one that runs next.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._registers = load_register_map()[name].registers
        self._pointer = f"{name}.S_POINTER"
        self._single = _reset_values(name, "S_").copy()
        self._groups = (_reset_values(name, "D_").copy(), _reset_values(name, "D_").copy())
        self.consumer = 0

    @property
    def producer(self) -> int:
        """The group that D_ accesses reach."""
        return unpack(self._pointer, self._single["S_POINTER"], "PRODUCER")

    def enabled(self, group: int) -> bool:
        """Software has handed the group over."""
        return self._groups[group]["D_OP_ENABLE"] == 1

    def write(self, register: str, word: int) -> bool:
        """Write a register's writable bits; False when the group is enabled, so that the hardware loses the write."""
        single = register.startswith("S_")
        if not single and self.enabled(self.producer):
            return False
        values = self._single if single else self._groups[self.producer]
        writable = self._registers[register].writable_mask
        values[register] = word & writable | values[register] & ~writable
        return True

    def read(self, register: str) -> int:
        """Read a register as software would."""
        if register == "S_POINTER":
            return pack(self._pointer, PRODUCER=self.producer, CONSUMER=self.consumer)
        if register == "S_STATUS":
            return pack(f"{self.name}.S_STATUS", STATUS_0=self._status(0), STATUS_1=self._status(1))
        return self._single[register] if register.startswith("S_") else self._groups[self.producer][register]

    def _status(self, group: int) -> int:
        if not self.enabled(group):
            return IDLE
        return RUNNING if group == self.consumer else PENDING

    def layer(self) -> dict[str, int]:
        """Values of the consumer's group by full register name."""
        return dict(zip(_full_names(self.name), self._groups[self.consumer].values(), strict=True))

    def report(self, group: int, register: str, word: int) -> None:
        """Store a value that the hardware itself puts into a group, for example a counter."""
        self._groups[group][register] = word

    def finish(self) -> int:
        """End the consumer's layer: clear its enable, pass the turn on; the group that ran."""
        group = self.consumer
        self._groups[group]["D_OP_ENABLE"] = 0
        self.consumer = 1 - group
        return group


@cache
def _reset_values(block: str, prefix: str) -> dict[str, int]:
    """What a block's registers of one kind hold after reset: to be copied."""
    registers = load_register_map()[block].registers
    return {register: item.reset for register, item in registers.items() if register.startswith(prefix)}


@cache
def _full_names(block: str) -> tuple[str, ...]:
    """The registers of a block's group as ``BLOCK.REGISTER``."""
    return tuple(f"{block}.{register}" for register in _reset_values(block, "D_"))


@cache
def _placed(name: str) -> tuple[str, Field]:
    """The register of ``BLOCK.REGISTER.FIELD`` and its field."""
    register, _, field = name.rpartition(".")
    return register, find_field(register, field)


class LayerRegisters:
    """Register values of one layer across blocks, read by field."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self.values = values
        self._decoded: dict[tuple[Callable[..., object], Build], Any] = {}

    def decoded(self, kind: Callable[["LayerRegisters", Build], Decoded], build: Build) -> Decoded:
        """The layer that these registers hold, of this kind; decoded once, since many ask."""
        if (kind, build) not in self._decoded:
            self._decoded[kind, build] = kind(self, build)
        layer: Decoded = self._decoded[kind, build]
        return layer

    @cached_property
    def blocks(self) -> frozenset[str]:
        """The blocks that the registers are of."""
        return frozenset(name.partition(".")[0] for name in self.values)

    def word(self, register: str) -> int:
        """A register's value; its reset value when the layer's blocks do not include it."""
        value = self.values.get(register)
        return find_register(register).reset if value is None else value

    def field(self, name: str) -> int:
        """The unsigned value of ``BLOCK.REGISTER.FIELD``."""
        register, field = _placed(name)
        return (self.word(register) & field.mask) >> field.lsb

    def signed_field(self, name: str) -> int:
        """``BLOCK.REGISTER.FIELD`` read as two's complement of the field's width."""
        register, _, field = name.rpartition(".")
        return unpack_signed(register, self.word(register), field)

    def with_fields(self, fields: Mapping[str, int | str]) -> "LayerRegisters":
        """These registers with other values in some fields, by ``BLOCK.REGISTER.FIELD``.

        Raises
        ------
        BenchError
            A value that does not fit its field.
        """
        values = dict(self.values)
        for name, value in fields.items():
            register, _, field = name.rpartition(".")
            word = values.get(register, find_register(register).reset)
            values[register] = insert(register, word, **{field: value})
        return LayerRegisters(values)

    def with_words(self, words: Mapping[str, int]) -> "LayerRegisters":
        """These registers with other values, by ``BLOCK.REGISTER``."""
        return LayerRegisters({**self.values, **words})

    def size(self, name: str) -> int:
        """A field that holds the number less one."""
        return self.field(name) + 1

    def address(self, register: str) -> int:
        """A 64-bit address from ``<register>_HIGH`` and ``_LOW``; ``{}`` marks where the word stands."""
        high, low = (self.word(register.format(part)) for part in ("HIGH", "LOW"))
        return high << 32 | low
