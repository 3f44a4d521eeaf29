"""What a protocol checker reports: one breach of one rule, in one line."""

from collections import Counter
from dataclasses import dataclass

LISTED = 5
"""Breaches of one rule that a checker words for each program."""


@dataclass(frozen=True)
class Breach:
    """A rule that was broken.

    Parameters
    ----------
    checker
        Who saw it: ``axi``, ``axi.aw`` (a channel), ``csb.request``, a stream's name.
    rule
        The rule's name, the same in Python and in SVA, for example ``payload-changed``.
    cycle
        Rising clock edges before the cycle, from the monitor's start (Python) or time 0 (SVA).
    values
        The signals that show it.
    """

    checker: str
    rule: str
    cycle: int
    values: str

    def __str__(self) -> str:
        return f"{self.checker}: {self.rule} at cycle {self.cycle}: {self.values}"


class BreachList:
    """The breaches of one monitor: the first :data:`LISTED` of each rule."""

    def __init__(self) -> None:
        self.listed: list[Breach] = []
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, breach: Breach) -> None:
        """Take one more."""
        rule = breach.checker, breach.rule
        self._counts[rule] += 1
        if self._counts[rule] <= LISTED:
            self.listed.append(breach)

    def clear(self) -> None:
        """Forget all."""
        self.listed = []
        self._counts.clear()
