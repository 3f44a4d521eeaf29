"""One line of hex text with an address: where its address, its words and the text beside them stand.

A tool prints thousands of lines alike, so that the layout of one line reads all that have its length at once.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.hex_words import HEX_VALUE, NOT_HEX

Span = tuple[int, int]

_HEAD = re.compile(
    rb"""[ \t]*+
    (?:(?:(?![0-9a-fA-F]++:)[A-Za-z_][\w./-]*+:[ \t]++)                 # nvdla: in front, not a0000000:
      |(?:(?i:address|addr|memory|mem|offset|at|read)[ \t]*+[:=]?[ \t]*+)){0,3}
    [\[(]?(0[xX])?([0-9a-fA-F]{1,16})(?![0-9a-zA-Z_])
    ([ \t]*+<[^>\n]*+>)?
    (?:[ \t]*+[\])])?
    (?:([ \t]*+(?::|=>|->|=|\||,|;))|(?=[ \t]|\Z))[ \t]*+
    (?:(?i:data|value|val)[ \t]*+[:=]?[ \t]*+)?""",
    re.VERBOSE,
)
_VALUE_AT = re.compile(
    rb"[ \t]*+(?i:(?:value|read) at address)[ \t]++0x([0-9a-fA-F]{1,16})[ \t]*+(\(0x[0-9a-fA-F]++\))?[ \t]*+:[ \t]*+"
)
_WORD = re.compile(rb"(?:0[xX])?+([0-9a-fA-F]{1,16}+)(?![^ \t,;|])")
_BETWEEN = re.compile(rb"[ \t]*+[,;]?[ \t]*+")


@dataclass(frozen=True)
class LineLayout:
    """Where things stand in a line.

    Attributes
    ----------
    length
        Of the line.
    address
        Span of the address's digits.
    prefixed
        Whether 0x is before the address.
    separated
        Whether more than a blank is behind the address.
    words
        Spans of the words' digits.
    text
        Span of the printable signs beside the words; None without them.
    gap
        Blanks before that text.
    number
        Whether the word is printed as a number, without leading zeros.
    free
        Span of what may be anything, a symbol's name; empty without it.
    """

    length: int
    address: Span
    prefixed: bool
    separated: bool
    words: tuple[Span, ...]
    text: Span | None
    gap: int
    number: bool
    free: Span

    @property
    def digits(self) -> int:
        """Of each word; 0 when they differ."""
        lengths = {stop - start for start, stop in self.words}
        return lengths.pop() if len(lengths) == 1 else 0

    def matching(self, lines: NDArray[np.uint8], like: bytes) -> NDArray[np.bool_]:
        """Which lines of this length (M, length) are laid out like one."""
        digits = np.zeros(self.length, np.bool_)
        for start, stop in (self.address, *self.words):
            digits[start:stop] = True
        fixed = ~digits
        fixed[: self.address[0] - 2 * self.prefixed] = False
        fixed[slice(*self.free)] = False
        if self.text is not None:
            fixed[slice(*self.text)] = False
        same = (lines[:, fixed] == np.frombuffer(like, np.uint8)[fixed]).all(axis=1)
        same &= (HEX_VALUE[lines[:, digits]] != NOT_HEX).all(axis=1)
        before = self.address[0] - 1
        if not self.prefixed and before >= 0:
            same &= lines[:, before] == like[before]
        found: NDArray[np.bool_] = same
        return found


def layout_of(line: bytes) -> LineLayout | None:
    """The layout of a line with an address and perhaps words; None of any other line."""
    told = _VALUE_AT.match(line)
    head = told or _HEAD.match(line)
    if head is None:
        return None
    address = head.span(1) if told else head.span(2)
    free = head.span(2) if told else head.span(3)
    position, words, text, gap = head.end(), [], None, 0
    while (word := _WORD.match(line, position)) is not None:
        words.append(word.span(1))
        between = _BETWEEN.match(line, word.end())
        assert between is not None  # every part of it is optional
        position, blanks = between.end(), between[0]
        gap = len(blanks)
        if gap > 1 and b"\t" not in blanks and _is_text(line, position, words):
            whole = len(line) - _size(words)  # where the text begins that may begin with blanks
            text = (whole if word.end() + 1 < whole <= position else position, len(line))
            gap = text[0] - word.end()
            break
    if text is None and position < len(line):
        rest = line[position:].rstrip()
        if rest[:1] in (b"|", b">") and rest[-1:] in (b"|", b"<") and len(rest) > 1:
            text = (position + 1, position + len(rest) - 1)
        elif rest:
            return None
    return LineLayout(
        length=len(line),
        address=address,
        prefixed=told is not None or head[1] is not None,
        separated=told is not None or head[4] is not None,
        words=tuple(words),
        text=text,
        gap=gap,
        number=told is not None,
        free=free if free[0] >= 0 else (0, 0),
    )


def _is_text(line: bytes, position: int, words: list[Span]) -> bool:
    """Whether what comes behind two blanks is the text of the words before: not longer than their bytes."""
    rest = line[position:].rstrip()
    size = _size(words)
    if not rest or len(rest) > size:
        return False
    digits = words[-1][1] - words[-1][0]
    more_words = all(len(word.removeprefix(b"0x")) == digits and _WORD.fullmatch(word) for word in rest.split())
    return len(rest) == size or not more_words


def _size(words: list[Span]) -> int:
    """Bytes of some words."""
    return sum(stop - start for start, stop in words) // 2


def numbers_in(lines: NDArray[np.uint8], spans: tuple[Span, ...]) -> NDArray[np.unsignedinteger]:
    """The hex number in each span of each line (M, length): (M, T), as wide as the longest needs."""
    longest = max((stop - start for start, stop in spans), default=2)
    kind = np.dtype(next(f"u{size}" for size in (1, 2, 4, 8) if 2 * size >= longest))
    found = np.zeros((len(lines), len(spans)), kind)
    for word, (start, stop) in enumerate(spans):
        value = found[:, word]
        for place in range(start, stop):
            value <<= 4
            value |= HEX_VALUE[lines[:, place]]
    return found
