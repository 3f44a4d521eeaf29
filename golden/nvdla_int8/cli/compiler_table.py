"""``table --for-compiler``: what became of a table's entries, and what NVIDIA's compiler gets wrong all the same."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click

from nvdla_int8.calibration.for_compiler.doubts import network_doubts, path_doubts, repair_doubts
from nvdla_int8.calibration.for_compiler.repair import CompilerTable, EntryChange, table_for_compiler
from nvdla_int8.calibration.formats import write_json_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.cli.printing import listed, number, print_table, warn
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.runtime.input_tensor import what_pixels_count


def print_for_compiler(table: CalibrationTable, network: FloatNetwork, output: Path | None) -> bool:
    """Repair a table, print what changed, warn of the rest and write it; False when an entry is missing.

    Parameters
    ----------
    table
        As read.
    network
        Read with ``folded=False``.
    output
        The file; none when None.
    """
    repaired = table_for_compiler(table, network)
    click.echo(f"{table.path} for {network.path}, as NVIDIA's compiler takes it:")
    _print_changes(repaired)
    _print_names(repaired)
    if network.input in repaired.scales:
        click.echo(f"images: {what_pixels_count(repaired.scales[network.input])}: the network is to be trained so")
    for doubt in chain(
        repair_doubts(repaired, network),
        network_doubts(network, repaired.scales),
        path_doubts(Path(table.path) if output is None else output),
    ):
        warn(doubt)
    for name, problem in repaired.missing.items():
        click.echo(f"needed for layer {name!r}, and nothing else tells: {problem}")
    if repaired.missing:
        click.echo("calibrate --every-layer makes a table with all of them")
        return False
    if output is not None:
        write_json_table(repaired.table(), output)
        click.echo(f"{output}: {len(repaired.scales)} entries")
    return True


def _print_changes(repaired: CompilerTable) -> None:
    if not repaired.changes:
        click.echo(f"all {len(repaired.scales)} entries stay as they are")
        return
    print_table(
        ("entry", "old", "new", "bits lost", "why"),
        map(_change, repaired.changes),
        f"changed: {len(repaired.changes)} of {len(repaired.scales)} entries",
        wrapping=("entry", "why"),
    )


def _change(change: EntryChange) -> Iterator[str]:
    yield change.name
    yield "-" if change.old is None else number(change.old)
    yield number(change.new)
    yield "-" if change.lost_bits is None else f"{change.lost_bits:.2f}"
    yield "; ".join(change.why)


def _print_names(repaired: CompilerTable) -> None:
    """Entries that got another name, and those of no layer."""
    if repaired.renamed:
        pairs = [f"{old!r} is {new!r}" for old, new in repaired.renamed.items()]
        click.echo(f"renamed as the compiler looks entries up: {listed(pairs)}")
    if repaired.match.unknown:
        click.echo(f"of no layer, left out: {listed(map(repr, repaired.match.unknown))}")
