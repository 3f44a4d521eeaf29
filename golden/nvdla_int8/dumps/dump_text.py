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


def is_text(data: bytes) -> bool:
    """Whether a file's bytes can be text: nothing in its first 64 KiB but letters, digits, signs and blanks.

    One sign over and over is not: bytes of a tensor can be that.
    """
    sample = _plain(data[:SAMPLE])
    return bool(sample.strip()) and not _NEVER_IN_TEXT[np.frombuffer(sample, np.uint8)].any() and len(set(sample)) > 1


def clean_text(data: bytes) -> bytes:
    """A text file's lines, each ended by a line feed, without what a terminal and an editor put around them.

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
    if strange.size:
        at = int(strange[0])
        raise BenchError(f"line {text.count(10, 0, at) + 1}: byte {text[at]:#04x} is no text")
    if b":" in text or b"." in text:
        text = _STAMP.sub(b"", text)
    return text if text.endswith(b"\n") else text + b"\n"


def _plain(data: bytes) -> bytes:
    """The text without a byte order mark, a byte a sign."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):  # as PowerShell's > writes
            return data[2 : len(data) // 2 * 2].decode(encoding, "replace").encode("latin-1", "replace")
    return data.removeprefix(codecs.BOM_UTF8)
