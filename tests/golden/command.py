"""Calls the command nvdla-int8 in the test's own process."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from golden.cli import main


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def succeed(*arguments: object) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def problem(*arguments: object) -> str:
    """The one line of bad input."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.startswith("nvdla-int8: error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("nvdla-int8: error: ").rstrip("\n")


def rows(output: str) -> dict[str, list[str]]:
    """Lines of cells by their first cell."""
    lines = (line.split("  ") for line in output.splitlines() if line.strip())
    cells = ([cell.strip() for cell in line if cell.strip()] for line in lines)
    return {first: rest for first, *rest in cells}


def save(path: Path, array: NDArray[np.generic]) -> Path:
    np.save(path, array)
    return path
