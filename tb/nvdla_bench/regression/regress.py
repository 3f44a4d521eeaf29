"""Runs random programs on a device, in parallel, each from its own seed, and again with waves what failed."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

from nvdla_bench.regression.batch import BATCHES, Outcome, Plan, run_batch, run_with_waves
from nvdla_bench.regression.report import Regression
from nvdla_bench.regression.stalls import describe_settings
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import program_seeds
from nvdla_int8.trace.result import TraceResult, Verdict

Work = TypeVar("Work")
Done = TypeVar("Done")

SPAWN = get_context("spawn")
"""Not forked: that would copy a process in which threads run."""

MOST_WITH_WAVES = 5


def run_regression(
    plan: Plan,
    seed: str,
    count: int,
    *,
    reproduce: str,
    jobs: int = 1,
    batch: int = 10,
    told: Callable[[Outcome], None] = lambda _outcome: None,
) -> Regression:
    """Run the programs of a run's seed, and again with waves what failed.

    Parameters
    ----------
    plan
        The device, and what the programs may hold.
    seed, count
        The run's seed and how many programs it makes of it.
    reproduce
        The command that runs one program again, with ``{}`` in place of its seed.
    jobs
        Processes at a time.
    batch
        Programs in one simulation.
    told
        Gets each outcome as it comes.

    Raises
    ------
    BenchError
        A bad seed, a device that cannot be built, or another run with the same seed at work.
    """
    seeds = program_seeds(seed, count)
    start = time.perf_counter()
    with run_folder(plan.folder):
        plan.runner.prepare(waves=False)
        batches = [seeds[first : first + batch] for first in range(0, count, batch)]
        found: dict[str, Outcome] = {}
        for outcomes in _run_all(plan, batches, jobs):
            for outcome in outcomes:
                found[outcome.seed] = outcome
                told(outcome)
        failed = [one for one in seeds if not found[one].passed]
        without_waves = ""
        try:
            if failed:
                plan.runner.prepare(waves=True)
            for one in failed[:MOST_WITH_WAVES]:
                again = run_with_waves if jobs == 1 else partial(_alone, run_with_waves)
                found[one] = again(plan, found[one]) or found[one]
        except BenchError as error:  # no reason to lose what was found
            without_waves = str(error)
        with suppress(OSError):  # what failed is still there
            (plan.folder / BATCHES).rmdir()
    return Regression(
        seed=seed, count=count, outcomes=[found[one] for one in seeds], folder=plan.folder,
        reproduce=reproduce, source=plan.runner.source, without_waves=without_waves,
        seconds=time.perf_counter() - start,
    )  # fmt: skip


def _run_all(plan: Plan, batches: Sequence[Sequence[str]], jobs: int) -> Iterator[list[Outcome]]:
    """The outcomes of each batch as they come.

    When a process dies its pool is lost; what it had not done is then run seed by seed, each in a process
    of its own.
    """
    if jobs == 1:
        yield from (run_batch(plan, batch) for batch in batches)
        return
    left: list[str] = []
    with ProcessPoolExecutor(jobs, SPAWN) as pool:
        futures = {pool.submit(run_batch, plan, batch): batch for batch in batches}
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                left += futures[future]
    for seed in left:
        yield _alone(run_batch, plan, [seed]) or [_lost(plan, seed)]


def _alone(function: Callable[[Plan, Work], Done], plan: Plan, work: Work) -> Done | None:
    """The function's result in a process of its own; None when that died."""
    with ProcessPoolExecutor(1, SPAWN) as pool:
        try:
            return pool.submit(function, plan, work).result()
        except BrokenProcessPool:
            return None


def _lost(plan: Plan, seed: str) -> Outcome:
    settings = describe_settings(plan.settings(seed))
    message = f"{seed}: a process of --jobs died, perhaps for want of memory"
    return Outcome(seed, "not known", settings, TraceResult(seed, Verdict.INCOMPLETE, message=message))
