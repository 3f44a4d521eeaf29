"""The command behind ``make sim TRACE=...``: replays traces on the RTL of any device with the ports of nv_small."""

import json
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import click
from pydantic import TypeAdapter

from golden.cli.traces import collect_traces, print_result, progress_bar, status
from golden.errors import BenchError
from golden.junit import write_junit
from golden.seeds import check_seed, generator
from golden.trace_result import TraceResult
from tb.dut import Dut, load_dut
from tb.dut_build import build_dut
from tb.program_file import Settings
from tb.replay_job import FOLDER_VARIABLE, ReplayJob
from tb.rtl_replay import RtlResult
from tb.simulators import LOG, ROOT, SIM_BUILD, SIMULATORS, Build, last_error, simulator_version

DEFAULT_DUT = ROOT / "duts" / "nvdla_core.toml"
RUNS = SIM_BUILD / "replay"
POLL_SECONDS = 0.1
_RESULT = TypeAdapter(RtlResult)


@dataclass(frozen=True)
class ReplayOptions:
    """How to replay.

    Attributes
    ----------
    dut
        The device.
    sim
        ``verilator`` or ``icarus``.
    seed
        Of the run: stalls, and on Verilator the state before reset.
    settings
        How memory and bus behave.
    waves, stages, monitors, checkers
        Write waves; compare the stages that the description names; watch the protocols from Python; check them
        in SystemVerilog, if the simulator can.
    limit_cycles, abort_after
        See :class:`tb.replay_job.ReplayJob`.
    jobs
        Simulations at a time.
    runs, build_root
        Where runs and builds go.
    """

    dut: Dut
    sim: str
    seed: str
    settings: Settings
    waves: bool = False
    stages: bool = True
    monitors: bool = False
    checkers: bool = True
    limit_cycles: int = 0
    abort_after: int = 0
    jobs: int = 1
    runs: Path = RUNS
    build_root: Path = SIM_BUILD

    @property
    def folder(self) -> Path:
        """Where this run's files go."""
        return self.runs / f"{self.dut.description.name}-{self.sim}-{self.seed}"

    def reproduce(self, trace: str) -> str:
        """A command that replays one trace in the same way."""
        words = [
            "python -m tb.replay",
            "--dut",
            shlex.quote(str(self.dut.path)),
            "--sim",
            self.sim,
            "--seed",
            self.seed,
        ]
        words += ["--latency", str(self.settings.latency_cycles), "--stalls", f"{max(self.settings.stall_rates):g}"]
        words += ["--abort-after", str(self.abort_after)] if self.abort_after else []
        return " ".join([*words, shlex.quote(trace)])


def replay_on_rtl(
    traces: Sequence[Path], options: ReplayOptions, tell: Callable[[RtlResult], None] = lambda result: None
) -> list[RtlResult]:
    """Replay traces on RTL.

    Parameters
    ----------
    traces
        ``.cfg`` files.
    options
        How.
    tell
        Receives each result as soon as it is there.

    Raises
    ------
    BenchError
        The device cannot be compiled, or a simulation ended without its results.
    """
    build = build_dut(
        options.dut, options.sim, waves=options.waves, ports=options.monitors, stages=options.stages,
        checkers=options.checkers, build_root=options.build_root,
    )  # fmt: skip
    shutil.rmtree(options.folder, ignore_errors=True)
    jobs = [_job(traces[first :: options.jobs], first, options) for first in range(min(options.jobs, len(traces)))]
    results: list[dict[int, RtlResult]] = [{} for _ in jobs]
    state = initial_state(options.dut, options.sim, options.seed)
    with ProcessPoolExecutor(len(jobs), get_context("spawn")) as pool:
        running = {pool.submit(_simulate, build, job, options.seed, state) for job in jobs}
        while True:
            done, running = wait(running, POLL_SECONDS)
            for job, found in zip(jobs, results, strict=True):
                for index, fields in job.results(tuple(found)):
                    found[index] = _RESULT.validate_python(fields)
                    found[index].reproduce = options.reproduce(found[index].path)
                    tell(found[index])
            _raise_first(done)
            if not running:
                break
    for job, found in zip(jobs, results, strict=True):
        if len(found) < len(job.traces):
            missing = f"{len(job.traces) - len(found)} of {len(job.traces)} traces have no result"
            raise BenchError(f"{missing}: {last_error(job.folder / LOG)} (see {job.folder / LOG})")
    return [results[index % len(jobs)][index // len(jobs)] for index in range(len(traces))]


def _job(traces: Sequence[Path], number: int, options: ReplayOptions) -> ReplayJob:
    job = ReplayJob(
        folder=options.folder / str(number),
        traces=tuple(path.resolve() for path in traces),
        config=options.dut.description.configuration,
        settings=options.settings,
        limit_cycles=options.limit_cycles,
        monitors=options.monitors,
        checkers=options.checkers and options.sim == "verilator",
        stages=tuple(options.dut.description.stages) if options.stages else (),
        abort_after=options.abort_after,
    )
    job.save()
    return job


def initial_state(dut: Dut, sim: str, seed: str) -> list[str]:
    """Options of the simulation for the state before reset: random if the description says so, on Verilator."""
    if sim != "verilator" or not dut.description.random_state:
        return []
    state = int(generator(seed, "state before reset").integers(1, 2**31))
    return ["+verilator+rand+reset+2", f"+verilator+seed+{state}"]


def _simulate(build: Build, job: ReplayJob, seed: str, plusargs: Sequence[str]) -> None:
    build.run(
        "tb.replay_bench",
        seed=seed,
        results_dir=job.folder,
        extra_env={FOLDER_VARIABLE: str(job.folder.resolve())},
        plusargs=plusargs,
    )


def _raise_first(done: set[Future[None]]) -> None:
    for future in done:
        future.result()


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--dut", "dut_path", type=click.Path(path_type=Path), default=DEFAULT_DUT, help="Description of the device."
)
@click.option("--sim", type=click.Choice(SIMULATORS), default="verilator", show_default=True)
@click.option("--seed", help="Letters, digits and _ . + -; a fresh one by default.")
@click.option("--latency", default=16, show_default=True, help="Cycles from a memory request to its answer.")
@click.option("--stalls", default=0.0, show_default=True, help="Share of the cycles in which a channel stalls.")
@click.option("--timeout", default=0, help="Cycles that a wait may take; by default from the program.")
@click.option("--abort-after", default=0, help="First reset the device so many cycles into each trace.")
@click.option("--waves", is_flag=True, help="Write a wave file.")
@click.option("--stages/--no-stages", default=True, show_default=True, help="Compare the stages that may be observed.")
@click.option("--monitors", is_flag=True, help="Watch the protocols from Python, cycle by cycle.")
@click.option("--checkers/--no-checkers", default=True, show_default=True, help="Check the protocols in SystemVerilog.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Simulations at a time.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write every result to this file.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Write JUnit XML to this file.")
def main(
    paths: tuple[Path, ...],
    dut_path: Path,
    sim: str,
    seed: str | None,
    latency: int,
    stalls: float,
    timeout: int,
    abort_after: int,
    waves: bool,
    stages: bool,
    monitors: bool,
    checkers: bool,
    jobs: int,
    json_path: Path | None,
    junit_path: Path | None,
) -> None:
    """Replay traces on RTL and judge every check, and every byte of the memory by the golden device.

    PATH is a trace (.cfg) or a folder with traces below it. The exit status is 0 when all passed, 1 when
    a comparison failed, 2 when something else was wrong.
    """
    try:
        options = ReplayOptions(
            dut=load_dut(dut_path),
            sim=sim,
            seed=check_seed(secrets.token_hex(4) if seed is None else seed),
            settings=Settings(latency_cycles=latency).with_stalls(stalls),
            waves=waves,
            stages=stages,
            monitors=monitors,
            checkers=checkers,
            limit_cycles=timeout,
            abort_after=abort_after,
            jobs=jobs,
        )
        results = _replay_and_print(paths, options)
    except BenchError as error:
        click.echo(f"replay: error: {error}", err=True)
        sys.exit(2)
    passed = sum(result.passed for result in results)
    if json_path is not None:
        json_path.write_text(json.dumps(_report(results, options), indent=2) + "\n")
    if junit_path is not None:
        write_junit(results, junit_path)
    for result in results:
        if isinstance(result, RtlResult) and not result.passed:
            click.echo(f"reproduce: {result.reproduce} --waves")
            break
    click.echo(f"{passed} passed, {len(results) - passed} failed; seed {options.seed}; files in {options.folder}")
    sys.exit(max(status(result) for result in results))


def _replay_and_print(paths: Sequence[Path], options: ReplayOptions) -> list[TraceResult]:
    found = collect_traces(paths)
    traces = [one for one in found if isinstance(one, Path)]
    results: list[TraceResult] = [one for one in found if isinstance(one, TraceResult)]
    for result in results:
        print_result(result)
    started = time.perf_counter()
    with progress_bar() as progress:
        task = progress.add_task(f"{options.dut.description.name} on {options.sim}", total=len(traces))

        def tell(result: RtlResult) -> None:
            progress.advance(task)
            if progress.disable:
                print_result(result)

        on_rtl = replay_on_rtl(traces, options, tell) if traces else []
        quiet = progress.disable
    if not quiet:
        for result in on_rtl:
            print_result(result)
    cycles, seconds = (sum(getattr(one, f"simulated_{what}") for one in on_rtl) for what in ("cycles", "seconds"))
    if seconds:
        elapsed = time.perf_counter() - started
        click.echo(f"{cycles:,} cycles, {cycles / seconds:,.0f} a second; {elapsed:.1f} s with everything")
    return [*results, *on_rtl]


def _report(results: Sequence[TraceResult], options: ReplayOptions) -> dict[str, object]:
    passed = sum(result.passed for result in results)
    return {
        "dut": options.dut.description.name,
        "simulator": simulator_version(options.sim),
        "config": options.dut.description.configuration,
        "seed": options.seed,
        "latency_cycles": options.settings.latency_cycles,
        "stall_rates": options.settings.stall_rates,
        "passed": passed,
        "failed": len(results) - passed,
        "traces": [result.as_dict() for result in results],
    }


if __name__ == "__main__":
    main()
