"""The search with the whole catalogue, against mistakes that another hand planted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.explanation import SearchResult
from nvdla_int8.checkup.search import search_causes
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.seeds import generator
from tests.golden.edited_boards import Edit, Subject, output_edit, trace_subject
from tests.golden.test_search import floored, quiet

Named = Callable[[str], Subject]


@pytest.fixture
def subject_of(reference_traces: list[Path]) -> Named:
    folders = {folder.name: folder for folder in reference_traces}
    return lambda case: trace_subject(folders[case])


def searched(subject: Subject, edit: Edit, *, end: bool = False) -> SearchResult:
    return search_causes(subject.timeline, subject.board({0: edit}, end=end), quiet)


def first_group(result: SearchResult) -> list[list[str]]:
    """Keys of each explanation of the best group."""
    return [[one.cause.key for one in explanation.causes] for group in result.exact[:1] for explanation in group]


def stuck(values: NDArray[np.int64], lane: int, bit: int) -> NDArray[np.int64]:
    """A bit of a lane of every atom at 1."""
    changed = values.copy()
    changed[lane::8] |= 1 << bit
    return changed


@pytest.mark.parametrize(("case", "end"), [("img_3", True), ("sdp_1", False)])
def test_catalogue_truncation_is_first(subject_of: Named, case: str, end: bool) -> None:
    assert first_group(searched(subject_of(case), output_edit(floored), end=end))[0] == ["truncation"]


def test_catalogue_stuck_bit_is_first(subject_of: Named) -> None:
    edit = output_edit(lambda run: stuck(run.output.astype(np.int64), 5, 3))
    assert first_group(searched(subject_of("layer_2"), edit))[0] == ["stuck-output-bit"]


def test_catalogue_truncation_and_stuck_bit_are_first(subject_of: Named) -> None:
    result = searched(subject_of("sdp_1"), output_edit(lambda run: stuck(floored(run), 5, 3)))
    assert sorted(first_group(result)[0]) == ["stuck-output-bit", "truncation"]


@pytest.mark.parametrize("count", [1])
def test_catalogue_has_no_cause_of_noise(subject_of: Named, count: int) -> None:
    random = generator("noise", count)

    def noisy(run: LayerRun) -> NDArray[np.int64]:
        values = run.output.astype(np.int64)
        places = random.choice(values.size, count, replace=False)
        values.ravel()[places] += random.integers(1, 256, count)
        return values

    assert searched(subject_of("sdp_1"), output_edit(noisy)).exact == ()


def test_catalogue_has_no_cause_of_a_mistake_that_nobody_knows(subject_of: Named) -> None:
    """Bytes mixed with where they lie."""

    def mixed(run: LayerRun) -> NDArray[np.int64]:
        channel, y, x = np.indices(run.output.shape)
        return run.output.astype(np.int64) ^ (channel * 7 + y * 31 + x * 3) & 0xFF

    assert searched(subject_of("sdp_1"), output_edit(mixed)).exact == ()
