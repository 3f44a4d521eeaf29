"""Hex text in which every line has an address: what ``xxd``, ``hexdump``, ``md``, GDB, ``devmem2`` and others print."""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.hex_words import HEX_VALUE
from nvdla_int8.dumps.line_layout import LineLayout, Span, layout_of, numbers_in
from nvdla_int8.dumps.text_assembly import Assembly, Group
from nvdla_int8.dumps.text_runs import TextRuns
from nvdla_int8.errors import BenchError
from nvdla_int8.trace.text import shown

MOST_LAYOUTS = 64
"""Layouts that are tried on whole texts; tools have a few."""

MOST_ODD_LINES = 1 << 12
"""Lines of other layouts, which are read one by one."""

LONGEST_LINE = 1 << 12

MOST_DECIMAL_DIGITS = 12
"""Of an address that may be decimal or octal."""

_DEVMEM = re.compile(
    rb"""^[^\n]*?\bdevmem2?[ \t]++0x([0-9a-fA-F]{1,16})(?:[ \t]++(8|16|32|64|[bhwl]))?[ \t]*+\n
    [ \t]*+0x([0-9a-fA-F]{1,16})[ \t]*+$""",
    re.MULTILINE | re.VERBOSE,
)
_DEVMEM_DIGITS = {b"8": 2, b"b": 2, b"16": 4, b"h": 4, b"64": 16, b"l": 16}
_AROUND = re.compile(
    rb"""[ \t]*+(?:
        /dev/mem[ ]opened.*+ | Memory[ ]mapped[ ]at.*+ | Written[ ]0x.*+
      | [^\n]*?[#$>][ ]++(?:sudo[ ]|busybox[ ]|\./)*+[a-z(][\w./-]*+(?:[ \t][^\n]*+)?          # a prompt and a command
      | (?:\(gdb\)|=>|xsdb%)[^\n]*+
      | (?://|\#)[^\n]*+
    )""",
    re.VERBOSE,
)
_TWO_WORDS = re.compile(rb"(?:(?<!\S)(?=\S*\d)(?:0x)?[0-9a-fA-F]{2,16}(?!\S)[ \t]*+){2}")
_LIKE_DATA = re.compile(
    rb"[ \t]*+(?:0[xX][0-9a-fA-F]{1,16}|[0-9a-fA-F]{4,16})[ \t]*+(?:<[^>\n]*+>)?[:|]|[^\n]*at address", re.I
)


def has_addresses(text: bytes) -> bool:
    """Whether the lines of a text begin with addresses, by the first that have words."""
    found: list[LineLayout] = []
    numbers: list[int] = []
    for line in _tidy(text[: 1 << 16]).split(b"\n")[:-1][:200]:
        layout = layout_of(line) if len(line) <= LONGEST_LINE else None
        if layout is None or not layout.words:
            continue
        if (layout.separated and _plain_separator(line, layout)) or layout.free != (0, 0):
            return True
        width = layout.address[1] - layout.address[0]
        if layout.digits and width >= 6 and layout.digits != width and not layout.prefixed:
            return True
        found.append(layout)
        numbers.append(int(line[slice(*layout.address)], 16))
    steps = [
        (after - before) == sum(stop - start for start, stop in layout.words) // 2
        for before, after, layout in zip(numbers, numbers[1:], found, strict=False)
    ]
    return len(steps) > 0 and sum(steps) * 2 > len(steps)


def _plain_separator(line: bytes, layout: LineLayout) -> bool:
    """Whether what is behind the address is no comma, which lists have between words."""
    return line[layout.address[1] : layout.words[0][0]].strip(b" \t0xX)]")[:1] not in (b",", b";")


def runs_of_addressed_text(text: bytes) -> TextRuns:
    """The bytes of a text whose lines have addresses.

    ``*`` stands for the line before as often as it fits before the next address.

    Raises
    ------
    BenchError
        A line that has data and cannot be read, with its number and text.
    """
    text = _tidy(text)
    lines = _Lines(text)
    groups = list(lines.groups())
    if not any(group.layout.words for group in groups):
        raise BenchError("holds no bytes")
    return Assembly(groups, lines.stars, lines.shown).runs()


def _tidy(text: bytes) -> bytes:
    """The text with devmem's calls and answers as one line each; lines keep their numbers."""
    return _DEVMEM.sub(_devmem_line, text) if b"devmem" in text else text


def _devmem_line(found: re.Match[bytes]) -> bytes:
    digits = _DEVMEM_DIGITS.get(found[2] or b"", 8)
    return b"\n0x%b: 0x%b" % (found[1], found[3].rjust(digits, b"0"))


class _Lines:
    """The lines of a text, sorted by what they are."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._signs = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(self._signs == ord("\n"))
        self._starts = np.concatenate([[0], ends[:-1] + 1])
        self._lengths = ends - self._starts
        self.stars = np.zeros(0, np.int64)

    def line(self, number: int) -> bytes:
        start = int(self._starts[number])
        return self.text[start : start + int(self._lengths[number])]

    def shown(self, number: int) -> str:
        return f"line {number + 1}: {shown(self.line(number).decode('latin-1').strip())}"

    def groups(self) -> Iterator[Group]:
        """All lines with an address, by layout; ``stars`` are known afterwards."""
        first_sign = np.where(self._lengths > 0, self._signs[self._starts], ord("\n"))
        star = (self._lengths <= 2) & (first_sign == ord("*"))
        self.stars = np.flatnonzero(star)
        left = (self._lengths > 0) & ~star
        layouts = odd = 0
        while left.any():
            number = int(left.argmax())
            line = self.line(number)
            layout = layout_of(line) if len(line) <= LONGEST_LINE else None
            if layout is None:
                self._check_around(number, line)
                left[number] = False
                same = left & (self._lengths == len(line))
                if same.any() and layouts < MOST_LAYOUTS:
                    layouts += 1
                    alike = np.flatnonzero(same)
                    left[alike[(self._rows(alike, len(line)) == np.frombuffer(line, np.uint8)).all(axis=1)]] = False
                continue
            if layouts < MOST_LAYOUTS:
                layouts += 1
                alike = np.flatnonzero(left & (self._lengths == len(line)))
                rows = self._rows(alike, len(line))
                matching = layout.matching(rows, line)
                matching[0] = True
                alike, rows = alike[matching], rows[matching]
            else:
                odd += 1
                if odd > MOST_ODD_LINES:
                    raise BenchError(f"{self.shown(number)} and many lines before are laid out each in its own way")
                alike = np.array([number])
                rows = self._rows(alike, len(line))
            left[alike] = False
            yield self._group(layout, alike, rows)

    def _rows(self, numbers: NDArray[np.int64], length: int) -> NDArray[np.uint8]:
        """Lines of one length, (M, length)."""
        windows = np.lib.stride_tricks.sliding_window_view(self._signs, length)
        rows: NDArray[np.uint8] = windows[self._starts[numbers]]
        return rows

    def _check_around(self, number: int, line: bytes) -> None:
        """Refuse a line that has data but cannot be read."""
        if _AROUND.fullmatch(line):
            return
        if _LIKE_DATA.match(line) or _TWO_WORDS.search(line):
            raise BenchError(f"{self.shown(number)} is neither an address with words nor something around them")

    def _group(self, layout: LineLayout, numbers: NDArray[np.int64], rows: NDArray[np.uint8]) -> Group:
        spans: tuple[Span, ...] = layout.words
        words = numbers_in(rows, spans)
        text = rows[:, slice(*layout.text)] if layout.text else np.zeros((len(rows), 0), np.uint8)
        start, stop = layout.address
        return Group(layout, numbers, _in_radixes(rows[:, start:stop], layout.prefixed), words, text)


def _in_radixes(digits: NDArray[np.uint8], prefixed: bool) -> dict[int, NDArray[np.uint64]]:
    """Numbers (M, digits) in every radix that a tool may have printed them in."""
    values = HEX_VALUE[digits].astype(np.uint64)
    radixes = (16,) if prefixed or values.shape[1] > MOST_DECIMAL_DIGITS else (16, 8, 10)
    found = {}
    for radix in radixes:
        if values.size and int(values.max()) >= radix:
            continue
        number = np.zeros(len(values), np.uint64)
        for place in range(values.shape[1]):
            number = number * np.uint64(radix) + values[:, place]
        found[radix] = number
    return found
