"""``calibrate``: a calibration table from images."""

from functools import partial
from pathlib import Path

import click

from nvdla_int8.calibration.calibrator import Calibration, MeasuredTensor
from nvdla_int8.calibration.calibrator import calibrate as calibrate_network
from nvdla_int8.calibration.formats import FORMS, write_table
from nvdla_int8.calibration.methods import METHODS
from nvdla_int8.cli.image_options import IMAGES_HELP, ImageOptions, image_options
from nvdla_int8.cli.input_options import InputOptions, input_options
from nvdla_int8.cli.network_options import NetworkOptions, network_options
from nvdla_int8.cli.printing import number, print_table, warn
from nvdla_int8.errors import BenchError
from nvdla_int8.images.takers import wanted_by_network
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.onnx_reader import unfolded
from nvdla_int8.quantise.network_input import quantise_network_input
from nvdla_int8.report.progress import progress_bar

BATCH = 8
"""Images whose tensors are in memory at a time."""

FEW_OF_THE_PIXELS = 0.5
"""Images that show less than this of the range of pixels leave bits of the input unused, and are told of."""


@click.command(short_help="Make a calibration table from images.")
@click.argument("network_path", metavar="MODEL", type=click.Path(path_type=Path))
@click.option("--images", "images_path", type=click.Path(path_type=Path), required=True, help=IMAGES_HELP)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The table to write.")
@click.option(
    "--form",
    type=click.Choice(list(FORMS)),
    help="Of the table.  [default: json, or TensorRT's cache for *.cache and *.table]",
)
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="minmax",
    show_default=True,
    help="How a range is chosen: all values; so many percent of them; the least information lost, as TensorRT does; "
    "the least mean squared error.",
)
@click.option(
    "--percentile",
    type=click.FloatRange(0, 100, min_open=True),
    default=99.99,
    show_default=True,
    help="Of the method percentile.",
)
@click.option(
    "--input-range",
    type=click.Choice(["pixels", "images"]),
    default="pixels",
    show_default=True,
    help="What the input's entry holds: whatever pixels can be, 0..255, or only what the images show.",
)
@click.option(
    "--every-layer",
    is_flag=True,
    help="Entries of what lies inside our layers too, which NVIDIA's compiler needs; Caffe's networks get them anyway.",
)
@network_options
@image_options
@input_options
def calibrate(
    network_path: Path,
    images_path: Path,
    output: Path,
    form: str | None,
    method: str,
    percentile: float,
    input_range: str,
    every_layer: bool,
    files: NetworkOptions,
    handled: ImageOptions,
    described: InputOptions,
) -> None:
    """Make a calibration table: the range of each tensor over the images.

    Images hold raw pixels, 0..255. With --input int8 they are int8 feature maps in an .npy or .npz file, and --scale is
    the real value of one of their steps.
    """
    if not output.parent.is_dir():  # better known before the network has run for hours
        raise BenchError(f"{output}: no folder {output.parent}")
    network = described.fed(files.read(network_path))
    if every_layer:
        network = unfolded(network).network
    feature_scale = described.feature_scale
    images = handled.opened(images_path, wanted_by_network(network))
    with progress_bar() as progress:
        task = progress.add_task(f"{network_path.name} in float", total=len(images) * (1 + (method != "minmax")))
        calibration = calibrate_network(
            network, partial(images.batches, BATCH), method=method, percentile=percentile,
            all_pixels=input_range == "pixels", feature_scale=feature_scale,
            tell=lambda count: progress.advance(task, count),
        )  # fmt: skip
    print_table(
        ("tensor", "least", "greatest", "entry covers", "values", "clip", "share"),
        map(_row, calibration.tensors),
        f"{network_path.name}: {method}" + (f" {number(percentile)}" if method == "percentile" else ""),
    )
    write_table(calibration.table, output, form)
    click.echo(f"{output}: {len(calibration.table)} tensors from {len(images)} images")
    _print_warnings(network, calibration, images_path)


def _row(tensor: MeasuredTensor) -> tuple[object, ...]:
    covers = "nothing" if tensor.dead else f"+-{number(tensor.end)}"
    share = f"{tensor.beyond / tensor.count:.2%}"
    return (
        tensor.name,
        number(tensor.low),
        number(tensor.high),
        covers,
        f"{tensor.count:,}",
        f"{tensor.beyond:,}",
        share,
    )


def _print_warnings(network: FloatNetwork, calibration: Calibration, images_path: Path) -> None:
    own = [tensor.name for tensor in network.tensors.values() if tensor.scale is not None]
    if own:
        warn(f"{network.path}: it is quantised and says the scales of {len(own)} tensors itself: it needs no table")
    dead = [repr(tensor.name) for tensor in calibration.tensors if tensor.dead]
    if dead:
        warn(
            f"{images_path}: {len(dead)} tensors are zero on all images, their entries give no scale: {', '.join(dead)}"
        )
    first = calibration.tensors[0]
    shown = max(abs(first.low), abs(first.high)) / first.end if first.end else 0.0
    if network.before_graph is not None and shown < FEW_OF_THE_PIXELS:
        warn(
            f"{images_path}: the images reach {number(first.low)} .. {number(first.high)} of the input's "
            f"+-{number(first.end)}, which pixels 0..255 reach; if they never show more, --input-range images is finer"
        )
    if not first.dead:
        quantised = quantise_network_input(network, calibration.table[first.name])
        if quantised is not None and quantised.misfit is not None:
            warn(f"{images_path}: do the images show every value that pixels take? {quantised.misfit}")
