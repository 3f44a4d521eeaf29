"""``write``: layer programs or a compiled network, and one input, as a register program for the hardware, in files."""

from pathlib import Path

import click

from nvdla_int8.cli.image_options import ImageOptions, image_options
from nvdla_int8.cli.options import check_of_loadable, work_order_option
from nvdla_int8.cli.other_files import refuse_float_network
from nvdla_int8.cli.placing_options import base_option, check_placed_here, format_option, keep_layers_option
from nvdla_int8.cli.program_files import ProgramFiles
from nvdla_int8.compiler.forms import WRITERS
from nvdla_int8.driver.driver import Order
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.loadable import is_loadable


@click.command(short_help="Write layers or a compiled network for the hardware.")
@click.argument("program_path", metavar="FOLDER_OR_PROGRAM.json_OR_FILE.nvdla", type=click.Path(path_type=Path))
@click.argument("images_path", metavar="[IMAGES]", required=False, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("--name", help="Of the program and its files.  [default: that of the folder or file]")
@click.option("--form", "forms", type=click.Choice(list(WRITERS)), multiple=True, help="[default: all of them]")
@click.option("--image", "number", type=int, help="Which of several images, from 0.")
@format_option
@base_option
@click.option("--build", default="nv_small", show_default=True, help="The build to write for.")
@keep_layers_option
@work_order_option
@image_options
def write(
    program_path: Path,
    images_path: Path | None,
    output: Path,
    name: str | None,
    forms: tuple[str, ...],
    number: int | None,
    pixel_format: str | None,
    base: int,
    build: str,
    keep_layers: bool,
    work_order: str | None,
    handled: ImageOptions,
) -> None:
    """Write a network's folder, or one layer's program, with one input as a register program.

    IMAGES is a picture, a folder of them, an .npy or an .npz file; one image is taken. The files hold everything a
    bench or firmware needs: memory images, register operations in order, and output bytes: in a trace each layer's,
    elsewhere those that are in memory at the end. The program has then run on the golden device, where it gave the
    layer programs' bytes. Layers of the host that follow are named and left out.

    Of a compiled network (.nvdla) the program is what NVIDIA's driver does with it on that image, write for write; what
    the CPU does is named and left out.
    """
    files = ProgramFiles(output, name or program_path.resolve().stem, tuple(dict.fromkeys(forms or WRITERS)))
    if is_loadable(program_path):
        check_placed_here(program_path, pixel_format=pixel_format, keep_layers=keep_layers, build=build)
        from nvdla_int8.cli.loadable_writing import write_compiled_network  # each imports what it needs only

        order = Order(work_order or Order.DRIVER.value)
        write_compiled_network(program_path, images_path, files, number=number, base=base, order=order, handled=handled)
        return
    check_of_loadable("--work-order", work_order, program_path)
    refuse_float_network(program_path, "program makes layer programs of it, which write takes")
    if images_path is None:
        raise BenchError(f"{program_path}: give IMAGES to write it with")
    from nvdla_int8.cli.program_writing import write_layer_programs

    write_layer_programs(
        program_path, images_path, files, number=number, pixel_format=pixel_format, base=base, build=build,
        keep_layers=keep_layers, handled=handled,
    )  # fmt: skip
