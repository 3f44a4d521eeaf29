"""Register and memory traces, the ``.cfg`` files: their commands and the reader (hardware.md section 6)."""

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from nvdla_int8.errors import BenchError
from nvdla_int8.trace.text import ARGUMENT_READERS, MissingFileError, read_bounded, shown

CFG_LIMIT = 2**26  # bytes of a .cfg


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a trace; ``line`` counts from 1 and does not take part in comparison."""

    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class MemInit(Command):
    """Fill ``size`` bytes from ``base`` with zeros."""

    memory: str
    base: int
    size: int


@dataclass(frozen=True, slots=True)
class MemLoad(Command):
    """Load the records of a ``.dat`` file to ``base``."""

    memory: str
    base: int
    file: str


@dataclass(frozen=True, slots=True)
class RegWrite(Command):
    """Write a 32-bit value to ``BLOCK.REGISTER``."""

    register: str
    value: int


@dataclass(frozen=True, slots=True)
class RegReadExpected(Command):
    """Read ``BLOCK.REGISTER`` once and compare."""

    register: str
    value: int


@dataclass(frozen=True, slots=True)
class PollReg(Command):
    """Read ``BLOCK.REGISTER`` until it equals ``value``."""

    register: str
    value: int


@dataclass(frozen=True, slots=True)
class PollField(Command):
    """Read ``BLOCK.REGISTER`` until its field equals ``value``."""

    register: str
    field: str
    value: int


@dataclass(frozen=True, slots=True)
class SyncNotify(Command):
    """Raise the event ``sync_id``; ``resource`` is the unit it belongs to where the trace names one."""

    sync_id: str
    resource: str = ""


@dataclass(frozen=True, slots=True)
class SyncWait(Command):
    """Wait for the event ``sync_id``; ``resource`` is the unit that waits where the trace names one."""

    sync_id: str
    resource: str = ""


@dataclass(frozen=True, slots=True)
class IntrNotify(Command):
    """Wait for an interrupt such as ``SDP_0``, clear it, raise the event ``sync_id``."""

    interrupt: str
    sync_id: str


@dataclass(frozen=True, slots=True)
class CheckCrc(Command):
    """After ``sync_id``, compare zlib's CRC-32 over ``size`` bytes from ``base``."""

    sync_id: str
    memory: str
    base: int
    size: int
    crc: int


@dataclass(frozen=True, slots=True)
class CheckFile(Command):
    """After ``sync_id``, compare ``size`` bytes from ``base`` with a ``.dat`` file."""

    sync_id: str
    memory: str
    base: int
    size: int
    file: str


@dataclass(frozen=True, slots=True)
class CheckNothing(Command):
    """``sync_id`` ends a layer whose result is not compared."""

    sync_id: str


@dataclass(frozen=True)
class Trace:
    """A ``.cfg`` file's path and commands."""

    path: Path
    commands: tuple[Command, ...]

    @cached_property
    def folder(self) -> Path:
        """Where the data files are."""
        return data_folder(self.path)


class Syntax(NamedTuple):
    """A statement's command and its arguments' names in order; a leading ``resource`` may be left out."""

    command: type[Command]
    arguments: tuple[str, ...]


SYNTAX: Mapping[str, Syntax] = {
    "mem_init": Syntax(MemInit, ("memory", "base", "size", "pattern")),
    "mem_load": Syntax(MemLoad, ("memory", "base", "file")),
    "reg_write": Syntax(RegWrite, ("register", "value")),
    "reg_read_expected": Syntax(RegReadExpected, ("register", "value")),
    "poll_reg_equal": Syntax(PollReg, ("register", "value")),
    "poll_field_equal": Syntax(PollField, ("register", "field", "value")),
    "sync_notify": Syntax(SyncNotify, ("resource", "sync_id")),
    "sync_wait": Syntax(SyncWait, ("resource", "sync_id")),
    "intr_notify": Syntax(IntrNotify, ("interrupt", "sync_id")),
    "check_crc": Syntax(CheckCrc, ("sync_id", "memory", "base", "size", "crc")),
    "check_file": Syntax(CheckFile, ("sync_id", "memory", "base", "size", "file")),
    "check_nothing": Syntax(CheckNothing, ("sync_id",)),
}


# Possessive quantifiers (+): no text makes these backtrack.
_STATEMENT = re.compile(r'(\w++)\s*+\(((?:[^"()]++|"[^"]*+")*+)\)\s*+;?', re.ASCII)
_ARGUMENT = re.compile(r'(?:\A|,)((?:[^",]++|"[^"]*+")*+)')


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """Read a trace: a ``.cfg``, or a folder that holds exactly one.

    Raises
    ------
    MissingFileError
        A data file that the trace names does not exist; the line is given.
    BenchError
        One line, ``path:line: ...`` for anything wrong in the file.
    """
    trace = read_commands(path)
    check_data_files(trace)
    return trace


def check_data_files(trace: Trace) -> None:
    """Raise MissingFileError, with the line, for a data file that is not there; BenchError for what is no file."""
    folder = trace.folder
    for command in trace.commands:
        if isinstance(command, (MemLoad, CheckFile)):
            file = os.path.join(folder, command.file)
            if os.path.isfile(file):
                continue
            if not os.path.exists(file):
                raise MissingFileError(f"{trace.path}:{command.line}: data file {command.file} is missing")
            kind = "is a folder" if os.path.isdir(file) else "is not a regular file"
            raise BenchError(f"{trace.path}:{command.line}: data file {command.file} {kind}")


def read_commands(path: str | os.PathLike[str]) -> Trace:
    """As :func:`read_trace`, whether or not the data files are there."""
    cfg = _find_cfg(Path(path))
    commands = []
    for number, raw in enumerate(io.BytesIO(read_bounded(cfg, CFG_LIMIT)), start=1):
        try:
            command = parse_line(_decode(raw), number)
        except BenchError as error:
            raise BenchError(f"{cfg}:{number}: {error}") from None
        if command is not None:
            commands.append(command)
    return Trace(cfg, tuple(commands))


def data_folder(cfg: Path) -> Path:
    """Where a trace's data files are: beside its ``.cfg``.

    A ``.cfg`` that is a symbolic link without data files of its own beside it has those of its target.
    """
    if not cfg.is_symlink() or any(not dat.is_symlink() for dat in cfg.parent.glob("*.dat")):
        return cfg.parent
    return cfg.resolve().parent


def parse_line(text: str, line: int) -> Command | None:
    """Read one line, a statement or none; BenchError (without the place) when it is neither."""
    command, values = _read_statement(text)
    return None if command is None else command(line, *values)


@lru_cache(maxsize=1 << 12)  # programs write the same to the same registers again and again
def _read_statement(text: str) -> tuple[type[Command] | None, tuple[Any, ...]]:
    """The command of a line's statement and its values in the order of the fields; None without a statement."""
    statement = _without_comment(text).strip()
    if not statement:
        return None, ()
    match = _STATEMENT.fullmatch(statement)
    if match is None:
        raise BenchError(f"{shown(statement)} is not a statement: command(argument, ...);")
    keyword, texts = match[1], [argument.strip() for argument in _ARGUMENT.findall(match[2])]
    if keyword not in SYNTAX:
        raise BenchError(f"unknown command {shown(keyword)}, known are {', '.join(SYNTAX)}")
    command, names = SYNTAX[keyword]
    if names[0] == "resource" and len(texts) == len(names) - 1:
        names = names[1:]
    if len(texts) != len(names):
        raise BenchError(f"{keyword} takes {len(names)} arguments ({', '.join(names)}), not {len(texts)}")
    values: dict[str, Any] = {}
    for name, argument in zip(names, texts, strict=True):
        try:
            values[name] = ARGUMENT_READERS[name](argument)
        except BenchError as error:
            raise BenchError(f"{keyword}: {name} {error}") from None
    if "size" in values:
        _check_range(keyword, values["base"], values["size"])
    return command, tuple(values[one.name] for one in fields(command) if one.name in values)


def _find_cfg(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.cfg"))
    if len(found) != 1:
        names = ", ".join(cfg.name for cfg in found)
        raise BenchError(f"{path}: must hold exactly one .cfg file, holds {names or 'none'}")
    return found[0]


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BenchError(f"byte {raw[error.start]:#04x} is not UTF-8 text") from None


def _without_comment(text: str) -> str:
    if "//" not in text and '"' not in text:
        return text
    parts = text.split('"')
    for index, part in enumerate(parts[::2]):  # the parts outside quotes
        before, slashes, _ = part.partition("//")
        if slashes:
            return '"'.join([*parts[: 2 * index], before])
    if len(parts) % 2 == 0:
        raise BenchError(f"a double quote is missing after {shown(parts[-1].strip())}")
    return text


def _check_range(keyword: str, base: int, size: int) -> None:
    if base + size > 2**64:
        raise BenchError(f"{keyword}: base = {base:#x} with size = {size:#x} ends above 64 bits")
    if keyword.startswith("check_"):
        for name, value in (("base", base), ("size", size)):
            if value % 4:
                raise BenchError(f"{keyword}: {name} = {value:#x} is not a multiple of 4")
        if not size:
            raise BenchError(f"{keyword}: size = 0 compares nothing")
