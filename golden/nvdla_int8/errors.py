"""The one exception users see: a line for each thing that is wrong, which names what and where."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self


class BenchError(ValueError):
    """Bad input to the bench.

    The message is one line naming the file, layer or register and the offending value.
    Commands print it and exit with status 2; library callers may catch it as ``ValueError``.
    """

    @property
    def problems(self) -> tuple[str, ...]:
        """The lines, mostly one."""
        return (str(self),)


class BenchErrors(BenchError):
    """Several things that are wrong with one input, told at once: a line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self._problems = tuple(problems)
        super().__init__("\n".join(self._problems))

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[str, ...]]]:
        """From its lines, in another process."""
        return type(self), (self._problems,)

    @property
    def problems(self) -> tuple[str, ...]:
        """The lines."""
        return self._problems


class Problems:
    """What is wrong with an input, gathered: ``with problems.gathered(): ...`` for each of its parts."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep the lines of a BenchError raised inside, and go on."""
        try:
            yield
        except BenchError as error:
            self.lines += error.problems

    def check(self) -> None:
        """Raise what was gathered, if anything was: BenchErrors."""
        if self.lines:
            raise BenchErrors(dict.fromkeys(self.lines))


@contextmanager
def located(place: str) -> Iterator[None]:
    """Put the place in front of a BenchError raised inside, of each of its lines."""
    try:
        yield
    except BenchErrors as error:
        raise BenchErrors(f"{place}: {problem}" for problem in error.problems) from None
    except BenchError as error:
        raise BenchError(f"{place}: {error}") from None


def one_line(text: str) -> str:
    """Return the text with escapes in place of line ends and what else cannot be printed, as names may hold."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


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
