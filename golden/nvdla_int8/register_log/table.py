"""A log as a table, as logic analysers write it: columns by their heads or, without them, by what they hold."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from nvdla_int8.errors import BenchError
from nvdla_int8.register_log.access import Access, register_named
from nvdla_int8.register_log.address_space import find_space
from nvdla_int8.register_log.numbers import is_prefixed, number_of
from nvdla_int8.trace.text import shown

MOST_COLUMNS = 64
LOOKED_AT = 200
"""Lines from which it is told whether a log is a table, and what its columns are."""

_ADDRESS = re.compile(r"adr|addr|^reg(ister)?$|^offset$")
_READ_DATA = re.compile(r"rdat|rd_data|read_data|read_value|dout")
_DATA = re.compile(r"dat|^val(ue)?$")
_DIRECTION = re.compile(r"write|^p?wr?$|^rw$|wr_?en|^we$|^dir|^type$|^op$|^cmd$|^r_?w$|^kind$|^access$|rnw")
_HANDSHAKE = re.compile(r"valid|vld|ready|rdy|psel|penable|strobe|^stb$")
_HEX_WORD = re.compile(r"[0-9a-fA-F]+h?")
_HOLDS_NUMBER = re.compile(r"0[xX][0-9a-fA-F]|^\s*[\d.]+\s*$")
_TRUE = {"1", "true", "0x1", "1'b1", "1'h1"}
_WRITES = {"1", "w", "wr", "write", "true", "t"}
_READS = {"0", "r", "rd", "read", "false", "f"}


@dataclass(frozen=True)
class Columns:
    """Where in a row things stand.

    Attributes
    ----------
    address, data
        Columns of the address and of what is written.
    read_data
        Of what is read, where that has its own.
    direction
        Of whether it is a write; None when the table does not say.
    inverted
        Whether the direction is 1 for a read.
    handshake
        Columns that must be 1 for an access to take place.
    hex
        Columns whose numbers are hex without being marked so.
    """

    address: int
    data: int
    read_data: int | None = None
    direction: int | None = None
    inverted: bool = False
    handshake: tuple[int, ...] = ()
    hex: frozenset[int] = frozenset()


def table_accesses(lines: Sequence[str]) -> list[Access] | None:
    """The accesses of a log that is a table of three columns and more, or of named ones; None when it is none.

    Raises
    ------
    BenchError
        A cell of an access that cannot be read, with its line.
    """
    sample = [line for line in lines[:LOOKED_AT] if line.strip()]
    delimiter = max(",;\t", key=lambda sign: sum(sign in line for line in sample))
    if sum(delimiter in line for line in sample) * 2 < len(sample) or not sample:
        return None
    rows = [(number, cells) for number, cells in enumerate(_rows(lines, delimiter), start=1) if any(cells)]
    head = next((at for at, (_, cells) in enumerate(rows[:LOOKED_AT]) if _named_columns(cells) is not None), None)
    if head is not None:
        columns = _named_columns(rows[head][1])
        rows = rows[head + 1 :]
    else:
        columns = _columns_by_shape([cells for _, cells in rows[:LOOKED_AT]])
    if columns is None:
        return None
    radixes = [number for number, cells in rows[:3] if any("hex" in cell.lower() for cell in cells)]
    told_hex = {at for _, cells in rows[:3] for at, cell in enumerate(cells) if "hex" in cell.lower()}
    rows = [(number, cells) for number, cells in rows if number not in radixes]
    columns = replace(columns, hex=frozenset(told_hex | _hex_columns([cells for _, cells in rows])))
    return list(_accesses(rows, columns))


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    for line in lines:
        try:
            [cells] = csv.reader([line], delimiter=delimiter) if line.strip() else [[""]]
        except (csv.Error, ValueError):
            cells = [""]
        yield [cell.strip() for cell in cells[:MOST_COLUMNS]]


def _named_columns(cells: Sequence[str]) -> Columns | None:
    """The columns of a row of heads; None when there is no address and data among them."""
    if any(_HOLDS_NUMBER.search(cell) or register_named(cell) for cell in cells):
        return None
    names = [re.split(r"[/.]", re.sub(r"\[.*?\]|\(.*?\)", "", cell).strip().lower())[-1].strip() for cell in cells]

    def first(pattern: re.Pattern[str], *others: int | None) -> int | None:
        return next((at for at, name in enumerate(names) if pattern.search(name) and at not in others), None)

    address = first(_ADDRESS)
    read_data = first(_READ_DATA, address)
    data = first(_DATA, address, read_data)
    if address is None or (data is None and read_data is None):
        return None
    direction = first(_DIRECTION, address, data, read_data)
    handshake = tuple(at for at, name in enumerate(names) if _HANDSHAKE.search(name) and at not in (address, data))
    own_read = read_data if data is not None else None
    inverted = direction is not None and "rnw" in names[direction]
    return Columns(address, data if data is not None else read_data or 0, own_read, direction, inverted, handshake)


def _columns_by_shape(rows: Sequence[Sequence[str]]) -> Columns | None:
    """The columns of a table without heads: a direction, and of the others the two that make most registers."""
    width = max(set(map(len, rows)), key=list(map(len, rows)).count)
    rows = [row for row in rows if len(row) == width]
    if width < 3:
        return None
    direction = next(
        (at for at in range(width) if {row[at].lower() for row in rows} <= _WRITES | _READS and _tells(rows, at)), None
    )
    best, found = 0.0, None
    for address, data in permutations((at for at in range(min(width, 8)) if at != direction), 2):
        if data < address:
            continue
        columns = Columns(address, data, direction=direction, hex=frozenset(_hex_columns(rows)))
        try:
            accesses = list(_accesses(list(enumerate(rows, start=1)), columns))
        except BenchError:
            continue
        space = find_space(accesses)
        if space is None:
            continue
        merit = sum(space.register(access.place) is not None for access in accesses) / len(rows)
        if merit > best:
            best, found = merit, columns
    return found


def _tells(rows: Sequence[Sequence[str]], at: int) -> bool:
    """Whether a column of directions is one: its words say so, or the last columns are numbers of one digit."""
    words = {row[at].lower() for row in rows}
    return bool(words - {"0", "1"}) or at == len(rows[0]) - 1 or at == 0 or len(words) > 1


def _hex_columns(rows: Sequence[Sequence[str]]) -> set[int]:
    """Columns of unmarked hex numbers: with letters, or all of four digits and more with leading zeros."""
    found = set()
    for at in range(max(map(len, rows), default=0)):
        words = {row[at] for row in rows[:LOOKED_AT] if at < len(row) and _HEX_WORD.fullmatch(row[at])}
        lengths = set(map(len, words))
        padded = len(lengths) == 1 and lengths.pop() >= 4 and any(word[0] == "0" for word in words)
        if padded or any(not word.isdecimal() for word in words):
            found.add(at)
    return found


def _accesses(rows: Sequence[tuple[int, Sequence[str]]], columns: Columns) -> Iterator[Access]:
    needed = max(columns.address, columns.data)
    for number, cells in rows:
        if len(cells) <= needed or not cells[columns.address]:
            continue
        if any(at < len(cells) and cells[at].lower() not in _TRUE for at in columns.handshake):
            continue
        writes = _direction(number, cells, columns)
        data = columns.data if writes is not False or columns.read_data is None else columns.read_data
        place = register_named(cells[columns.address]) or _number(number, cells, columns.address, columns)
        value = _number(number, cells, data, columns) if data < len(cells) and cells[data] else None
        if value is not None and value >> 32:
            raise BenchError(f"line {number}: {shown(cells[data])} does not fit 32 bits")
        yield Access(number, place, value, writes)


def _direction(number: int, cells: Sequence[str], columns: Columns) -> bool | None:
    if columns.direction is None or columns.direction >= len(cells):
        return None
    word = cells[columns.direction].lower()
    if word not in _WRITES | _READS:
        raise BenchError(f"line {number}: {shown(cells[columns.direction])} is neither a write nor a read")
    return (word in _WRITES) != columns.inverted


def _number(number: int, cells: Sequence[str], at: int, columns: Columns) -> int:
    text = cells[at]
    if not is_prefixed(text) and text[-1:] in ("h", "H"):
        text = f"0x{text[:-1]}"
    try:
        return number_of(text, bare_is_hex=at in columns.hex)
    except BenchError as error:
        raise BenchError(f"line {number}: {error}") from None
