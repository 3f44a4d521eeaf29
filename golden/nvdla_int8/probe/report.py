"""What the answers to the probes say: which units are sound, which are not, which cannot be judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from nvdla_int8.checkup.observed import Observed
from nvdla_int8.probe.folder import StoredProbe
from nvdla_int8.probe.unit import Unit


class Outcome(Enum):
    """What became of one probe."""

    SOUND = "sound"
    WRONG = "wrong"
    HUNG = "hung"
    NOT_RUN = "not run"

    @property
    def failed(self) -> bool:
        """It ran and is not as it must be."""
        return self in (Outcome.WRONG, Outcome.HUNG)


class UnitVerdict(Enum):
    """What the probes of a unit say of it."""

    SOUND = "sound"
    WRONG = "not sound"
    UNJUDGED = "cannot be judged"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class ProbeResult:
    """One probe's answer.

    Attributes
    ----------
    probe
        The probe.
    outcome
        What became of it.
    words
        What is wrong, or why it tells nothing; empty when it is sound.
    observed
        Bytes of its memory, where they are known.
    """

    probe: StoredProbe
    outcome: Outcome
    words: str = ""
    observed: tuple[Observed, ...] = ()


@dataclass(frozen=True)
class ProbeReport:
    """The answers to all probes of a folder, in order.

    Attributes
    ----------
    folder
        Its name.
    results
        One for each probe.
    """

    folder: str
    results: tuple[ProbeResult, ...]

    @cached_property
    def verdicts(self) -> Mapping[Unit, UnitVerdict]:
        """What the probes say of each unit, in order.

        A unit whose probes fail while one that it builds on is not sound cannot be judged; one whose probes all give
        the right bytes is sound whatever it builds on.
        """
        found: dict[Unit, UnitVerdict] = {}
        for unit in Unit:
            outcomes = [one.outcome for one in self.results if one.probe.unit is unit]
            broken = any(found[base] in (UnitVerdict.WRONG, UnitVerdict.UNJUDGED) for base in unit.ancestors)
            if any(one.failed for one in outcomes):
                found[unit] = UnitVerdict.UNJUDGED if broken else UnitVerdict.WRONG
            elif Outcome.NOT_RUN in outcomes or not outcomes:
                found[unit] = UnitVerdict.UNJUDGED if broken else UnitVerdict.NOT_RUN
            else:
                found[unit] = UnitVerdict.SOUND
        return found

    @property
    def first_failing(self) -> ProbeResult | None:
        """The first probe that fails of the first unit that is not sound: the one to look at."""
        return next(
            (one for one in self.results if one.outcome.failed and self.verdicts[one.probe.unit] is UnitVerdict.WRONG),
            None,
        )

    @property
    def sound(self) -> bool:
        """Every probe is."""
        return all(one.outcome is Outcome.SOUND for one in self.results)

    @property
    def ran(self) -> bool:
        """Some probe did."""
        return any(one.outcome is not Outcome.NOT_RUN for one in self.results)

    @property
    def exit_status(self) -> int:
        """0 all sound, 1 one is wrong, 2 not all ran."""
        return 0 if self.sound else 1 if any(one.outcome.failed for one in self.results) else 2

    def units(self, verdict: UnitVerdict) -> Sequence[Unit]:
        """The units of a verdict."""
        return [unit for unit, one in self.verdicts.items() if one is verdict]

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        first = self.first_failing
        return {
            "probes": [
                {
                    "name": one.probe.name,
                    "unit": one.probe.unit.value,
                    "shows": one.probe.shows,
                    "outcome": one.outcome.value,
                    "words": one.words,
                }
                for one in self.results
            ],
            "units": {unit.value: verdict.value for unit, verdict in self.verdicts.items()},
            "first_failing": None if first is None else first.probe.name,
        }


def answer(report: ProbeReport) -> str:
    """The first sentence on the answers."""
    first = report.first_failing
    if first is not None:
        return f"not sound: {first.probe.unit.value}; look at {first.probe.name} ({first.probe.shows}): {first.words}"
    if report.sound:
        return f"all units are sound: {len(report.results)} probes, every byte and every register"
    return f"nothing is wrong as far as probes ran: {_names(report.units(UnitVerdict.SOUND)) or 'no unit'} sound"


def _names(units: Sequence[Unit]) -> str:
    return ", ".join(unit.value for unit in units)
