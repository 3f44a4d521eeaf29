"""The search names the causes that reproduce a board's bytes, and nothing when none does."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes import catalogue
from nvdla_int8.checkup.layer_output import layer_outputs
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.search import search_causes
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.points import Point
from nvdla_int8.seeds import generator
from nvdla_int8.stages.fixedpoint import Arithmetic
from tests.golden.edited_boards import Subject, network_subject, output_edit, trace_subject

Named = Callable[[str], Subject]


@pytest.fixture
def subject_of(reference_traces: list[Path]) -> Named:
    folders = {folder.name: folder for folder in reference_traces}
    return lambda case: trace_subject(folders[case])


def quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def made(key: str, point: Point, how: Callable[..., object], *, freedom_bits: float = 0.0) -> Cause:
    everywhere = key.startswith("rounding")
    return Cause(key, Family.DATA, "-", key, "-", (Change(point, how),), everywhere, freedom_bits)


def few_causes(_scene: Scene) -> Iterator[Cause]:
    """A catalogue of the test's own."""
    floor = Arithmetic(rounding=lambda value, shift: value >> shift)
    yield made("rounding-floor", Point.OUTPUT_CONVERTER, lambda apply, _: partial(apply, arithmetic=floor))
    yield made("weights-negated", Point.WEIGHTS, lambda weights, _: -np.maximum(weights, -127))
    yield made("mirrored", Point.OUTPUT, lambda output, _: output[..., ::-1])
    yield made("no-x1", Point.X1, lambda compute, _: partial(compute, arithmetic=floor))
    yield made("flipped", Point.OUTPUT, lambda output, _: output ^ np.int8(16))


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "SUGGESTIONS", (few_causes,))


def floored(run: LayerRun) -> NDArray[np.int64]:
    """The output converter's bytes with floor for rounding, in Python's integers."""
    word = run.registers.word
    assert run.sdp is not None
    offset = int(np.int32(np.uint32(word("SDP.D_CVT_OFFSET"))))
    scale, shift = int(np.int16(np.uint16(word("SDP.D_CVT_SCALE")))), word("SDP.D_CVT_SHIFT")
    values = [
        min(max(min(max((value - offset) * scale >> shift, -65536), 65535), -128), 127)
        for value in run.sdp.x2.ravel().tolist()
    ]
    return np.array(values).reshape(run.sdp.x2.shape)


def keys(subject: Subject, observed: list[Observed]) -> list[str]:
    result = search_causes(subject.timeline, observed, quiet)
    return [one.causes[0].cause.key for group in result.exact for one in group]


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("case", ["layer_0", "layer_1", "img_3", "dc_4", "sdp_1"])
@pytest.mark.parametrize("end", [True, False])
def test_search_planted_rounding_is_named(subject_of: Named, case: str, end: bool) -> None:
    subject = subject_of(case)
    assert keys(subject, subject.board({0: output_edit(floored)}, end=end))[:1] == ["rounding-floor"]


@pytest.mark.usefixtures("_few")
def test_search_right_dump_is_not_accused(subject_of: Named) -> None:
    subject = subject_of("pair_1")
    result = search_causes(subject.timeline, subject.board({}), quiet)
    assert (result.exact, result.near, result.singles_tried) == ((), (), 0)


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("count", [1, 2, 7])
def test_search_noise_has_no_cause(subject_of: Named, count: int) -> None:
    random = generator("noise", count)

    def noisy(run: LayerRun) -> NDArray[np.int64]:
        values = run.output.astype(np.int64)
        places = random.choice(values.size, count, replace=False)
        values.ravel()[places] += random.integers(1, 256, count)
        return values

    subject = subject_of("layer_1")
    assert keys(subject, subject.board({0: output_edit(noisy)})) == []


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("layer", [0, 2])
def test_search_cause_in_a_layer_that_was_not_dumped_is_found(layer: int) -> None:
    subject = network_subject("lenet", "per_filter")
    last = len(subject.timeline.layers) - 1
    board = subject.board({layer: output_edit(lambda run: run.output ^ np.int8(16))}, layers=[last])
    [group] = search_causes(subject.timeline, board, quiet).exact
    assert ("flipped", layer) in [(one.causes[0].cause.key, one.causes[0].layer.index) for one in group]


def test_search_board_on_which_nothing_ran_is_told_so_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """All zero in all layers: shifts that are too long would give that as well."""
    monkeypatch.setattr(catalogue, "SUGGESTIONS", catalogue.SUGGESTIONS[:3])
    timeline = network_subject("residual", "per_kernel").timeline
    untouched = timeline.state_before(0).memory
    board = [
        Observed("board", one.addresses, untouched.read(one.addresses, 1)[:, 0], one.after)
        for one in layer_outputs(timeline)
    ]
    assert not any(one.values.any() for one in board)
    [group] = search_causes(timeline, board, quiet).exact
    first = group[0].causes[0]
    assert (first.cause.key, first.layer.index, first.onwards) == ("never-ran", 0, True)
    assert "shift-applied-twice" in [one.causes[0].cause.key for one in group]


def keys_of_pairs(subject: Subject, observed: list[Observed]) -> list[list[tuple[str, int]]]:
    result = search_causes(subject.timeline, observed, quiet)
    return [[(one.cause.key, one.layer.index) for one in pair.causes] for group in result.exact for pair in group]


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("case", ["layer_0", "layer_1", "dc_4"])
def test_search_two_mistakes_in_a_layer_are_named(subject_of: Named, case: str) -> None:
    subject = subject_of(case)
    board = subject.board({0: output_edit(lambda run: floored(run)[..., ::-1])})
    assert keys_of_pairs(subject, board)[0] == [("rounding-floor", 0), ("mirrored", 0)]


@pytest.mark.usefixtures("_few")
def test_search_two_mistakes_in_two_layers_are_named() -> None:
    subject = network_subject("lenet", "per_filter")
    last = len(subject.timeline.layers) - 1
    edits = {index: output_edit(lambda run: run.output ^ np.int8(16)) for index in (0, last)}
    assert keys_of_pairs(subject, subject.board(edits))[0] == [("flipped", 0), ("flipped", last)]


@pytest.mark.usefixtures("_few")
def test_search_mistake_that_nobody_knows_has_no_cause(subject_of: Named) -> None:
    """Channels in a random order, each with a random sign."""
    random = generator("unknown mistake")

    def scrambled(run: LayerRun) -> NDArray[np.int64]:
        values = run.output.astype(np.int64)[random.permutation(len(run.output))]
        signs: NDArray[np.int64] = random.choice(np.array([-1, 1]), (len(values), 1, 1))
        return values * signs

    subject = subject_of("layer_1")
    result = search_causes(subject.timeline, subject.board({0: output_edit(scrambled)}), quiet)
    assert result.exact == ()
    assert result.singles_tried == 5
    assert result.pairs_tried >= 10
