"""Lists of hex bytes and words, and ``$writememh``'s, in which ``@`` gives the address of the next word."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.text_runs import TextRuns
from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.memory import ADDRESS_LIMIT
from nvdla_int8.trace.text import shown

NUMBER_DIGITS = (2, 4, 8, 16)
"""Hex digits of the numbers that a list without addresses may hold; longer ones are bytes in order, as of xxd -p."""

MOST_DIGITS = 256
"""Of a memory's word."""

_COMMENT = re.compile(rb"/\*[^*]*+(?:\*(?!/)[^*]*+)*(?:\*/|\Z)|(?://|#)[^\n]*+")
_AT = re.compile(rb"^@[0-9a-fA-F]", re.MULTILINE)
_LONE_PREFIX = re.compile(rb"(?<![^\s])0[xX](?![0-9a-fA-F])")
_BASED = re.compile(rb"\b\d{1,4}'[hH]")
_BETWEEN = bytes.maketrans(b",;[]()\"'\\\t\v\f", b" " * 12)
_CHUNK = 1 << 20

NOT_HEX = 0xFF
HEX_VALUE = np.full(256, NOT_HEX, np.uint8)
"""What a digit is worth."""
HEX_VALUE[list(b"0123456789abcdef")] = range(16)
HEX_VALUE[list(b"ABCDEF")] = range(10, 16)
_HOLDS_UNKNOWN = np.zeros(256, np.bool_)
_HOLDS_UNKNOWN[list(b"xXzZ")] = True


@dataclass(frozen=True)
class _Words:
    """The words of a text: where each begins, its signs, and the text."""

    text: NDArray[np.uint8]
    starts: NDArray[np.int32]
    lengths: NDArray[np.int32]

    @classmethod
    def of(cls, text: bytes) -> "_Words":
        signs = np.frombuffer(text, np.uint8)
        solid = np.concatenate([[False], signs > ord(" "), [False]])
        edges = np.flatnonzero(solid[1:] != solid[:-1]).astype(np.int32)
        return cls(signs, edges[::2], edges[1::2] - edges[::2])

    def select(self, which: NDArray[np.bool_]) -> "_Words":
        return _Words(self.text, self.starts[which], self.lengths[which])

    def shown(self, index: int) -> str:
        start = int(self.starts[index])
        word = self.text[start : start + int(self.lengths[index])].tobytes().decode("latin-1")
        return f"line {self.line(index)}: {shown(word)}"

    def line(self, index: int) -> int:
        return int(np.count_nonzero(self.text[: self.starts[index]] == ord("\n"))) + 1

    def any_of(self, table: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether each word holds one of some signs."""
        marked = np.concatenate([[0], np.cumsum(table[self.text], dtype=np.int32)])
        found: NDArray[np.bool_] = marked[self.starts + self.lengths] > marked[self.starts]
        return found

    def check_hex(self) -> None:
        strange = np.flatnonzero(self.any_of(HEX_VALUE == NOT_HEX))
        if strange.size:
            raise BenchError(f"{self.shown(int(strange[0]))} is no hex number")

    def digits(self) -> int:
        """Hex digits of a word: what all have, or without leading zeros the most that one has, made even."""
        longest = int(self.lengths.max())
        if (self.lengths == longest).all():
            return longest
        padded = np.flatnonzero((self.text[self.starts] == ord("0")) & (self.lengths > 1))
        if padded.size:
            usual = int(np.bincount(self.lengths).argmax())
            other = int(np.flatnonzero(self.lengths != usual)[0])
            raise BenchError(f"{self.shown(other)} has {int(self.lengths[other])} digits, others {usual}")
        return next((digits for digits in NUMBER_DIGITS if digits >= longest), longest + longest % 2)

    def little_endian(self, digits: int) -> NDArray[np.uint8]:
        """Each word as so many digits, its bytes from the last to the first: (N, digits / 2)."""
        found = np.empty((self.starts.size, digits // 2), np.uint8)
        for begin in range(0, self.starts.size, _CHUNK // digits + 1):
            part = slice(begin, begin + _CHUNK // digits + 1)
            starts, ends = self.starts[part, None], (self.starts[part] + self.lengths[part])[:, None]
            places = ends - digits + np.arange(digits, dtype=np.int32)
            nibbles = np.where(places >= starts, HEX_VALUE[self.text[np.maximum(places, 0)]], 0)
            found[part] = (nibbles[:, ::2] << 4 | nibbles[:, 1::2])[:, ::-1]
        return found


def bytes_of_words(text: bytes) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The bytes of a list without addresses, and how it was read.

    Words of 4, 8 and 16 digits are little-endian numbers; longer ones, and those of which the last is shorter, are
    bytes in order, as ``xxd -p`` prints them, unless ``//`` comments tell that they are ``$readmemh``'s.

    Raises
    ------
    BenchError
        A word that is no hex number, or of another length than the others, with its line.
    """
    verilog = b"//" in text
    words = _Words.of(_of_list(text))
    if not words.starts.size:
        raise BenchError("holds no bytes")
    words.check_hex()
    shorter = words.lengths.size > 1 and bool((words.lengths[:-1] == words.lengths[0]).all())
    shorter &= int(words.lengths[-1]) < int(words.lengths[0]) and words.lengths[0] > 2
    in_order = (shorter or int(words.lengths.max()) > NUMBER_DIGITS[-1]) and not verilog
    if in_order:
        odd = np.flatnonzero(words.lengths % 2)
        if odd.size:
            raise BenchError(f"{words.shown(int(odd[0]))} has {int(words.lengths[odd[0]])} digits, bytes have two each")
        solid = words.text[words.text > ord(" ")]
        return _bytes_of_digits(solid), ()
    digits = words.digits()
    if digits not in NUMBER_DIGITS and not (verilog and digits % 2 == 0 and digits <= MOST_DIGITS):
        raise BenchError(f"{words.shown(0)} has {digits} digits: bytes have 2, words 4, 8 or 16")
    values = words.little_endian(digits).reshape(-1)
    if digits == 2:
        return values, ()
    size = digits // 2
    return values, (f"its words of {size} bytes are taken as little-endian numbers",)


def has_word_addresses(text: bytes) -> bool:
    """Whether a text has the addresses of ``$readmemh``."""
    return (text.startswith(b"@") or b"\n@" in text) and _AT.search(text) is not None


def runs_of_readmemh(text: bytes) -> TextRuns:
    """The bytes of ``$writememh``'s text: numbers, the most significant digit first, at addresses that count words.

    Words with ``x`` or ``z`` are not known.

    Raises
    ------
    BenchError
        A word that is no hex number, or of another length than the others, an address beyond 63 bits; with its line.
    """
    words = _Words.of(_of_list(text.replace(b"_", b""), x_is_a_prefix=False))
    at = words.text[words.starts] == ord("@")
    unknown = words.any_of(_HOLDS_UNKNOWN) & ~at
    data = words.select(~at & ~unknown)
    if not data.starts.size:
        raise BenchError("holds no bytes")
    data.check_hex()
    digits = data.digits()
    if digits % 2 or digits > MOST_DIGITS:
        raise BenchError(f"{data.shown(0)} has {digits} digits: words have whole bytes, at most {MOST_DIGITS} digits")
    size = digits // 2
    places = _word_places(words, at, size)[~at & ~unknown]
    notes = []
    if size > 1:
        notes.append(f"its words have {size} bytes, the lowest bits at the lowest address, and @ counts words")
    if unknown.any():
        notes.append(f"{int(unknown.sum()):,} words with x or z are not known")
    starts = places * size
    lines = np.cumsum(words.text == ord("\n"), dtype=np.int32)[data.starts].astype(np.int64) + 1
    lengths = np.full(starts.shape, size, np.int64)
    return TextRuns(starts, lengths, data.little_endian(digits).reshape(-1), lines, tuple(notes))


def _word_places(words: _Words, at: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """The number of each word in memory; of the addresses themselves, that of the word behind."""
    marks = np.flatnonzero(at)
    bases = np.zeros(marks.size + 1, np.int64)
    for index, mark in enumerate(marks.tolist()):
        start = int(words.starts[mark])
        digits = words.text[start + 1 : start + int(words.lengths[mark])].tobytes()
        try:
            address = int(digits, 16) if len(digits) <= MOST_DIGITS else ADDRESS_LIMIT
        except ValueError:
            raise BenchError(f"{words.shown(mark)} is no address: @ and hex digits") from None
        if (address + words.starts.size) * size >= ADDRESS_LIMIT:
            raise BenchError(f"{words.shown(mark)} is beyond {ADDRESS_LIMIT - 1:#x}, in words of {size} bytes")
        bases[index + 1] = address
    segment = np.cumsum(at)
    firsts = np.concatenate([[0], marks + 1])
    found: NDArray[np.int64] = np.arange(at.size) - firsts[segment] + bases[segment]
    return found


def _of_list(text: bytes, *, x_is_a_prefix: bool = True) -> bytes:
    """The text with blanks in place of all that is between its numbers; lines stay."""
    if b"/" in text or b"#" in text:
        text = _COMMENT.sub(lambda found: b"\n" * found[0].count(b"\n"), text)
    if text.count(b"{") == 1 and text.count(b"}") == 1:  # an array of C, as of xxd -i
        head, _, rest = text.partition(b"{")
        text = b"\n" * head.count(b"\n") + rest.partition(b"}")[0] + b"\n"
    if b"'" in text:
        text = _BASED.sub(b" ", text)
    text = text.replace(b"\\x", b"  ").translate(_BETWEEN)
    if x_is_a_prefix:
        lone = _LONE_PREFIX.search(text)
        if lone is not None:
            raise BenchError(f"line {text.count(10, 0, lone.start()) + 1}: {shown(lone[0].decode())} is no hex number")
        for prefix in (b" 0x", b"\n0x", b" 0X", b"\n0X"):
            text = text.replace(prefix, prefix[:1] + b"  ")
        if text[:2] in (b"0x", b"0X"):
            text = b"  " + text[2:]
    return text


def _bytes_of_digits(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    nibbles = HEX_VALUE[digits]
    return (nibbles[::2] << 4 | nibbles[1::2]).astype(np.uint8)
