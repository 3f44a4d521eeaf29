"""Replays traces on RTL with a progress bar, and what is printed and stored of the results."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.simulator.tools import simulator_version
from nvdla_int8.json_files import write_json
from nvdla_int8.report.junit import write_junit
from nvdla_int8.report.lines import counts, print_result, summary
from nvdla_int8.report.progress import progress_bar
from nvdla_int8.trace.replay import collect_traces
from nvdla_int8.trace.result import TraceResult, Verdict


def replay_and_print(paths: Sequence[Path], options: ReplayOptions) -> list[TraceResult]:
    """Replay the traces, and those below folders, and print each result; those that are not there come first."""
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


def conclude(
    results: Sequence[TraceResult], options: ReplayOptions, json_path: Path | None, junit_path: Path | None
) -> int:
    """Print the last lines and write the files that are wanted; the exit status."""
    for line in reproduce_line(results):
        click.echo(line)
    click.echo(f"{summary(results)}; seed {options.seed}; files in {options.folder}")
    if json_path is not None:
        write_json(as_json(results, options), json_path)
    if junit_path is not None:
        write_junit(results, junit_path)
    return max(result.verdict.exit_status for result in results)


def reproduce_line(results: Sequence[TraceResult]) -> Iterator[str]:
    """How to run the first failure again with waves, if there is one."""
    for result in results:
        if isinstance(result, RtlResult) and not result.passed and result.verdict is not Verdict.UNSUPPORTED:
            yield f"reproduce: {result.reproduce} --waves"
            return


def as_json(results: Sequence[TraceResult], options: ReplayOptions) -> dict[str, object]:
    """The whole run, for JSON."""
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
