"""``write`` with layer programs: a network's folder or one layer, with one input."""

from pathlib import Path

import click

from nvdla_int8.cli.image_options import ImageOptions
from nvdla_int8.cli.program_files import ProgramFiles
from nvdla_int8.cli.program_tables import pass_row, print_memory, print_passes
from nvdla_int8.cli.register_programs import program_of_layers
from nvdla_int8.compiler.network_program import NetworkProgram
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.explain.cbuf_words import describe_fetched


def write_layer_programs(
    program_path: Path,
    images_path: Path,
    files: ProgramFiles,
    *,
    number: int | None,
    pixel_format: str | None,
    base: int,
    build: str,
    keep_layers: bool,
    handled: ImageOptions,
) -> None:
    """Write layer programs with one image, and print what was written."""
    program = program_of_layers(
        files.name, program_path, images_path, number=number, pixel_format=pixel_format, base=base, build=build,
        keep_layers=keep_layers, handled=handled,
    )  # fmt: skip
    files.write(program)
    _print_program(program)
    if program.on_host:
        click.echo(f"left to the host: layer {', '.join(program.on_host)}")


def _print_program(program: NetworkProgram) -> None:
    print_passes(
        f"passes of {program.name} on {program.build}",
        (
            pass_row(part.layer, LayerRegisters(dict(part.writes)), part.interrupts, part.fetched)
            for part in program.passes
        ),
    )
    if any(part.fetched for part in program.passes):
        click.echo(f"CDMA {describe_fetched(program.fetched)}")
    print_memory((region.name, region.base, len(region.data)) for region in (*program.images, *program.outputs))
    click.echo(_memory_sum(program))


def _memory_sum(program: NetworkProgram) -> str:
    loaded = sum(len(region.data) for region in program.images)
    total = f"{loaded + program.tensor_bytes:,} bytes: {loaded:,} to load, {program.tensor_bytes:,} for layers' outputs"
    if program.tensor_bytes == program.tensor_bytes_apart:
        return total
    return f"{total} ({program.tensor_bytes_apart:,} if none lay where another one has been)"
