"""Layers of PDP where a plausible unit goes wrong (pdp_cdp.md sections 2, 3 and 5)."""

from typing import NamedTuple

import numpy as np

from nvdla_bench.units.support.pdp_layers import PdpCase, buffer_columns, case_of, pooling_of
from nvdla_int8.stages.pooling import Axis, PoolingMethod
from nvdla_int8.stages.pooling_split import WidthSplit

AVERAGE, MAX, MIN = PoolingMethod.AVERAGE, PoolingMethod.MAX, PoolingMethod.MIN


class _Windows(NamedTuple):
    """Size, and along each direction kernel, stride, padding before and after."""

    method: PoolingMethod
    height: int
    rows: tuple[int, int, int, int]
    width: int
    columns: tuple[int, int, int, int]
    usual: bool = False


_LAYERS = (
    # Padding on all sides: pad values by their number, once more in the corners; none for maximum and minimum.
    _Windows(AVERAGE, 4, (3, 1, 2, 2), 4, (3, 1, 2, 2)),
    _Windows(AVERAGE, 1, (8, 1, 7, 7), 1, (8, 1, 7, 7)),
    _Windows(AVERAGE, 3, (8, 1, 5, 7), 2, (8, 1, 7, 6), usual=True),
    _Windows(MAX, 3, (3, 2, 1, 1), 5, (3, 2, 1, 1)),
    _Windows(MIN, 2, (5, 1, 4, 4), 3, (4, 1, 3, 3)),
    # Ties of both roundings.
    _Windows(AVERAGE, 6, (2, 2, 0, 0), 6, (2, 2, 0, 0), usual=True),
    _Windows(AVERAGE, 8, (4, 4, 0, 0), 8, (8, 8, 0, 0), usual=True),
    # One pixel, one row, one column, kernels of 1.
    _Windows(AVERAGE, 1, (1, 1, 0, 0), 1, (1, 1, 0, 0), usual=True),
    _Windows(MAX, 1, (1, 16, 0, 0), 9, (1, 1, 0, 0)),
    _Windows(MIN, 9, (3, 1, 1, 1), 1, (1, 1, 0, 0)),
    # All windows that may be in progress: eight, four, two, one.
    _Windows(AVERAGE, 10, (8, 1, 0, 0), 3, (2, 1, 0, 0)),
    _Windows(MAX, 9, (8, 2, 1, 1), 3, (2, 1, 1, 0)),
    _Windows(AVERAGE, 9, (8, 4, 3, 0), 4, (3, 1, 0, 0)),
    _Windows(MIN, 9, (8, 7, 0, 6), 4, (3, 1, 0, 0)),
    _Windows(MAX, 19, (3, 16, 0, 0), 20, (3, 16, 0, 0)),
    # P2: padding behind that reaches a whole stride further than the windows.
    _Windows(AVERAGE, 4, (4, 2, 0, 3), 4, (4, 2, 0, 3)),
    _Windows(MAX, 1, (3, 1, 0, 2), 2, (5, 1, 1, 4)),
    # P4: windows above the first row, more than the output has rows.
    _Windows(AVERAGE, 1, (8, 1, 7, 0), 2, (2, 1, 1, 1)),
    _Windows(MIN, 1, (8, 3, 7, 0), 2, (2, 1, 1, 1)),
    # P5, P6: rows and columns that no window uses.
    _Windows(AVERAGE, 9, (2, 4, 0, 0), 9, (2, 4, 0, 0)),
    _Windows(MAX, 15, (1, 16, 0, 0), 15, (1, 16, 0, 0)),
    _Windows(MIN, 5, (2, 2, 0, 0), 5, (2, 2, 0, 0)),
    _Windows(AVERAGE, 12, (3, 6, 1, 0), 3, (3, 1, 1, 1), usual=True),
)

_SPLITS = (
    # Two parts, parts that overlap, parts that leave columns out, as many as there can be in a short row.
    ((3, 1, 1, 1), WidthSplit(parts=2, in_first=4, in_last=3, out_first=3, out_last=4)),
    ((8, 1, 7, 7), WidthSplit(parts=3, in_first=7, in_mid=2, in_last=1, out_first=7, out_mid=2, out_last=8)),
    ((2, 4, 0, 0), WidthSplit(parts=4, in_first=6, in_mid=8, in_last=9, out_first=2, out_mid=2, out_last=2)),
    ((3, 1, 0, 0), WidthSplit(parts=9, in_first=3, in_mid=1, in_last=1, out_first=1, out_mid=1, out_last=1)),
    ((3, 2, 1, 0), WidthSplit(parts=2, in_first=4, in_last=3, out_first=2, out_last=1)),
)


def directed_cases(random: np.random.Generator, atom: int, bank_columns: int) -> list[PdpCase]:
    """Every layer of the lists above, then the widest layers for each number of rows in progress."""
    cases: list[PdpCase] = []
    for layer in _LAYERS:
        pooling = pooling_of(
            random, layer.method, Axis("height", *layer.rows), Axis("width", *layer.columns), usual=layer.usual
        )
        flying = len(cases) % 3 == 1
        cases.append(case_of(random, pooling, (layer.height, layer.width), atom, len(cases), flying=flying))
    for columns, split in _SPLITS:
        pooling = pooling_of(random, AVERAGE, Axis("height", 4, 3, 1, 2), Axis("width", *columns))
        cases.append(case_of(random, pooling, (5, split.width), atom, len(cases), split=split))
    for kernel, stride in ((8, 1), (4, 1), (4, 2), (3, 3)):
        pooling = pooling_of(random, AVERAGE, Axis("height", kernel, stride, 0, 0), Axis("width", 1, 1, 0, 0))
        size = (kernel + 1, buffer_columns(pooling, bank_columns))
        cases.append(case_of(random, pooling, size, atom, len(cases), surfaces=1))
    # Rows of one line are not kept: they may be longer than the line buffer. Sizes need all their bits.
    one = Axis("height", 1, 1, 0, 0)
    for size in ((2, 8 * bank_columns + 3), (270, 1)):
        cases.append(case_of(random, pooling_of(random, MIN, one, one), size, atom, len(cases), surfaces=1))
    return cases
