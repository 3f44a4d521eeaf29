"""Memory images as text, the ``.dat`` files of a trace (hardware.md section 6)."""

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, repeat
from operator import add
from pathlib import Path
from typing import NamedTuple

from nvdla_int8.errors import BenchError
from nvdla_int8.trace.text import read_bounded, shown, unsigned

BYTE_LIMIT = 2**28  # of one file's records; and of one image
TEXT_LIMIT = 2**30
RECORD_BYTES = 32  # as written here

# Possessive quantifiers (+): no text makes these backtrack.
_OPENING = re.compile(r"\s*+(\{(?=\s*+[{}])|\{\s*+\Z)?\s*+", re.ASCII)
_BEFORE_PAYLOAD = r"\{\s*+offset\s*+:\s*+([^\s,{}]++)\s*+,\s*+size\s*+:\s*+([^\s,{}]++)\s*+,\s*+payload\s*+"
_RECORD = re.compile(_BEFORE_PAYLOAD + r":([^{}]*+)\}\s*+,?+\s*+", re.ASCII)
_PLACE = re.compile(r"\s*+,?+\s*+" + _BEFORE_PAYLOAD, re.ASCII)
_COMMENT = re.compile(r"^[ \t]*+#[^\n]*+", re.MULTILINE)
_BYTE = re.compile("0x[0-9a-fA-F]{1,2}")
_WORD = re.compile(r"\S++", re.ASCII)
_SPACE = " \t\n\r\f\v"
_SHORTEST = "{offset:0,size:1,payload:0x00}"  # record with data
_BYTE_TEXT = 5  # characters of "0x00 "
_BETWEEN = ((0, b"0"), (1, b"x"), (4, b" "))  # characters of it that are no digits


class _Record(NamedTuple):
    offset: int
    size: int
    payload: str
    start: int  # where the record is in the text
    payload_start: int


def read_dat(path: str | os.PathLike[str], *, limit: int = BYTE_LIMIT) -> list[tuple[int, bytes]]:
    """Read the records of a ``.dat`` file.

    Records may come in any order and leave holes. A short payload is padded with zeros up to its
    ``size``. Memory use follows the length of the text and ``limit``, not the offsets.

    Returns
    -------
    list of (int, bytes)
        Offset and bytes of each contiguous run, by rising offset.

    Raises
    ------
    MissingFileError
        There is no such file.
    BenchError
        One line ``path:line: ...``: text that is no record, a bad number or byte, a payload longer
        than its size, records that overlap, a missing closing brace, sizes that add up to more than
        ``limit`` bytes.
    """
    name = os.fspath(path)
    text = read_bounded(name, TEXT_LIMIT).decode("latin-1")
    if "#" in text:
        text = _COMMENT.sub("", text)
    if runs := _plain_runs(text, limit):
        return runs
    records = _records(text, name, limit)
    lengths, data = _payload_bytes(records, text, name)
    return _runs(records, lengths, data, text, name)


class DatImage(NamedTuple):
    """One image of a file: its bytes, holes 0, and how many of them the file gives."""

    data: bytes
    covered_bytes: int


def read_dat_image(path: str | os.PathLike[str], size: int) -> DatImage:
    """Read a ``.dat`` file as one image of ``size`` bytes.

    Raises what :func:`read_dat` raises, and BenchError when a record reaches beyond ``size`` or
    ``size`` is above ``BYTE_LIMIT``.
    """
    name = os.fspath(path)
    if size > BYTE_LIMIT:
        raise BenchError(f"{name}: an image of {size} bytes is above the limit of {BYTE_LIMIT}")
    runs = read_dat(path)
    if runs and (end := runs[-1][0] + len(runs[-1][1])) > size:
        raise BenchError(f"{name}: data up to offset {end:#x} is beyond the image of {size:#x} bytes")
    image = bytearray(size)
    for offset, data in runs:
        image[offset : offset + len(data)] = data
    return DatImage(bytes(image), sum(len(data) for _, data in runs))


def write_dat(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` from offset 0, 32 bytes a record; BenchError when the file cannot be written."""
    lines = ["{"]
    for offset in range(0, len(data), RECORD_BYTES):
        record = data[offset : offset + RECORD_BYTES]
        payload = "0x" + record.hex(" ").replace(" ", " 0x")
        lines.append(f"{{offset:{offset:#x}, size:{len(record)}, payload:{payload}}} ,")
    lines.append("}\n")
    try:
        Path(path).write_bytes("\n".join(lines).encode("ascii"))
    except OSError as error:
        raise BenchError(f"{os.fspath(path)}: {error.strerror}") from None


def _place(name: str, text: str, position: int) -> str:
    return f"{name}:{text.count(chr(10), 0, position) + 1}"


def _plain_runs(text: str, limit: int) -> list[tuple[int, bytes]]:
    """The one run of a file with nothing unusual in it, fast; none leaves it to :func:`_records` to read or refuse."""
    *heads, tail = text.split("}")
    if len(heads) > 1 and heads[-1].strip(_SPACE) in ("", ","):  # braces around all
        heads.pop()
        before, brace, heads[0] = heads[0].partition("{")
        ends = {""}
        if before.strip(_SPACE) or not brace:
            return []
    else:
        ends = {"", ","}
    if not heads or not heads[0].lstrip(_SPACE).startswith("{") or tail.strip(_SPACE) not in ends:
        return []
    if len(heads) * len(_SHORTEST) > len(text):
        return []
    places, _, payloads = zip(*map(str.rpartition, heads, repeat(":")), strict=True)
    payloads = tuple(map(str.strip, payloads, repeat(_SPACE)))
    found = [one for one in map(_offset_and_size, places) if one is not None]
    if len(found) < len(heads):
        return []
    offsets, sizes = zip(*found, strict=True)
    whole = list(map(len, payloads)) == [_BYTE_TEXT * size - 1 for size in sizes]
    if not whole or offsets[1:] != tuple(map(add, offsets[:-1], sizes)) or sum(sizes) > limit:
        return []
    data = _decode(payloads)
    return [(offsets[0], data)] if data else []


@lru_cache(maxsize=1 << 14)  # files have the same offsets and sizes
def _offset_and_size(place: str) -> tuple[int, int] | None:
    """What stands before a record's payload; None when it is something else."""
    match = _PLACE.fullmatch(place)
    try:
        return (unsigned(match[1], 63), unsigned(match[2], 62)) if match else None
    except BenchError:
        return None


def _records(text: str, name: str, limit: int) -> list[_Record]:
    opening = _OPENING.match(text)
    assert opening is not None  # every part of the pattern is optional
    position = opening.end()
    if position == len(text) and not opening[1]:
        raise BenchError(f"{name}: holds no records")
    records, total = [], 0
    for match in _RECORD.finditer(text, position):
        if match.start() != position:
            break
        offset_text, size_text, payload = match.groups()
        try:
            offset, size = unsigned(offset_text, 64), unsigned(size_text, 64)
        except BenchError as error:
            raise BenchError(f"{_place(name, text, position)}: offset or size {error}") from None
        total += size
        if total > limit:
            problem = f"size = {size} brings the file to {total} bytes, above the limit of {limit}"
            raise BenchError(f"{_place(name, text, position)}: {problem}")
        if offset + size > 2**64:
            problem = f"offset = {offset:#x} with size = {size} ends above 64 bits"
            raise BenchError(f"{_place(name, text, position)}: {problem}")
        records.append(_Record(offset, size, payload.strip(_SPACE), position, match.start(3)))
        position = match.end()
    rest = text[position:].rstrip(_SPACE)
    if rest != ("}" if opening[1] else ""):
        found = shown(rest.split("\n")[0]) if rest else "the end of the file"
        problem = f"{found} is neither a record {{offset:.., size:.., payload:..}} nor the closing brace"
        raise BenchError(f"{_place(name, text, position)}: {problem}")
    return records


def _payload_bytes(records: list[_Record], text: str, name: str) -> tuple[list[int], bytes]:
    """Length of each record's payload, and all payloads one after the other."""
    payloads = [record.payload for record in records]
    data = _decode(payloads)
    if data is None:
        payloads = [_tidy_payload(record, text, name) for record in records]
        data = _decode(payloads)
        assert data is not None
    lengths = [(len(payload) + 1) // _BYTE_TEXT for payload in payloads]
    for record, length in zip(records, lengths, strict=True):
        if length > record.size:
            problem = f"payload of {length} bytes is longer than size = {record.size}"
            raise BenchError(f"{_place(name, text, record.start)}: {problem}")
    return lengths, data


def _decode(payloads: Sequence[str]) -> bytes | None:
    """All payloads in one go; None unless every byte is written 0xhh with one space between."""
    joined = (" ".join(filter(None, payloads)) + " ").encode("latin-1")
    if joined == b" ":
        return b""
    count = len(joined) // _BYTE_TEXT
    if len(joined) % _BYTE_TEXT or any(joined[at::_BYTE_TEXT] != character * count for at, character in _BETWEEN):
        return None
    digits = bytearray(2 * count)
    digits[0::2], digits[1::2] = joined[2::_BYTE_TEXT], joined[3::_BYTE_TEXT]
    try:
        data = bytes.fromhex(digits.decode("latin-1"))
    except ValueError:
        return None
    return data if len(data) == count else None  # of blanks there are fewer


def _tidy_payload(record: _Record, text: str, name: str) -> str:
    words = []
    for match in _WORD.finditer(text, record.payload_start, text.index("}", record.payload_start)):
        word = match[0]
        if not _BYTE.fullmatch(word):
            problem = f"payload byte {shown(word)} is not 0x and one or two hex digits"
            raise BenchError(f"{_place(name, text, match.start())}: {problem}")
        words.append(word if len(word) == _BYTE_TEXT - 1 else f"0x0{word[-1]}")
    return " ".join(words)


def _runs(records: list[_Record], lengths: list[int], data: bytes, text: str, name: str) -> list[tuple[int, bytes]]:
    stops = list(accumulate(lengths))
    runs: list[tuple[int, bytes]] = []
    parts: list[bytes] = []
    first, end, previous = 0, -1, -1
    for index in sorted(range(len(records)), key=lambda at: records[at].offset):
        record, length, stop = records[index], lengths[index], stops[index]
        if not record.size:
            continue
        if record.offset < end:
            later = max(index, previous)
            problem = f"offset = {records[later].offset:#x}, size = {records[later].size} overlaps another record"
            raise BenchError(f"{_place(name, text, records[later].start)}: {problem}")
        if record.offset != end:
            if parts:
                runs.append((first, b"".join(parts)))
            first, parts = record.offset, []
        parts.append(data[stop - length : stop])
        if length < record.size:
            parts.append(bytes(record.size - length))
        end, previous = record.offset + record.size, index
    if parts:
        runs.append((first, b"".join(parts)))
    return runs
