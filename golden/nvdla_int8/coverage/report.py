"""How much of the plan a collection closes: bins reached, open and unreachable, in words and as a short table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nvdla_int8.coverage.collected import Collected
from nvdla_int8.coverage.plan import PARTS, Bin, CoveragePlan, Feature

MOST_TOLD = 40
"""Open bins that are told one by one."""


@dataclass(frozen=True)
class BinReport:
    """One bin and how often it was met."""

    bin: Bin
    feature: Feature
    count: int
    reached_by: str

    @property
    def reached(self) -> bool:
        """It was met often enough."""
        return self.count >= self.bin.goal

    @property
    def status(self) -> str:
        """``reached``, ``open`` or ``unreachable``; ``wrong`` when it was met and is said to be unreachable."""
        if self.bin.unreachable:
            return "wrong" if self.count else "unreachable"
        return "reached" if self.reached else "open"


class CoverageReport:
    """A collection against the plan.

    Attributes
    ----------
    bins
        All bins of the parts that were looked at, in the plan's order.
    """

    def __init__(self, plan: CoveragePlan, collected: Collected) -> None:
        self.plan = plan
        self.collected = collected
        self.bins = [
            BinReport(one, plan.feature_of(name), collected.counts[name], collected.reached_by.get(name, ""))
            for name, one in plan.bins(collected.parts).items()
        ]

    def of_status(self, status: str, part: str | None = None) -> list[BinReport]:
        """The bins of a status, see :attr:`BinReport.status`, of one part or of all."""
        return [one for one in self.bins if one.status == status and part in (None, one.feature.part)]

    @property
    def closed(self) -> bool:
        """Every bin is reached, but for those that cannot be, of which none is; nothing collected is not closed."""
        return bool(self.bins) and not self.of_status("open") and not self.of_status("wrong")

    def rows(self) -> Iterator[tuple[str, int, int, int, int]]:
        """For each part that was looked at: bins, reached, open, unreachable."""
        for part in PARTS:
            if part in self.collected.parts:
                counts = [len(self.of_status(status, part)) for status in ("reached", "open", "unreachable", "wrong")]
                yield part, sum(counts), counts[0], counts[1], counts[2] + counts[3]

    def problems(self) -> list[str]:
        """A line for each bin that keeps the plan open; of a feature without samples one for the feature."""
        lines = []
        unsampled = {
            one.feature.name: one.feature
            for one in self.of_status("open")
            if not self.collected.counts[one.feature.name]
        }
        for feature in unsampled.values():
            lines.append(
                f"{feature.name}: no sample in {self.collected.programs:,} programs: its sampler {feature.sampler!r} "
                f"saw none of {feature.what}"
            )
        for one in self.of_status("open"):
            if one.feature.name not in unsampled:
                samples = self.collected.counts[one.feature.name]
                met = f"met {one.count} times, the goal is {one.bin.goal}" if one.count else "never met"
                lines.append(f"{one.bin.name}: {met}, in {samples:,} samples of {one.feature.sampler!r}")
        for one in self.of_status("wrong"):
            why = one.bin.unreachable
            lines.append(f"{one.bin.name}: said to be unreachable ({why}) and met {one.count} times: {one.reached_by}")
        return lines

    def told_problems(self) -> list[str]:
        """:meth:`problems` as far as people read."""
        lines = self.problems()
        more = [f"and {len(lines) - MOST_TOLD} more"] if len(lines) > MOST_TOLD else []
        return [*lines[:MOST_TOLD], *more]

    def sources(self) -> str:
        """How many programs ran where."""
        return ", ".join(f"{count:,} {source}" for source, count in self.collected.sources.items())

    def summary(self) -> str:
        """One line."""
        reached, unreachable = len(self.of_status("reached")), len(self.of_status("unreachable"))
        state = "closed" if self.closed else f"{len(self.of_status('open')) + len(self.of_status('wrong'))} open"
        return (
            f"coverage {state}: {reached} of {len(self.bins) - unreachable} bins reached, {unreachable} unreachable, "
            f"in {self.collected.programs:,} programs"
        )

    def as_dict(self) -> dict[str, Any]:
        """The collection with what it closes, for JSON."""
        return self.collected.as_dict() | {
            "closed": self.closed,
            "open": self.problems(),
            "unreachable": {one.bin.name: one.bin.unreachable for one in self.of_status("unreachable")},
            "bins": {part: dict(zip(("bins", "reached", "open", "unreachable"), row, strict=True))
                     for part, *row in self.rows()},
        }  # fmt: skip
