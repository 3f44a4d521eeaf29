"""``run``: layer programs on bytes, every stage shown; compiled networks as NVIDIA's runtime runs them."""

from pathlib import Path

import click

from nvdla_int8.cli.image_options import ImageOptions, image_options
from nvdla_int8.cli.options import check_of_loadable, work_order_option
from nvdla_int8.cli.other_files import refuse_float_network
from nvdla_int8.cluster.option import cluster_option
from nvdla_int8.driver.driver import Order
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.loadable import is_loadable


@click.command(short_help="Run layer programs or a compiled network.")
@click.argument("program_path", metavar="PROGRAM", type=click.Path(path_type=Path))
@click.argument("images_path", metavar="[IMAGES]", required=False, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="An .npz file for all stages of all layers.")
@click.option("--dimg", type=click.Path(path_type=Path), help="Of a compiled network: the file output.dimg.")
@click.option("--labels", "labels_source", help="Of a compiled network: each image's class, as for evaluate.")
@click.option("--table", type=click.Path(path_type=Path), help="Of a compiled network: the table it was compiled with.")
@click.option(
    "--weights",
    "model",
    type=click.Path(path_type=Path),
    help="Of a compiled network: the ONNX or Caffe file it was made of, for names, and with --table for scales.",
)
@work_order_option
@cluster_option
@image_options
def run(
    program_path: Path,
    images_path: Path | None,
    output: Path | None,
    dimg: Path | None,
    labels_source: str | None,
    table: Path | None,
    model: Path | None,
    work_order: str | None,
    cluster_address: str | None,
    handled: ImageOptions,
) -> None:
    """Run a network on images and show every stage.

    PROGRAM is the folder of a network's layer programs, one layer's program (.json), or a compiled network (.nvdla).
    IMAGES is a folder of PNG, JPEG, PGM or PPM pictures, a picture, an .npy or an .npz file, whose arrays have
    shape (C, H, W) or (N, C, H, W). A compiled network gets pictures as NVIDIA's runtime makes them, blue first,
    0..127; int8 arrays and .dimg files are its input as they are.
    """
    if is_loadable(program_path):
        from nvdla_int8.cli.loadable_run import run_compiled_network  # each imports what it needs only

        order = Order(work_order or Order.DRIVER.value)
        run_compiled_network(
            program_path, images_path, order, output=output, dimg=dimg, labels_source=labels_source, model=model,
            table=table, handled=handled, cluster_address=cluster_address,
        )  # fmt: skip
        return
    of_loadables = {
        "--dimg": dimg, "--labels": labels_source, "--table": table, "--weights": model, "--work-order": work_order,
    }  # fmt: skip
    for option, value in of_loadables.items():
        check_of_loadable(option, value, program_path)
    refuse_float_network(program_path, "program makes layer programs of it, which run takes")
    if images_path is None:
        raise BenchError(f"{program_path}: give IMAGES to run it on")
    from nvdla_int8.cli.program_run import run_programs

    run_programs(program_path, images_path, output, handled, cluster_address)
