"""What a network's run prints and stores: every stage's counts, cycles, accuracies, seed, files, verdict."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from nvdla_bench.network_run.run import NetworkRun
from nvdla_bench.network_run.stage_tables import stage_tables
from nvdla_bench.simulator.tools import simulator_version
from nvdla_int8.json_files import write_json
from nvdla_int8.report.junit import write_junit


def print_run(run: NetworkRun, files: Mapping[str, Path], console: Console) -> None:
    """Print the whole run, the verdict last; ``files`` as :func:`store_run` returns them."""
    options = run.options
    dut = options.dut.description
    console.print(
        f"{run.title}, {len(run.images)} images, and {len(run.random)} random programs on {dut.name} "
        f"({dut.build}),\n{simulator_version(options.sim)}, memory answers after "
        f"{options.settings.latency_cycles} cycles, stalls {max(options.settings.stall_rates):.0%}",
        highlight=False,
    )
    for table in stage_tables(run):
        console.print(table)
    if any(count.inherited for result in run.results for count in result.stages):
        console.print("after: wrong, but so was an earlier stage or layer of the same program", highlight=False)
    for line in (*_failures(run), *_accuracy_lines(run)):
        console.print(line, highlight=False, soft_wrap=True)
    for what, path in files.items():
        console.print(f"{what + ':':11}{_relative(path)}", highlight=False, soft_wrap=True)
    cycles = sum(result.simulated_cycles for result in run.results)
    seconds = sum(result.simulated_seconds for result in run.results)
    console.print(
        f"{cycles:,} cycles, {cycles / seconds:,.0f} a second" if seconds else "no cycle ran", highlight=False
    )
    console.print(f"seed: {options.seed}    reproduce: {run.reproduce}", highlight=False, soft_wrap=True)
    compared, wrong = totals(run)
    memory = sum(result.compared_bytes for result in run.results)
    failed = sum(not result.passed for result in run.results)
    verdict = "[green]PASS[/]" if run.passed else "[red]FAIL[/]"
    console.print(
        f"{verdict}: {compared:,} elements and {memory:,} bytes compared, {wrong:,} elements wrong, "
        f"{failed} of {len(run.results)} traces failed",
        highlight=False,
        soft_wrap=True,
    )


def store_run(run: NetworkRun, json_path: Path | None = None, junit_path: Path | None = None) -> dict[str, Path]:
    """Write the run as JSON and JUnit XML, by default into its folder; all its files, by what they are."""
    options = run.options
    folder = options.folder
    files = {
        "traces": folder.with_name(f"{folder.name}-traces"),
        "JUnit XML": junit_path or folder / "junit.xml",
        "JSON": json_path or folder / "result.json",
    }
    stored = {
        "passed": run.passed,
        "dut": options.dut.description.name,
        "simulator": simulator_version(options.sim),
        "seed": options.seed,
        "reproduce": run.reproduce,
        "accuracies": None if run.accuracies is None else asdict(run.accuracies),
        "layers": [asdict(layer) for layer in run.layers],
        "traces": [result.as_dict() for result in run.results],
    }
    write_json(stored, files["JSON"])
    write_junit(list(run.results), files["JUnit XML"])
    return files


def totals(run: NetworkRun) -> tuple[int, int]:
    """Elements of stages that were compared, and how many of those were wrong."""
    counts = [count for result in run.results for count in result.stages]
    return sum(count.compared for count in counts), sum(count.wrong for count in counts)


def _failures(run: NetworkRun) -> Iterator[str]:
    failed = [result for result in run.results if not result.passed]
    for result in failed[:8]:
        yield f"[red]{result.verdict.upper()}[/] {escape(result.message)}"
        yield from (f"  {escape(one.text)}" for one in result.differences[:3] if one.text not in result.message)
        yield f"  reproduce: {escape(result.reproduce)}"
    if failed:
        yield f"seed {run.options.seed}, reproduce everything with: {run.reproduce}"


def _accuracy_lines(run: NetworkRun) -> Iterator[str]:
    classes = run.accuracies
    if classes is None:
        return
    what = "accuracy" if classes.labelled else "same class as in float"
    rtl = "-" if classes.rtl_simulated is None else f"{classes.rtl_simulated:.2%}"
    real_all = f"float {classes.float_all:.2%}, " if classes.labelled else ""
    real_simulated = f"float {classes.float_simulated:.2%}, " if classes.labelled else ""
    yield f"{what} on all {classes.images} images: {real_all}INT8 {classes.int8_all:.2%}"
    yield (
        f"{what} on the {len(run.images)} simulated images: "
        f"{real_simulated}INT8 {classes.int8_simulated:.2%}, RTL {rtl}"
    )


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
