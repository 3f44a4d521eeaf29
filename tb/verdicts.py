"""What one layer's run on the RTL showed: one scoreboard channel a stage, and everything else that failed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.compare import MAX_LISTED, Comparison, Mismatch


@dataclass
class StageVerdict:
    """One scoreboard channel: elements compared, differences, and saturated elements by flag."""

    compared: int = 0
    mismatches: int = 0
    first: list[Mismatch] = field(default_factory=list)
    saturated: dict[str, int] = field(default_factory=dict)

    def judge(self, values: Comparison, others: Sequence[Comparison]) -> None:
        """Take the comparison of the values, and others of the same elements: flags, the program's own stages."""
        self.compared = values.compared
        self.mismatches = int(np.count_nonzero(np.logical_or.reduce([c.wrong for c in (values, *others)])))
        self.first = [mismatch for c in (values, *others) for mismatch in c.first][:MAX_LISTED]


@dataclass
class LayerVerdict:
    """Everything one layer's run showed; ``problems`` are failures that are not a mismatch."""

    layer: str
    stages: dict[str, StageVerdict]
    problems: list[str]
    stall_rates: dict[str, float]
    cycles: int
    output: NDArray[np.int8]

    @property
    def passed(self) -> bool:
        """Every stage was compared and agreed, and nothing else went wrong."""
        agreed = all(stage.compared and not stage.mismatches for stage in self.stages.values())
        return agreed and not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Everything but the output bytes, for JSON."""
        return {
            "layer": self.layer,
            "passed": self.passed,
            "cycles": self.cycles,
            "problems": self.problems,
            "stall_rates": self.stall_rates,
            "stages": {
                name: {
                    "compared": stage.compared,
                    "mismatches": stage.mismatches,
                    "saturated": stage.saturated,
                    "first": [mismatch.as_dict() for mismatch in stage.first],
                }
                for name, stage in self.stages.items()
            },
        }


def require_passed(verdict: LayerVerdict, seed: str) -> None:
    """End the test with what went wrong: the first mismatch of each stage, other problems, the seed.

    Raises
    ------
    AssertionError
        When the layer did not pass.
    """
    if verdict.passed:
        return
    mismatches = [
        f"{stage.mismatches} of {stage.compared} wrong in stage {name}; first: {stage.first[0].describe()}"
        for name, stage in verdict.stages.items()
        if stage.first
    ]
    silent = [f"stage {name}: nothing was compared" for name, stage in verdict.stages.items() if not stage.compared]
    lines = [f"layer {verdict.layer} failed, seed {seed}", *verdict.problems, *mismatches, *silent]
    raise AssertionError("\n".join(lines))
