"""Computes every number of ``docs/requantisation.md`` and writes the page from its template.

``python -m tools.requantisation_page``, in a checkout of the repository.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.network.float_network import Activation, FloatConvolution
from nvdla_int8.quantise.input import quantise_input
from nvdla_int8.quantise.layer import quantise_convolution
from nvdla_int8.quantise.requantise import REQUANTISING_FIELDS, Reading, Requantisation, requantise
from nvdla_int8.quantise.rounding import dequantise, quantise
from nvdla_int8.quantise.weights import WEIGHT_MAX
from nvdla_int8.registers.register_map import find_register

REPOSITORY = Path(__file__).parents[1]
TABLE = REPOSITORY / "tests" / "data" / "resnet50_sample.json"
TEMPLATE = REPOSITORY / "docs" / "requantisation.md.in"
PAGE = REPOSITORY / "docs" / "requantisation.md"

LARGEST_WEIGHT = 0.5
INPUTS = (0.9, 0.5, -0.7)
WEIGHTS = (0.5, 0.4, -0.45)
BIAS = 0.25
PIXEL_MEAN = 128
PIXEL_STEPS = 128
"""The example's preprocessing is ``(pixel - PIXEL_MEAN) / PIXEL_STEPS``."""
LARGE_BYTE = 120
"""An output near the end of the range, where a small error of the factor shows."""


def render() -> str:
    """Return the page: the template with every number filled in."""
    return TEMPLATE.read_text().format(**values())


def values() -> dict[str, Any]:
    """Every number of the page, by its name in the template."""
    table = read_table(TABLE)
    layer = requantise(table["data"], table["conv1"], LARGEST_WEIGHT / WEIGHT_MAX)
    factor = layer.per_tensor.integers
    return {
        "table": TABLE.relative_to(REPOSITORY).as_posix(),
        "si": layer.input_scale.scale,
        "so": layer.output_scale.scale,
        "sw": layer.weight_scale,
        "largest_weight": LARGEST_WEIGHT,
        "input_range": WEIGHT_MAX * layer.input_scale.scale,
        "output_range": WEIGHT_MAX * layer.output_scale.scale,
        "step": layer.accumulator_step,
        "factor": layer.factor,
        "multiplier": factor.multipliers[0],
        "shift": factor.shift_bits,
        "relative_error": layer.per_tensor.relative_error,
        "bound": layer.per_tensor.bound_lsb,
        "steps_256": 256 / (2 * WEIGHT_MAX * layer.output_scale.scale),
        "steps": 1 / layer.output_scale.scale,
        "field_rows": _field_rows(layer),
        **_element(table, layer),
        **_input_converter(table),
    }


def _element(table: CalibrationTable, layer: Requantisation) -> dict[str, Any]:
    """One output element from real numbers to its byte, and what the misreadings make of it."""
    weights = np.array(WEIGHTS).reshape(1, -1, 1, 1)
    activation = Activation(relu=True)
    kernel = FloatConvolution("conv1", ("data",), "conv1", weights, np.array([BIAS]), activation=activation)
    program = quantise_convolution(kernel, table["data"], table["conv1"], per_kernel=False).program
    data = quantise(np.array(INPUTS).reshape(-1, 1, 1), table["data"])
    stages = program.run(data)
    summed, converter = stages.x1.item(), program.output_converter
    real = float(np.dot(INPUTS, WEIGHTS)) + BIAS
    large = layer.accumulator_for(LARGE_BYTE)
    return {
        "inputs": _listed(INPUTS),
        "weights": _listed(WEIGHTS),
        "bias": BIAS,
        "real": real,
        "real_steps": real / layer.output_scale.scale,
        "q_inputs": _listed(data.ravel()),
        "q_weights": _listed(program.weights.ravel()),
        "products": " + ".join(f"({w} * {q})" for w, q in zip(program.weights.ravel(), data.ravel(), strict=True)),
        "accumulator": stages.accumulators.item(),
        "bias_steps": BIAS / layer.accumulator_step,
        "bias_operand": _listed(program.x1_alu if program.x1_alu is not None else ()),
        "bias_shift": program.x1.alu_shift_bits,
        "summed": summed,
        "quotient": summed * converter.scale / 2**converter.shift_bits,
        "byte": stages.output.item(),
        "byte_real": float(dequantise(stages.output, table["conv1"]).item()),
        "large": large,
        "reading_rows": "\n".join(_reading_row(reading, (summed, large)) for reading in layer.readings()),
    }


def _input_converter(table: CalibrationTable) -> dict[str, Any]:
    program = quantise_input(np.array([float(PIXEL_MEAN)]), 1 / PIXEL_STEPS, table["data"])
    return {
        "pixel_mean": PIXEL_MEAN,
        "pixel_steps": PIXEL_STEPS,
        "pixel_factor": 1 / PIXEL_STEPS / table["data"].scale,
        "pixel_multiplier": program.converter.scale,
        "pixel_truncate": program.converter.truncate_bits,
        "pixel_offset": _listed(program.converter.mean or ()),
    }


def _field_rows(layer: Requantisation) -> str:
    rows = []
    of_places = (layer.per_tensor.fields, layer.per_kernel.fields)
    for (register, field), *numbers in zip(REQUANTISING_FIELDS, *of_places, strict=True):
        names = {number: name for name, number in find_register(register).fields[field].enum.items()}
        cells = [f"`{register}`", f"`{field}`", *(f"{n} {names.get(n, '')}".rstrip() for n in numbers)]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _reading_row(reading: Reading, accumulators: Sequence[int]) -> str:
    if reading.integers is None:
        raise ValueError(f"the page has no words for a factor that cannot be programmed: {reading.problem}")
    integers = f"{reading.integers.multipliers[0]} / 2^{reading.integers.shift_bits}"
    outputs = (str(reading.output_byte(accumulator, 0)) for accumulator in accumulators)
    return f"| {reading.what} | {reading.factor:.6g} | {integers} | {' | '.join(outputs)} |"


def _listed(numbers: Sequence[float] | np.ndarray[Any, Any]) -> str:
    return ", ".join(str(number) for number in numbers)


if __name__ == "__main__":
    PAGE.write_text(render())
