"""What the output of a compiler or a simulator says of its end."""

import re
from pathlib import Path


def _lines(log: Path) -> list[str]:
    return [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []


def last_line(log: Path) -> str:
    """What a simulator printed last."""
    return (_lines(log) or ["no output"])[-1].strip()


def last_error(log: Path) -> str:
    """The last error in a simulator's output, such as the end of a traceback; its last line if there is none."""
    errors = [line.strip() for line in _lines(log) if re.search(r"\w*Error\b\S*:", line)]
    return errors[-1] if errors else last_line(log)


def first_error(log: Path) -> str:
    """The first error of a compiler; a warning may be about a signal or a file named error.

    A parameter that the RTL refuses comes first: what else is wrong follows from it.
    """
    lines = [line.strip() for line in _lines(log) if not line.startswith("%Warning") or "USERFATAL" in line]
    marks = (r"USERFATAL|nvdla_parameter_check\.v", r"%Error", r"\berror:", r"[Ee]rror\b")
    found = (line for mark in marks for line in lines if re.search(mark, line))
    return next(found, last_line(log))
