"""The one exception users see: a single line that names what is wrong and where."""

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


def file_trouble(error: OSError) -> str:
    """Why a file cannot be used, without its path."""
    return "no such file" if isinstance(error, FileNotFoundError) else str(error.strerror or error)
