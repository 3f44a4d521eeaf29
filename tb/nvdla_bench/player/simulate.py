"""The command behind ``make sim TRACE=...``: replays traces on the RTL of any device with the ports of nv_small."""

import json
import secrets
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import click
from pydantic import TypeAdapter

from nvdla_bench.dut.description import Dut, load_dut
from nvdla_bench.files import DEFAULT_DUT, SIM_BUILD
from nvdla_bench.player.compile import compile_dut
from nvdla_bench.player.job import FOLDER_VARIABLE, ReplayJob
from nvdla_bench.player.player_file import WRITES_LAND_ON, Settings, WritesLandOn
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.protocol.monitors import StreamTap
from nvdla_bench.simulator.compiled import Compiled, last_error
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_bench.simulator.tools import SIMULATORS, TIME_LIMIT_S, simulator_version
from nvdla_int8.errors import BenchError, file_trouble
from nvdla_int8.registers.register_map import WORD_MASK
from nvdla_int8.report.junit import write_junit
from nvdla_int8.report.lines import counts, print_result, status, summary
from nvdla_int8.report.progress import progress_bar
from nvdla_int8.seeds import check_seed, generator
from nvdla_int8.trace.replay import collect_traces
from nvdla_int8.trace.result import TraceResult, Verdict

RUNS = SIM_BUILD / "replay"
POLL_SECONDS = 0.1
TRACE_LIMIT_S = 60
"""What each trace may add to the time that a simulation may take."""

MOST_EARLY_ENDS = 3
"""Simulations without a single verdict in a row; what is left then is not tried."""

CYCLES = click.IntRange(0, WORD_MASK)
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
        See :class:`nvdla_bench.player.job.ReplayJob`.
    jobs
        Simulations at a time.
    runs, compiled_root
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
    compiled_root: Path = SIM_BUILD

    @property
    def folder(self) -> Path:
        """Where this run's files go."""
        return self.runs / f"{self.dut.file_name}-{self.sim}-{self.seed}"

    def reproduce(self, trace: str) -> str:
        """A command that replays one trace in the same way."""
        words = [
            "python -m nvdla_bench.player.simulate",
            "--dut",
            shlex.quote(str(self.dut.path)),
            "--sim",
            self.sim,
            "--seed",
            self.seed,
        ]
        words += ["--latency", str(self.settings.latency_cycles), "--stalls", f"{max(self.settings.stall_rates):g}"]
        for option, value in (("--timeout", self.limit_cycles), ("--abort-after", self.abort_after)):
            words += [option, str(value)] if value else []
        early = self.settings.writes_land_on != WRITES_LAND_ON[0]
        words += ["--writes-land-on", self.settings.writes_land_on] if early else []
        words += ["--monitors"] if self.monitors else []
        words += [] if self.stages else ["--no-stages"]
        words += [] if self.checkers else ["--no-checkers"]
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
    build = compile_dut(
        options.dut, options.sim, waves=options.waves, ports=options.monitors, stages=options.stages,
        checkers=options.checkers, compiled_root=options.compiled_root,
    )  # fmt: skip
    with run_folder(options.folder):
        jobs = [_job(traces[first :: options.jobs], first, options) for first in range(min(options.jobs, len(traces)))]
        results = _simulate_all(build, jobs, options, tell)
    return [results[index % len(jobs)][index // len(jobs)] for index in range(len(traces))]


def _simulate_all(
    build: Compiled, jobs: Sequence[ReplayJob], options: ReplayOptions, tell: Callable[[RtlResult], None]
) -> list[dict[int, RtlResult]]:
    """The results of each job by the trace's index."""
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
                return results


def _job(traces: Sequence[Path], number: int, options: ReplayOptions) -> ReplayJob:
    job = ReplayJob(
        folder=options.folder / str(number),
        traces=tuple(path.absolute() for path in traces),  # not resolved: a link may have data of its own
        build=options.dut.description.build,
        settings=options.settings,
        limit_cycles=options.limit_cycles,
        monitors=options.monitors,
        checkers=options.checkers and options.sim == "verilator",
        stages=tuple(options.dut.description.stages) if options.stages else (),
        streams=stream_taps(options.dut),
        abort_after=options.abort_after,
        compare_state=options.dut.description.compare_state,
    )
    job.save()
    return job


def stream_taps(dut: Dut) -> dict[str, StreamTap]:
    """The streams that are checked inside a device, by paths from the bench's top."""
    return {
        name: StreamTap(f"dut.{nets.valid}", f"dut.{nets.ready}", tuple(f"dut.{net}" for net in nets.payload))
        for name, nets in dut.description.checked_streams.items()
    }


def initial_state(dut: Dut, sim: str, seed: str) -> list[str]:
    """Options of the simulation for the state before reset: random if the description says so, on Verilator."""
    if sim != "verilator" or not dut.description.random_state:
        return []
    state = int(generator(seed, "state before reset").integers(1, 2**31))
    return ["+verilator+rand+reset+2", f"+verilator+seed+{state}"]


def _simulate(build: Compiled, job: ReplayJob, seed: str, plusargs: Sequence[str]) -> None:
    """Run a job until every trace has a result: a simulation that ends early costs the trace that it was at."""
    early_ends = 0
    while left := job.open_traces():
        why = _simulate_once(build, job, seed, plusargs, left)
        still_left = job.open_traces()
        early_ends = early_ends + 1 if still_left == left else 1
        if still_left:
            _give_up(job, still_left[0], f"the simulation gave no verdict: {why}")
        if early_ends == MOST_EARLY_ENDS:
            for index in still_left[1:]:
                _give_up(job, index, f"not run: {MOST_EARLY_ENDS} simulations in a row gave no verdict")


def _simulate_once(build: Compiled, job: ReplayJob, seed: str, plusargs: Sequence[str], left: Sequence[int]) -> str:
    """Run a simulation of the traces without a result; what went wrong, if anything did."""
    folder = job.folder if len(left) == len(job.traces) else job.folder / f"from_{left[0]}"
    try:
        ended = build.run(
            "nvdla_bench.player.bench",
            seed=seed,
            results_dir=folder,
            extra_env={FOLDER_VARIABLE: str(job.folder.resolve())},
            time_limit_s=TIME_LIMIT_S + TRACE_LIMIT_S * len(left),
            plusargs=plusargs,
        )
    except BenchError as error:
        return str(error)
    return "" if ended.passed else f"{last_error(ended.log)} (see {ended.log})"


def _give_up(job: ReplayJob, index: int, why: str) -> None:
    path = str(job.traces[index])
    job.store(index, RtlResult(path, Verdict.INCOMPLETE, message=f"{path}: {why}").as_dict())


def _raise_first(done: set[Future[None]]) -> None:
    try:
        for future in done:
            future.result()
    except BrokenProcessPool:
        raise BenchError("a process of --jobs died, perhaps for want of memory; try --jobs 1") from None


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--dut", "dut_path", type=click.Path(path_type=Path), default=DEFAULT_DUT, help="Description of the device."
)
@click.option("--sim", type=click.Choice(SIMULATORS), default="verilator", show_default=True)
@click.option("--seed", help="Letters, digits and _ . + -; a fresh one by default.")
@click.option("--latency", default=16, show_default=True, help="Cycles from a memory request to its answer.")
@click.option("--stalls", default=0.0, show_default=True, help="Share of the cycles in which a channel stalls.")
@click.option(
    "--writes-land-on", type=click.Choice(WRITES_LAND_ON), default=WRITES_LAND_ON[0], show_default=True,
    help="When a write is in memory; acceptance hides an interrupt that comes too early (E8).",
)  # fmt: skip
@click.option("--timeout", type=CYCLES, default=0, help="Cycles that a wait may take; by default from the program.")
@click.option("--abort-after", type=CYCLES, default=0, help="First reset the device so many cycles into each trace.")
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
    writes_land_on: WritesLandOn,
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
            settings=Settings(latency_cycles=latency, writes_land_on=writes_land_on).with_stalls(stalls),
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
    for result in results:
        if isinstance(result, RtlResult) and not result.passed and result.verdict is not Verdict.UNSUPPORTED:
            click.echo(f"reproduce: {result.reproduce} --waves")
            break
    click.echo(f"{summary(results)}; seed {options.seed}; files in {options.folder}")
    try:
        if json_path is not None:
            json_path.write_text(json.dumps(_report(results, options), indent=2) + "\n")
        if junit_path is not None:
            write_junit(results, junit_path)
    except OSError as error:
        click.echo(f"replay: error: {error.filename}: {file_trouble(error)}", err=True)
        sys.exit(2)
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
    return {
        "dut": options.dut.description.name,
        "simulator": simulator_version(options.sim),
        "build": options.dut.description.build,
        "seed": options.seed,
        "latency_cycles": options.settings.latency_cycles,
        "stall_rates": options.settings.stall_rates,
        "writes_land_on": options.settings.writes_land_on,
        **counts(results),
        "traces": [result.as_dict() for result in results],
    }


if __name__ == "__main__":
    main()
