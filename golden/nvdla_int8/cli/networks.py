"""``calibrate``, ``program`` and ``run``: from a network and images to programs, and what they compute."""

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.calibrator import calibrate as calibrate_network
from nvdla_int8.calibration.formats import read_table, write_json_table
from nvdla_int8.cli.arrays import read_bytes, read_input
from nvdla_int8.cli.printing import print_table, span
from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import Network
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.layer import RequantiseReport
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.quantise.readings import programmed_factor
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.stages.layer_program import STAGES, LayerProgram, LayerStages

REPORT_FILE = "report.json"


@click.command(short_help="Make a calibration table from images.")
@click.argument("network_path", metavar="NETWORK.onnx", type=click.Path(path_type=Path))
@click.argument("images_path", metavar="IMAGES.npy", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The JSON table to write.")
def calibrate(network_path: Path, images_path: Path, output: Path) -> None:
    """Make a calibration table: the range of each tensor over the images.

    IMAGES.npy holds raw pixels, uint8 (N, C, H, W).
    """
    network = read_onnx(network_path)
    images = read_bytes(images_path)
    with located(str(images_path)):
        _check_images(network, images)
    table = calibrate_network(network, images)
    write_json_table(table, output)
    click.echo(f"{output}: {len(table)} layers from {len(images)} images")


def _check_images(network: FloatNetwork, images: NDArray[np.integer]) -> None:
    if images.dtype != np.uint8 or images.ndim != 4:
        raise BenchError(f"{images.dtype} {images.shape}, calibration takes uint8 (N, C, H, W)")
    channels, size = images.shape[1], images.shape[2:]
    for layer in network.layers:
        kernels, weight_channels, *kernel_size = layer.weights.shape
        if channels != weight_channels:
            raise BenchError(f"layer {layer.name} takes {weight_channels} channels, not {channels}")
        with located(f"layer {layer.name}"):
            size = layer.geometry.output_size(*size, *kernel_size)
        channels = kernels


@click.command(short_help="Turn a network and its table into layer programs.")
@click.argument("network_path", metavar="NETWORK.onnx", type=click.Path(path_type=Path))
@click.argument("table_path", metavar="TABLE", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("--per-tensor", is_flag=True, help="One weight scale a layer, in place of one a kernel.")
def program(network_path: Path, table_path: Path, output: Path, per_tensor: bool) -> None:
    """Turn a network and its calibration table into layer programs, with proven error bounds."""
    quantised = quantise_network(read_onnx(network_path), read_table(table_path), per_kernel=not per_tensor)
    layers = quantised.network.layers
    if any(f"{layer.name}.json" == REPORT_FILE for layer in layers):
        raise BenchError(f"{network_path}: a layer's file would be {REPORT_FILE}, which holds the report")
    where = "the output converter" if per_tensor else "X1's multiplier stream"
    quantised.network.save(output)
    report = {
        "input_bound_lsb": quantised.input_bound_lsb,
        "layers": {
            layer.name: _kernel_numbers(layer, of_layer)
            for layer, of_layer in zip(layers, quantised.reports, strict=True)
        },
    }
    (output / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n")
    converter = layers[0].input_converter
    click.echo(f"{output}: {len(layers)} layers, {REPORT_FILE} holds every kernel's numbers")
    click.echo(
        f"input converter: mean {list(converter.mean or ())}, scale {converter.scale}, "
        f"truncate {converter.truncate_bits}, bound {quantised.input_bound_lsb:.4f} LSB"
    )
    click.echo(f"the factor Si * Sw / So is in {where}")
    print_table(
        ("layer", "kernels", "factor", "multiplier", "shift", "relative error", "bound in LSB"),
        (_layer_row(layer, of_layer) for layer, of_layer in zip(layers, quantised.reports, strict=True)),
        wrapping=("layer", "factor", "multiplier"),
    )


def _layer_row(layer: LayerProgram, report: RequantiseReport) -> tuple[object, ...]:
    factor = programmed_factor(layer)
    return (
        layer.name,
        len(layer.weights),
        span(report.ratio, 3),
        span(factor.multipliers),
        factor.shift_bits,
        f"{np.abs(report.relative_error).max():.1e}",
        f"{report.bound_lsb.max():.4f}",
    )


def _kernel_numbers(layer: LayerProgram, report: RequantiseReport) -> dict[str, Any]:
    factor = programmed_factor(layer)
    assert layer.x1_alu is not None  # quantise_layer always streams the bias
    columns: dict[str, NDArray[Any]] = {
        "ratio": report.ratio,
        "multiplier": factor.multipliers,
        "relative_error": report.relative_error,
        "bias_operand": layer.x1_alu,
        "bias_error_lsb": report.bias_error_lsb,
        "bound_lsb": report.bound_lsb,
    }
    listed = {name: column.tolist() for name, column in columns.items()}
    return {
        "shift_bits": factor.shift_bits,
        "bias_shift_bits": layer.x1.alu_shift_bits,
        "kernels": [dict(zip(listed, values, strict=True)) for values in zip(*listed.values(), strict=True)],
    }


@click.command(short_help="Run layer programs on bytes and show every stage.")
@click.argument("program_path", metavar="FOLDER_OR_PROGRAM.json", type=click.Path(path_type=Path))
@click.argument("input_path", metavar="INPUT.npy", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="An .npz file for all stages of all layers.")
def run(program_path: Path, input_path: Path, output: Path | None) -> None:
    """Run a network's folder, or one layer's program, on bytes and show every stage."""
    is_network = program_path.is_dir()
    network = Network.load(program_path) if is_network else Network((LayerProgram.load(program_path),))
    data = read_input(input_path, network.layers[0])
    with located(str(input_path)):
        results = network.run(data)
    if output is not None:
        arrays: dict[str, Any] = {
            f"{layer.name}.{stage}": stages.tensor(stage)
            for layer, stages in zip(network.layers, results, strict=True)
            for stage in STAGES
        }
        with output.open("wb") as stream:  # a file, because a bare name would gain a suffix
            np.savez_compressed(stream, **arrays)
        click.echo(f"{output}: {len(arrays)} arrays")
    for layer, stages in zip(network.layers, results, strict=True):
        print_table(
            ("stage", "shape", "min", "max", "at the ends of int8"),
            (_stage_row(stages, stage) for stage in STAGES),
            f"layer {layer.name}",
        )
        counts = [f"{step} {count}" for step, count in stages.saturations.items() if count]
        click.echo(f"  saturated: {', '.join(counts) or 'nothing'}")


def _stage_row(stages: LayerStages, stage: str) -> tuple[object, ...]:
    tensor = stages.tensor(stage)
    ends = np.count_nonzero((tensor == Q_MIN) | (tensor == Q_MAX)) if tensor.dtype == np.int8 else "-"
    return stage, " x ".join(map(str, tensor.shape)), tensor.min(), tensor.max(), ends
