"""Damaged and hostile loadables: bits, lengths, offsets, counts, sizes and every field of tables and descriptors."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from nvdla_int8.loadable.structures import Structure
from nvdla_int8.loadable.tasks import CpuOperation
from tests.golden.loadable_builder import Draft

Mutation = Callable[[Draft, bytes, np.random.Generator], bytes]

WORDS = (
    0,
    1,
    2,
    0x7F,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFF8,
    0xFFFFFFFF,
    1 << 40,
    (1 << 64) - 1,
)
"""Values at the ends of fields of some width."""


def mutated(draft: Draft, data: bytes, generator: np.random.Generator) -> bytes:
    """One damaged file of a draft whose bytes are ``data``."""
    mutation = MUTATIONS[int(generator.integers(len(MUTATIONS)))]
    return mutation(draft, data, generator)


def flip_bits(_draft: Draft, data: bytes, generator: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(int(generator.integers(1, 9))):
        changed[int(generator.integers(len(data)))] ^= 1 << int(generator.integers(8))
    return bytes(changed)


def cut_off(_draft: Draft, data: bytes, generator: np.random.Generator) -> bytes:
    return data[: int(generator.integers(len(data)))]


def change_length(_draft: Draft, data: bytes, generator: np.random.Generator) -> bytes:
    place, count = int(generator.integers(len(data))), int(generator.integers(1, 64))
    return data[:place] + data[place + count :] if generator.integers(2) else data[:place] + bytes(count) + data[place:]


def overwrite_word(_draft: Draft, data: bytes, generator: np.random.Generator) -> bytes:
    """A word anywhere becomes an extreme, or an offset to another place of the file."""
    changed = bytearray(data)
    for _ in range(int(generator.integers(1, 4))):
        size = int(generator.choice([1, 2, 4, 8]))
        place = int(generator.integers((len(data) - 8) // size)) * size
        value = int(generator.choice(np.array(WORDS, np.uint64)))
        if generator.integers(2):
            value = int(generator.integers(len(data))) - (place if generator.integers(2) else 0)
        changed[place : place + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    return bytes(changed)


def turn_offsets(_draft: Draft, data: bytes, generator: np.random.Generator) -> bytes:
    """Words that lead forward, as offsets do, all lead to one place, or to themselves."""
    words = np.frombuffer(data[: len(data) // 4 * 4], "<u4").astype(np.int64)
    places = 4 * np.arange(words.size)
    offsets = places[(words > 0) & (places + words < len(data))]
    chosen = generator.choice(offsets, min(offsets.size, int(generator.integers(1, 40))), replace=False)
    target = int(generator.choice(offsets + words[offsets // 4]))
    changed = bytearray(data)
    for place in chosen:
        value = target - int(place) if generator.integers(4) else int(generator.integers(-8, 8))
        changed[place : place + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")
    return bytes(changed)


def change_table(draft: Draft, _data: bytes, generator: np.random.Generator) -> bytes:
    """A field of a table of the container, or its vector, becomes extreme."""
    container = draft.container
    names = [field.name for field in fields(container) if field.name != "version" and getattr(container, field.name)]
    name = names[int(generator.integers(len(names)))]
    rows = list(getattr(container, name))
    row = int(generator.integers(len(rows)))
    columns = fields(rows[row])
    column = columns[int(generator.integers(len(columns)))]
    rows[row] = replace(
        rows[row], **{column.name: _extreme(column.metadata["kind"], getattr(rows[row], column.name), generator)}
    )
    if name == "tasks":
        tasks = [
            replace(task, task=rows[row]) if task.task.id == draft.tasks[row].task.id else task for task in draft.tasks
        ]
        return _written(Draft(container, tasks))
    return _written(Draft(replace(container, **{name: tuple(rows)}), draft.tasks))


def change_descriptors(draft: Draft, _data: bytes, generator: np.random.Generator) -> bytes:
    """Some fields of descriptors become extreme."""
    tasks: list[Any] = list(draft.tasks)
    for _ in range(int(generator.integers(1, 4))):
        place = int(generator.integers(len(tasks)))
        task = tasks[place]
        operations: list[Any] = list(task.operations)
        index = int(generator.integers(len(operations)))
        one = operations[index]
        names = ["operation", "buffers"] if isinstance(one, CpuOperation) else ["dependency", "operation", "surface"]
        name = names[int(generator.integers(len(names)))]
        operations[index] = replace(one, **{name: _changed(getattr(one, name), generator)})
        network = task.network
        if not generator.integers(6):
            network = _changed(network, generator)
        tasks[place] = replace(task, network=network, operations=tuple(operations))
    return _written(Draft(draft.container, tasks))


def _written(draft: Draft) -> bytes:
    """The file, as far as the draft can be written: descriptors that lead nowhere stay as they were."""
    try:
        return draft.to_bytes()
    except (StopIteration, IndexError):
        return Draft(draft.container, []).to_bytes()


def _changed(structure: Any, generator: np.random.Generator) -> Any:
    """A structure of which one field, of one of its structures, is extreme."""
    columns = fields(structure)
    column = columns[int(generator.integers(len(columns)))]
    value, kind = getattr(structure, column.name), column.metadata["place"].kind
    if isinstance(value, Structure):
        new: Any = _changed(value, generator)
    elif isinstance(value, tuple):
        place = int(generator.integers(len(value)))
        one = _changed(value[place], generator) if isinstance(value[place], Structure) else _number(kind, generator)
        new = (*value[:place], one, *value[place + 1 :])
    else:
        new = _number(kind, generator)
    return replace(structure, **{column.name: new})


def _number(code: str, generator: np.random.Generator) -> int | float:
    """A value of a code of :mod:`struct`, mostly an extreme."""
    size = struct.calcsize(code)
    value = int(generator.choice(np.array(WORDS, np.uint64))) if generator.integers(2) else int(generator.integers(64))
    (number,) = struct.unpack(f"<{code}", (value & ((1 << 8 * size) - 1)).to_bytes(size, "little"))
    assert isinstance(number, int | float)
    return number


CODES = {
    "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q",
    "int8": "b", "int16": "h", "int32": "i",
}  # fmt: skip


def _extreme(kind: str, value: Any, generator: np.random.Generator) -> Any:
    """Another value of a column of the container."""
    match kind:
        case "text":
            return ("", value[:-1], value * 2, "\u00e4" * 3000)[int(generator.integers(4))]
        case "data":
            return (b"", value[: len(value) // 2], value * 2)[int(generator.integers(3))]
        case "texts":
            return _other_vector(value, "nothing", generator)
        case "version":
            return tuple(int(number) for number in generator.integers(256, size=3))
    if kind.startswith("["):
        return _other_vector(value, _number(CODES[kind.strip("[]")], generator), generator)
    return _number(CODES[kind], generator)


def _other_vector(value: tuple[Any, ...], other: Any, generator: np.random.Generator) -> tuple[Any, ...]:
    choices: Sequence[tuple[Any, ...]] = ((), value[:-1], value * 3, (*value[:-1], other), (other, *value[1:]))
    return choices[int(generator.integers(len(choices)))]


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits, cut_off, change_length, overwrite_word, overwrite_word, turn_offsets, change_table, change_table,
    change_descriptors, change_descriptors, change_descriptors,
)  # fmt: skip
