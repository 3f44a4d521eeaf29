"""Which of the listed faults a run tries: a sample drawn from the run's seed, or all of them (``make everything``)."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nvdla_bench.simulator.compiled import SEED_VARIABLE
from nvdla_int8.seeds import generator
from tests.sample import SHARE, everything

Mutation = dict[str, Any]


def chosen(mutations: Sequence[Mutation]) -> list[Mutation]:
    """The faults that this run tries, in the order of their list."""
    return list(mutations) if everything() else sample(mutations, os.environ[SEED_VARIABLE])


def sample(mutations: Sequence[Mutation], seed: str) -> list[Mutation]:
    """One fault of every file, and others up to a quarter of all."""
    order = generator(seed, "mutations").permutation(len(mutations)).tolist()
    first = {mutations[index]["file"]: index for index in reversed(order)}
    others = [index for index in order if index not in first.values()]
    missing = math.ceil(SHARE * len(mutations)) - len(first)
    return [mutations[index] for index in sorted([*first.values(), *others[: max(0, missing)]])]


def misfits(mutations: Sequence[Mutation], folder: Path) -> list[str]:
    """The listed faults, tried or not, whose line does not occur exactly once in their file, or that change nothing."""
    return [
        f"{mutation['file']}: {mutation['name']}: {mutation['old']!r}"
        for mutation in mutations
        if (folder / mutation["file"]).read_text().count(mutation["old"]) != 1 or mutation["new"] == mutation["old"]
    ]
