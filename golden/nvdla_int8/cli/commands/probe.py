"""``probe``: small programs that isolate the units of a device one by one, as traces and as C for bare metal."""

from pathlib import Path

import click

from nvdla_int8.cli.placing_options import HexOrDecimal, base_option
from nvdla_int8.cli.printing import listed, print_table


@click.command(short_help="Write small programs that isolate a device's units.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@base_option
@click.option(
    "--size", "size_bytes", type=HexOrDecimal(), default=hex(1 << 20), show_default=True,
    help="Bytes of memory from there; the address bits below it are probed.",
)  # fmt: skip
def probe(output: Path, base: int, size_bytes: int) -> None:
    """Write small programs that isolate the units of an nv_small one by one, with the bytes that each must give.

    Each unit builds on those before it, so that the first one that fails is the one to look at. There is a trace for
    each probe in a folder of its name, and all of them as C for bare metal: probe_run.c runs the tables of
    probe_tables.c and leaves its results in memory. check OUTPUT --dump RESULTS reads them.
    """
    from nvdla_int8.probe.catalogue import all_probes
    from nvdla_int8.probe.folder import write_traces
    from nvdla_int8.probe.left_out import LEFT_OUT
    from nvdla_int8.probe.runner.write import write_runner
    from nvdla_int8.probe.space import Room
    from nvdla_int8.probe.unit import Unit

    room = Room(base, size_bytes)
    probes = tuple(all_probes(room))
    *_, index = write_traces(probes, room, output)
    runner, *_ = write_runner(probes, output)
    names = {unit: [one.name for one in probes if one.unit is unit] for unit in Unit}
    print_table(
        ("unit", "builds on", "probes", "first"),
        ((unit.value, listed(one.value for one in unit.builds_on), len(names[unit]), names[unit][0]) for unit in Unit),
        wrapping=("unit", "builds on", "first"),
    )
    click.echo(f"left out, for the public RTL errs there: {', '.join(LEFT_OUT)}")
    click.echo(f"{len(probes)} probes: {index}, a trace for each, and {runner} for bare metal")
