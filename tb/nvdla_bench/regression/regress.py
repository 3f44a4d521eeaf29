"""Runs random programs on a device, each from its own seed, and again with waves what failed."""

import time
from collections.abc import Callable
from contextlib import closing, suppress

from nvdla_bench.regression.batch import BATCHES, Outcome, Plan
from nvdla_bench.regression.journal import Journal, batches_left
from nvdla_bench.regression.report import Regression
from nvdla_bench.regression.workers import Workers
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_int8.cluster.cluster import ClusterGone
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import program_seeds

MOST_WITH_WAVES = 5


def run_regression(
    plan: Plan,
    seed: str,
    count: int,
    workers: Workers,
    *,
    reproduce: str,
    batch: int = 10,
    resume: bool = False,
    told: Callable[[Outcome], None] = lambda _outcome: None,
) -> Regression:
    """Run the programs of a run's seed, and again with waves what failed.

    A run that is interrupted, or whose cluster is gone, leaves a journal from which it is resumed.

    Parameters
    ----------
    plan
        The device, and what the programs may hold.
    seed, count
        The run's seed and how many programs it makes of it.
    workers
        Who runs them.
    reproduce
        The command that runs one program again, with ``{}`` in place of its seed.
    batch
        Programs in one simulation.
    resume
        Take the outcomes of the journal in the plan's folder, and run only what it lacks.
    told
        Gets each outcome as it comes, those of the journal first.

    Raises
    ------
    BenchError
        A bad seed, a device that cannot be built, another run with the same seed at work, or a journal that is not
        of this run.
    """
    seeds = program_seeds(seed, count)
    start = time.perf_counter()
    head = {"seed": seed, "count": count, "batch": batch, **plan.options(), "versions": workers.versions(plan.runner)}
    found: dict[str, Outcome] = {}
    ended_early = without_waves = ""
    with run_folder(plan.folder, keep=resume), Journal(plan.folder, head, resume=resume) as journal:
        for outcome in journal.known.values():
            found[outcome.seed] = outcome
            told(outcome)
        batches = [seeds[first : first + batch] for first in range(0, count, batch)]
        try:
            with closing(workers.outcomes(plan, batches_left(batches, found))) as outcomes_of_batches:
                for outcomes in outcomes_of_batches:
                    new = [outcome for outcome in outcomes if outcome.seed not in found]
                    journal.add(new)
                    found |= {outcome.seed: outcome for outcome in new}
                    for outcome in new:
                        told(outcome)
            failed = [found[one] for one in seeds if not found[one].passed][:MOST_WITH_WAVES]
            if failed:
                for again in workers.with_waves(plan, failed):
                    found[again.seed] = again
        except KeyboardInterrupt:
            ended_early = "interrupted"
        except BenchError as error:  # no reason to lose what was found
            if len(found) == count:
                without_waves = str(error)
            elif isinstance(error, ClusterGone):
                ended_early = str(error)
            else:
                raise
        with suppress(OSError):  # what failed is still there
            (plan.folder / BATCHES).rmdir()
    return Regression(
        seed=seed, count=count, outcomes=[found[one] for one in seeds if one in found], folder=plan.folder,
        reproduce=reproduce, source=plan.runner.source, parts=plan.runner.parts, ended_early=ended_early,
        without_waves=without_waves, seconds=time.perf_counter() - start,
    )  # fmt: skip
