"""Replays traces on the RTL of any device with the ports of nv_small, several simulations at a time."""

import shlex
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from pydantic import TypeAdapter

from nvdla_bench.dut.description import Dut
from nvdla_bench.files import SIM_BUILD
from nvdla_bench.player.compile import compile_dut
from nvdla_bench.player.job import FOLDER_VARIABLE, ReplayJob
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.protocol.monitors import StreamTap
from nvdla_bench.simulator import checks_assertions
from nvdla_bench.simulator.compiled import Compiled
from nvdla_bench.simulator.logs import last_error
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_bench.simulator.tools import TIME_LIMIT_S
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.trace.result import Verdict

RUNS = SIM_BUILD / "replay"
POLL_SECONDS = 0.1
TRACE_LIMIT_S = 60
"""What each trace may add to the time that a simulation may take."""

MOST_EARLY_ENDS = 3
"""Simulations without a single verdict in a row; what is left then is not tried."""

_RESULT = TypeAdapter(RtlResult)


@dataclass(frozen=True)
class ReplayOptions:
    """How to replay.

    Attributes
    ----------
    dut
        The device.
    sim
        A simulator of :mod:`nvdla_bench.simulator`.
    seed
        Of the run: stalls, and on Verilator the state before reset.
    settings
        How memory and bus behave.
    waves, stages, monitors, checkers
        Write waves; compare the stages that the description names; watch the protocols from Python; check them
        in SystemVerilog, if the simulator can.
    limit_cycles
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
    jobs: int = 1
    runs: Path = RUNS
    compiled_root: Path = SIM_BUILD

    @property
    def folder(self) -> Path:
        """Where this run's files go."""
        return self.runs / f"{self.dut.file_name}-{self.sim}-{self.seed}"

    def arguments(self, usual: Settings) -> list[str]:
        """Arguments of the command line, beyond device, simulator and seed, that make these options again.

        Parameters
        ----------
        usual
            What the command takes when nothing is said about memory and bus.
        """
        words: list[str] = []
        stall_rate = max(self.settings.stall_rates)
        for option, value, default in (
            ("--latency", self.settings.latency_cycles, usual.latency_cycles),
            ("--stalls", stall_rate, max(usual.stall_rates)),
            ("--timeout", self.limit_cycles, 0),
            ("--abort-after", self.settings.abort_after, 0),
        ):
            words += [option, f"{value:g}" if isinstance(value, float) else str(value)] if value != default else []
        early = self.settings.writes_land_on != usual.writes_land_on
        words += ["--writes-land-on", self.settings.writes_land_on] if early else []
        words += ["--monitors"] if self.monitors else []
        words += [] if self.stages else ["--no-stages"]
        words += [] if self.checkers else ["--no-checkers"]
        return words

    def reproduce(self, trace: str) -> str:
        """A command that replays one trace in the same way."""
        dut = shlex.quote(str(self.dut.path))
        words = [f"nvdla-int8 simulate --dut {dut} --sim {self.sim} --seed {self.seed}"]
        return " ".join([*words, *self.arguments(Settings()), shlex.quote(trace)])


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
        checkers=options.checkers and checks_assertions(options.sim),
        stages=tuple(options.dut.description.stages) if options.stages else (),
        streams=stream_taps(options.dut),
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
