"""``calibrate``, ``program`` and ``run``: from a network and images to programs, and what they compute."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.calibrator import calibrate as calibrate_network
from nvdla_int8.calibration.formats import read_table, write_json_table
from nvdla_int8.cli.arrays import read_bytes, read_input
from nvdla_int8.cli.input_options import Reals, fed, input_options
from nvdla_int8.cli.printing import number, print_table, span, warn
from nvdla_int8.cli.weight_scales import read_weight_scales
from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import Network
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.layer import RequantiseReport
from nvdla_int8.quantise.network import QuantisedInput, QuantisedNetwork, quantise_network, quantise_network_input
from nvdla_int8.quantise.readings import programmed_factor
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.quantise.weights import trained_step
from nvdla_int8.stages.layer_program import STAGES, LayerProgram, LayerStages
from nvdla_int8.stages.tensor_scale import positive_number

REPORT_FILE = "report.json"
MOST_LISTED = 8


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
    quantised = quantise_network_input(network, table[network.tensors[0]])
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
    for layer in network.layers:
        with located(f"layer {layer.name}"):
            size = layer.geometry.output_size(*size, *layer.weights.shape[2:])


@click.command(short_help="Turn a network and its table into layer programs.")
@click.argument("network_path", metavar="NETWORK.onnx", type=click.Path(path_type=Path))
@click.argument("table_path", metavar="TABLE", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("--per-tensor", is_flag=True, help="One weight scale a layer, in place of one a kernel.")
@click.option(
    "--weight-scale",
    metavar="VALUE|FILE.json",
    help="Keep the integers of a trained network: the real value of one weight step, or by layer "
    '{"conv1": 0.05, "conv2": [one a kernel]}.',
)
@input_options
def program(
    network_path: Path,
    table_path: Path,
    output: Path,
    per_tensor: bool,
    weight_scale: str | None,
    kind: str,
    mean: Reals | None,
    scale: Reals | None,
    std: Reals | None,
) -> None:
    """Turn a network and its calibration table into layer programs, with proven error bounds."""
    source = read_onnx(network_path)
    if kind == "int8" and scale is not None:
        raise BenchError("--scale is for pixels; the steps of an int8 feature map are those of the table's entry")
    source = fed(source, kind, mean, scale, std)
    kept = {} if weight_scale is None else read_weight_scales(weight_scale, source)
    quantised = quantise_network(source, read_table(table_path), per_kernel=not per_tensor, weight_scales=kept)
    layers = quantised.network.layers
    if any(f"{layer.name}.json" == REPORT_FILE for layer in layers):
        raise BenchError(f"{network_path}: a layer's file would be {REPORT_FILE}, which holds the report")
    quantised.network.save(output)
    (output / REPORT_FILE).write_text(json.dumps(_report(quantised), indent=2) + "\n")
    _print_warnings(source, quantised, kept)
    click.echo(f"{output}: {len(layers)} layers, {REPORT_FILE} holds every kernel's numbers")
    _print_input(layers[0], quantised.input)
    where = "the output converter" if per_tensor else "X1's multiplier stream"
    click.echo(f"the factor Si * Sw / So is in {where}")
    print_table(
        ("layer", "kernels", "factor", "multiplier", "shift", "relative error", "bound in LSB"),
        (_layer_row(layer, of_layer) for layer, of_layer in zip(layers, quantised.reports, strict=True)),
        wrapping=("layer", "factor", "multiplier"),
    )
    for report in quantised.reports:
        _print_raised(report)


def _print_warnings(source: FloatNetwork, quantised: QuantisedNetwork, kept: Mapping[str, float | Reals]) -> None:
    if quantised.input is not None and quantised.input.misfit is not None:
        warn(f"{source.path}: {quantised.input.misfit}")
    for layer in source.layers:
        step = None if layer.name in kept else trained_step(layer.weights)
        if step is not None:
            warn(
                f"{source.path}: layer {layer.name}: all weights are whole multiples of {number(step)}, as of a "
                f"network trained in integers, and were rescaled; --weight-scale {number(step)} keeps them as they are"
            )


def _print_input(first: LayerProgram, pixels: QuantisedInput | None) -> None:
    if pixels is None:
        assert first.input_scale is not None  # quantise_layer always gives it
        click.echo(f"input: int8 feature map in steps of {number(first.input_scale.scale)}, no input converter")
        return
    converter = first.input_converter
    where = "where pixels do not clip" if pixels.program.clipped.any() else "for pixels 0..255"
    click.echo(
        f"input converter: mean {list(converter.mean or ())}, scale {converter.scale}, "
        f"truncate {converter.truncate_bits}, bound {pixels.program.bound_lsb:.4f} LSB {where}"
    )
    if (pixels.channel_factors != 1).any():
        factors = ", ".join(map(number, pixels.channel_factors))
        click.echo(
            f"the pixels' scales differ by channel and the input converter has one: the weights of {first.name} "
            f"are multiplied by {factors} by channel"
        )


def _print_raised(report: RequantiseReport) -> None:
    raised = np.flatnonzero(report.raised)
    if raised.size:
        first = ", ".join(map(str, raised[:MOST_LISTED])) + (", ..." if raised.size > MOST_LISTED else "")
        click.echo(
            f"layer {report.layer}: {raised.size} of {len(report.raised)} kernels are too small beside the others, "
            f"their weight scale was raised: kernel {first}; quantising their weights may cost "
            f"{report.weight_error_lsb[raised].max():.2g} LSB"
        )


def _report(quantised: QuantisedNetwork) -> dict[str, Any]:
    pixels = quantised.input
    of_input = pixels and {
        "bound_lsb": pixels.program.bound_lsb,
        "clipped_pixel_values": pixels.program.clipped.sum(axis=1).tolist(),
        "channel_factors": pixels.channel_factors.tolist(),
    }
    layers = zip(quantised.network.layers, quantised.reports, strict=True)
    return {"input": of_input, "layers": {layer.name: _kernel_numbers(layer, report) for layer, report in layers}}


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
        "weight_scale": report.weight_scale,
        "raised": report.raised,
        "ratio": report.ratio,
        "multiplier": factor.multipliers,
        "relative_error": report.relative_error,
        "bias_operand": layer.x1_alu,
        "bias_error_lsb": report.bias_error_lsb,
        "weight_error_lsb": report.weight_error_lsb,
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
        clipped = stages.saturations["input_converter_8"]
        if clipped:
            share = f"{clipped:,} of {stages.converted.size:,} input bytes ({clipped / stages.converted.size:.0%})"
            warn(f"layer {layer.name}: {share} clip in the input converter")
        counts = [f"{step} {count}" for step, count in stages.saturations.items() if count]
        click.echo(f"  saturated: {', '.join(counts) or 'nothing'}")


def _stage_row(stages: LayerStages, stage: str) -> tuple[object, ...]:
    tensor = stages.tensor(stage)
    ends = np.count_nonzero((tensor == Q_MIN) | (tensor == Q_MAX)) if tensor.dtype == np.int8 else "-"
    return stage, " x ".join(map(str, tensor.shape)), tensor.min(), tensor.max(), ends
