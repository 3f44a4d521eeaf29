"""Compiled networks with some bytes changed: weights, operands, fields of descriptors."""

import struct
from collections.abc import Callable
from pathlib import Path

from nvdla_int8.loadable.descriptors import OPERATION_BYTES, SURFACE_BYTES
from nvdla_int8.loadable.loadable import read_loadable


def edited(source: Path, target: Path, blob: str, change: Callable[[bytearray], None]) -> Path:
    """Write a compiled network with one blob changed in place."""
    [data] = [one.data for one in read_loadable(source).container.blobs if one.name == blob]
    whole = source.read_bytes()
    assert whole.count(data) == 1, blob
    changed = bytearray(data)
    change(changed)
    assert len(changed) == len(data)
    target.write_bytes(whole.replace(data, bytes(changed)))
    return target


def with_operation_field(source: Path, target: Path, operation: int, offset: int, kind: str, value: int) -> Path:
    """Write a compiled network with a field of an operation changed."""
    place = operation * OPERATION_BYTES + offset
    return edited(source, target, "task-0-op_list", lambda data: struct.pack_into(kind, data, place, value))


def with_surface_fields(source: Path, target: Path, operation: int, fields: dict[int, int]) -> Path:
    """Write a compiled network with 32-bit fields of an operation's cubes changed, by their offsets."""

    def change(data: bytearray) -> None:
        for offset, value in fields.items():
            struct.pack_into("<I", data, operation * SURFACE_BYTES + offset, value)

    return edited(source, target, "task-0-surf_list", change)
