"""``requantise``: the integers that requantise one layer, by its scales in a calibration table."""

from collections.abc import Iterator
from pathlib import Path

import click

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.cli.printing import bound, number, print_table
from nvdla_int8.errors import located
from nvdla_int8.quantise.requantise import REQUANTISING_FIELDS, Reading, Requantisation
from nvdla_int8.quantise.requantise import requantise as requantise_layer
from nvdla_int8.quantise.rounding import Q_MAX
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.widths import ACC_OUT

EXAMPLE_STEP = 100


@click.command(short_help="Print the integers that requantise one layer.")
@click.argument("path", metavar="TABLE", type=click.Path(path_type=Path))
@click.argument("input_layer")
@click.argument("output_layer")
@click.option("--weight-scale", type=float, required=True, help="Real value of one weight step: max |w| / 127.")
@click.option(
    "--accumulator",
    "accumulators",
    type=click.IntRange(*signed_range(ACC_OUT)),
    multiple=True,
    help="An accumulator, with the bias in it, whose byte to print; may be given again. "
    f"[default: one {EXAMPLE_STEP} output steps from zero]",
)
def requantise(
    path: Path, input_layer: str, output_layer: str, weight_scale: float, accumulators: tuple[int, ...]
) -> None:
    """Print the integers that requantise one layer, and the registers they go into.

    INPUT_LAYER and OUTPUT_LAYER are the TABLE's names of the layer's input and output.
    """
    scales = read_table(path)
    of_input, of_output = scales[input_layer], scales[output_layer]
    with located(str(path)):
        layer = requantise_layer(of_input, of_output, weight_scale)
    click.echo(f"{path}: {input_layer} -> {output_layer}")
    click.echo(f"Si = {number(layer.input_scale.scale)}, So = {number(layer.output_scale.scale)}, "
               f"Sw = {number(weight_scale)}")  # fmt: skip
    click.echo(f"one accumulator step Si * Sw = {number(layer.accumulator_step)}")
    click.echo(f"factor Si * Sw / So = {number(layer.factor)}")
    places = (
        ("output converter, per tensor", layer.per_tensor),
        ("X1 multiplier, per kernel", layer.per_kernel),
    )
    print_table(
        ("where", "multiplier", "shift", "relative error", "bound in LSB"),
        (
            (
                where,
                placed.integers.multipliers[0],
                placed.integers.shift_bits,
                f"{placed.relative_error:.3e}",
                bound(placed.bound_lsb),
            )
            for where, placed in places
        ),
    )
    print_table(("register.field", "per tensor", "per kernel"), _register_rows(layer))
    click.echo("Per kernel, every kernel's multiplier shares the shift that the largest factor allows.\n")
    values = accumulators or (layer.accumulator_for(_example_step(layer)),)
    print_table(
        ("accumulator", "exact", "per tensor", "per kernel"),
        (_byte_row(layer, value) for value in values),
        f"bytes of {output_layer}, zero point {layer.output_scale.offset}",
    )
    print_table(
        (
            "reading of the table",
            "factor",
            "multiplier",
            "shift",
            *(f"accumulator {value} becomes" for value in values),
        ),
        (_reading_row(reading, values, layer.output_scale.offset) for reading in layer.readings()),
    )
    if layer.input_scale.offset:
        click.echo(
            f"The accumulators here already hold the bias, and {-layer.input_scale.offset} times the sum of the "
            f"kernel's weights for the zero point of {input_layer}."
        )


def _example_step(layer: Requantisation) -> int:
    """So many steps above the output's zero point, or below it where int8 ends before."""
    return EXAMPLE_STEP if layer.output_scale.offset + EXAMPLE_STEP <= Q_MAX else -EXAMPLE_STEP


def _byte_row(layer: Requantisation, accumulator: int) -> tuple[object, ...]:
    exact = f"{layer.exact_output(accumulator):.4f}"
    return accumulator, exact, *(placed.output_byte(accumulator) for placed in (layer.per_tensor, layer.per_kernel))


def _register_rows(layer: Requantisation) -> Iterator[tuple[object, ...]]:
    of_places = (layer.per_tensor.fields, layer.per_kernel.fields)
    for (register, field), *values in zip(REQUANTISING_FIELDS, *of_places, strict=True):
        names = {value: name for name, value in find_register(register).fields[field].enum.items()}
        yield f"{register}.{field}", *(f"{value} {names.get(value, '')}".rstrip() for value in values)
    yield "X1 operand stream, int16", "-", layer.per_kernel.integers.multipliers[0]


def _reading_row(reading: Reading, accumulators: tuple[int, ...], zero_point: int) -> tuple[object, ...]:
    found = (reading.output_byte(accumulator, zero_point) for accumulator in accumulators)
    bytes_ = ("cannot be programmed" if byte is None else byte for byte in found)
    if reading.integers is None:
        return reading.what, number(reading.factor), "-", "-", *bytes_
    multiplier, shift_bits = reading.integers.multipliers[0], reading.integers.shift_bits
    return reading.what, number(reading.factor), multiplier, shift_bits, *bytes_
