"""What NVIDIA's driver writes into the registers for one layer of a compiled network, field by field."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.driver.register_writes import register_writes
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.registers.register_map import find_register, unpack

TABLE_DATA = "S_LUT_ACCESS_DATA"
"""Written once for each entry of a look-up table."""


@dataclass(frozen=True)
class RegisterWords:
    """One write, or those of all entries of a look-up table.

    Attributes
    ----------
    operation
        The operation that it is for.
    address
        Byte address in the CSB space.
    register
        ``BLOCK.REGISTER``.
    words
        The 32-bit words, in order: one, or a table's.
    meaning
        The fields, or of an address the memory that it leads to.
    """

    operation: str
    address: int
    register: str
    words: tuple[int, ...]
    meaning: str


def put_registers_into_words(loadable: Loadable, layer: LoadableLayer) -> tuple[RegisterWords, ...]:
    """Every write of a layer's operations in the driver's order, without S_POINTER and D_OP_ENABLE.

    Parameters
    ----------
    loadable
        The compiled network.
    layer
        One of its layers.

    Raises
    ------
    BenchError
        What the driver refuses, memory beyond the hardware's addresses.
    """
    return tuple(_writes(layer, MemoryMap(loadable)))


def _writes(layer: LoadableLayer, memory_map: MemoryMap) -> Iterator[RegisterWords]:
    for index in (index for part in layer.parts for index in part):
        operation = layer.task.operations[index]
        writes = register_writes(layer.task, operation, memory_map)
        for register, group in groupby(writes, key=itemgetter(0)):
            words = tuple(word for _, word in group)
            address, meaning = find_register(register).address, _meaning(register, words[-1], memory_map)
            yield RegisterWords(operation.name, address, register, words, meaning)


def _meaning(register: str, word: int, memory_map: MemoryMap) -> str:
    if register.endswith(TABLE_DATA):
        return "the table's entries in order"
    if "ADDR" in register and register.endswith("LOW"):
        return _place(word, memory_map)
    return ", ".join(_field_words(register, word, name) for name in find_register(register).fields)


def _field_words(register: str, word: int, name: str) -> str:
    field, value = find_register(register).fields[name], unpack(register, word, name)
    meant = next((meant for meant, number in field.enum.items() if number == value), None)
    return f"{name} {value}" if meant is None else f"{name} {value} ({meant})"


def _place(address: int, memory_map: MemoryMap) -> str:
    for number, size in memory_map.sizes.items():
        offset = address - memory_map.base(number)
        if 0 <= offset < size:
            return f"memory {number} + {offset:#x}"
    return "no memory of the file"
