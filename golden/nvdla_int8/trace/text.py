"""Pieces of the trace formats: bounded reading, numbers, names, arguments of commands (hardware.md section 6)."""

import codecs
import os
import re
import reprlib
import stat
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from nvdla_int8.errors import BenchError

MEMORIES = ("pri_mem", "1")
PATTERN = "ALL_ZERO"

_shortener = reprlib.Repr()
_shortener.maxstring = 80
shown = _shortener.repr  # of a value in a message: one line, never long

_NUMBER = re.compile("0[xX][0-9a-fA-F]+|0|[1-9][0-9]*")  # 010 may mean 8 or 10: refused
_LONGEST_NUMBER = 100
_LONGEST_NAME = 255
_REGISTER = re.compile(r"(?:NVDLA_)?([A-Za-z]\w*+)\.([A-Za-z]\w*?)(?:_0)?", re.ASCII)
_NAME = re.compile(r"\w++", re.ASCII)


class MissingFileError(BenchError):
    """A file of a trace does not exist."""


@lru_cache(maxsize=1 << 16)  # offsets, sizes and registers' values come again and again
def unsigned(text: str, bits: int) -> int:
    """Read a hex (0x...) or decimal number of at most ``bits`` bits; BenchError with the text otherwise."""
    if not _NUMBER.fullmatch(text):
        problem = "is negative" if _NUMBER.fullmatch(text.removeprefix("-")) else "is not a number"
        raise BenchError(f"{shown(text)} {problem}")
    if len(text) > _LONGEST_NUMBER or (value := int(text, 0)) >> bits:
        raise BenchError(f"{shown(text)} does not fit {bits} bits")
    return value


def check_data_name(name: str) -> str:
    """Return the name of a data file; BenchError when it cannot be a file inside the trace's folder."""
    path = PurePosixPath(name)
    if not path.name or not name.isprintable() or '"' in name or len(name) > _LONGEST_NAME:
        raise BenchError(f"{shown(name)} is not a file name")
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise BenchError(f"{shown(name)} leads outside the trace's folder")
    return name


def read_bounded(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read a whole regular file of at most ``limit`` bytes.

    Raises
    ------
    MissingFileError
        There is no such file.
    BenchError
        It is no regular file, cannot be read, or is longer.
    """
    name = os.fspath(path)
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        found = None
    if found is None or not stat.S_ISREG(found.st_mode):
        if not os.path.lexists(name):
            raise MissingFileError(f"{name}: file is missing")
        raise BenchError(f"{name}: is not a regular file")
    if found.st_size > limit:
        raise BenchError(f"{name}: {found.st_size} bytes, above the limit of {limit}")
    try:
        with open(name, "rb", buffering=0) as file:
            return file.read().removeprefix(codecs.BOM_UTF8)  # some editors write a byte order mark
    except OSError as error:
        raise BenchError(f"{name}: {error.strerror}") from None


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise BenchError(f"{shown(text)} must be {' or '.join(words)}")
        return text

    return read


@lru_cache(maxsize=1 << 12)
def _register(text: str) -> str:
    match = _REGISTER.fullmatch(text)
    if match is None:
        raise BenchError(f"{shown(text)} must be NVDLA_BLOCK.REGISTER_0")
    return f"{match[1]}.{match[2]}"


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise BenchError(f"{shown(text)} is not a name")
    return text


def _interrupt(text: str) -> str:
    return _name(text).upper()  # traces have them in small letters, too


def _file(text: str) -> str:
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise BenchError(f"{shown(text)} must be a file name in double quotes")
    return check_data_name(text[1:-1])


def _unsigned32(text: str) -> int:
    return unsigned(text, 32)


def _unsigned64(text: str) -> int:
    return unsigned(text, 64)


ARGUMENT_READERS: Mapping[str, Callable[[str], int | str]] = {
    "memory": _one_of(*MEMORIES),
    "base": _unsigned64,
    "size": _unsigned64,
    "pattern": _one_of(PATTERN),
    "file": _file,
    "register": _register,
    "field": _name,
    "value": _unsigned32,
    "crc": _unsigned32,
    "resource": _name,
    "interrupt": _interrupt,
    "sync_id": _name,
}
