"""``table``: a calibration table printed, compared or converted."""

import sys
from pathlib import Path

import click

from nvdla_int8.calibration.formats import FORMS, read_table, write_json_table, write_tensorrt_cache
from nvdla_int8.calibration.table import CalibrationTable, Entry, check_same
from nvdla_int8.calibration.unusable import UnusableScale
from nvdla_int8.cli.printing import number, print_table
from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.quantise.weights import WEIGHT_MAX


@click.command(short_help="Print, compare or convert a calibration table.")
@click.argument("path", metavar="TABLE", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), help="Compare with another table, in either form.")
@click.option("--to", "form", type=click.Choice(list(FORMS)), help="Convert to this form.")
@click.option("--output", type=click.Path(path_type=Path), help="The file that --to writes.")
@click.option("--header", help="First line of a cache that --to writes, as TRT-8401-EntropyCalibration2.")
def table(path: Path, against: Path | None, form: str | None, output: Path | None, header: str | None) -> None:
    """Print a calibration table, compare it (exit 1 when it differs), or convert it.

    TABLE is a JSON table or a TensorRT calibration cache; its content decides. Entries that give no scale
    (zero, infinite, not a number) are shown and kept, and refused where something uses them.
    """
    if (form is None) != (output is None):
        raise click.UsageError("--to and --output go together")
    if header is not None and form != "cache":
        raise click.UsageError("--header goes with --to cache")
    scales = read_table(path)
    if against is not None:
        _compare(scales, read_table(against))
    if form is not None and output is not None:
        if form == "cache":
            write_tensorrt_cache(scales, output, header=header)
        else:
            write_json_table(scales, output)
        click.echo(f"{output}: {len(scales)} layers")
    if against is None and form is None:
        ranges = ((entry.name, number(entry.scale), entry.offset, _range(entry)) for entry in scales.entries)
        print_table(("layer", "scale", "offset", "range"), ranges)


def _range(entry: Entry) -> str:
    if isinstance(entry, UnusableScale):
        return f"unusable: {entry.problem}" if entry.problem else "unusable"
    if entry.offset == 0:
        return f"+-{number(WEIGHT_MAX * entry.scale)}"
    return f"{number((Q_MIN - entry.offset) * entry.scale)} .. {number((Q_MAX - entry.offset) * entry.scale)}"


def _compare(one: CalibrationTable, other: CalibrationTable) -> None:
    try:
        check_same(one, other)
    except BenchError as difference:
        click.echo(str(difference))
        sys.exit(1)
    click.echo(f"{one.path} and {other.path}: the same {len(one)} layers")
