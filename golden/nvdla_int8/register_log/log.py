"""Register logs: read whole, told apart from other files, turned into a trace."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from nvdla_int8.dumps.dump_text import SAMPLE, clean_text
from nvdla_int8.errors import BenchError, located
from nvdla_int8.register_log.access import Access
from nvdla_int8.register_log.address_space import AddressSpace, find_space
from nvdla_int8.register_log.log_lines import LogLines
from nvdla_int8.register_log.table import table_accesses
from nvdla_int8.register_log.waits import STATUS, Waits
from nvdla_int8.trace.commands import Command, RegWrite, Trace
from nvdla_int8.trace.text import read_bounded

LOG_LIMIT = 1 << 24
"""Bytes of a log."""

MOST_NAMED = 8
"""Files that a note lists."""

WORD_DIGITS = 8
"""Hex digits of a register's word."""

LEAST_ACCESSES = 3
"""By which a file is taken for a register log without being told so."""


@dataclass(frozen=True)
class RegisterLog:
    """A log.

    Attributes
    ----------
    trace
        Its writes, and waits where it reads or clears the status of interrupts. What it read elsewhere is no check.
    space
        How its addresses were read.
    writes, reads
        Accesses of registers.
    others
        Accesses of addresses that are no register's.
    skipped
        Lines without an access.
    loads
        Addresses and files that it puts into memory, as NVIDIA's test bench does.
    """

    trace: Trace
    space: AddressSpace
    writes: int
    reads: int
    others: int
    skipped: int
    loads: tuple[tuple[int, str], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """How it was read and what was left out; sentences."""
        found = [f"a register log of {self.writes:,} writes and {self.reads:,} reads"]
        if self.space.in_words():
            found.append(self.space.in_words())
        if self.loads:
            found.append(
                f"it loads {', '.join(f'{file} at {address:#x}' for address, file in self.loads[:MOST_NAMED])}"
            )
        if self.others:
            found.append(f"{self.others:,} accesses of addresses that are no register's are left out")
        if self.skipped:
            found.append(f"{self.skipped:,} lines without an access are left out")
        return tuple(found)

    def read(self, _path: Path) -> Trace:
        """The trace, for what reads a trace's file itself."""
        return self.trace


def open_register_log(path: str | os.PathLike[str]) -> RegisterLog:
    """Read a register log.

    Raises
    ------
    BenchError
        One line that names the file, for an access that cannot be read also line and value: no text, no access, no
        address that is a register's.
    """
    name = os.fspath(path)
    data = read_bounded(name, LOG_LIMIT)
    with located(name):
        lines = clean_text(data, noisy=True).decode("latin-1").split("\n")
        found = _accesses(lines)
        if not found.accesses:
            raise BenchError(
                "holds no register access: 0x9004 0x0, reg_write(0x9004, 0x0), write_reg, devmem and others"
            )
        return _log_of(Path(path), found)


def read_register_log(path: str | os.PathLike[str]) -> Trace:
    """The trace of a register log; errors as of :func:`open_register_log`."""
    return open_register_log(path).trace


def is_register_log(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a register log: text whose accesses are of registers, and no trace (``.cfg``)."""
    if not os.path.isfile(path) or os.fspath(path).endswith(".cfg"):
        return False
    with open(path, "rb") as stream:
        head = stream.read(SAMPLE)
    try:
        lines = clean_text(head, noisy=True).decode("latin-1").split("\n")[: -1 if len(head) == SAMPLE else None]
        accesses = _accesses(lines).accesses
        return len(accesses) >= LEAST_ACCESSES and find_space(accesses) is not None
    except BenchError:
        return False


class _Found(NamedTuple):
    """What lines hold: accesses, how many lines have none, what is loaded."""

    accesses: list[Access]
    skipped: int
    loads: tuple[tuple[int, str], ...] = ()


def _accesses(lines: Sequence[str]) -> _Found:
    found = table_accesses(lines)
    if found:
        return _Found(found, sum(bool(line.strip()) for line in lines) - len(found))
    reader = LogLines()
    accesses = list(reader.accesses(lines))
    if any(access.hex for access in accesses):
        accesses = [_in_hex(access) for access in accesses]
    return _Found(accesses, reader.skipped, tuple(reader.loads))


def _in_hex(access: Access) -> Access:
    """The access with its value's digits as hex, if they can be that."""
    if not access.digits or len(access.digits) > WORD_DIGITS:
        return access
    return replace(access, value=int(access.digits, 16))


def _log_of(path: Path, found: _Found) -> RegisterLog:
    accesses = found.accesses
    space = find_space(accesses)
    if space is None:
        places = {access.place for access in accesses if isinstance(access.place, int)}
        raise BenchError(
            f"of its {len(places):,} addresses, {min(places):#x} to {max(places):#x}, most are no register's, wherever "
            "the registers begin"
        )
    # Where some lines say that they write, a pair without a word is what a read has printed.
    told = any(access.writes is not None for access in accesses)
    commands: list[Command] = []
    waits, writes, reads, others = Waits(), 0, 0, 0
    for access in accesses:
        register = space.register(access.place)
        writing = access.writes if access.writes is not None else not told
        if register is None:
            others += 1
        elif writing and access.value is not None:
            writes += 1
            waits.written(register, access.value)
            if register == STATUS:
                commands += waits.status(access.line, access.value)
            else:
                commands.append(RegWrite(access.line, register, access.value))
        else:
            reads += 1
            if register == STATUS and access.value is not None:
                commands += waits.status(access.line, access.value)
    trace = Trace(path, tuple(commands))
    return RegisterLog(trace, space, writes, reads, others, found.skipped - len(found.loads), found.loads)
