"""What a run tries of long lists: a part drawn from the run's seed, or everything (``make everything``)."""

import math
import os
from collections.abc import Sequence
from typing import TypeVar

from nvdla_bench.mutants.listed import EVERYTHING_VARIABLE
from nvdla_bench.simulator.compiled import SEED_VARIABLE
from nvdla_int8.seeds import generator

SHARE = 0.125

Item = TypeVar("Item")


def everything() -> bool:
    """Whether this run tries all of every list."""
    return os.environ.get(EVERYTHING_VARIABLE) == "1"


def drawn(items: Sequence[Item], what: str, share: float = SHARE) -> list[Item]:
    """A part of the items, in their order; all of them in a run of everything."""
    if everything():
        return list(items)
    order = generator(os.environ[SEED_VARIABLE], what).permutation(len(items)).tolist()
    return [items[index] for index in sorted(order[: math.ceil(share * len(items))])]
