"""A part of a long list is drawn from the run's seed: an eighth, in order, another one with another seed."""

import pytest

from nvdla_bench.mutants.listed import EVERYTHING_VARIABLE
from nvdla_bench.simulator.compiled import SEED_VARIABLE
from tests.sample import drawn


def test_drawn_is_an_eighth_in_order_that_the_seed_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EVERYTHING_VARIABLE, raising=False)
    items = list(range(101))
    parts = []
    for seed in ("one", "two", "one"):
        monkeypatch.setenv(SEED_VARIABLE, seed)
        parts.append(drawn(items, "numbers"))
    assert parts[0] == parts[2] != parts[1]
    assert all(len(part) == 13 and part == sorted(set(part)) for part in parts)


def test_drawn_is_everything_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EVERYTHING_VARIABLE, "1")
    assert drawn(["a", "b", "c"], "letters") == ["a", "b", "c"]
