"""The register blocks as software sees them: ping-pong groups, pointers, enables, status (hardware.md section 4)."""

from collections.abc import Callable, Mapping
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar

from nvdla_int8.build import Build
from nvdla_int8.registers.register_map import (
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

    ``producer`` is the group that accesses of D_ registers reach, ``consumer`` the one that runs next.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._writable_masks = _writable_masks(name)
        self._pointer = f"{name}.S_POINTER"
        self._single = _reset_values(name, "S_").copy()
        self._groups = (_reset_values(name, "D_").copy(), _reset_values(name, "D_").copy())
        self.producer = self.consumer = 0
        self._handed_over: LayerRegisters | None = None

    def enabled(self, group: int) -> bool:
        """Software has handed the group over."""
        return self._groups[group]["D_OP_ENABLE"] == 1

    def write(self, register: str, word: int) -> bool:
        """Write a register's writable bits; False when the group is enabled, so that the hardware loses the write."""
        single = register.startswith("S_")
        if not single and self.enabled(self.producer):
            return False
        values = self._single if single else self._groups[self.producer]
        writable = self._writable_masks[register]
        values[register] = word & writable | values[register] & ~writable
        if register == "S_POINTER":
            self.producer = unpack(self._pointer, word, "PRODUCER")
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

    def handed_over(self) -> "LayerRegisters":
        """The consumer's group, which is enabled: nothing changes it until its layer ends."""
        if self._handed_over is None:
            self._handed_over = LayerRegisters(self.layer())
        return self._handed_over

    def report(self, group: int, register: str, word: int) -> None:
        """Store a value that the hardware itself puts into a group, for example a counter."""
        self._groups[group][register] = word

    def finish(self) -> int:
        """End the consumer's layer: clear its enable, pass the turn on; the group that ran."""
        group = self.consumer
        self._handed_over = None
        self._groups[group]["D_OP_ENABLE"] = 0
        self.consumer = 1 - group
        return group


@cache
def _reset_values(block: str, prefix: str) -> dict[str, int]:
    """What a block's registers of one kind hold after reset: to be copied."""
    registers = load_register_map()[block].registers
    return {register: item.reset for register, item in registers.items() if register.startswith(prefix)}


@cache
def _writable_masks(block: str) -> Mapping[str, int]:
    """The bits of each register of a block that software can write."""
    return {register: item.writable_mask for register, item in load_register_map()[block].registers.items()}


@cache
def _full_names(block: str) -> tuple[str, ...]:
    """The registers of a block's group as ``BLOCK.REGISTER``."""
    return tuple(f"{block}.{register}" for register in _reset_values(block, "D_"))


@lru_cache(maxsize=1 << 8)  # layers take one of a few sets of blocks
def _blocks_of(registers: tuple[str, ...]) -> frozenset[str]:
    """The blocks that registers are of."""
    return frozenset(name.partition(".")[0] for name in registers)


class _Place(NamedTuple):
    """Where ``BLOCK.REGISTER.FIELD`` stands: its register with what that holds after reset, and its bits."""

    register: str
    reset: int
    mask: int
    lsb: int


@cache
def _placed(name: str) -> _Place:
    register, _, field_name = name.rpartition(".")
    field = find_field(register, field_name)
    return _Place(register, find_register(register).reset, field.mask, field.lsb)


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
        return _blocks_of(tuple(self.values))

    def word(self, register: str) -> int:
        """A register's value; its reset value when the layer's blocks do not include it."""
        value = self.values.get(register)
        return find_register(register).reset if value is None else value

    def field(self, name: str) -> int:
        """The unsigned value of ``BLOCK.REGISTER.FIELD``."""
        register, reset, mask, lsb = _placed(name)
        return (self.values.get(register, reset) & mask) >> lsb

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
