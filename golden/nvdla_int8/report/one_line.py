"""How every command ends on bad input: a line for each problem, mostly one, on the standard error, exit status 2."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from nvdla_int8.errors import BenchError, one_line


class _OneLine(click.ClickException):
    exit_code = 2

    def __init__(self, program: str, *problems: str) -> None:
        super().__init__("\n".join(f"{program}: error: {one_line(problem)}" for problem in problems))

    def show(self, file: Any = None) -> None:
        click.echo(self.message, err=True)


@contextmanager
def one_line_errors(program: str) -> Iterator[None]:
    """End a click command in lines that begin with its name; for a ``with``, or to decorate the command's function.

    Bad input (BenchError) and files that cannot be used (OSError) are what it takes.
    """
    try:
        yield
    except BenchError as error:
        raise _OneLine(program, *error.problems) from None
    except OSError as error:
        if error.errno == errno.EPIPE:  # click deals with closed pipes
            raise
        name = error.filename or ("standard output" if _give_up_output() else "")
        raise _OneLine(program, ": ".join(str(part) for part in (name, error.strerror or error) if part)) from None


def _give_up_output() -> bool:
    """Whether the standard output cannot be written; what it still holds is dropped, or Python would try at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False
