"""What NVIDIA's compiler would program: for people, and as JSON."""

from typing import Any

import click
import numpy as np

from nvdla_int8.cli.printing import number, print_table
from nvdla_int8.quantise.like_compiler.integers import Weights
from nvdla_int8.quantise.like_compiler.modes import CompilerMode
from nvdla_int8.quantise.like_compiler.network import CompilerNetwork
from nvdla_int8.quantise.like_compiler.programs import SdpIntegers, SdpPart
from nvdla_int8.stages.sdp import OutputConverter

NOTHING = "-"

MODE_WORDS = {
    CompilerMode.PER_KERNEL: "one weight scale a layer, which NVIDIA's compiler calls per-kernel",
    CompilerMode.PER_FILTER: "one weight scale an output channel, which NVIDIA's compiler calls per-filter",
}


def print_compiler_network(compiled: CompilerNetwork) -> None:
    """Print the integers of each layer that SDP writes, and what goes wrong."""
    click.echo(f"as NVIDIA's compiler would program it: {MODE_WORDS[compiled.mode]}")
    print_table(
        ("layer", "writes", "weight scale", "X1", "X2", "output converter"),
        (
            (
                layer.layer.name,
                layer.output,
                _weight_words(layer.weights),
                _part_words(layer.x1),
                NOTHING if layer.x2 is None else _part_words(layer.x2),
                _converter_words(layer.converter),
            )
            for layer in compiled.integers
        ),
        wrapping=("layer", "writes", "X1", "X2"),
    )
    for note in compiled.notes:
        click.echo(note)


def compiler_report(compiled: CompilerNetwork) -> dict[str, Any]:
    """Every integer, for ``json.dumps``."""
    return {
        "like_compiler": compiled.mode.value,
        "means": MODE_WORDS[compiled.mode],
        "notes": list(compiled.notes),
        "scales": {name: scale.scale for name, scale in compiled.scales.of.items()},
        "layers": {layer.output: _layer(layer) for layer in compiled.integers},
    }


def _layer(layer: SdpIntegers) -> dict[str, Any]:
    weights = layer.weights
    return {
        "name": layer.layer.name,
        "inputs": list(layer.inputs),
        "weight_scale": None if weights is None else weights.scales.astype(np.float64).tolist(),
        "x1": _part(layer.x1),
        "x2": None if layer.x2 is None else _part(layer.x2),
        "converter": {"scale": layer.converter.scale, "shift_bits": layer.converter.shift_bits},
    }


def _part(part: SdpPart) -> dict[str, Any]:
    found: dict[str, Any] = {"addend": part.addend, "relu": part.relu}
    if part.biases is not None:
        found |= {"bias": part.biases.operands.tolist(), "bias_shift_bits": part.biases.shift_bits}
    if part.factors is not None:
        found |= {"multiplier": part.factors.multipliers.tolist(), "truncate_bits": part.factors.shift_bits}
    return found


def _weight_words(weights: Weights | None) -> str:
    if weights is None:
        return NOTHING
    low, high = float(weights.scales.min()), float(weights.scales.max())
    return number(low) if low == high else f"{number(low)} .. {number(high)}"


def _part_words(part: SdpPart) -> str:
    words = []
    if part.addend is not None:
        words.append(f"+ {part.addend}")
    if part.biases is not None:
        shift = f" << {part.biases.shift_bits}" if part.biases.shift_bits else ""
        words.append(f"+ {_span(part.biases.operands)}{shift}")
    if part.factors is not None:
        words.append(f"* {_span(part.factors.multipliers)} >> {part.factors.shift_bits}")
    return ", ".join([*words, *["ReLU"] * part.relu]) or NOTHING


def _span(values: np.ndarray[Any, np.dtype[np.int16]]) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"({low} .. {high})"


def _converter_words(converter: OutputConverter) -> str:
    same = (converter.scale, converter.shift_bits) == (1, 0)
    return "identity" if same else f"* {converter.scale} >> {converter.shift_bits}"
