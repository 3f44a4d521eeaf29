"""The tables of a network's run: elements compared at every stage of every layer, and cycles."""

from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from nvdla_bench.network_run.run import NetworkRun
from nvdla_bench.network_run.run_layers import RunLayer
from nvdla_bench.player.stage_check import StageCount
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_int8.beats.stage_beats import LRN_STAGES, POOLING_STAGES
from nvdla_int8.stages.layer_program import STAGES

TITLE = "Elements compared, RTL against the golden model; cycles in all and against the least"
RANDOM = "random"

TABLES = {"layer": STAGES, "pooling": POOLING_STAGES, "LRN": LRN_STAGES}
"""The tables and their stages. A pass with stages of several tables has its cycles in the first of them."""

FIRST = next(iter(TABLES))
"""The table with all layers that are not in another one."""


def stage_tables(run: NetworkRun) -> Iterator[Table]:
    """The tables that have anything to show."""
    for name in TABLES:
        table = _new_table(name)
        for layer in run.layers:
            _add_row(table, name, layer, run.images)
        _add_row(table, name, None, run.random)
        if table.row_count:
            yield table


def _new_table(name: str) -> Table:
    title = TITLE if name == FIRST else None
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column(name, overflow="fold")
    if name == FIRST:
        table.add_column("runs as", overflow="fold")
    for column in (*TABLES[name], "cycles", "of least"):
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _add_row(table: Table, name: str, layer: RunLayer | None, results: Sequence[RtlResult]) -> None:
    """What a layer, or a whole program of the random ones, has to show in a table; nothing if another table has it."""
    passes = None if layer is None else layer.passes
    counts = [count for result in results for count in result.stages if passes is None or count.layer in passes]
    times = [
        time
        for result in results
        for number, time in enumerate(result.layer_times)
        if (passes is None or number in passes) and _table_of(result, number) == name
    ]
    elsewhere = passes != () or name != FIRST  # a layer without a pass has its line all the same
    if elsewhere and not times and not any(count.stage in TABLES[name] for count in counts):
        return
    cells = [RANDOM if layer is None else _in_lines(escape(layer.name))]
    if name == FIRST:
        cells.append("" if layer is None else _in_lines(layer.runs_as))
    cells += [_compared([count for count in counts if count.stage == stage]) for stage in TABLES[name]]
    cycles, least = sum(time.cycles for time in times), sum(time.least.cycles for time in times)
    cells += [f"{cycles:,}", f"{cycles / least:.2f}"] if times else ["-", "-"]
    table.add_row(*cells)


def _in_lines(text: str) -> str:
    """Two layers below each other."""
    return text.replace(" + ", "\n+ ")


def _table_of(result: RtlResult, number: int) -> str:
    """The table that has a pass's cycles."""
    own = {count.stage for count in result.stages if count.layer == number}
    return next((name for name, stages in TABLES.items() if own & {*stages}), FIRST)


def _compared(counts: Iterable[StageCount]) -> str:
    counts = list(counts)
    if wrong := sum(count.wrong for count in counts if not count.inherited):
        return f"[red]{wrong:,} wrong[/]"
    if wrong := sum(count.wrong for count in counts):
        return f"[yellow]{wrong:,} after[/]"
    return f"{sum(count.compared for count in counts):,}" if counts else "-"
