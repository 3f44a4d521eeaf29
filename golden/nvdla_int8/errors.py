"""The one exception users see: a single line that names what is wrong and where."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


class BenchError(ValueError):
    """Bad input to the bench.

    The message is one line naming the file, layer or register and the offending value.
    Commands print it and exit with status 2; library callers may catch it as ``ValueError``.
    """


@contextmanager
def located(place: str) -> Iterator[None]:
    """Put the place in front of a BenchError raised inside."""
    try:
        yield
    except BenchError as error:
        raise BenchError(f"{place}: {error}") from None


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file of an OSError raised inside: that of a full disk names none."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(path)
        raise


def file_trouble(error: OSError) -> str:
    """Why a file cannot be used, without its path."""
    return "no such file" if isinstance(error, FileNotFoundError) else str(error.strerror or error)
