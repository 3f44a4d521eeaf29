"""The progress bar of long work."""

from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

PATIENCE_SECONDS = 2.0
"""Work that is done sooner needs no bar."""


def progress_bar() -> Progress:
    """A bar on the standard error, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False,
        disable=not console.is_terminal,
    )  # fmt: skip


class LateProgress:
    """A bar that comes up when the work takes longer than :data:`PATIENCE_SECONDS`; for a ``with``.

    Parameters
    ----------
    description
        What is counted.
    total
        How many there are.
    """

    def __init__(self, description: str, total: int) -> None:
        self._description, self._total = description, total
        self._done = 0
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._began = monotonic()

    def __enter__(self) -> Self:
        self._began = monotonic()
        return self

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        elif monotonic() - self._began > PATIENCE_SECONDS:
            self._bar = progress_bar()
            self._task = self._bar.add_task(self._description, total=self._total, completed=self._done)
            self._bar.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


class SearchProgress:
    """A bar on the standard error for work in several parts, each told as it goes; for a ``with``."""

    def __init__(self) -> None:
        self._bar = progress_bar()
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def advance(self, what: str, done: int, total: int) -> None:
        """So much of a part is done."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done, total=total)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()
