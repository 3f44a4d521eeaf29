"""Delays that Verilator drops without ``--timing`` and that a model may need, as NVIDIA's ASIC RAM models do.

Verilator itself tells which delays of the modules in use it drops; here only those stay that can change what a
model does: delayed wires, gates and statements of an ``always`` block. ``q <= #1 d`` gives the same without its
delay, and ``initial`` blocks and tasks are no hardware.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

DROPPED = ASSIGNMENT, STATEMENT = "ASSIGNDLY", "STMTDLY"
"""Verilator's warnings that say that it drops a delay."""

# What may be a delay: no parameters, #(...), nor cycles of an assertion, ##1.
_CANDIDATE = re.compile(r"(?<!#)#\s*[\w.`]|(?:\bassign|\bwire|\bbegin|\belse|[=;)])\s*#\s*\(")
_DROPPED_AT = re.compile(rf"^%Warning-({'|'.join(DROPPED)}): (.+?):(\d+):(\d+): ", re.MULTILINE)
_COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
_PROCESS = re.compile(r"\b(always(?:_\w+)?|initial|final|task|function)\b")
_ZERO = re.compile(r"#\s*(?:\(\s*)?0+(?:\.0*)?\b(?![.\d])")


class Delay(NamedTuple):
    """Where a delay stands, and its line of text."""

    path: Path
    line: int
    text: str


def may_have_delays(paths: Iterable[Path]) -> bool:
    """Whether any of the files holds what looks like a delay."""
    return any(_CANDIDATE.search(_blanked(_read(path))) for path in paths)


def lost_delays(log: str) -> list[Delay]:
    """The delays that matter of those that Verilator's log says it drops, in its order."""
    texts: dict[Path, str] = {}
    found = {}
    for kind, name, line, column in _DROPPED_AT.findall(log):
        path = Path(name)
        text = texts.setdefault(path, _read(path))
        lines = text.splitlines(keepends=True)
        at = sum(map(len, lines[: int(line) - 1])) + int(column) - 1
        if _matters(_blanked(text), at, statement=kind == STATEMENT):
            found[path, int(line)] = Delay(path, int(line), lines[int(line) - 1].strip())
    return list(found.values())


def _matters(text: str, at: int, *, statement: bool) -> bool:
    before = text[:at].rstrip()
    if before.endswith("<=") or _ZERO.match(text, at):
        return False
    if statement or before.endswith("="):
        processes = _PROCESS.findall(before)
        return bool(processes) and processes[-1].startswith("always")
    return True


def _blanked(text: str) -> str:
    """The text with comments and strings blank, every character in its place."""
    return _COMMENT_OR_STRING.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""
