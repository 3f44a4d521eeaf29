"""What ``nvdla-int8 regress`` stores and prints: every program's line, the failures' first differences, the verdict."""

import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.player_file import WRITES_LAND_ON
from nvdla_bench.regression.batch import Outcome, Plan
from nvdla_int8.coverage.collected import Collected
from nvdla_int8.coverage.page import write_coverage_page
from nvdla_int8.coverage.plan import load_plan
from nvdla_int8.coverage.report import CoverageReport
from nvdla_int8.errors import writing
from nvdla_int8.json_files import write_json
from nvdla_int8.report.junit import write_junit

COVERAGE, COVERAGE_PAGE = "coverage.json", "coverage.html"

LEAST_FOR_OPEN_BINS = 100
"""Programs from which on bins that were not reached are worth telling one by one."""


@dataclass(frozen=True)
class Regression:
    """A finished run.

    Attributes
    ----------
    seed, count
        The run's seed, and how many programs it was to run.
    outcomes
        One for each program, in order.
    folder
        Its files.
    reproduce
        The command that runs one program again, with ``{}`` in place of its seed.
    source, parts
        The device and its simulator, and the parts of the coverage plan of which these can reach anything.
    ended_early
        Why programs are missing, if so.
    without_waves
        Why what failed was not run again with waves, or not all of it, if so.
    """

    seed: str
    count: int
    outcomes: list[Outcome]
    folder: Path
    reproduce: str
    source: str
    parts: tuple[str, ...]
    seconds: float
    ended_early: str = ""
    without_waves: str = ""

    @property
    def failures(self) -> list[Outcome]:
        """What did not pass."""
        return [outcome for outcome in self.outcomes if not outcome.passed]

    @property
    def passed(self) -> bool:
        """Every program ran and passed; none is none."""
        return 0 < self.count == len(self.outcomes) and not self.failures and not self.ended_early

    @cached_property
    def coverage(self) -> CoverageReport:
        """What the programs that passed reached of the coverage plan: the others do not count."""
        collected = Collected(self.parts)
        for outcome in self.outcomes:
            if outcome.passed:
                collected.add(outcome.coverage, self.source, self.line(outcome))
        return CoverageReport(load_plan(), collected)

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "passed": self.passed,
            "seed": self.seed,
            "programs": self.count,
            "not_run": self.count - len(self.outcomes),
            "failures": len(self.failures),
            "seconds": self.seconds,
            "layers": sum(outcome.result.layers for outcome in self.outcomes),
            "compared_bytes": sum(outcome.result.compared_bytes for outcome in self.outcomes),
            "coverage_closed": self.coverage.closed,
            "outcomes": [outcome.as_dict() | {"reproduce": self.line(outcome)} for outcome in self.outcomes],
        }

    def line(self, outcome: Outcome) -> str:
        """The command that runs one program again."""
        return self.reproduce.replace("{}", outcome.seed)


def reproduction(plan: Plan, sim: str, dut: Path) -> str:
    """See :attr:`Regression.reproduce`."""
    words = ["nvdla-int8 regress --sim", sim]
    words += ["--dut", shlex.quote(str(dut))] if dut.resolve() != DEFAULT_DUT else []
    words += ["--seed {} -n 1", *([f"--kind {plan.kind}"] if plan.kind else [])]
    words += [
        name
        for name, on in (("--errata", plan.errata), ("--no-stalls", not plan.stalls), ("--resets", plan.resets))
        if on
    ]
    words += ["--writes-land-on", plan.writes_land_on] if plan.writes_land_on != WRITES_LAND_ON[0] else []
    return " ".join(words)


def write_files(regression: Regression) -> None:
    """Write ``result.json``, ``results.xml`` (JUnit), ``programs.log`` and the coverage into the run's folder."""
    folder = regression.folder
    write_json(regression.as_dict(), folder / "result.json")
    write_json(regression.coverage.as_dict(), folder / COVERAGE)
    write_coverage_page(regression.coverage, folder / COVERAGE_PAGE)
    write_junit([outcome.result for outcome in regression.outcomes], folder / "results.xml")
    lines = [
        f"{outcome.result.verdict.upper():10} {outcome.seed}: {outcome.summary} [{outcome.settings}]\n"
        for outcome in regression.outcomes
    ]
    log = folder / "programs.log"
    with writing(log):
        log.write_text("".join(lines))


def print_failure(regression: Regression, outcome: Outcome, console: Console) -> None:
    """Print what went wrong with one program, and how to see it again."""

    def say(text: str) -> None:
        console.print(escape(text), highlight=False, soft_wrap=True)

    console.print(f"[red]{outcome.result.verdict.upper()}[/] {escape(outcome.seed)}", highlight=False)
    say(f"  {outcome.result.message}")
    say(f"  {outcome.summary}")
    say(f"  {outcome.settings}")
    if outcome.waves_folder:
        say(f"  files and waves: {outcome.waves_folder}")
    say(f"  reproduce: {regression.line(outcome)}")


def print_regression(regression: Regression, console: Console) -> None:
    """Print every failure, then the run, the verdict last."""
    for outcome in regression.failures:
        print_failure(regression, outcome, console)
    if regression.without_waves:
        which = "the others " if any(outcome.waves_folder for outcome in regression.failures) else ""
        say = f"{which}not run again with waves: {regression.without_waves}"
        console.print(escape(say), highlight=False, soft_wrap=True)
    layers = sum(outcome.result.layers for outcome in regression.outcomes)
    for line in regression.coverage.told_problems() if regression.count >= LEAST_FOR_OPEN_BINS else ():
        console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    console.print(f"{layers:,} layers; {escape(regression.coverage.summary())}", highlight=False, soft_wrap=True)
    console.print(f"files: {regression.folder}   seed: {regression.seed}", highlight=False, soft_wrap=True)
    passed = len(regression.outcomes) - len(regression.failures)
    if regression.ended_early:
        left = regression.count - len(regression.outcomes)
        say = f"{regression.ended_early}: {left:,} programs not run; the same command with --resume goes on"
        console.print(escape(say), highlight=False, soft_wrap=True)
    verdict = "[green]PASS[/]" if regression.passed else "[red]FAIL[/]"
    console.print(
        f"{verdict}: {passed:,} of {regression.count:,} programs passed in {regression.seconds:.1f} s",
        highlight=False,
    )
