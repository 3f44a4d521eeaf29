"""``program``: a network and its calibration table to layer programs, with their errors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.cli.input_options import InputOptions, input_options
from nvdla_int8.cli.printing import bound, number, print_table, span, warn
from nvdla_int8.cli.weight_scales import read_weight_scales
from nvdla_int8.errors import BenchError, writing
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.lrn_table import LrnReport
from nvdla_int8.quantise.network import QuantisedNetwork, quantise_network
from nvdla_int8.quantise.network_input import QuantisedInput
from nvdla_int8.quantise.pooling import PoolingReport
from nvdla_int8.quantise.requantise import programmed_factor
from nvdla_int8.quantise.requantise_report import RequantiseReport
from nvdla_int8.quantise.weights import trained_step
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.pooling_program import PoolingProgram

REPORT_FILE = "report.json"
MOST_LISTED = 8


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
    described: InputOptions,
) -> None:
    """Turn a network and its calibration table into layer programs, with proven error bounds."""
    source = read_onnx(network_path)
    if described.kind == "int8" and described.scale is not None:
        raise BenchError("--scale is for pixels; the steps of an int8 feature map are those of the table's entry")
    source = described.fed(source)
    kept = {} if weight_scale is None else read_weight_scales(weight_scale, source)
    quantised = quantise_network(source, read_table(table_path), per_kernel=not per_tensor, weight_scales=kept)
    layers, convolutions = quantised.network.programs, quantised.network.convolutions
    if any(f"{layer.name}.json" == REPORT_FILE for layer in layers):
        raise BenchError(f"{network_path}: a layer's file would be {REPORT_FILE}, which holds the report")
    quantised.network.save(output)
    with writing(output / REPORT_FILE):
        (output / REPORT_FILE).write_text(json.dumps(_report(quantised), indent=2) + "\n")
    _print_warnings(source, quantised, kept)
    click.echo(f"{output}: {len(layers)} layers, {REPORT_FILE} holds every kernel's numbers")
    _print_input(convolutions[0], quantised.input)
    where = "the output converter" if per_tensor else "X1's multiplier stream"
    click.echo(f"the factor Si * Sw / So is in {where}")
    print_table(
        ("layer", "kernels", "factor", "multiplier", "shift", "relative error", "bound in LSB"),
        (_layer_row(layer, of_layer) for layer, of_layer in quantised.convolutions),
        wrapping=("layer", "factor", "multiplier"),
    )
    for _, report in quantised.convolutions:
        _print_raised(report)
    others = [
        (layer.name, _does(layer), bound(of_layer.bound_lsb))
        for layer, of_layer in zip(layers, quantised.reports, strict=True)
        if isinstance(layer, PoolingProgram | LrnProgram) and isinstance(of_layer, PoolingReport | LrnReport)
    ]
    if others:
        print_table(
            ("layer", "does", "bound in LSB"),
            others,
            "pooling and LRN, whose bound is that of every int8 input",
            wrapping=("layer", "does"),
        )


def _does(layer: PoolingProgram | LrnProgram) -> str:
    """What a layer without weights does, in a few words."""
    if isinstance(layer, LrnProgram):
        return f"LRN over {2 * layer.lrn.normalize_length + 3} channels"
    window = layer.window
    method = {PoolingMethod.AVERAGE: "average", PoolingMethod.MAX: "maximum", PoolingMethod.MIN: "minimum"}
    inside = " inside the input" if layer.exclude_padding else ""
    return (
        f"{method[window.method]} of {window.kernel_h} x {window.kernel_w}{inside}, "
        f"stride {window.stride_y} x {window.stride_x}"
    )


def _print_warnings(
    source: FloatNetwork, quantised: QuantisedNetwork, kept: Mapping[str, float | NDArray[np.float64]]
) -> None:
    if quantised.input is not None and quantised.input.misfit is not None:
        warn(f"{source.path}: {quantised.input.misfit}")
    for _, report in quantised.convolutions:
        if report.misfit is not None:
            warn(f"{source.path}: layer {report.layer}: {report.misfit}")
    if quantised.input is not None and quantised.input.coarse is not None:
        warn(f"{source.path}: {quantised.input.coarse}")
    for layer in source.convolutions:
        step = None if layer.name in kept else trained_step(layer.weights)
        if step is not None:
            warn(
                f"{source.path}: layer {layer.name}: all weights are whole multiples of {number(step)}, as of a "
                f"network trained in integers, and were rescaled; --weight-scale {number(step)} keeps them as they are"
            )


def _print_input(first: LayerProgram, pixels: QuantisedInput | None) -> None:
    if pixels is None:
        assert first.input_scale is not None  # quantise_convolution always gives it
        click.echo(f"input: int8 feature map in steps of {number(first.input_scale.scale)}, no input converter")
        return
    converter = first.input_converter
    where = "where pixels do not clip" if pixels.program.clipped.any() else "for pixels 0..255"
    click.echo(
        f"input converter: mean {list(converter.mean or ())}, scale {converter.scale}, "
        f"truncate {converter.truncate_bits}, bound {bound(pixels.bound_lsb)} LSB {where}"
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
            f"{bound(report.weight_error_lsb[raised].max())} LSB"
        )


def _report(quantised: QuantisedNetwork) -> dict[str, Any]:
    pixels = quantised.input
    of_input = pixels and {
        "bound_lsb": pixels.bound_lsb,
        "clipped_pixel_values": pixels.program.clipped.sum(axis=1).tolist(),
        "channel_factors": pixels.channel_factors.tolist(),
    }
    numbers: dict[str, dict[str, Any]] = {report.layer: {} for report in quantised.reports}
    for report in quantised.reports:
        if isinstance(report, PoolingReport | LrnReport):
            numbers[report.layer] = {"bound_lsb": report.bound_lsb}
    numbers |= {layer.name: _kernel_numbers(layer, report) for layer, report in quantised.convolutions}
    return {"input": of_input, "layers": {layer.name: numbers[layer.name] for layer in quantised.network.programs}}


def _layer_row(layer: LayerProgram, report: RequantiseReport) -> tuple[object, ...]:
    factor = programmed_factor(layer)
    return (
        layer.name,
        len(layer.weights),
        span(report.ratio, 3),
        span(factor.multipliers),
        factor.shift_bits,
        f"{np.abs(report.relative_error).max():.1e}",
        bound(report.bound_lsb.max()),
    )


def _kernel_numbers(layer: LayerProgram, report: RequantiseReport) -> dict[str, Any]:
    factor = programmed_factor(layer)
    assert layer.x1_alu is not None  # quantise_convolution always streams the bias
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
