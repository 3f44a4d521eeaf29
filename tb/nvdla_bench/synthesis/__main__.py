"""The command behind ``make synth``."""

import sys
from concurrent.futures import ThreadPoolExecutor

import click
from rich.console import Console
from rich.progress import Progress

from nvdla_bench.synthesis.mapped import MappedUnit, map_unit
from nvdla_bench.synthesis.operators import TOP, synthesise
from nvdla_bench.synthesis.placed import place_unit
from nvdla_bench.synthesis.report import longest_paths, operator_table, unit_table
from nvdla_bench.synthesis.units import units_of_core
from nvdla_int8.report.one_line import one_line_errors


@click.command()
@one_line_errors("make synth")
@click.option("--operators", is_flag=True, help="Only down to operators, registers and memories: quick, needs no ABC.")
@click.option("--unit", "only", multiple=True, metavar="MODULE", help="Only this module; may be given again.")
@click.option("--place", metavar="MODULE", help="Also place and route this one on an ECP5 FPGA.")
@click.option(
    "--limit", "limit_ns", type=float, metavar="NS", default=5.0, show_default=True, help="Longest path allowed."
)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Units at the same time.")
def main(operators: bool, only: tuple[str, ...], place: str | None, limit_ns: float, jobs: int) -> None:
    """Synthesise the core; count each unit's cells, tell its longest path.

    The exit status is 1 when a path is longer than the limit, 2 when the core or a unit does not synthesise.
    """
    console = Console(width=118)
    if not only:
        console.print(operator_table(synthesise()))
        console.print(f"{TOP}: no latch, no net with several drivers")
    if operators:
        return
    units = _mapped(only or tuple(units_of_core()), jobs)
    placed = place_unit(place) if place else None
    console.print(unit_table(units, counts=units_of_core()))
    if placed:
        console.print(placed.line())
    too_long = longest_paths(units, limit_ns)
    console.print(*too_long or [f"no path longer than {limit_ns:g} ns"], sep="\n")
    sys.exit(1 if too_long else 0)


def _mapped(names: tuple[str, ...], jobs: int) -> list[MappedUnit]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("synthesise", total=len(names))

        def one(name: str) -> MappedUnit:
            unit = map_unit(name)
            progress.advance(task)
            return unit

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, names))


if __name__ == "__main__":
    main()
