"""What check found, as JSON, JUnit XML, a page and pictures; and what explains it when memory is not as loaded."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from junitparser import JUnitXml
from numpy.typing import NDArray

from nvdla_int8.checkup import checked
from nvdla_int8.checkup.cause import Cause, Family
from nvdla_int8.checkup.cause_words import next_words, why_sentence
from nvdla_int8.checkup.checked import Checked, check_dumps
from nvdla_int8.checkup.experiment import Experiment
from nvdla_int8.checkup.explanation import Acting, Explanation, SearchResult
from nvdla_int8.checkup.layer_alone import layer_alone
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.checkup.timeline import HostWrite, Timeline
from nvdla_int8.cli.check_files import CheckFiles
from nvdla_int8.device.run_layer import run_layer
from nvdla_int8.trace.replay import replay as replay_trace
from tests.golden.boards import addresses_of, end_dump, layer_dump
from tests.golden.browser import needs_browser, opened, problems

Cube = NDArray[np.int8]


@pytest.fixture(scope="module")
def pair(reference_traces: list[Path]) -> Timeline:
    return timeline_of_trace_file(next(one for one in reference_traces if one.name == "pair_1"))


def spoil(cube: Cube) -> None:
    cube[3::8, :, -3:] += 5


def explanation(timeline: Timeline, words: str, *, exact: bool, wrong_bytes: int = 0) -> Explanation:
    cause = Cause("made-up", Family.ARITHMETIC, "SDP X1", words, "Look at <X1>.", ())
    return Explanation((Acting(timeline.layers[-1], cause),), exact, wrong_bytes, 800.0, 7.0, 0.0)


def searched(timeline: Timeline, monkeypatch: pytest.MonkeyPatch, result: SearchResult, *more: Observed) -> Checked:
    """A check whose search finds this."""
    monkeypatch.setattr(checked, "search_causes", lambda *_: result)
    return check_dumps(timeline, [layer_dump(timeline, 1, spoil), *more], lambda *_: None)


def test_check_exact_causes_are_named_and_those_that_bytes_cannot_tell_apart_are_counted(
    pair: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (explanation(pair, words, exact=True) for words in ("the shift is 12, not 13", "X1 is off"))
    found = searched(pair, monkeypatch, SearchResult(exact=((one,),), singles_tried=9))
    assert why_sentence(found) == (
        "every byte of the dumps comes out when the shift is 12, not 13, in layer 1 (CDMA to SDP)"
    )
    both = searched(pair, monkeypatch, SearchResult(exact=((one, other),), singles_tried=9))
    assert "with each of 2 causes, which these bytes cannot tell apart" in why_sentence(both)
    again = replace(one, causes=(replace(one.causes[0], onwards=True),))
    onwards = searched(pair, monkeypatch, SearchResult(exact=((one, again),), singles_tried=9))
    assert why_sentence(onwards) == why_sentence(found)
    assert next_words(found) == next_words(onwards) == ()
    [line] = next_words(both)
    assert "no layer alone would tell them apart" in line


def test_check_the_next_experiment_is_told_and_written(
    pair: Timeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group = tuple(explanation(pair, words, exact=True) for words in ("the shift is 12, not 13", "X1 is off"))
    program = layer_alone(pair, pair.layers[1], lambda size: np.full(size, 127, np.uint8))
    words = ("run it alone; the byte at 0xa4000000 is then", "3 when one", "4 when the other")
    experiment = Experiment(pair.layers[1], program, "127", (), 0, words)
    monkeypatch.setattr(checked, "next_experiment", lambda *_: experiment)
    found = searched(pair, monkeypatch, SearchResult(exact=(group,), singles_tried=9))
    assert next_words(found) == words
    files = CheckFiles(None, None, tmp_path / "page.html", None, tmp_path / "experiment")
    files.write(found)
    assert replay_trace(tmp_path / "experiment").passed
    assert "4 when the other" in (tmp_path / "page.html").read_text()
    files.write(searched(pair, monkeypatch, SearchResult()))
    assert "none is written" in capsys.readouterr().err


def test_check_a_cause_that_leaves_bytes_is_never_called_one(pair: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    near = explanation(pair, "X1 is off", exact=False, wrong_bytes=12)
    found = searched(pair, monkeypatch, SearchResult(near=(near,), singles_tried=1200, pairs_tried=34))
    assert why_sentence(found).startswith(
        "nothing in the catalogue gives these bytes (1,200 causes and 34 pairs of them tried); nearest: "
        "when X1 is off, in layer 1 (CDMA to SDP), which leaves 12 of 4,096 bytes unexplained"
    )
    none = searched(pair, monkeypatch, SearchResult(singles_tried=5))
    assert why_sentence(none).startswith("nothing in the catalogue gives these bytes (5 causes tried)")


def test_check_weights_that_were_not_loaded_explain_what_follows_from_them(pair: Timeline) -> None:
    written = {int(address) for index in (0, 1) for address in addresses_of(pair, index)}
    load = max(
        (one for one in pair.events if isinstance(one, HostWrite) and one.base not in written),
        key=lambda one: len(one.data),
    )
    state = pair.state_before(0)
    state.memory.write_bytes(load.base, bytes(len(load.data) // 2))
    layer = pair.layers[0]
    parts = run_layer(layer.run.registers, pair.build, state.memory, state.cbuf)
    assert not np.array_equal(parts.output, layer.run.output)

    def follow(cube: Cube) -> None:
        cube[:] = parts.output

    board = end_dump(pair)
    low, high = np.searchsorted(board.addresses, (load.base, load.base + len(load.data) // 2))
    board.values[low:high] = 0
    loaded = replace(board, addresses=board.addresses[low:high], values=board.values[low:high])
    found = check_dumps(pair, [layer_dump(pair, 0, follow), loaded], lambda *_: None)
    assert found.loaded_explains
    assert found.search is None
    assert "the mistake is in what loads memory" in why_sentence(found)
    assert "what lies in memory is not what the program loads" in found.sentences[1]


def test_check_search_is_not_asked_for_bytes_that_software_loads(
    pair: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {int(address) for index in (0, 1) for address in addresses_of(pair, index)}
    load = next(one for one in pair.events if isinstance(one, HostWrite) and one.base not in written)
    wrong = Observed("weights", load.base + np.arange(8), ~np.frombuffer(load.data[:8], np.uint8))
    asked: list[Observed] = []

    def search(_timeline: Timeline, observed: tuple[Observed, ...], _advance: object) -> SearchResult:
        asked.extend(observed)
        return SearchResult()

    monkeypatch.setattr(checked, "search_causes", search)
    found = check_dumps(pair, [layer_dump(pair, 1, spoil), wrong], lambda *_: None)
    assert not found.loaded_explains
    assert [one.addresses.size for one in asked] == [pair.layers[1].run.output.size, 0]


def test_check_reports_hold_what_was_found(pair: Timeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = explanation(pair, "X1 is off", exact=True)
    found = searched(pair, monkeypatch, SearchResult(exact=((one,),), singles_tried=9))
    paths = [tmp_path / name for name in ("c.json", "c.xml", "c.html", "c.png")]
    CheckFiles(*paths).write(found)
    report = json.loads(paths[0].read_text())
    assert report["answer"] == found.sentences[0]
    assert (report["agrees"], report["departing_layer"]) == (False, 1)
    assert report["first"]["channel"] == 3
    assert [layer["wrong"] for layer in report["layers"]] == [0, found.comparison.layers[1].wrong]
    assert report["causes"]["exact"][0][0]["causes"][0]["key"] == "made-up"
    assert "wrong bytes lie only in every eighth channel from 3 (lane 3 of each atom), in columns 13 to 15" in (
        " ".join(report["patterns"])
    )
    assert report["counts"]["channel"][0] == {"place": 3, "wrong": 24, "compared": 128}
    assert [one["place"] for one in report["counts"]["lane of an atom"]] == [3]
    assert sum(one["wrong"] for one in report["counts"]["column"]) == found.comparison.layers[1].wrong
    suite = JUnitXml.fromfile(str(paths[1]))
    assert (suite.tests, suite.failures, suite.skipped) == (3, 1, 2)
    page = paths[2].read_text()
    assert "Look at &lt;X1&gt;." in page
    assert page.count("<figure>") == 3
    assert paths[3].read_bytes().startswith(b"\x89PNG")


def test_check_reports_of_a_board_that_agrees(
    pair: Timeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = check_dumps(pair, [layer_dump(pair, 1)], lambda *_: None)
    paths = [tmp_path / name for name in ("c.json", "c.xml", "c.html", "c.png")]
    CheckFiles(*paths).write(found)
    report = json.loads(paths[0].read_text())
    assert (report["agrees"], report["departing_layer"], report["causes"]) == (True, None, None)
    assert JUnitXml.fromfile(str(paths[1])).failures == 0
    assert "<figure>" not in paths[2].read_text()
    assert not paths[3].exists()
    assert "no layer departs, there is no picture to draw" in capsys.readouterr().err


@needs_browser
def test_check_page_is_read_on_desk_and_phone_in_light_and_dark(
    pair: Timeline, reference_traces: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also of a layer with one pixel."""
    pixel = timeline_of_trace_file(next(one for one in reference_traces if one.name == "fly_15"))
    pages = [write_page_of(timeline, monkeypatch, tmp_path / f"{at}.html") for at, timeline in enumerate((pair, pixel))]
    with opened() as browser:
        for page in pages:
            for dark, width in ((False, 1200), (True, 360)):
                assert problems(browser, page, dark=dark, width=width) == []


def write_page_of(timeline: Timeline, monkeypatch: pytest.MonkeyPatch, path: Path) -> Path:
    """The page of a board that departs in the last layer."""
    near = explanation(timeline, "X1 is off", exact=False, wrong_bytes=3)
    monkeypatch.setattr(checked, "search_causes", lambda *_: SearchResult(near=(near,), left_untried="pairs: too many"))

    def wrong(cube: Cube) -> None:
        cube[::3] ^= 21

    found = check_dumps(timeline, [layer_dump(timeline, len(timeline.layers) - 1, wrong)], lambda *_: None)
    CheckFiles(None, None, path, None).write(found)
    return path
