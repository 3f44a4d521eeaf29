"""The options that decide where tensors lie in memory, the same for what writes a program and what checks its dumps."""

from pathlib import Path

import click

from nvdla_int8.compiler.allocation import DEFAULT_BASE
from nvdla_int8.compiler.image_kernels import FORMATS
from nvdla_int8.errors import BenchError


class HexOrDecimal(click.ParamType[int]):
    """A hex (0x...) or decimal number: an address, a count of bytes."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; BenchError for what is none, with the option."""
        if isinstance(value, int):
            return value
        try:
            return int(str(value), 0)
        except ValueError:
            option = param.opts[0] if param is not None else ""
            raise BenchError(f"{option} {value!r} is not a number such as {DEFAULT_BASE:#x}") from None


base_option = click.option(
    "--base",
    type=HexOrDecimal(),
    metavar="ADDRESS",
    default=hex(DEFAULT_BASE),
    show_default=True,
    help="Where memory begins.",
)

format_option = click.option(
    "--format",
    "pixel_format",
    metavar="FORMAT",
    type=click.Choice(FORMATS),
    help="How pixels lie in memory, channel 0 where the format has R or Y: T_R8, T_A8B8G8R8 (bytes R, G, B, A), "
    "T_A8R8G8B8 (B, G, R, A), T_Y8___U8V8_N444 and others.  [default: T_R8 or T_A8B8G8R8]",
)

keep_layers_option = click.option(
    "--keep-layers", is_flag=True, help="Leave every layer's output in memory to the end."
)


def check_placed_here(path: Path, *, pixel_format: str | None, keep_layers: bool, build: str) -> None:
    """BenchError for options that cannot be given with a compiled network, whose file places its tensors."""
    for option, given in (("--format", pixel_format), ("--keep-layers", keep_layers)):
        if given:
            raise BenchError(f"{option}: where the tensors of {path} lie, and how, is in the file")
    if build != "nv_small":
        raise BenchError(f"--build {build}: compiled networks run on nv_small here")
