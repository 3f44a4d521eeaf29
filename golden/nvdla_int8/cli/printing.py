"""How the commands print tables."""

import sys
from collections.abc import Collection, Iterable, Sequence
from decimal import ROUND_CEILING, Context, Decimal

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nvdla_int8.errors import one_line

UNBOUNDED_WIDTH = 100_000

MOST_LISTED = 8
"""Names in a line."""

PADDING = (0, 1, 0, 0)
"""One space to the right of each cell; the box's invisible lines are one more each."""


def terminal() -> Console:
    """The standard output; lines are as long as they need unless it is a terminal."""
    return Console(width=None if sys.stdout.isatty() else UNBOUNDED_WIDTH, highlight=False)


def warn(text: str) -> None:
    """One line on the standard error that starts like an error's."""
    click.echo(f"nvdla-int8: warning: {one_line(text)}", err=True)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Iterable[object]],
    title: str = "",
    *,
    wrapping: Collection[str] | None = None,
) -> None:
    """Print rows in the terminal's width; no word and no number is ever split over two lines.

    Where even the narrowest columns do not fit, each row is a block of ``column: cell`` lines.

    Parameters
    ----------
    columns
        The headers.
    wrapping
        Columns of words, to the left, which may break between two of them; by default the first one.
        The others stay whole, to the right.
    """
    wrapping = columns[:1] if wrapping is None else wrapping
    cells = [[one_line(str(cell)) for cell in row] for row in rows]
    console = terminal()
    widths = _widths(columns, cells, wrapping, console.width)
    if widths is None:
        _print_blocks(console, columns, cells, title)
        return
    table = Table(box=box.SIMPLE, padding=PADDING, title=Text(one_line(title)) if title else None, title_justify="left")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column, justify="left" if column in wrapping else "right", width=width, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))  # Text: names may hold what rich reads as markup
    console.print(table)


def _widths(
    columns: Sequence[str], rows: Sequence[Sequence[str]], wrapping: Collection[str], available: int
) -> list[int] | None:
    """Each column's width, none below its longest word; None when that is too wide. Headers break before cells do."""
    widths, unbroken, least = [], [], []
    for index, column in enumerate(columns):
        cells = [row[index] for row in rows]
        whole = [word for cell in cells for word in cell.split()] if column in wrapping else cells
        widths.append(max(map(_cells, [column, *cells])))
        unbroken.append(max(map(_cells, [*column.split(), *cells])))
        least.append(max(map(_cells, [*column.split(), *whole])))
    between = len(columns) + 1 + PADDING[1] * len(columns)
    for floors in (unbroken, least):
        while sum(widths) + between > available:
            shrinkable = [index for index, width in enumerate(widths) if width > floors[index]]
            if not shrinkable:
                break
            widths[max(shrinkable, key=widths.__getitem__)] -= 1
    return widths if sum(widths) + between <= available else None


def _cells(text: str) -> int:
    return Text(text).cell_len


def _print_blocks(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    if title:
        console.print(Text(one_line(title)))
    for row in rows:
        console.print()
        for column, cell in zip(columns, row, strict=True):
            console.print(Text(f"{column}: {cell}"))
    console.print()


def number(value: float) -> str:
    """A real number with the digits that matter."""
    return f"{value:.6g}"


def bound(value: float) -> str:
    """An upper bound with four digits after the point: rounded upwards, so that what is printed holds too."""
    exact = Context(prec=350, rounding=ROUND_CEILING)  # more digits than any float64 has before the point
    return f"{Decimal(value).quantize(Decimal('0.0001'), context=exact):f}"


def listed(words: Iterable[str]) -> str:
    """Words with commas between them, the first of many and how many more there are."""
    every = list(words)
    more = f" and {len(every) - MOST_LISTED:,} more" if len(every) > MOST_LISTED else ""
    return ", ".join(every[:MOST_LISTED]) + more


def span(values: Iterable[float], digits: int = 6) -> str:
    """Smallest to largest, or the one value, with so many significant digits."""
    low, high = min(numbers := list(values)), max(numbers)
    return f"{low:.{digits}g}" if low == high else f"{low:.{digits}g} .. {high:.{digits}g}"
