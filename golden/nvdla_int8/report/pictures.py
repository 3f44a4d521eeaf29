"""Pictures for a page, drawn with matplotlib as SVG in the page's own colours."""

import re
from collections.abc import Sequence
from io import StringIO
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nvdla_int8.errors import BenchError, writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

WIDTH_INCHES = 4.5
"""Narrow enough that a phone need not shrink the words much."""

HEAD_INCHES, ROW_INCHES = 1.0, 0.24
LONGEST_NAME = 20

DOTS_PER_INCH = 150
"""Of a picture as PNG."""

COLOURS = {name: f"#01020{digit}" for digit, name in enumerate(("ink", "line", "blue", "orange", "green", "red"))}
"""Stand-ins for the colours of the page, which are others in the dark: :func:`as_svg` puts the page's names there."""

LEGEND: dict[str, Any] = {"labelcolor": COLOURS["ink"], "fontsize": "small", "frameon": False}
"""How legends look, for matplotlib's ``legend``, which is called where the style does not reach."""

_STYLE: dict[str, Any] = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), COLOURS["ink"]),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none"),
    "grid.color": COLOURS["line"],
    "font.size": 9,
    "text.parse_math": False,  # names may hold a $
    "svg.hashsalt": "nvdla",
    "svg.fonttype": "none",
}


def new_picture(height_inches: float) -> "tuple[Figure, Axes]":
    """An empty picture of the usual width.

    Raises
    ------
    BenchError
        matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise BenchError("pictures are drawn with matplotlib: pip install 'nvdla-int8[plots]'") from None
    with rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
        return figure, figure.subplots()


def new_pictures(height_inches: float, count: int) -> "tuple[Figure, list[Axes]]":
    """Empty pictures beside one another, each of the usual width; BenchError as of :func:`new_picture`."""
    figure, axes = new_picture(height_inches)
    axes.remove()
    figure.set_figwidth(count * WIDTH_INCHES)
    from matplotlib import rc_context

    with rc_context(_STYLE):
        return figure, list(figure.subplots(1, count))


def add_colour_bar(axes: "Axes", image: "ScalarMappable", ticks: Sequence[int]) -> None:
    """Tell below a picture which colour is which value, with numbers at some of them."""
    from matplotlib import rc_context

    figure = axes.figure
    assert figure is not None
    with rc_context(_STYLE):
        bar = figure.colorbar(image, ax=axes, location="bottom", fraction=0.06, aspect=40)
        bar.set_ticks(ticks, labels=[str(tick) for tick in ticks])
        bar.minorticks_off()


def as_png(figure: "Figure", path: Path) -> None:
    """Write the picture on white paper; OSError when the file cannot be written."""
    from matplotlib import rc_context

    with rc_context(_STYLE), writing(path):
        figure.savefig(path, format="png", dpi=DOTS_PER_INCH, facecolor="white", metadata={"Software": None})


def as_svg(figure: "Figure") -> str:
    """The picture alone, without XML's head, the same for the same data."""
    from matplotlib import rc_context

    text = StringIO()
    with rc_context(_STYLE):
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    svg = re.sub(r'<g id="[^"]*"', "<g", svg[svg.index("<svg") :])  # every picture has a figure_1, and ids are a page's
    for name, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg


def new_rows(names: Sequence[str]) -> "tuple[Figure, Axes]":
    """An empty picture with a row for each name, from the top; BenchError as of :func:`new_picture`."""
    figure, axes = new_picture(HEAD_INCHES + ROW_INCHES * len(names))
    axes.set_yticks(range(len(names)), _short(names))
    axes.set_ylim(len(names) - 0.5, -0.6)
    axes.grid(axis="x", linewidth=0.5)
    axes.set_axisbelow(True)
    return figure, axes


def with_legend(figure: "Figure", axes: "Axes") -> str:
    """The picture as SVG, with a legend above it if anything in it has a label."""
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper left", ncols=2, **LEGEND)
    return as_svg(figure)


def _short(names: Sequence[str]) -> list[str]:
    """Names as they are, or where one is long without what all of them end with, and of the rest the end."""
    if max(map(len, names)) <= LONGEST_NAME:
        return list(names)
    from_behind = zip(*(reversed(name) for name in names), strict=False)
    ending = sum(1 for _ in takewhile(lambda signs: len(set(signs)) == 1, from_behind))
    kept = [name[: len(name) - ending] or name for name in names]
    return [name if len(name) <= LONGEST_NAME else f"\u2026{name[1 - LONGEST_NAME :]}" for name in kept]
