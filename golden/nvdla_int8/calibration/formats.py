"""The two forms of a calibration table: JSON and TensorRT's calibration cache (hardware.md section 7)."""

import json
import math
import os
import re
import reprlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nvdla_int8.calibration.table import CalibrationTable, Entry, asymmetric_scale, symmetric_scale
from nvdla_int8.calibration.unusable import UnusableScale, gives_no_scale
from nvdla_int8.errors import BenchError, located
from nvdla_int8.stages.tensor_scale import TensorScale, int8_number, real_number

AGREEMENT = 1e-4  # relative; an entry's scale and its range are often printed with few digits
ENTRY_KEYS = ("scale", "min", "max", "offset")


def read_table(path: str | os.PathLike[str]) -> CalibrationTable:
    """Read a calibration table in either form; the content decides, not the suffix.

    Raises
    ------
    BenchError
        One line that names the file, and the layer and value where there is one.
    """
    name = os.fspath(path)
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")  # some editors begin a text with a byte order mark
    except OSError as error:
        raise BenchError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BenchError(f"{name}: not UTF-8 text, byte {error.start} is {error.object[error.start]:#04x}") from None
    reader = read_json_table if text.lstrip().startswith(("{", "[")) else read_tensorrt_cache
    return reader(text, name)


def read_json_table(text: str, path: str) -> CalibrationTable:
    """Read an object of ``{scale, min, max, offset}`` entries (hardware.md section 7).

    An entry holds ``scale``, or ``min`` and ``max``, or all three when they agree. ``min = max = 0``
    beside a scale means that the scale counts. An entry whose scale is zero, negative, infinite or NaN (an
    empty range, or one without an end), and one whose numbers give none or contradict each other, is kept as one
    that gives no scale. ``path`` is only for
    messages; raises BenchError.
    """
    try:
        top = json.loads(text, object_pairs_hook=_JsonObject)
    except json.JSONDecodeError as error:
        raise BenchError(f"{path}:{error.lineno}:{error.colno}: bad JSON: {error.msg}") from None
    except (ValueError, RecursionError):  # an integer of thousands of digits; brackets nested as deep
        raise BenchError(f"{path}: bad JSON: a number is too long or objects are nested too deeply") from None
    if not isinstance(top, _JsonObject):
        raise BenchError(f"{path}: {reprlib.repr(top)} must be an object of layers")
    with located(path):
        entries = [_json_entry(name, value) for name, value in top.pairs]
    return CalibrationTable.from_entries(entries, path)


def read_tensorrt_cache(text: str, path: str) -> CalibrationTable:
    """Read a TensorRT calibration cache: a ``TRT-`` header, then ``name: hex`` lines (hardware.md section 7).

    Each value is the bits of a float32 as a hex number, kept exactly; TensorRT drops leading zeros, so
    that 0.0 is ``0``. Zero, negative, infinite and NaN are kept as entries that give no scale. A name may hold
    colons: the last one ends it. ``path`` is only for messages; raises BenchError.
    """
    header, *lines = [line.removesuffix("\r") for line in text.rstrip().split("\n")]
    if not header.startswith("TRT-"):
        raise BenchError(f"{path}:1: {reprlib.repr(header)} is neither a TensorRT header 'TRT-...' nor a JSON object")
    entries: dict[str, Entry] = {}
    for number, line in enumerate(lines, start=2):
        with located(f"{path}:{number}"):
            entry = _cache_entry(line)
            if entry.name in entries:
                raise BenchError(f"layer {entry.name!r}: given twice, here as {entry.scale}")
        entries[entry.name] = entry
    return CalibrationTable.from_entries(entries.values(), path, header=header)


def write_json_table(table: CalibrationTable, path: str | os.PathLike[str]) -> None:
    """Write the JSON form; every scale and offset reads back exactly. Raises BenchError.

    Infinite and NaN are written as Python writes them, ``Infinity`` and ``NaN``: JSON has no such numbers.
    """
    layers = {e.name: {"scale": e.scale, "min": 0, "max": 0, "offset": e.offset} for e in table.entries}
    _write(json.dumps(layers, indent=4, ensure_ascii=False) + "\n", path)


def write_tensorrt_cache(table: CalibrationTable, path: str | os.PathLike[str], *, header: str | None = None) -> None:
    """Write the TensorRT form: a header, by default the table's, then scales rounded to float32.

    Raises
    ------
    BenchError
        When an entry has an offset, which a cache cannot carry, its scale has no float32, or the header
        is not one line that begins with ``TRT-``.
    """
    where = os.fspath(path)
    first_line = table.header if header is None else header
    if not first_line.startswith("TRT-") or not first_line.isprintable():
        raise BenchError(f"{where}: header {first_line!r} must be one line that begins with TRT-")
    for entry in table.entries:
        if entry.offset:
            raise BenchError(f"{where}: layer {entry.name!r}: offset = {entry.offset} has no place in a TensorRT cache")
    with located(where):
        lines = [f"{entry.name}: {entry.float32_hex()}" for entry in table.entries]
    _write("\n".join([first_line, *lines]) + "\n", path)


FORMS = {"json": write_json_table, "cache": write_tensorrt_cache}
"""How a table is written, by name."""

CACHE_SUFFIXES = (".cache", ".table")


def write_table(table: CalibrationTable, path: str | os.PathLike[str], form: str | None = None) -> None:
    """Write a table in one of :data:`FORMS`, by default a cache for its suffixes and JSON for all others.

    Raises BenchError as the forms' writers do.
    """
    if form is None:
        form = "cache" if Path(path).suffix.lower() in CACHE_SUFFIXES else "json"
    FORMS[form](table, path)


@dataclass
class _JsonObject:
    """A JSON object with its repeated keys, which a dict would drop."""

    pairs: list[tuple[str, Any]]

    def __repr__(self) -> str:
        return "{...}" if self.pairs else "{}"


def _json_entry(name: str, value: Any) -> Entry:
    with located(f"layer {name!r}"):
        fields = _json_fields(value)
        offset = int8_number("offset", fields.get("offset", 0))
    try:
        scale = _json_scale(fields, offset)
    except BenchError as error:
        return UnusableScale(name, math.nan, offset, str(error))
    return UnusableScale(name, scale, offset) if gives_no_scale(scale) else TensorScale(name, scale, offset)


def _json_fields(value: Any) -> dict[str, Any]:
    if not isinstance(value, _JsonObject):
        raise BenchError(f"{reprlib.repr(value)} must be an object with {', '.join(ENTRY_KEYS)}")
    fields: dict[str, Any] = {}
    for key, field in value.pairs:
        if key not in ENTRY_KEYS:
            raise BenchError(f"unknown key {key!r} = {reprlib.repr(field)}, known are {', '.join(ENTRY_KEYS)}")
        if key in fields:
            raise BenchError(f"{key} = {reprlib.repr(field)} given twice")
        fields[key] = field
    return fields


def _json_scale(fields: dict[str, Any], offset: int) -> float:
    scale = real_number("scale", fields["scale"]) if "scale" in fields else None
    bounds = {key: real_number(key, fields[key]) for key in ("min", "max") if key in fields}
    if len(bounds) == 1:
        [(key, bound)] = bounds.items()
        raise BenchError(f"{key} = {bound} needs {'max' if key == 'min' else 'min'} beside it")
    if not bounds and scale is None:
        raise BenchError("has neither scale nor min and max")
    if scale is not None and not any(bounds.values()):
        return scale
    low, high = bounds["min"], bounds["max"]
    if (scale is None or gives_no_scale(scale)) and (low == high == 0 or not math.isfinite(high - low)):
        return abs(high - low) if scale is None else scale  # no range, or one without an end
    of_range = asymmetric_scale(low, high, offset) if offset else symmetric_scale(low, high)
    if scale is not None and not math.isclose(scale, of_range, rel_tol=AGREEMENT):
        raise BenchError(f"scale = {scale} disagrees with {of_range}, the scale of min = {low}, max = {high}")
    return of_range if scale is None else scale


def _cache_entry(line: str) -> Entry:
    name, colon, digits = line.rpartition(":")
    digits = digits.strip()
    if not colon:
        raise BenchError(f"{reprlib.repr(line)} must be 'name: hex'")
    if not re.fullmatch("[0-9a-fA-F]{1,8}", digits):
        raise BenchError(f"layer {name!r}: {reprlib.repr(digits)} must be 1 to 8 hex digits, the bits of a float32")
    scale = struct.unpack(">f", bytes.fromhex(digits.zfill(8)))[0]
    return UnusableScale(name, scale) if gives_no_scale(scale) else TensorScale(name, scale)


def _write(text: str, path: str | os.PathLike[str]) -> None:
    try:
        Path(path).write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise BenchError(f"{os.fspath(path)}: {error.strerror}") from None
