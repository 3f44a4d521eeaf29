"""Explanations that a board's bytes cannot tell apart are told apart by the next experiment."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.checkup.cause import Cause, Change, Family
from nvdla_int8.checkup.experiment import Experiment, next_experiment
from nvdla_int8.checkup.explanation import Acting, Explanation
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.device.points import Point
from nvdla_int8.stages.fixedpoint import Arithmetic
from nvdla_int8.trace.replay import replay
from nvdla_int8.trace.result import Verdict
from tests.golden.edited_boards import network_subject, trace_subject

UP = Arithmetic(rounding=lambda value, shift: (value + ((np.int64(1) << shift) >> 1)) >> shift)
FLOOR = Arithmetic(rounding=lambda value, shift: value >> shift)


@pytest.fixture
def timeline_of(reference_traces: list[Path]) -> Callable[[str], Timeline]:
    folders = {folder.name: folder for folder in reference_traces}
    return lambda case: trace_subject(folders[case]).timeline


def explanation(
    timeline: Timeline, words: str, point: Point, how: Callable[..., object], layer: int = 0
) -> Explanation:
    cause = Cause(words, Family.ARITHMETIC, "-", words, "-", (Change(point, how),))
    return Explanation((Acting(timeline.layers[layer], cause),), True, 0, 100.0, 5.0, 0.0)


def rounding(timeline: Timeline, words: str, arithmetic: Arithmetic, layer: int = 0) -> Explanation:
    how = lambda apply, _: partial(apply, arithmetic=arithmetic)  # noqa: E731
    return explanation(timeline, words, Point.OUTPUT_CONVERTER, how, layer)


def check(experiment: Experiment | None, folder: Path, parts: int) -> None:
    """It separates them, its trace passes on the golden device, and its words name the values."""
    assert experiment is not None
    assert len(experiment.foretold) == parts
    cfg = experiment.write(folder)[0]
    assert replay(cfg).verdict is Verdict.PASSED
    assert len(experiment.words) == 1 + parts
    assert f"{experiment.address:#x}" in experiment.words[0]


@pytest.mark.parametrize("case", ["layer_0", "sdp_1", "img_3"])
def test_experiment_tells_two_roundings_apart(
    timeline_of: Callable[[str], Timeline], tmp_path: Path, case: str
) -> None:
    timeline = timeline_of(case)
    group = [rounding(timeline, "it rounds half up", UP), rounding(timeline, "it floors", FLOOR)]
    check(next_experiment(timeline, group), tmp_path, 2)


@pytest.mark.parametrize("case", ["pdp_4", "cdp_1"])
def test_experiment_of_other_engines(timeline_of: Callable[[str], Timeline], tmp_path: Path, case: str) -> None:
    timeline = timeline_of(case)
    old = explanation(timeline, "old", Point.WRITTEN, lambda written, _: written._replace(units=written.before))
    zero = explanation(timeline, "zero", Point.WRITTEN, lambda written, _: written._replace(units=written.units * 0))
    group = [old, zero]
    check(next_experiment(timeline, group), tmp_path, 2)


def test_experiment_chooses_the_layer_that_tells_apart(tmp_path: Path) -> None:
    timeline = network_subject("lenet", "per_filter").timeline
    last = len(timeline.layers) - 1
    group = [
        explanation(timeline, "bit 4", Point.OUTPUT, lambda output, _: output ^ np.int8(16), 0),
        explanation(timeline, "bit 5", Point.OUTPUT, lambda output, _: output ^ np.int8(32), last),
    ]
    check(next_experiment(timeline, group), tmp_path, 2)


def test_experiment_of_the_same_mistake_in_other_words_is_none(timeline_of: Callable[[str], Timeline]) -> None:
    timeline = timeline_of("layer_0")
    group = [rounding(timeline, "it floors", FLOOR), rounding(timeline, "it truncates downwards", FLOOR)]
    assert next_experiment(timeline, group) is None
