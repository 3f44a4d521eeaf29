"""The command behind ``make regress``: random programs on a device, in parallel, each from its own seed."""

import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from nvdla_bench.files import SIM_BUILD
from nvdla_bench.player.player_file import WRITES_LAND_ON, WritesLandOn
from nvdla_bench.regression.batch import (
    BATCHES,
    Outcome,
    Plan,
    describe_settings,
    run_batch,
    run_with_waves,
)
from nvdla_bench.regression.report import Regression, print_regression, reproduction, write_files
from nvdla_bench.regression.runner import DutRunner
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_bench.simulator.tools import SIMULATORS
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import KINDS, program_seeds
from nvdla_int8.seeds import check_seed
from nvdla_int8.trace.result import TraceResult, Verdict

Work = TypeVar("Work")
Done = TypeVar("Done")

SPAWN = get_context("spawn")
"""Not forked: that would copy a process in which threads run."""

RUNS = SIM_BUILD / "regress"
BATCH = 10
MOST_WITH_WAVES = 5


def run_regression(
    plan: Plan,
    seed: str,
    count: int,
    *,
    reproduce: str,
    jobs: int = 1,
    batch: int = BATCH,
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
        reproduce=reproduce, without_waves=without_waves, seconds=time.perf_counter() - start,
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


def _progress(console: Console) -> Progress:
    """A bar on the standard error, if that is a terminal."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]} failed"),
        TimeElapsedColumn(),
    )  # fmt: skip
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, disable=not console.is_terminal)


@click.command()
@click.option("--count", "-n", type=click.IntRange(min=1), default=100, show_default=True, help="Programs to run.")
@click.option("--sim", type=click.Choice(SIMULATORS), default="verilator", show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes to use.")
@click.option("--seed", help="Letters, digits and _ . + -; a fresh one by default.")
@click.option("--dut", type=click.Path(path_type=Path), help="Description of a device.  [default: the project's own]")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only programs of one kind.")
@click.option("--errata", is_flag=True, help="Also programs that NVIDIA's public RTL gets wrong (E1 to E6).")
@click.option("--no-stalls", is_flag=True, help="Memory and bus as fast as the bench's defaults.")
@click.option(
    "--writes-land-on", type=click.Choice(WRITES_LAND_ON), default=WRITES_LAND_ON[0], show_default=True,
    help="When a write is in memory; acceptance hides an interrupt that comes too early (E8).",
)  # fmt: skip
@click.option("--batch", type=click.IntRange(min=1), default=BATCH, show_default=True, help="Programs a simulation.")
def main(
    count: int,
    sim: str,
    jobs: int,
    seed: str | None,
    dut: Path | None,
    kind: str | None,
    errata: bool,
    no_stalls: bool,
    writes_land_on: WritesLandOn,
    batch: int,
) -> None:
    """Run random programs on a device and compare every byte with the golden device.

    The exit status is 0 when all passed, 1 when one did not, 2 when nothing could be run.
    """
    seed = secrets.token_hex(4) if seed is None else seed
    errors = Console(stderr=True)
    failed = 0
    try:
        check_seed(seed)
        runner = DutRunner(sim, dut)
        folder = RUNS / f"{runner.name}-{sim}-{seed}-{count}"
        plan = Plan(runner, folder, kind, errata, stalls=not no_stalls, writes_land_on=writes_land_on)
        with _progress(errors) as progress:
            task = progress.add_task("regress", total=count, failed=0)

            def tell(outcome: Outcome) -> None:
                nonlocal failed
                failed += not outcome.passed
                progress.update(task, advance=1, failed=failed)
                if progress.disable:
                    click.echo(f"{outcome.result.verdict.upper():10} {outcome.seed}: {outcome.summary}")

            regression = run_regression(
                plan, seed, count, reproduce=reproduction(plan, sim, str(dut) if dut else None), jobs=jobs, batch=batch,
                told=tell,
            )  # fmt: skip
        write_files(regression)
    except BenchError as error:
        click.echo(f"make regress: error: {error}", err=True)
        sys.exit(2)
    print_regression(regression, Console())
    sys.exit(0 if regression.passed else 1)


if __name__ == "__main__":
    main()
