"""Which unit wrong bytes point to when no cause is known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.cause_words import why_sentence
from nvdla_int8.checkup.checked import describe_dumps
from nvdla_int8.checkup.explanation import SearchResult
from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.checkup.suspects import suspect_words
from nvdla_int8.checkup.timeline import Timeline
from tests.golden.boards import layer_dump

Cube = NDArray[np.int8]


@pytest.fixture(scope="module")
def timeline(reference_traces: list[Path]) -> Timeline:
    """A convolution with X1's operands per kernel, without X2."""
    return timeline_of_trace_file(next(folder for folder in reference_traces if folder.name == "layer_13"))


def every_third_column(cube: Cube) -> None:
    """As where one column of each three is read wrong: nothing that is a function of values."""
    cube[:, :, ::3] ^= 0x15


def another_operand(cube: Cube) -> None:
    """As where X1's operand of one kernel is another."""
    cube[3] = np.clip(cube[3].astype(np.int64) + 9, -128, 127)


def another_byte_for_each(cube: Cube) -> None:
    """As where all values that are equal become equally wrong, wherever."""
    cube[:] = np.clip(cube.astype(np.int64) + 3, -128, 127)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (every_third_column, "look at what is in front of X1 and its operands first"),
        (another_operand, "look at X1 and its operands first"),
        (another_byte_for_each, ""),
    ],
)
def test_unit_is_suspected_by_what_equal_values_became(
    timeline: Timeline, spoil: Callable[[Cube], None], said: str
) -> None:
    output = describe_dumps(timeline, [layer_dump(timeline, 0, spoil)]).output
    assert output is not None
    words = suspect_words(output)
    assert words.startswith(said)
    assert bool(words) == bool(said)


def test_suspect_is_told_where_nothing_gives_the_bytes(timeline: Timeline) -> None:
    described = describe_dumps(timeline, [layer_dump(timeline, 0, every_third_column)])
    checked = replace(described, search=SearchResult(singles_tried=5))
    assert why_sentence(checked).endswith(f"(5 causes tried); {checked.suspect}")
    assert checked.as_dict()["suspect"] == checked.suspect != ""
    assert described.suspect == ""
