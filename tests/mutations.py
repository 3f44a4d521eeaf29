"""Which of the listed faults a run tries: a sample drawn from the run's seed, or all of them (``make everything``)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.sample import drawn

Mutation = dict[str, Any]


def chosen(mutations: Sequence[Mutation]) -> list[Mutation]:
    """The faults that this run tries, in the order of their list."""
    return drawn(mutations, "mutations")


def misfits(mutations: Sequence[Mutation], folder: Path) -> list[str]:
    """The listed faults, tried or not, whose line does not occur exactly once in their file, or that change nothing."""
    return [
        f"{mutation['file']}: {mutation['name']}: {mutation['old']!r}"
        for mutation in mutations
        if (folder / mutation["file"]).read_text().count(mutation["old"]) != 1 or mutation["new"] == mutation["old"]
    ]
