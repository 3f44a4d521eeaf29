"""What ``make synth`` prints."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from nvdla_bench.synthesis.mapped import FPGA, MappedUnit
from nvdla_bench.synthesis.operators import TOP


def operator_table(cells: Mapping[str, int]) -> Table:
    """Operators, registers and memories by type, the most frequent first."""
    table = Table(title=f"{TOP}, nv_small: operators, registers, memories")
    table.add_column("cell")
    table.add_column("count", justify="right")
    for name, count in sorted(cells.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{count:,}")
    table.add_row("sum", f"{sum(cells.values()):,}")
    return table


def unit_table(units: Sequence[MappedUnit], counts: Mapping[str, int]) -> Table:
    """One row for each unit, and their sum when there are several; ``counts`` tells how many the core has of each."""
    table = Table(title=f"gates of a generic library; cells and longest path of {FPGA}, without wires")
    table.add_column("unit", no_wrap=True)
    for heading in ("gates", "LUT", "FF", "DSP", "BRAM", "LUTRAM", "path ns", "MHz"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("longest path ends at", overflow="fold")
    for unit in units:
        count = counts.get(unit.name, 1)
        name = unit.name if count == 1 else f"{unit.name} x {count}"
        table.add_row(name, *_costs([(unit, 1)]), *_clock(unit.path_ns), unit.ends_at)
    if len(units) > 1:
        longest = _clock(max(unit.path_ns for unit in units))
        all_of_them = [(unit, counts.get(unit.name, 1)) for unit in units]
        table.add_row("sum", *_costs(all_of_them), *longest, "", style="bold")
    return table


def _clock(path_ns: float) -> tuple[str, str]:
    """A path in ns, and the clock in MHz that it allows: wires alone, which take no time here, allow any."""
    return f"{path_ns:.1f}", f"{1000 / path_ns:.0f}" if path_ns else "-"


def _costs(units: Sequence[tuple[MappedUnit, int]]) -> list[str]:
    columns = ("gate_count", "luts", "registers", "dsps", "block_rams", "lut_rams")
    return [f"{sum(getattr(unit, column) * count for unit, count in units):,g}" for column in columns]


def longest_paths(units: Sequence[MappedUnit], limit_ns: float) -> list[str]:
    """A line for each unit whose longest path is longer than the limit."""
    return [
        f"{unit.name}: a path of {unit.path_ns:.2f} ns, longer than {limit_ns:g}, ends at {unit.ends_at}"
        for unit in units
        if unit.path_ns > limit_ns
    ]
