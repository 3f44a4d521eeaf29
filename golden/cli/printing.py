"""How the commands print tables."""

import sys
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNBOUNDED_WIDTH = 100_000


def print_table(columns: Iterable[str], rows: Iterable[Iterable[object]], title: str = "") -> None:
    """Print rows, the first column to the left, the others to the right; piped tables are never cut."""
    table = Table(box=box.SIMPLE, title=Text(title) if title else None, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))  # Text: names may hold what rich reads as markup
    Console(width=None if sys.stdout.isatty() else UNBOUNDED_WIDTH).print(table)


def number(value: float) -> str:
    """A real number with the digits that matter."""
    return f"{value:.6g}"


def span(values: Iterable[float]) -> str:
    """Smallest to largest, or the one value."""
    low, high = min(listed := list(values)), max(listed)
    return number(low) if low == high else f"{number(low)} .. {number(high)}"
