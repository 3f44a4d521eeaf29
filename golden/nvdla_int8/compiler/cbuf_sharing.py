"""What one pass of a layer leaves in the CBUF for the next, so that it is fetched once (reuse.md sections 1 and 3)."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from nvdla_int8.build import Build
from nvdla_int8.compiler.passes import Pass


def share_cbuf(parts: Sequence[Pass], build: Build) -> list[Pass]:
    """The passes of one layer, each with what it takes over from the one before.

    Bands of rows that hold all kernels share the weights, if these stay; bands that overlap share the rows that both
    need; passes over the same rows share them all. Groups share nothing.
    """
    parts = _with_equal_data_banks(parts, build)
    shared = list(parts)
    for index, (before, after) in enumerate(pairwise(parts)):
        rows = _common_rows(before, after)
        weights = before.keeps_weights and _kernels(before) == _kernels(after) and _banks(before) == _banks(after)
        shared[index] = replace(shared[index], left_rows=rows)
        shared[index + 1] = replace(shared[index + 1], kept_rows=rows, reuses_weights=weights)
    return shared


def _with_equal_data_banks(parts: Sequence[Pass], build: Build) -> list[Pass]:
    """The passes with the data banks of the largest, for other banks empty the CBUF, if weights that stay have room."""
    most = max(part.data_banks for part in parts)
    room = build.cbuf_banks - most
    if any(part.keeps_weights and part.weight_banks > room for part in parts):
        return list(parts)
    return [replace(part, data_banks=most, weight_banks=min(part.weight_banks, room)) for part in parts]


def _common_rows(before: Pass, after: Pass) -> int:
    """Rows that stay: the last ones of a pass that are the first ones of the next, which fetches at least one more."""
    if before.data_banks != after.data_banks or before.first_channel != after.first_channel:
        return 0
    if _rows(before) == _rows(after):
        return before.input_rows
    common = before.first_input_row + before.input_rows - after.first_input_row
    return common if 0 < common < min(before.input_rows, after.input_rows) else 0


def _rows(part: Pass) -> tuple[int, int]:
    return part.first_input_row, part.input_rows


def _kernels(part: Pass) -> tuple[int, int]:
    return part.first_kernel, part.kernels


def _banks(part: Pass) -> tuple[int, int]:
    return part.data_banks, part.weight_banks
