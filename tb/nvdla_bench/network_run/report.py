"""What a network's run prints and stores: every stage's counts, cycles, accuracies, seed, files, verdict."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nvdla_bench.network_run.run import Accuracies, NetworkRun
from nvdla_bench.player.stage_check import StageCount
from nvdla_bench.player.trace_replay import LayerTime, RtlResult
from nvdla_bench.simulator.tools import simulator_version
from nvdla_int8.beats.stage_beats import LRN_STAGES, POOLING_STAGES
from nvdla_int8.report.junit import write_junit
from nvdla_int8.stages.layer_program import STAGES

RANDOM = "random"
UNIT_STAGES = {"pooling": POOLING_STAGES, "LRN": LRN_STAGES}


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
    for table in (_table(run), *_unit_tables(run.random)):
        console.print(table)
    if any(count.inherited for result in run.results for count in result.stages):
        console.print("after: wrong, but so was an earlier stage or layer of the same program", highlight=False)
    for line in (*_failures(run), *_accuracy_lines(run.accuracies, len(run.images))):
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
        "accuracies": asdict(run.accuracies),
        "layers": list(run.layer_names),
        "traces": [result.as_dict() for result in run.results],
    }
    files["JSON"].write_text(json.dumps(stored, indent=2) + "\n")
    write_junit(list(run.results), files["JUnit XML"])
    return files


def totals(run: NetworkRun) -> tuple[int, int]:
    """Elements of stages that were compared, and how many of those were wrong."""
    counts = [count for result in run.results for count in result.stages]
    return sum(count.compared for count in counts), sum(count.wrong for count in counts)


def _table(run: NetworkRun) -> Table:
    title = "Elements compared, RTL against the golden model; cycles in all and for each atom of the MACs"
    table = _new_table("layer", (*STAGES, "cycles", "per atom"), title)
    for name in dict.fromkeys(run.layer_names):
        numbers = {number for number, layer in enumerate(run.layer_names) if layer == name}
        table.add_row(name, *_cells(run.images, numbers))
    table.add_row(RANDOM, *_cells(run.random, None))
    return table


def _unit_tables(results: Sequence[RtlResult]) -> Iterator[Table]:
    """What PDP and CDP handed on in the random programs; cycles are those of layers that read memory."""
    for unit, stages in UNIT_STAGES.items():
        if not any(count.stage in stages for result in results for count in result.stages):
            continue
        table = _new_table(unit, (*stages, "cycles"))
        counts = [count for result in results for count in result.stages]
        times = [
            time
            for result in results
            for number, time in enumerate(result.layer_times)
            if _only(result, number, stages)
        ]
        compared = [_compared([count for count in counts if count.stage == stage]) for stage in stages]
        table.add_row(RANDOM, *compared, f"{sum(time.cycles for time in times):,}")
        yield table


def _new_table(first: str, columns: Sequence[str], title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _only(result: RtlResult, layer: int, stages: Sequence[str]) -> bool:
    """Whether a layer has these stages and no others."""
    own = {count.stage for count in result.stages if count.layer == layer}
    return bool(own) and own <= {*stages}


def _cells(results: Sequence[RtlResult], numbers: set[int] | None) -> Iterator[str]:
    """A row: the stages, then the cycles of those layers; all layers of SDP when ``numbers`` is None."""
    counts = [count for result in results for count in result.stages if numbers is None or count.layer in numbers]
    for stage in STAGES:
        yield _compared([count for count in counts if count.stage == stage])
    units = [*itertools.chain.from_iterable(UNIT_STAGES.values())]
    times = [
        time
        for result in results
        for number, time in enumerate(result.layer_times)
        if (not _only(result, number, units) if numbers is None else number in numbers)
    ]
    yield from _times(times)


def _compared(counts: Iterable[StageCount]) -> str:
    counts = list(counts)
    if wrong := sum(count.wrong for count in counts if not count.inherited):
        return f"[red]{wrong:,} wrong[/]"
    if wrong := sum(count.wrong for count in counts):
        return f"[yellow]{wrong:,} after[/]"
    return f"{sum(count.compared for count in counts):,}" if counts else "-"


def _times(times: Sequence[LayerTime]) -> Iterator[str]:
    cycles, ideal = sum(time.cycles for time in times), sum(time.ideal_cycles for time in times)
    yield f"{cycles:,}"
    yield f"{cycles / ideal:.2f}" if ideal else "-"


def _failures(run: NetworkRun) -> Iterator[str]:
    failed = [result for result in run.results if not result.passed]
    for result in failed[:8]:
        yield f"[red]{result.verdict.upper()}[/] {escape(result.message)}"
        yield from (f"  {escape(one.text)}" for one in result.differences[:3] if one.text not in result.message)
        yield f"  reproduce: {escape(result.reproduce)}"
    if failed:
        yield f"seed {run.options.seed}, reproduce everything with: {run.reproduce}"


def _accuracy_lines(accuracies: Accuracies, images: int) -> Iterator[str]:
    rtl = "-" if accuracies.rtl_simulated is None else f"{accuracies.rtl_simulated:.2%}"
    yield (
        f"accuracy on all {accuracies.held_out} held-out images: float {accuracies.float_held_out:.2%}, "
        f"INT8 {accuracies.int8_held_out:.2%}"
    )
    yield (
        f"accuracy on the {images} simulated images: float {accuracies.float_simulated:.2%}, "
        f"INT8 {accuracies.int8_simulated:.2%}, RTL {rtl}"
    )


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
