"""Causes of the catalogue, planted one by one and two by two, come back from the search; a drawn share of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.seeds import generator
from tests.conftest import SEED
from tests.golden.cause_campaign import Outcome, board_of, one_of_each_key, tried, whole_outputs
from tests.golden.edited_boards import trace_subject
from tests.sample import drawn, everything

CASES = ("sdp_1", "pdp_4", "layer_2", "img_3", "cdp_1")
PAIRS = 10
"""Of each case."""


def plantable(timeline: Timeline, random: np.random.Generator) -> list[Cause]:
    """A cause of each key that changes a byte of the first layer."""
    scene = Scene(timeline, timeline.layers[0], timeline.state_before(0))
    places = whole_outputs(timeline)
    return [cause for cause in one_of_each_key(scene, random) if board_of(timeline, [(0, cause)], places)]


def pairs_of(causes: list[Cause], timeline: Timeline, random: np.random.Generator) -> Iterator[list[tuple[int, Cause]]]:
    """Pairs that differ from both of their causes alone, drawn."""
    places = whole_outputs(timeline)
    while True:
        pair = [(0, causes[at]) for at in sorted(random.choice(len(causes), 2, replace=False))]
        boards = [board_of(timeline, planted, places) for planted in (pair, pair[:1], pair[1:])]
        if all(boards) and len({b"".join(one.values.tobytes() for one in board or ()) for board in boards}) == 3:
            yield pair


def report(outcomes: list[Outcome]) -> str:
    seconds = [outcome.seconds for outcome in outcomes]
    missed = [str(outcome) for outcome in outcomes if outcome.place < 0]
    first = sum(outcome.place == 0 for outcome in outcomes)
    return (
        f"{len(outcomes)} planted, {len(outcomes) - len(missed)} in the first group, {first} first, "
        f"at most {max(seconds):.1f} s; missed: {missed}"
    )


@pytest.mark.parametrize("case", CASES if everything() else CASES[:1])
def test_campaign_planted_causes_are_in_the_first_group(reference_traces: list[Path], case: str) -> None:
    folders = {folder.name: folder for folder in reference_traces}
    timeline = trace_subject(folders[case]).timeline
    places = whole_outputs(timeline)
    causes = plantable(timeline, generator(SEED, "campaign", case))
    singles = [[(0, cause)] for cause in drawn(causes, f"campaign {case}")]
    outcomes = [tried(case, timeline, planted, board_of(timeline, planted, places) or []) for planted in singles]
    print(report(outcomes))
    assert sum(outcome.place < 0 for outcome in outcomes) <= len(outcomes) // 20, report(outcomes)


@pytest.mark.skipif(not everything(), reason="half a minute for each pair: make everything")
@pytest.mark.parametrize("case", CASES)
def test_campaign_planted_pairs_are_in_the_first_group(reference_traces: list[Path], case: str) -> None:
    folders = {folder.name: folder for folder in reference_traces}
    timeline = trace_subject(folders[case]).timeline
    random = generator(SEED, "pairs", case)
    places = whole_outputs(timeline)
    pairs = pairs_of(plantable(timeline, random), timeline, random)
    planted = [next(pairs) for _ in range(PAIRS)]
    outcomes = [tried(case, timeline, pair, board_of(timeline, pair, places) or []) for pair in planted]
    print(report(outcomes))
    assert sum(outcome.place < 0 for outcome in outcomes) <= len(outcomes) // 10, report(outcomes)
