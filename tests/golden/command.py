"""Calls the command nvdla-int8 in the test's own process."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from nvdla_int8.cli import main

COMMAND = [sys.executable, "-m", "nvdla_int8"]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def succeed(*arguments: object) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def problem(*arguments: object) -> str:
    """The one line of bad input."""
    [line] = problems(*arguments)
    return line


def problems(*arguments: object) -> list[str]:
    """The lines of bad input."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert all(line.startswith("nvdla-int8: error: ") for line in lines)
    return [line.removeprefix("nvdla-int8: error: ") for line in lines]


def rows(output: str) -> dict[str, list[str]]:
    """Lines of cells by their first cell."""
    lines = (line.split("  ") for line in output.splitlines() if line.strip())
    cells = ([cell.strip() for cell in line if cell.strip()] for line in lines)
    return {first: rest for first, *rest in cells}


def save(path: Path, array: NDArray[np.generic]) -> Path:
    np.save(path, array)
    return path


def in_terminal(command: list[str], columns: int) -> str:
    """What a command prints to a terminal of this width that takes its standard error and, if free, its output."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen(command, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        parts = []
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the terminal's other end is closed
                break
            if not part:
                break
            parts.append(part)
        process.wait()
    os.close(leader)
    return b"".join(parts).decode()
