"""``replay``: traces on the golden device, every check judged."""

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import click

from nvdla_int8.build import find_build
from nvdla_int8.cli.options import build_option, report_head
from nvdla_int8.cli.other_files import refuse_compiled_network
from nvdla_int8.errors import BenchError
from nvdla_int8.json_files import write_json
from nvdla_int8.register_log.log import is_register_log
from nvdla_int8.register_log.replay import replay_register_log
from nvdla_int8.report.junit import write_junit
from nvdla_int8.report.lines import counts, print_result, summary
from nvdla_int8.report.progress import progress_bar
from nvdla_int8.trace.replay import collect_traces
from nvdla_int8.trace.replay import replay as replay_trace
from nvdla_int8.trace.result import TraceResult
from nvdla_int8.transport.live_replay import LiveReplay
from nvdla_int8.transport.transport import FORMS, open_transport

USUAL_LIMIT_S = 10.0
"""How long a live device may take to raise an interrupt."""

strict_option = click.option(
    "--strict", is_flag=True, help="Refuse programs that meet an erratum or do what the hardware ignores."
)


@click.command(short_help="Replay NVIDIA traces on the golden device.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@build_option
@strict_option
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write every result to this file.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Write JUnit XML to this file.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes to use.")
@click.option(
    "--on", "transport_text", metavar="TRANSPORT", help=f"Replay on a live device (docs/transport.md): {FORMS}."
)
@click.option("--dump", type=click.Path(path_type=Path), help="With --on: keep each layer's output in this folder.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), help="With --on: seconds a wait may take.  [default: 10]"
)
def replay(
    paths: tuple[Path, ...],
    build: str,
    strict: bool,
    json_path: Path | None,
    junit_path: Path | None,
    jobs: int,
    transport_text: str | None,
    dump: Path | None,
    timeout: float | None,
) -> None:
    """Replay NVIDIA traces on the golden device, or on a board, and judge every check.

    PATH is a trace (.cfg), a folder with traces below it, or a register log, which compares nothing. The exit status
    is 0 when all passed, 1 when a comparison failed, 2 when something was unreadable, missing, illegal, incomplete (it
    waits for what never happens, or compares nothing) or unsupported: it uses a unit that is not modelled.
    """
    find_build(build)
    for path in paths:
        refuse_compiled_network(path, "run runs it, write makes a trace of it")
    found = collect_traces(paths)
    if transport_text is None:
        for option, value in (("--dump", dump), ("--timeout", timeout)):
            if value is not None:
                raise BenchError(f"{option} is for a live device: give --on too")
        results = _replay_modelled(found, build, strict, jobs)
    else:
        results = _replay_live(found, transport_text, build, strict, jobs, dump, timeout or USUAL_LIMIT_S)
    if json_path is not None:
        report = (
            report_head(build)
            | {"strict": strict}
            | ({"on": transport_text} if transport_text is not None else {})
            | counts(results)
            | {"traces": [result.as_dict() for result in results]}
        )
        write_json(report, json_path)
    if junit_path is not None:
        write_junit(results, junit_path)
    click.echo(summary(results))
    sys.exit(max(result.verdict.exit_status for result in results))


def _replay_modelled(found: list[Path | TraceResult], build: str, strict: bool, jobs: int) -> list[TraceResult]:
    results = []
    with progress_bar() as progress:
        task = progress.add_task("replay", total=len(found))
        for result in _replay_all(found, build, strict, jobs):
            results.append(result)
            progress.advance(task)
            if progress.disable:
                print_result(result)
    if not progress.disable:  # the bar has the terminal's last lines until now
        for result in results:
            print_result(result)
    return results


def _replay_live(
    found: list[Path | TraceResult],
    transport_text: str,
    build: str,
    strict: bool,
    jobs: int,
    dump: Path | None,
    limit_s: float,
) -> list[TraceResult]:
    """Replay on a live device, one trace behind the other, each told before and after."""
    if jobs > 1:
        raise BenchError(f"--jobs {jobs}: a live device runs one trace at a time")
    names = [one.stem for one in found if isinstance(one, Path)]
    if dump is not None and (twice := next((name for name in names if names.count(name) > 1), None)):
        raise BenchError(f"--dump {dump}: two of the traces are called {twice}, they would share a folder")
    results = []
    with closing(open_transport(transport_text)) as transport:
        live = LiveReplay(transport, build, strict, limit_s, dump, click.echo)
        for trace in found:
            results.append(trace if isinstance(trace, TraceResult) else live.replay(trace))
            print_result(results[-1])
    return results


def _replay_all(found: list[Path | TraceResult], build: str, strict: bool, jobs: int) -> Iterator[TraceResult]:
    work = partial(_replay_one, build=build, strict=strict)
    if jobs == 1:
        yield from map(work, found)
        return
    # Not forked: that would copy a process in which threads run.
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        try:
            yield from pool.map(work, found)
        except BrokenProcessPool:
            raise BenchError("a process of --jobs died, perhaps for want of memory; try --jobs 1") from None


def _replay_one(trace: Path | TraceResult, build: str, strict: bool) -> TraceResult:
    if isinstance(trace, TraceResult):
        return trace
    return (
        replay_register_log(trace, build, strict=strict)
        if is_register_log(trace)
        else replay_trace(trace, build, strict=strict)
    )
