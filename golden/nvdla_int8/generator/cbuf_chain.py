"""What a chain of random convolutions leaves in the CBUF, by what was drawn, and how the next goes on (reuse.md).

Kept apart from the golden device's own account of the CBUF, so that each checks the other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.generator.draws import Draws, RejectedError
from nvdla_int8.generator.inputs import Input
from nvdla_int8.generator.places import Window
from nvdla_int8.generator.shapes import ConvolutionShape, Pair
from nvdla_int8.stages.input_converter import InputConverter

BANK_CHANGES = (*("none",) * 10, "data", "weights", "both")
MOST_ROWS = 24
"""Of an input in memory."""


@dataclass(frozen=True)
class RowSource:
    """An input in memory with more rows than a layer takes, and what all layers over its kept rows have in common.

    ``shape`` has all rows; of its other sizes only those count that say how a row lies in the CBUF. ``side_value`` is
    what an image's rows have left and right.
    """

    shape: ConvolutionShape
    placed: Input
    converter: InputConverter
    side_value: int

    @property
    def image(self) -> bool:
        """It is an image."""
        return self.shape.pixel_format is not None


@dataclass(frozen=True)
class WeightSource:
    """Weights in memory: (K, C, R, S) int8 as the hardware takes them, an image's with S = 1."""

    stored: NDArray[np.int8]
    window: Window
    weight_bytes: int

    @property
    def kernels(self) -> int:
        """How many."""
        return len(self.stored)


@dataclass(frozen=True)
class Kept:
    """What a layer left.

    Attributes
    ----------
    banks
        Its data and weight banks.
    source
        Whose rows they are.
    first, rows
        The first row that is there, and how many.
    left
        How many go when the next layer does not want them.
    all_rows
        It left them with SKIP_DATA_RLS.
    weights
        Its weights if they are there; ``used_kernels`` of them were used.
    """

    banks: Pair
    source: RowSource
    first: int
    rows: int
    left: int
    all_rows: bool
    weights: WeightSource | None
    used_kernels: int


@dataclass(frozen=True)
class Start:
    """How a layer begins.

    Attributes
    ----------
    change
        Which banks differ from those before, of :data:`BANK_CHANGES`; "both" for the first layer.
    keeps_rows, keeps_weights
        What of the layer before it takes over.
    """

    change: str
    keeps_rows: bool
    keeps_weights: bool

    @property
    def same_data_banks(self) -> bool:
        """The rows of the layer before are there."""
        return self.change in ("none", "weights")


def draw_start(draws: Draws, kept: Kept | None) -> Start:
    """How a layer goes on after what another kept; rows and kernels that were not used must be taken over."""
    if kept is None:
        return Start("both", keeps_rows=False, keeps_weights=False)
    change = draws.pick(BANK_CHANGES)
    weights = change == "none" and kept.weights is not None
    unused = kept.weights is not None and kept.used_kernels < kept.weights.kernels
    there = change in ("none", "weights") and kept.rows > 0
    more = kept.all_rows or kept.first + kept.rows < kept.source.shape.size[0]
    return Start(
        change,
        keeps_rows=there and more and (kept.rows > kept.left or draws.chance(0.7)),
        keeps_weights=weights and (unused or draws.chance(0.75)),
    )


@dataclass(frozen=True)
class Rows:
    """The rows of one layer: ``kept`` in the CBUF, then ``fetched`` from memory, ``used`` by the layer.

    ``first`` is the number of the first one in its source.
    """

    first: int
    kept: int
    fetched: int
    used: int

    @property
    def there(self) -> int:
        """All of them."""
        return self.kept + self.fetched


def draw_rows(draws: Draws, build: Build, source: RowSource, start: Start, kept: Kept | None) -> Rows:
    """The rows of a layer; fewer are used than there are only if the layer keeps all."""
    height = source.shape.size[0]
    entries = source.shape.line_entries(build)
    room = build.cbuf_bank_entries * (kept.banks[0] if kept and start.same_data_banks else 2) // entries
    if start.keeps_rows:
        assert kept is not None
        first, there = kept.first, kept.rows
        most = 0 if kept.all_rows else min(height - first - there, room - there, 8)
        if not kept.all_rows and most < 1:
            raise RejectedError("no room for another row")
        fetched = draws.pick((1, draws.between(1, most), draws.between(1, most))) if most else 0
    else:
        if not room:
            raise RejectedError("not one row fits its banks")
        there, fetched = 0, min(draws.between(1, max(2, height * 2 // 3)), height, room)
        first = draws.between(0, (height - fetched) // 2)
    total = there + fetched
    used = total if total == 1 or draws.chance(0.8) else draws.between(1, total - 1)
    return Rows(first, there, fetched, used)


def draw_left_rows(draws: Draws, rows: Rows) -> int:
    """How many of its rows a layer leaves: none, some of the last ones, or all."""
    if rows.used < rows.there:
        return rows.there
    part = draws.between(1, rows.used - 1) if rows.used > 1 else 0
    return draws.pick((0, part, part, rows.there, rows.there))
