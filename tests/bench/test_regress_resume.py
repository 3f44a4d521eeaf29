"""An interrupted ``nvdla-int8 regress`` leaves a report, and goes on from its journal if that is of the same run."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nvdla_bench.regression.batch import Outcome, Plan
from nvdla_bench.regression.journal import JOURNAL, outcome_line, read_outcome
from nvdla_bench.regression.regress import run_regression
from nvdla_bench.regression.report import Regression, write_files
from nvdla_bench.regression.workers import Processes
from nvdla_int8.cli import main
from nvdla_int8.errors import BenchError
from tests.bench.golden_runner import GoldenRunner

COUNT = 8


def regression(
    folder: Path, told: Any = lambda _: None, *, jobs: int = 1, seed: str = "r", **options: Any
) -> Regression:
    resume = options.pop("resume", False)
    plan = Plan(GoldenRunner(folder / "log"), folder / "run", **{"kind": "memory", **options})
    result = run_regression(
        plan, seed, COUNT, Processes(jobs), reproduce="regress --seed {}", batch=2, resume=resume, told=told
    )
    write_files(result)
    return result


def interrupt(_: Outcome) -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_run_is_reported_and_goes_on(tmp_path: Path, jobs: int) -> None:
    part = regression(tmp_path, interrupt, jobs=jobs)
    assert part.ended_early == "interrupted"
    assert not part.passed
    stored = json.loads((tmp_path / "run" / "result.json").read_text())
    assert stored["not_run"] == COUNT - len(part.outcomes) > 0
    before = (tmp_path / "log").read_text().splitlines()
    whole = regression(tmp_path, resume=True)
    assert whole.passed
    assert [outcome.seed for outcome in whole.outcomes] == [f"r-{number}" for number in range(COUNT)]
    if jobs == 1:
        assert len(before) + len((tmp_path / "log").read_text().splitlines()) == 1 + 4


def test_line_that_was_not_written_to_its_end_is_run_again(tmp_path: Path) -> None:
    regression(tmp_path)
    journal = tmp_path / "run" / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-20])
    assert regression(tmp_path, resume=True).passed
    assert len(set(journal.read_text().splitlines())) == 1 + COUNT


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"kind": "pair"}, "that run has kind 'memory', this one 'pair'"),
        ({"stalls": False}, "that run has stalls True, this one False"),
        ({"seed": "s"}, "that run has seed 'r', this one 's'"),
    ],
)
def test_journal_of_another_run_is_refused(tmp_path: Path, options: dict[str, Any], line: str) -> None:
    regression(tmp_path)
    before = (tmp_path / "run" / JOURNAL).read_bytes()
    with pytest.raises(BenchError) as refused:
        regression(tmp_path, resume=True, **options)
    assert str(refused.value) == f"{tmp_path / 'run' / JOURNAL}: {line}: run without --resume"
    assert (tmp_path / "run" / JOURNAL).read_bytes() == before


def test_journal_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    regression(tmp_path)
    monkeypatch.setattr(GoldenRunner, "versions", lambda _: {"device": "another"})
    with pytest.raises(BenchError, match="that run has device 'golden', this one 'another': run without --resume"):
        regression(tmp_path, resume=True)


@pytest.mark.parametrize("text", ["", "[1]\n", "no JSON\n", "{}\n", '{"versions": 3}\n'])
def test_journal_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BenchError, match="no such file: there is nothing to resume"):
        regression(tmp_path, resume=True)
    (tmp_path / "run" / JOURNAL).write_text(text)
    with pytest.raises(BenchError, match=rf"{JOURNAL}: "):
        regression(tmp_path, resume=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"of": "', b'"of": "No'), (b'"coverage": {', b'"coverage": {"no bin": "many", ')],
)
def test_damaged_journal_is_refused_and_left_as_it_is(tmp_path: Path, old: bytes, new: bytes) -> None:
    regression(tmp_path)
    journal = tmp_path / "run" / JOURNAL
    head, *lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([head, *lines, lines[0].replace(old, new), b"not written to its end"]))
    before = journal.read_bytes()
    with pytest.raises(BenchError, match=r"line 10 is not of a journal of this version"):
        regression(tmp_path, resume=True)
    assert journal.read_bytes() == before


def test_outcome_is_the_same_behind_its_line(tmp_path: Path) -> None:
    for outcome in regression(tmp_path).outcomes:
        assert read_outcome(outcome_line(outcome)) == outcome


def test_resume_needs_the_seed() -> None:
    result = CliRunner().invoke(main, ["regress", "--resume"])
    assert result.exit_code == 2
    assert result.stderr == "nvdla-int8: error: --resume needs --seed, that of the run to go on with\n"
