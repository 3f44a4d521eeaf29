"""``table``: a calibration table printed, compared with another one or with a network, or converted."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from nvdla_int8.calibration.comparison import EntryPair, compare_tables, entry_range
from nvdla_int8.calibration.formats import FORMS, read_table, write_json_table, write_tensorrt_cache
from nvdla_int8.calibration.matching import TableMatch, match_table
from nvdla_int8.calibration.table import CalibrationTable, Entry
from nvdla_int8.calibration.unusable import UnusableScale
from nvdla_int8.cli.compiler_table import print_for_compiler
from nvdla_int8.cli.network_options import NetworkOptions, network_options
from nvdla_int8.cli.printing import listed, number, print_table
from nvdla_int8.errors import BenchError, Problems, located
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.quantise.scale_groups import network_scales


@click.command(short_help="Print, compare or convert a calibration table.")
@click.argument("path", metavar="TABLE", type=click.Path(path_type=Path))
@click.argument("other_path", metavar="[OTHER]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--network", "network_path", metavar="NETWORK", type=click.Path(path_type=Path), help="Whose table it is."
)
@network_options
@click.option(
    "--for-compiler",
    is_flag=True,
    help="Repair the table for NVIDIA's compiler; needs --network, --output writes it.",
)
@click.option("--to", "form", type=click.Choice(list(FORMS)), help="Convert to this form.")
@click.option("--output", type=click.Path(path_type=Path), help="The file that --to writes.")
@click.option("--header", help="First line of a cache that --to writes, as TRT-8401-EntropyCalibration2.")
def table(
    path: Path,
    other_path: Path | None,
    network_path: Path | None,
    files: NetworkOptions,
    for_compiler: bool,
    form: str | None,
    output: Path | None,
    header: str | None,
) -> None:
    """Print a calibration table, compare it, or convert it.

    TABLE is a JSON table or a TensorRT calibration cache; its content decides. Entries that give no scale
    (zero, negative, infinite, not a number) are shown and kept, and refused where something uses them.

    With OTHER: where the two differ, by how much, and what the second clips of the first's ranges; exit 1 when they do.
    With --network: which entry each tensor takes; exit 1 when one has no scale. What is compared or
    converted then has the network's names.

    With --for-compiler: a table with which NVIDIA's compiler makes a right network. Operands of a sum, what a
    concatenation joins and what a pooling reads and writes get one scale, entries the names by which they are looked
    up. What changed is printed with the bits that it costs; exit 1 when an entry is missing.
    """
    if for_compiler:
        if network_path is None or other_path is not None or form is not None or header is not None:
            raise click.UsageError("--for-compiler goes with --network, and with --output alone")
        if not print_for_compiler(read_table(path), files.read(network_path, folded=False), output):
            sys.exit(1)
        return
    if (form is None) != (output is None):
        raise click.UsageError("--to and --output go together")
    if header is not None and form != "cache":
        raise click.UsageError("--header goes with --to cache")
    if network_path is None and files != NetworkOptions(None, None):
        raise click.UsageError("--weights and --size go with --network")
    scales = read_table(path)
    other = None if other_path is None else read_table(other_path)
    agreed = True
    if network_path is not None:
        network = files.read(network_path)
        match = match_table(scales, network)
        scales = match.scales
        if other is not None:
            other = match_table(other, network).scales
        else:
            agreed = _print_match(match, network)
    if other is not None:
        agreed = _print_comparison(scales, other)
    if form is not None and output is not None:
        if form == "cache":
            write_tensorrt_cache(scales, output, header=header)
        else:
            write_json_table(scales, output)
        click.echo(f"{output}: {len(scales)} layers")
    if other is None and network_path is None and form is None:
        ranges = ((entry.name, number(entry.scale), entry.offset, _range(entry)) for entry in scales.entries)
        print_table(("layer", "scale", "offset", "range"), ranges)
    if not agreed:
        sys.exit(1)


def _range(entry: Entry) -> str:
    if isinstance(entry, UnusableScale):
        return f"unusable: {entry.problem}" if entry.problem else "unusable"
    low, high = entry_range(entry)
    return f"+-{number(high)}" if entry.offset == 0 else f"{number(low)} .. {number(high)}"


def _print_comparison(one: CalibrationTable, other: CalibrationTable) -> bool:
    """Print where two tables differ; False when they do."""
    comparison = compare_tables(one, other)
    with located(f"{one.path} and {other.path}"):
        differing = comparison.differing
    if comparison.same:
        click.echo(f"{one.path} and {other.path}: the same {len(one)} layers")
        return True
    if differing:
        click.echo(f"{len(differing)} of {len(comparison.pairs)} layers differ: {one.path} and {other.path}")
        print_table(
            ("layer", "scale", "other scale", "other / first", "range", "other range", "the other"),
            (_difference(pair) for pair in differing),
            wrapping=("layer", "the other"),
        )
    for lacking, names in ((other, comparison.only_one), (one, comparison.only_other)):
        if names:
            click.echo(f"not in {lacking.path}: {listed(map(repr, names))}")
    return False


def _difference(pair: EntryPair) -> Iterator[str]:
    yield pair.name
    yield number(pair.one.scale)
    yield number(pair.other.scale)
    yield "" if pair.ratio is None else f"{pair.ratio:.4g}"
    yield _range(pair.one)
    yield _range(pair.other)
    if pair.clipped_share is not None:
        yield f"clips {pair.clipped_share:.1%}" if pair.clipped_share else "clips nothing"
    else:
        yield "cannot be compared"


def _print_match(match: TableMatch, network: FloatNetwork) -> bool:
    """Print which entry each tensor of a network takes; False when one has no scale."""
    scales = match.scales
    problems = Problems()
    with problems.gathered():
        network_scales(network, scales)
    rows, follow = [], []
    for tensor in match.needed:
        try:
            entry = scales[tensor]
        except BenchError as error:
            if str(error) not in problems.lines:
                follow.append(tensor)
        else:
            rows.append((tensor, match.names[tensor], number(entry.scale), entry.offset, _range(entry)))
    click.echo(f"{match.table.path} for {network.path}:")
    print_table(("tensor", "layer", "scale", "offset", "range"), rows, wrapping=("tensor", "layer"))
    if follow:
        click.echo(
            f"without an entry that can be used, but with a scale that follows from others: {listed(map(repr, follow))}"
        )
    inside = [name for tensor, name in match.names.items() if tensor not in match.needed]
    if inside:
        click.echo(f"not needed, inside layers or on the host: {listed(map(repr, inside))}")
    if match.unknown:
        click.echo(f"of no tensor of {network.path}: {listed(map(repr, match.unknown))}")
    for problem in problems.lines:
        click.echo(problem)
    return not problems.lines
