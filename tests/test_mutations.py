"""The sample of faults that a run tries reaches every file and, over the seeds, every fault."""

from pathlib import Path

import pytest

from tests.mutations import chosen, misfits, sample
from tests.sample import ALL_VARIABLE

MUTATIONS = [{"file": f"{number % 5}.v", "name": str(number)} for number in range(40)]


def test_sample_holds_every_file_and_a_quarter_in_the_order_of_the_list() -> None:
    few = sample(MUTATIONS, "tests")
    assert len(few) == 10
    assert {mutation["file"] for mutation in few} == {mutation["file"] for mutation in MUTATIONS}
    assert few == [mutation for mutation in MUTATIONS if mutation in few]
    assert sample(MUTATIONS[:5], "tests") == MUTATIONS[:5]


def test_samples_of_other_seeds_reach_every_fault() -> None:
    assert {mutation["name"] for seed in range(60) for mutation in sample(MUTATIONS, str(seed))} == {
        mutation["name"] for mutation in MUTATIONS
    }


def test_all_faults_are_tried_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALL_VARIABLE, "1")
    assert chosen(MUTATIONS) == MUTATIONS


def test_faults_that_do_not_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.v").write_text("one two two")
    pairs = [("one", "1"), ("two", "2"), ("three", "3"), ("one", "one")]
    faults = [{"file": "a.v", "name": f"to {new}", "old": old, "new": new} for old, new in pairs]
    assert misfits(faults, tmp_path) == ["a.v: to 2: 'two'", "a.v: to 3: 'three'", "a.v: to one: 'one'"]
