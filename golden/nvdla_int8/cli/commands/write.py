"""``write``: layer programs and one input as a register program for the hardware, in files."""

from collections.abc import Iterator
from pathlib import Path

import click

from nvdla_int8.cli.clipping import warn_of_clipping
from nvdla_int8.cli.image_options import ImageOptions, image_options
from nvdla_int8.cli.printing import print_table
from nvdla_int8.compiler.allocation import DEFAULT_BASE
from nvdla_int8.compiler.forms import WRITERS
from nvdla_int8.compiler.image_kernels import FORMATS
from nvdla_int8.compiler.network_program import NetworkProgram, PassProgram
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.compiler.register_program import Region
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.cbuf_words import describe_fetched
from nvdla_int8.images.takers import wanted_by_programs
from nvdla_int8.network.network import Network
from nvdla_int8.stages.any_program import load_program

_SDP_SIZES = tuple(f"SDP.D_DATA_CUBE_{name}.{name}" for name in ("CHANNEL", "HEIGHT", "WIDTH"))
_CDP_SIZES = tuple(f"CDP_RDMA.D_DATA_CUBE_{name}.{name}" for name in ("CHANNEL", "HEIGHT", "WIDTH"))

OUTPUT_SIZES = {
    "SDP": _SDP_SIZES,
    "PDP": tuple(f"PDP.D_DATA_CUBE_OUT_{name}.CUBE_OUT_{name}" for name in ("CHANNEL", "HEIGHT", "WIDTH")),
    "CDP": _CDP_SIZES,
}
"""Fields of a pass's output, channels first, by the block that writes it."""

INPUT_SIZES = {
    "CDMA": (
        "CDMA.D_DATAIN_SIZE_1.DATAIN_CHANNEL", "CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT",
        "CDMA.D_DATAIN_SIZE_0.DATAIN_WIDTH",
    ),
    "SDP": _SDP_SIZES,
    "PDP": tuple(f"PDP.D_DATA_CUBE_IN_{name}.CUBE_IN_{name}" for name in ("CHANNEL", "HEIGHT", "WIDTH")),
    "CDP": _CDP_SIZES,
}  # fmt: skip
"""Fields of a pass's input, channels first, by the first of these blocks that takes part."""


class _Address(click.ParamType[int]):
    """A hex (0x...) or decimal number."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return int(str(value), 0)
        except ValueError:
            raise BenchError(f"--base {value!r} is not a number such as {DEFAULT_BASE:#x}") from None


@click.command(short_help="Write layer programs as a register program.")
@click.argument("program_path", metavar="FOLDER_OR_PROGRAM.json", type=click.Path(path_type=Path))
@click.argument("images_path", metavar="IMAGES", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("--name", help="Of the program and its files.  [default: that of the folder or file]")
@click.option("--form", "forms", type=click.Choice(list(WRITERS)), multiple=True, help="[default: all of them]")
@click.option("--image", "number", type=int, help="Which of several images, from 0.")
@click.option(
    "--format",
    "pixel_format",
    metavar="FORMAT",
    type=click.Choice(FORMATS),
    help="How pixels lie in memory, channel 0 where the format has R or Y: T_R8, T_A8B8G8R8 (bytes R, G, B, A), "
    "T_A8R8G8B8 (B, G, R, A), T_Y8___U8V8_N444 and others.  [default: T_R8 or T_A8B8G8R8]",
)
@click.option("--base", type=_Address(), default=hex(DEFAULT_BASE), show_default=True, help="Where memory begins.")
@click.option("--build", default="nv_small", show_default=True, help="The build to write for.")
@click.option("--keep-layers", is_flag=True, help="Leave every layer's output in memory to the end.")
@image_options
def write(
    program_path: Path,
    images_path: Path,
    output: Path,
    name: str | None,
    forms: tuple[str, ...],
    number: int | None,
    pixel_format: str | None,
    base: int,
    build: str,
    keep_layers: bool,
    handled: ImageOptions,
) -> None:
    """Write a network's folder, or one layer's program, with one input as a register program.

    IMAGES is a picture, a folder of them, an .npy or an .npz file; one image is taken. The files hold everything a
    bench or firmware needs: memory images, register operations in order, and output bytes: in a trace each layer's,
    elsewhere those that are in memory at the end. The program has then run on the golden device, where it gave the
    layer programs' bytes. Layers of the host that follow are named and left out.
    """
    is_network = program_path.is_dir()
    network = Network.load(program_path) if is_network else Network.chain((load_program(program_path),))
    images = handled.opened(images_path, wanted_by_programs(network))
    if number is None and len(images) > 1:
        raise BenchError(f"{images_path}: {len(images)} images, a register program takes one: --image NUMBER, from 0")
    image = images.one(number or 0)
    warn_of_clipping(images, network, number or 0)
    program = write_program(
        name or program_path.resolve().stem, network, image, build=build, base=base, keep_layers=keep_layers,
        pixel_format=pixel_format, input_name=images.name(number or 0),
    )  # fmt: skip
    for form in dict.fromkeys(forms or WRITERS):
        first, *others = WRITERS[form](program, output)
        click.echo(", ".join((f"{form}: {first}", *(path.name for path in others))))
    _print_program(program)
    if program.on_host:
        click.echo(f"left to the host: layer {', '.join(program.on_host)}")


def _print_program(program: NetworkProgram) -> None:
    print_table(
        ("layer", "output", "input", "data banks", "weight bytes", "weight banks", "bytes fetched", "ends with"),
        (_pass_row(part) for part in program.passes),
        f"passes of {program.name} on {program.build}",
        wrapping=("layer", "bytes fetched", "ends with"),
    )
    if any(part.fetched for part in program.passes):
        click.echo(f"CDMA {describe_fetched(program.fetched)}")
    print_table(("memory", "address", "bytes"), _memory_rows(program), "memory")
    click.echo(_memory_sum(program))


def _memory_sum(program: NetworkProgram) -> str:
    loaded = sum(len(region.data) for region in program.images)
    total = f"{loaded + program.tensor_bytes:,} bytes: {loaded:,} to load, {program.tensor_bytes:,} for layers' outputs"
    if program.tensor_bytes == program.tensor_bytes_apart:
        return total
    return f"{total} ({program.tensor_bytes_apart:,} if none lay where another one has been)"


def _pass_row(part: PassProgram) -> tuple[object, ...]:
    registers = LayerRegisters(dict(part.writes))
    size = registers.size
    writer = part.ends[-1][0]
    blocks = {register.partition(".")[0] for register, _ in part.writes}
    out_size = " x ".join(str(size(name)) for name in OUTPUT_SIZES[writer])
    in_size = " x ".join(
        str(size(name)) for name in next(INPUT_SIZES[block] for block in INPUT_SIZES if block in blocks)
    )
    cbuf = "-", "-", "-"
    if "CDMA" in blocks:
        data_banks, weight_banks = size("CDMA.D_BANK.DATA_BANK"), size("CDMA.D_BANK.WEIGHT_BANK")
        cbuf = str(data_banks), str(registers.word("CDMA.D_WEIGHT_BYTES")), str(weight_banks)
    fetched = f"{part.fetched.data} + {part.fetched.weights}" if part.fetched else "-"
    return part.layer, out_size, in_size, *cbuf, fetched, ", ".join(part.interrupts)


def _memory_rows(program: NetworkProgram) -> Iterator[tuple[object, ...]]:
    regions: list[Region] = sorted((*program.images, *program.outputs), key=lambda region: region.base)
    return ((region.name, f"{region.base:#x}", len(region.data)) for region in regions)
