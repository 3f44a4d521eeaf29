"""``calibrate``: a calibration table from images."""

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.calibrator import calibrate as calibrate_network
from nvdla_int8.calibration.formats import write_json_table
from nvdla_int8.cli.arrays import read_bytes
from nvdla_int8.cli.input_options import Reals, fed, input_options
from nvdla_int8.cli.printing import warn
from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatHost, FloatNetwork
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network_input import quantise_network_input
from nvdla_int8.stages.tensor_scale import positive_number


@click.command(short_help="Make a calibration table from images.")
@click.argument("network_path", metavar="NETWORK.onnx", type=click.Path(path_type=Path))
@click.argument("images_path", metavar="IMAGES.npy", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The JSON table to write.")
@input_options
def calibrate(
    network_path: Path,
    images_path: Path,
    output: Path,
    kind: str,
    mean: Reals | None,
    scale: Reals | None,
    std: Reals | None,
) -> None:
    """Make a calibration table: the range of each tensor over the images.

    IMAGES.npy holds raw pixels, uint8 (N, C, H, W). With --input int8 it holds int8 feature maps, and --scale
    is the real value of one of their steps.
    """
    network = fed(read_onnx(network_path), kind, mean, scale, std)
    images = read_bytes(images_path)
    with located(str(images_path)):
        _check_images(network, images)
    table = calibrate_network(network, images, feature_scale=_feature_scale(network, scale))
    quantised = quantise_network_input(network, table[network.input])
    write_json_table(table, output)
    click.echo(f"{output}: {len(table)} layers from {len(images)} images")
    if quantised is not None and quantised.misfit is not None:
        warn(f"{images_path}: do the images show every value that pixels take? {quantised.misfit}")


def _feature_scale(network: FloatNetwork, scale: Reals | None) -> float:
    if network.before_graph is not None:
        return 1.0
    if scale is None or scale.size != 1:
        raise BenchError("--input int8 needs --scale with one value, that of one step of the feature map")
    return positive_number("--scale", float(scale[0]))


def _check_images(network: FloatNetwork, images: NDArray[np.integer]) -> None:
    wanted = np.int8 if network.before_graph is None else np.uint8
    if images.dtype != wanted or images.ndim != 4:
        raise BenchError(f"{images.dtype} {images.shape}, calibration takes {np.dtype(wanted)} (N, C, H, W)")
    if images.shape[1] != network.channels:
        raise BenchError(f"layer {network.layers[0].name} takes {network.channels} channels, not {images.shape[1]}")
    size = images.shape[2:]
    sizes = {network.input: size}
    for layer in network.layers:
        if not isinstance(layer, FloatHost):
            with located(f"layer {layer.name}"):
                sizes[layer.output] = layer.output_size(*sizes[layer.inputs[0]])
