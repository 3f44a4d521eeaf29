"""The faults that a run tries are, over the seeds, all of the list."""

from pathlib import Path

import pytest

from nvdla_bench.mutants.listed import EVERYTHING_VARIABLE
from nvdla_bench.simulator.compiled import SEED_VARIABLE
from tests.mutations import chosen, misfits

MUTATIONS = [{"file": f"{number % 5}.v", "name": str(number)} for number in range(40)]


def test_faults_of_other_seeds_are_all_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EVERYTHING_VARIABLE, raising=False)
    tried: set[str] = set()
    for seed in range(60):
        monkeypatch.setenv(SEED_VARIABLE, str(seed))
        few = chosen(MUTATIONS)
        assert len(few) == 5
        assert few == [mutation for mutation in MUTATIONS if mutation in few]
        tried |= {mutation["name"] for mutation in few}
    assert tried == {mutation["name"] for mutation in MUTATIONS}


def test_all_faults_are_tried_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EVERYTHING_VARIABLE, "1")
    assert chosen(MUTATIONS) == MUTATIONS


def test_faults_that_do_not_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.v").write_text("one two two")
    pairs = [("one", "1"), ("two", "2"), ("three", "3"), ("one", "one")]
    faults = [{"file": "a.v", "name": f"to {new}", "old": old, "new": new} for old, new in pairs]
    assert misfits(faults, tmp_path) == ["a.v: to 2: 'two'", "a.v: to 3: 'three'", "a.v: to one: 'one'"]
