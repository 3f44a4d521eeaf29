"""A network's programs for people: a line for each layer, what shares a scale, what was decided, what is doubtful."""

import click
import numpy as np

from nvdla_int8.cli.layer_words import layer_words
from nvdla_int8.cli.printing import bound, number, print_table, warn
from nvdla_int8.network.float_network import AnyFloatLayer, FloatNetwork
from nvdla_int8.quantise.any_report import AnyReport, HostReport
from nvdla_int8.quantise.lrn_table import LrnReport
from nvdla_int8.quantise.network import QuantisedNetwork
from nvdla_int8.quantise.requantise_report import RequantiseReport
from nvdla_int8.quantise.rounding import ARITHMETIC
from nvdla_int8.quantise.scale_groups import NetworkScales
from nvdla_int8.quantise.weights import trained_step
from nvdla_int8.stages.tensor_scale import TensorScale

MOST_LISTED = 8

MANY_BITS = 3.0
"""A tensor that a shared scale costs so many of its eight bits has 32 int8 values left, and a warning is due."""

NOTHING = "-"


def print_network(quantised: QuantisedNetwork) -> None:
    """Print a network's layers, bounds and scales."""
    _print_input(quantised)
    shared = {name: group for group, one in enumerate(quantised.scales.shared, 1) for name in one.members}
    rows = [
        (
            layer.name,
            layer_words(layer),
            _shape(quantised.source.tensors[layer.output].shape),
            *_errors(report),
            shared.get(_of_source(quantised, layer), NOTHING),
        )
        for layer, report in zip(quantised.source.layers, quantised.reports, strict=True)
    ]
    columns = ("layer", "does", "output", "relative error", "bound in LSB", "shared scale")
    shown = len(columns) - (not shared)
    print_table(columns[:shown], (row[:shown] for row in rows), wrapping=("layer", "does"))
    for report in quantised.reports:
        if isinstance(report, RequantiseReport):
            _print_raised(report)
    _print_scales(quantised.scales)
    for note in quantised.notes:
        click.echo(note)
    for name, lsb in quantised.output_bounds_lsb.items():
        click.echo(
            f"{name}: no byte is further than {bound(lsb)} LSB from the network in real numbers, tensors clipped to "
            "their ranges, on every input"
        )


def print_warnings(source: FloatNetwork, quantised: QuantisedNetwork) -> None:
    """Warn of what the table or the weights do not fit."""
    if quantised.input is not None and quantised.input.misfit is not None:
        warn(f"{source.path}: {quantised.input.misfit}")
    for report in quantised.reports:
        if isinstance(report, RequantiseReport | LrnReport) and report.misfit is not None:
            warn(f"{source.path}: layer {report.layer}: {report.misfit}")
    if quantised.input is not None and quantised.input.coarse is not None:
        warn(f"{source.path}: {quantised.input.coarse}")
    for one in quantised.scales.shared:
        for name in (name for name in one.members if one.lost_bits(name) >= MANY_BITS):
            warn(
                f"{source.path}: tensor {name} leaves {one.lost_bits(name):.1f} of eight bits unused: it shares the "
                f"scale of {one.scale.name}, because of {', '.join(one.layers)}"
            )
    kept = {layer.name for layer in quantised.source.convolutions if layer.weight_scale is not None}
    for layer in source.convolutions:
        step = None if layer.name in kept else trained_step(layer.weights)
        if step is not None:
            warn(
                f"{source.path}: layer {layer.name}: all weights are whole multiples of {number(step)}, as of a "
                f"network trained in integers, and were rescaled; --weight-scale {number(step)} keeps them as they are"
            )


def _of_source(quantised: QuantisedNetwork, layer: AnyFloatLayer) -> str:
    """The tensor that was read whose values a layer's output has."""
    of_read = (name for name, placed in quantised.placed.items() if layer.output in (name, placed.name))
    return next(of_read, layer.output)


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size or "?") for size in shape)


def _errors(report: AnyReport) -> tuple[str, str]:
    """Worst relative error of a factor, and the bound."""
    if isinstance(report, HostReport):
        return NOTHING, NOTHING
    if isinstance(report, RequantiseReport):
        worst = float(np.abs(report.relative_error).max())
        return "0" if worst < ARITHMETIC else f"{worst:.1e}", bound(report.bound_lsb.max())
    return NOTHING, bound(report.bound_lsb)


def _print_input(quantised: QuantisedNetwork) -> None:
    pixels, name = quantised.input, quantised.source.input
    if pixels is None:
        scale = quantised.scales.of[name].scale
        click.echo(f"input: int8 feature map in steps of {number(scale)}, no input converter")
        return
    converter = pixels.program.converter
    where = "where pixels do not clip" if pixels.program.clipped.any() else "for pixels 0..255"
    click.echo(
        f"input converter: mean {list(converter.mean or ())}, scale {converter.scale}, "
        f"truncate {converter.truncate_bits}, bound {bound(pixels.bound_lsb)} LSB {where}"
    )
    if (pixels.channel_factors != 1).any():
        factors = ", ".join(map(number, pixels.channel_factors))
        readers = ", ".join(layer.name for layer in quantised.source.layers if name in layer.inputs)
        click.echo(
            f"the pixels' scales differ by channel and the input converter has one: the weights of {readers} "
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


def _print_scales(scales: NetworkScales) -> None:
    """Tell which tensors have one scale because nothing between them rescales, and what that costs them."""
    rows = [
        (group, name, _steps(one.asked.get(name)), _steps(one.scale), f"{one.lost_bits(name):.2f}")
        for group, one in enumerate(scales.shared, 1)
        for name in one.members
    ]
    if rows:
        print_table(
            ("shared scale", "tensor", "entry", "scale", "bits lost"),
            rows,
            "tensors with one scale: pooling and concatenation do not rescale",
            wrapping=("tensor",),
        )
    for one in scales.clipped:
        click.echo(
            f"{one.tensor}: scale {number(one.scale.scale)} in place of {number(one.asked.scale)}, so that int8 ends "
            f"at {number(one.most)}, where the network clips"
        )


def _steps(scale: TensorScale | None) -> str:
    if scale is None:
        return NOTHING
    return number(scale.scale) + (f", zero at {scale.offset}" if scale.offset else "")
