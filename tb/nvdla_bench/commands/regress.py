"""``nvdla-int8 regress``: random programs on the RTL of any device with the ports of nv_small."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from nvdla_bench.commands.options import device_options
from nvdla_bench.files import SIM_BUILD
from nvdla_bench.player.player_file import WritesLandOn
from nvdla_int8.cluster.cluster import open_cluster
from nvdla_int8.cluster.option import cluster_option
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import KINDS

if TYPE_CHECKING:
    from nvdla_bench.regression.batch import Outcome
    from nvdla_bench.regression.workers import Workers

RUNS = SIM_BUILD / "regress"
BATCH = 10
INTERRUPTED = 130
"""The exit status of what SIGINT ended, as in a shell."""


@click.command(short_help="Run random programs on RTL, in a simulator.")
@click.option("--count", "-n", type=click.IntRange(min=1), default=100, show_default=True, help="Programs to run.")
@device_options
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only programs of one kind.")
@click.option(
    "--errata", is_flag=True, help="Also programs that NVIDIA's public RTL gets wrong (E1 to E6, E10, P5, P6)."
)
@click.option("--no-stalls", is_flag=True, help="Memory and bus as fast as the bench's defaults.")
@click.option("--resets", is_flag=True, help="Reset the core in the middle of every program first, not of an eighth.")
@click.option("--batch", type=click.IntRange(min=1), default=BATCH, show_default=True, help="Programs a simulation.")
@click.option("--close", is_flag=True, help="An open bin of the coverage plan is a failure.")
@click.option("--resume", is_flag=True, help="Go on with the run of this seed that was interrupted.")
@cluster_option
def regress(
    count: int,
    sim: str,
    jobs: int | None,
    seed: str,
    writes_land_on: WritesLandOn,
    dut_path: Path,
    kind: str | None,
    errata: bool,
    no_stalls: bool,
    resets: bool,
    batch: int,
    close: bool,
    resume: bool,
    cluster_address: str | None,
) -> None:
    """Run random programs on a device and compare every byte with the golden device.

    What the programs reached of the coverage plan is reported, and stored as coverage.json and coverage.html with the
    results; `nvdla-int8 coverage` merges such files.

    The exit status is 0 when all passed, 1 when one did not, or with --close when a bin is open, 2 when nothing could
    be run, 130 when it was interrupted: what had come by then is reported, and --resume with the same options runs the
    rest.
    """
    if resume and click.get_current_context().get_parameter_source("seed") is ParameterSource.DEFAULT:
        raise BenchError("--resume needs --seed, that of the run to go on with")
    # These need the extra bench.
    from nvdla_bench.regression.batch import Plan
    from nvdla_bench.regression.regress import run_regression
    from nvdla_bench.regression.report import print_regression, reproduction, write_files
    from nvdla_bench.regression.runner import DutRunner

    runner = DutRunner(sim, dut_path)
    folder = (RUNS / f"{runner.name}-{sim}-{seed}-{count}").resolve()  # a worker of a cluster may be somewhere else
    plan = Plan(runner, folder, kind, errata, stalls=not no_stalls, resets=resets, writes_land_on=writes_land_on)
    failed = 0
    with _workers(cluster_address, jobs) as workers, _progress() as progress:
        task = progress.add_task("regress", total=count, failed=0)

        def tell(outcome: "Outcome") -> None:
            nonlocal failed
            failed += not outcome.passed
            progress.update(task, advance=1, failed=failed)
            if progress.disable:
                click.echo(f"{outcome.result.verdict.upper():10} {outcome.seed}: {outcome.summary}")

        regression = run_regression(
            plan, seed, count, workers, reproduce=reproduction(plan, sim, dut_path), batch=batch, resume=resume,
            told=tell,
        )  # fmt: skip
    write_files(regression)
    print_regression(regression, Console())
    if regression.ended_early:
        sys.exit(INTERRUPTED)
    sys.exit(0 if regression.passed and (regression.coverage.closed or not close) else 1)


@contextmanager
def _workers(address: str | None, jobs: int | None) -> "Iterator[Workers]":
    """Processes of this machine, or a cluster's."""
    from nvdla_bench.regression.cluster_workers import ClusterWorkers
    from nvdla_bench.regression.workers import Processes

    if address is None:
        yield Processes(jobs or 1)
        return
    with open_cluster(address, jobs) as cluster:
        yield ClusterWorkers(cluster)


def _progress() -> Progress:
    """A bar on the standard error, if that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]} failed"),
        TimeElapsedColumn(),
    )  # fmt: skip
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, disable=not console.is_terminal)
