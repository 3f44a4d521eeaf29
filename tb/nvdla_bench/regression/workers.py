"""Who runs the batches of a regression, and the processes of this machine that do."""

import signal
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Protocol, TypeVar

from nvdla_bench.regression.batch import Outcome, Plan, Runner, run_batch, run_with_waves
from nvdla_bench.regression.stalls import describe_settings
from nvdla_int8.cluster.versions import package_versions
from nvdla_int8.trace.result import TraceResult, Verdict

PACKAGES = ("nvdla_int8", "nvdla_bench")

SPAWN = get_context("spawn")
"""Not forked: that would copy a process in which threads run."""

Work = TypeVar("Work")
Done = TypeVar("Done")


class Workers(Protocol):
    """Processes that run batches; wherever they are, outcomes and files are the same."""

    def versions(self, runner: Runner) -> Mapping[str, str]:
        """What outcomes depend on besides seeds and options, by name; BenchError when a worker cannot run anything."""

    def outcomes(self, plan: Plan, batches: Iterable[Sequence[str]]) -> Generator[list[Outcome]]:
        """The outcomes of each batch as they come, one for each of its seeds, whoever dies."""

    def with_waves(self, plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
        """Outcomes run again, see :func:`run_with_waves`, as they come; not those that ended their process."""


class Processes:
    """Processes of this machine.

    Parameters
    ----------
    jobs
        How many at a time; one is this process itself.
    """

    def __init__(self, jobs: int = 1) -> None:
        self._jobs = jobs

    def versions(self, runner: Runner) -> Mapping[str, str]:
        """Those of this process."""
        return {**package_versions(*PACKAGES), **runner.versions()}

    def outcomes(self, plan: Plan, batches: Iterable[Sequence[str]]) -> Generator[list[Outcome]]:
        """See :class:`Workers`.

        When a process dies its pool is lost; what it had not done is then run seed by seed, each in a process
        of its own.
        """
        plan.runner.prepare(waves=False)
        if self._jobs == 1:
            yield from (run_batch(plan, batch) for batch in batches)
            return
        left: list[str] = []
        with _pool(self._jobs) as pool:
            futures = {pool.submit(run_batch, plan, batch): batch for batch in batches}
            for future in as_completed(futures):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    left += futures[future]
        for seed in left:
            yield _alone(run_batch, plan, [seed]) or [lost(plan, seed, "a process of --jobs died")]

    def with_waves(self, plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
        """See :class:`Workers`."""
        plan.runner.prepare(waves=True)
        for outcome in outcomes:
            again = run_with_waves(plan, outcome) if self._jobs == 1 else _alone(run_with_waves, plan, outcome)
            if again is not None:
                yield again


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes end, with their simulations, when this one is interrupted."""
    with ProcessPoolExecutor(jobs, SPAWN, initializer=_leave_interrupts_to_parent) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in active_children():
                child.terminate()
            raise


def _leave_interrupts_to_parent() -> None:
    """A terminal interrupts every process; the parent ends its own, one after the other and without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def _alone(function: Callable[[Plan, Work], Done], plan: Plan, work: Work) -> Done | None:
    """The function's result in a process of its own; None when that died."""
    with _pool(1) as pool:
        try:
            return pool.submit(function, plan, work).result()
        except BrokenProcessPool:
            return None


def lost(plan: Plan, seed: str, who: str) -> Outcome:
    """The outcome of a seed that ended whoever ran it."""
    settings = describe_settings(plan.settings(seed))
    message = f"{seed}: {who}, perhaps for want of memory"
    return Outcome(seed, "not known", settings, TraceResult(seed, Verdict.INCOMPLETE, message=message))
