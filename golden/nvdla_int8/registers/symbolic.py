"""Registers and fields as Python attributes, on anything that reads and writes registers by name.

>>> class Registers(dict):
...     def write(self, name: str, word: int) -> None:
...         self[name] = word
...
...     def read(self, name: str) -> int:
...         return self[name]
>>> device = SymbolicDevice(Registers())
>>> device.cdma.d_cvt_cfg(cvt_en="ENABLE", cvt_truncate=5)
>>> device.cdma.d_cvt_cfg.cvt_truncate += 1
>>> hex(device.cdma.d_cvt_cfg.value), device.cdma.d_cvt_cfg.cvt_truncate
('0x61', 6)
"""

import operator
from collections.abc import Iterable
from typing import Protocol, SupportsIndex, TypeVar

from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import (
    check_write,
    find_register,
    insert,
    load_register_map,
    pack,
    similar,
    unpack,
)

T = TypeVar("T")


class RegisterTarget(Protocol):
    """What has registers: names are ``BLOCK.REGISTER``, words 32 bits."""

    def write(self, name: str, word: int, /) -> None:
        """Write a register."""

    def read(self, name: str, /) -> int:
        """Read a register."""


class SymbolError(BenchError, AttributeError):
    """An attribute that is no block, register or field; ``hasattr`` and completion understand it."""


class SymbolicDevice:
    """``device.cdma.d_cvt_cfg.cvt_en``: the register map as attributes, in lower case.

    ``dir()`` lists what there is at each level.

    Raises
    ------
    BenchError
        From any attribute: an unknown name (also an ``AttributeError``), a field that cannot be read
        or written, a value that does not fit.
    """

    __slots__ = ("_blocks",)
    _blocks: dict[str, "SymbolicBlock"]

    def __init__(self, target: RegisterTarget) -> None:
        blocks = {name.lower(): SymbolicBlock(target, name) for name in load_register_map()}
        object.__setattr__(self, "_blocks", blocks)

    def __getattr__(self, name: str) -> "SymbolicBlock":
        return _look_up("the device", "block", name, self._blocks)

    def __setattr__(self, name: str, value: object) -> None:
        getattr(self, name)
        raise SymbolError(f"{name} is a block: assign to a field of one of its registers")

    def __dir__(self) -> Iterable[str]:
        return self._blocks


class SymbolicBlock:
    """One block of a :class:`SymbolicDevice`; its attributes are registers."""

    __slots__ = ("_name", "_registers")
    _name: str
    _registers: dict[str, "SymbolicRegister"]

    def __init__(self, target: RegisterTarget, name: str) -> None:
        registers = {
            register.lower(): SymbolicRegister(target, f"{name}.{register}")
            for register in load_register_map()[name].registers
        }
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_registers", registers)

    def __getattr__(self, name: str) -> "SymbolicRegister":
        return _look_up(self._name, "register", name, self._registers)

    def __setattr__(self, name: str, value: object) -> None:
        getattr(self, name)
        raise SymbolError(f"{self._name}.{name.upper()} is a register: assign to its fields or its value")

    def __dir__(self) -> Iterable[str]:
        return self._registers


class SymbolicRegister:
    """One register of a :class:`SymbolicBlock`; its attributes are fields.

    A field reads as an unsigned integer. Assigning to one reads the register, changes the field and
    writes the register back; read-only fields go back as 0, and so do all others where a written 1
    clears (GLB.S_INTR_STATUS). Values are as :func:`nvdla_int8.registers.register_map.pack` takes them.
    """

    __slots__ = ("_fields", "_name", "_target")
    _fields: dict[str, str]
    _name: str
    _target: RegisterTarget

    def __init__(self, target: RegisterTarget, name: str) -> None:
        fields = {field.lower(): field for field in find_register(name).fields}
        object.__setattr__(self, "_target", target)
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_fields", fields)

    def __call__(self, **values: int | str) -> None:
        """Write these fields at once, and the reset value to all others."""
        fields = {self._writable(name): value for name, value in values.items()}
        self._write(pack(self._name, **fields))

    @property
    def value(self) -> int:
        """The whole register."""
        if not find_register(self._name).readable_mask:
            raise BenchError(f"{self._name} is write-only")
        return self._target.read(self._name)

    @value.setter
    def value(self, word: int) -> None:
        if not isinstance(word, SupportsIndex):
            raise BenchError(f"{self._name} = {word!r} is not an integer")
        self._write(operator.index(word))

    def __getattr__(self, name: str) -> int:
        field = self._field(name)
        if "r" not in find_register(self._name).fields[field].access:
            raise BenchError(f"{self._name}.{field} is write-only")
        return unpack(self._name, self._target.read(self._name), field)

    def __setattr__(self, name: str, value: int | str) -> None:
        if name == "value":
            object.__setattr__(self, name, value)
            return
        register, field = find_register(self._name), self._writable(name)
        kept = 0 if register.write_1_to_clear else register.readable_mask & register.writable_mask
        word = self._target.read(self._name) & kept if kept else 0
        self._write(insert(self._name, word, **{field: value}))

    def __dir__(self) -> Iterable[str]:
        return [*self._fields, "value"]

    def _field(self, name: str) -> str:
        return _look_up(self._name, "field", name, self._fields)

    def _writable(self, name: str) -> str:
        field = self._field(name)
        if "w" not in find_register(self._name).fields[field].access:
            raise BenchError(f"{self._name}.{field} is read-only")
        return field

    def _write(self, word: int) -> None:
        problems = check_write(self._name, word)
        if problems:
            raise BenchError(problems[0])
        self._target.write(self._name, word)


def _look_up(owner: str, kind: str, name: str, known: dict[str, T]) -> T:
    if name not in known:
        raise SymbolError(f"{owner} has no {kind} {name}{similar(name.lower(), known)}")
    return known[name]
