"""What one process of ``nvdla-int8 regress`` does: make programs, run them on the device, give each its outcome."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from nvdla_bench.player.player_file import Settings, WritesLandOn
from nvdla_bench.regression.coverage import count_outcome
from nvdla_bench.regression.stalls import describe_settings, draw_settings
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import GeneratedProgram, generate
from nvdla_int8.trace.result import TraceResult, Verdict

BATCHES, FAILED = "batches", "failed"


@dataclass(frozen=True)
class Case:
    """One program to run: its trace, and how memory and bus behave."""

    trace: Path
    settings: Settings


class Runner(Protocol):
    """Runs programs on a device; an object that another process can get, on another machine too."""

    @property
    def build(self) -> str:
        """The device's build."""

    @property
    def source(self) -> str:
        """The device and what runs it, as coverage names it."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the coverage plan of which its results can reach anything."""

    def versions(self) -> Mapping[str, str]:
        """What its results depend on besides our packages, by name; BenchError when it cannot run in this process."""

    def prepare(self, *, waves: bool) -> None:
        """Build what :meth:`run` needs; BenchError when that is not possible."""

    def run(self, cases: Sequence[Case], folder: Path, *, waves: bool) -> Mapping[Path, TraceResult]:
        """Run the cases one after the other in one simulation.

        Parameters
        ----------
        folder
            Where the run may put its files.
        waves
            Write a wave file there.

        Returns
        -------
        Mapping[Path, TraceResult]
            By trace; one may be missing when the simulation ended before its verdict.

        Raises
        ------
        BenchError
            The simulation gave no verdicts.
        """


@dataclass(frozen=True)
class Plan:
    """What all processes share.

    Attributes
    ----------
    runner
        The device.
    folder
        Of the whole run.
    kind, errata
        As :func:`nvdla_int8.generator.generate` takes them.
    stalls
        Memory and bus stall and wait at random; otherwise as the bench's defaults.
    resets
        Every program is run after a reset in its middle; otherwise an eighth of those with stalls.
    writes_land_on
        See :class:`nvdla_bench.player.player_file.Settings`.
    """

    runner: Runner
    folder: Path
    kind: str | None = None
    errata: bool = False
    stalls: bool = True
    resets: bool = False
    writes_land_on: WritesLandOn = "answer"

    def options(self) -> dict[str, Any]:
        """What outcomes depend on besides seeds and versions, by name."""
        return {
            "kind": self.kind, "errata": self.errata, "stalls": self.stalls, "resets": self.resets,
            "writes_land_on": self.writes_land_on,
        }  # fmt: skip

    def settings(self, seed: str) -> Settings:
        """How memory and bus behave for the program of a seed."""
        return replace(draw_settings(seed, stalls=self.stalls, resets=self.resets), writes_land_on=self.writes_land_on)


@dataclass
class Outcome:
    """One seed's outcome.

    Attributes
    ----------
    coverage
        How often it met each bin of the coverage plan.
    waves_folder
        Its files, once it was run again alone.
    """

    seed: str
    summary: str
    settings: str
    result: TraceResult
    coverage: dict[str, int] = field(default_factory=dict)
    waves_folder: str = ""

    @property
    def passed(self) -> bool:
        """The program ran and everything that it compares agreed."""
        return self.result.passed

    def as_dict(self) -> dict[str, Any]:
        """Everything but the coverage, for JSON."""
        return {
            "seed": self.seed,
            "program": self.summary,
            "settings": self.settings,
            "waves_folder": self.waves_folder,
            **self.result.as_dict(),
        }


def run_batch(plan: Plan, seeds: Sequence[str]) -> list[Outcome]:
    """Run the programs of these seeds; an outcome for each of them, whatever happens to the simulation.

    A simulation that ends early takes no verdict along: what it left is run again, each program alone. The
    files of programs that did not pass stay.
    """
    folder = plan.folder / BATCHES / seeds[0]
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was interrupted here
    made, outcomes = _generate(plan, seeds, folder)
    outcomes |= _run(plan, made, folder)
    for seed in made:
        if seed not in outcomes:
            alone = _run(plan, {seed: made[seed]}, folder / "alone" / seed)
            outcomes[seed] = alone.get(seed) or _no_verdict(made[seed], "the simulation gave no verdict")
    if all(outcome.passed for outcome in outcomes.values()):
        shutil.rmtree(folder, ignore_errors=True)
    return [outcomes[seed] for seed in seeds]


def run_with_waves(plan: Plan, outcome: Outcome) -> Outcome:
    """Run one seed again, alone and with waves; its files stay in ``failed/<seed>``."""
    folder = plan.folder / FAILED / outcome.seed
    made, outcomes = _generate(plan, [outcome.seed], folder)
    outcomes |= _run(plan, made, folder, waves=True)
    again = outcomes.get(outcome.seed, outcome)
    if again.passed:
        text = f"{outcome.result.message} (not when run again alone: it depends on what ran before)"
        again = Outcome(outcome.seed, outcome.summary, outcome.settings, outcome.result, outcome.coverage)
        again.result.message = text
    again.waves_folder = str(folder)
    return again


def _generate(
    plan: Plan, seeds: Sequence[str], folder: Path
) -> tuple[dict[str, tuple[GeneratedProgram, Case]], dict[str, Outcome]]:
    """Programs and cases by seed; outcomes of the seeds that give none."""
    made, failed = {}, {}
    for seed in seeds:
        settings = plan.settings(seed)
        try:
            program = generate(seed, plan.runner.build, kind=plan.kind, errata=plan.errata)
            made[seed] = program, Case(program.write(folder / "traces" / seed), settings)
        except BenchError as error:
            result = TraceResult(seed, Verdict.UNREADABLE, message=f"no program: {error}")
            failed[seed] = Outcome(seed, "no program", describe_settings(settings), result)
    return made, failed


def _run(
    plan: Plan, made: Mapping[str, tuple[GeneratedProgram, Case]], folder: Path, *, waves: bool = False
) -> dict[str, Outcome]:
    """Outcomes by seed; of a simulation without verdicts only when it ran one program."""
    if not made:
        return {}
    try:
        results = plan.runner.run([case for _, case in made.values()], folder, waves=waves)
    except BenchError as error:
        if len(made) > 1:
            return {}
        return {seed: _no_verdict(pair, str(error)) for seed, pair in made.items()}
    return {
        seed: _outcome(program, case, results[case.trace])
        for seed, (program, case) in made.items()
        if case.trace in results
    }


def _no_verdict(made: tuple[GeneratedProgram, Case], why: str) -> Outcome:
    program, case = made
    result = TraceResult(str(case.trace), Verdict.INCOMPLETE, message=f"{case.trace.name}: {why}")
    return _outcome(program, case, result)


def _outcome(program: GeneratedProgram, case: Case, result: TraceResult) -> Outcome:
    coverage = count_outcome(program, result)
    return Outcome(program.seed, program.summary, describe_settings(case.settings), result, coverage)
