"""``generate``: random legal register programs as traces."""

from pathlib import Path

import click

from nvdla_int8.cli.placing_options import HexOrDecimal
from nvdla_int8.generator import KINDS, program_seeds
from nvdla_int8.generator import generate as generate_program
from nvdla_int8.seeds import checked_or_fresh


@click.command(short_help="Write random register programs as traces.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The folder to write into.")
@click.option("--count", "-n", type=click.IntRange(min=1), default=1, show_default=True, help="Programs to write.")
@click.option("--seed", help="Letters, digits and _ . + -; a fresh one by default.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only programs of one kind.")
@click.option("--build", default="nv_small", show_default=True, help="The build to write for.")
@click.option(
    "--errata", is_flag=True, help="Also programs that NVIDIA's public RTL gets wrong (E1 to E6, E10, P5, P6)."
)
@click.option(
    "--base",
    type=HexOrDecimal(),
    metavar="ADDRESS",
    help="Surfaces side by side from here on.",
)
def generate(
    output: Path, count: int, seed: str | None, kind: str | None, build: str, errata: bool, base: int | None
) -> None:
    """Write random legal register programs as traces, with the bytes that the golden device gives.

    Each program is made from one seed: SEED itself for a single one, otherwise SEED-0, SEED-1 and so on,
    each of which gives the same program alone.
    """
    for one in program_seeds(checked_or_fresh(seed), count):
        program = generate_program(one, build, kind=kind, errata=errata, base=base)
        click.echo(f"{program.write(output / program.name)}: {program.summary}")
