"""Coverage collected from programs: counts of bins, and for each bin a program that reaches it; merged and as JSON."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from nvdla_int8.coverage.plan import PARTS, CoveragePlan
from nvdla_int8.errors import BenchError, located
from nvdla_int8.json_files import read_json
from nvdla_int8.parameters import first_problem

FORMAT: Literal["nvdla-int8 coverage 1"] = "nvdla-int8 coverage 1"


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format: Literal["nvdla-int8 coverage 1"]
    programs: NonNegativeInt
    sources: dict[str, NonNegativeInt]
    parts: list[str]
    counts: dict[str, NonNegativeInt]
    reached_by: dict[str, str]


class Collected:
    """What programs reached.

    Attributes
    ----------
    sources
        How many programs each source gave: a simulator with its device, or the golden device alone.
    parts
        The parts of the plan that were looked at.
    counts
        How often each bin was met and how many samples each feature had, by their names.
    reached_by
        For each bin that was met, the command that runs one program which meets it: the first that was added.
    """

    def __init__(self, parts: Collection[str] = ()) -> None:
        self.sources: Counter[str] = Counter()
        self.parts = set(parts)
        self.counts: Counter[str] = Counter()
        self.reached_by: dict[str, str] = {}

    @property
    def programs(self) -> int:
        """How many programs were looked at."""
        return self.sources.total()

    def add(self, counts: Mapping[str, int], source: str, command: str) -> None:
        """Add what one program reached.

        Parameters
        ----------
        counts
            By the names of bins and features, see :meth:`nvdla_int8.coverage.plan.CoveragePlan.count`.
        source
            Where it ran.
        command
            What runs it again.
        """
        self.sources[source] += 1
        self.counts.update(counts)
        for name, count in counts.items():
            if count and name not in self.reached_by:
                self.reached_by[name] = command

    def merge(self, other: "Collected") -> None:
        """Add what another collection holds."""
        self.sources.update(other.sources)
        self.parts |= other.parts
        self.counts.update(other.counts)
        self.reached_by = other.reached_by | self.reached_by

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "format": FORMAT,
            "programs": self.programs,
            "sources": dict(self.sources),
            "parts": [part for part in PARTS if part in self.parts],
            "counts": dict(sorted(self.counts.items())),
            "reached_by": dict(sorted(self.reached_by.items())),
        }


def read_collected(path: Path, plan: CoveragePlan) -> Collected:
    """Read a file of :meth:`Collected.as_dict`, as ``regress`` and ``coverage`` write it.

    Raises
    ------
    BenchError
        A file that cannot be read or does not agree with itself, or that counts what is no bin of the plan: it was
        collected with another one.
    """
    content = read_json(path, "collected coverage")
    try:
        stored = _Stored.model_validate(content)
    except ValidationError as error:
        raise BenchError(f"{path} is no collected coverage: {first_problem(error)}") from None
    with located(str(path)):
        check_known(stored.counts, plan)
        if unknown := set(stored.parts) - set(PARTS):
            raise BenchError(f"the part {min(unknown)!r} is not known; there are {', '.join(PARTS)}")
        if stored.programs != (total := sum(stored.sources.values())):
            raise BenchError(f"it is of {stored.programs:,} programs, and of {total:,} by its sources")
    collected = Collected(stored.parts)
    collected.sources.update(stored.sources)
    collected.counts.update(stored.counts)
    collected.reached_by = stored.reached_by
    return collected


def merged(collections: Iterable[Collected]) -> Collected:
    """All of them together."""
    total = Collected()
    for one in collections:
        total.merge(one)
    return total


def check_known(counts: Iterable[str], plan: CoveragePlan) -> None:
    """BenchError for a name that is neither a bin nor a feature of the plan."""
    known = plan.bins().keys() | plan.features.keys()
    if unknown := [name for name in counts if name not in known]:
        raise BenchError(f"it counts {unknown[0]!r}, which is no bin of the coverage plan")
