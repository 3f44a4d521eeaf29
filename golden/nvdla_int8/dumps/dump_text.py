"""Text that came off a terminal as clean lines: byte order marks, carriage returns, colours, time stamps."""

import codecs
import re

import numpy as np

from nvdla_int8.errors import BenchError

TEXT_LIMIT = 1 << 26
"""Bytes of a file of hex text."""

SAMPLE = 1 << 16
"""Bytes from which it is judged whether a file is text."""

_NEVER_IN_TEXT = np.ones(256, np.bool_)
_NEVER_IN_TEXT[[*b"\t\n\v\f\r\x1b", *range(0x20, 0x7F)]] = False

_OF_NUMBERS = np.zeros(256, np.bool_)
_OF_NUMBERS[list(b"0123456789abcdefABCDEFxX: \t\r\n")] = True
LEAST_OF_NUMBERS, LEAST_OF_NOISY_NUMBERS, MOST_NOISE = 0.4, 0.6, 0.01
"""Shares of a text: signs of numbers and blanks, in one without and one with noise; bytes that are no text."""

_COLOUR = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]")
_STAMP = re.compile(
    rb"""^[ \t]*+(?:
        (?:[A-Z][a-z]{2}[ ]+\d{1,2}[ ]\d\d:\d\d:\d\d[ ]\S+[ ][^\s:]++:[ \t]*+)?   # syslog: month day time host tag:
        \[[ \t]*+\d[\d\s:.,/TZ+-]*?[:.][\d\s:.,/TZ+-]*+\][ \t]*+              # [  219.049590] and [12:34:56.789]
      | (?:<\d>)[ \t]*+                                                           # <6> of the kernel's log
      | \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?[ \t>|]++
      | \d\d:\d\d:\d\d(?:[.,]\d+)?[ \t>|]++
    )+""",
    re.MULTILINE | re.VERBOSE,
)


def is_hex_text(data: bytes) -> bool:
    """Whether a file's bytes are text with numbers, by its first 64 KiB.

    Bytes of a tensor can be letters, even all of them, but are not mostly digits and blanks. A byte in a hundred may
    be noise of a serial line, which :func:`clean_text` then names.
    """
    sample = np.frombuffer(_plain(data[:SAMPLE]), np.uint8)
    if not sample.size or (sample == sample[0]).all():
        return False
    strange = float(_NEVER_IN_TEXT[sample].mean())
    numbers = float(_OF_NUMBERS[sample].mean())
    return numbers >= (LEAST_OF_NUMBERS if not strange else LEAST_OF_NOISY_NUMBERS) and strange <= MOST_NOISE


def clean_text(data: bytes, *, noisy: bool = False) -> bytes:
    """A text file's lines, each ended by a line feed, without what a terminal and an editor put around them.

    Parameters
    ----------
    data
        The file.
    noisy
        Whether a byte in a hundred may be noise of a serial line; it becomes ``?``.

    Raises
    ------
    BenchError
        More than :data:`TEXT_LIMIT` bytes, or a byte that is no text, with its line.
    """
    if len(data) > TEXT_LIMIT:
        raise BenchError(f"{len(data):,} bytes of text, the limit is {TEXT_LIMIT:,}: xxd -r makes bytes of hex text")
    text = _plain(data)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\x1b" in text:
        text = _COLOUR.sub(b"", text)
    strange = np.flatnonzero(_NEVER_IN_TEXT[np.frombuffer(text, np.uint8)])
    if strange.size and noisy and strange.size <= MOST_NOISE * len(text):
        signs = np.frombuffer(text, np.uint8).copy()
        signs[strange] = ord("?")
        text = signs.tobytes()
    elif strange.size:
        at = int(strange[0])
        raise BenchError(f"line {text.count(10, 0, at) + 1}: byte {text[at]:#04x} is no text")
    if _STAMP.search(text, 0, SAMPLE):
        text = _STAMP.sub(b"", text)
    return text if text.endswith(b"\n") else text + b"\n"


def _plain(data: bytes) -> bytes:
    """The text without a byte order mark, a byte a sign."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):  # as PowerShell's > writes
            return data[2 : len(data) // 2 * 2].decode(encoding, "replace").encode("latin-1", "replace")
    return data.removeprefix(codecs.BOM_UTF8)
