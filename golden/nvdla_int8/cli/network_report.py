"""How exact a network's programs are, as JSON: every kernel's numbers, shared scales, the network's bound."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.cli.layer_words import layer_words
from nvdla_int8.network.float_network import AnyFloatLayer, FloatHost
from nvdla_int8.quantise.any_report import AnyReport, HostReport
from nvdla_int8.quantise.network import QuantisedNetwork
from nvdla_int8.quantise.network_input import QuantisedInput
from nvdla_int8.quantise.requantise_report import RequantiseReport
from nvdla_int8.quantise.scale_groups import SharedScale
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.sdp_tail import OPERANDS
from nvdla_int8.stages.tensor_scale import TensorScale


def network_report(quantised: QuantisedNetwork) -> dict[str, Any]:
    """The numbers of a network's programs, for ``json.dumps``."""
    scales = quantised.scales
    layers = zip(quantised.source.layers, quantised.network.programs, quantised.reports, strict=True)
    return {
        "input": quantised.input and _input(quantised.input),
        "bound_lsb": quantised.output_bounds_lsb,
        "notes": list(quantised.notes),
        "scales": {name: _scale(scale) for name, scale in scales.of.items()},
        "shared_scales": [_shared(one) for one in scales.shared],
        "clipped_scales": {
            one.tensor: {"most": one.most, "entry": _scale(one.asked), "scale": one.scale.scale}
            for one in scales.clipped
        },
        "layers": {layer.name: _layer(quantised, layer, program, report) for layer, program, report in layers},
    }


def _input(pixels: QuantisedInput) -> dict[str, Any]:
    return {
        "bound_lsb": pixels.bound_lsb,
        "clipped_pixel_values": pixels.program.clipped.sum(axis=1).tolist(),
        "channel_factors": pixels.channel_factors.tolist(),
    }


def _scale(scale: TensorScale) -> dict[str, Any]:
    return {"scale": scale.scale, "offset": scale.offset}


def _shared(one: SharedScale) -> dict[str, Any]:
    entries = {name: one.asked.get(name) for name in one.members}
    return {
        "layers": list(one.layers),
        **_scale(one.scale),
        "tensors": {
            name: {"entry": entry and _scale(entry), "lost_bits": one.lost_bits(name)}
            for name, entry in entries.items()
        },
    }


def _layer(quantised: QuantisedNetwork, layer: AnyFloatLayer, program: AnyProgram, report: AnyReport) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "does": layer_words(layer),
        "on_the_host": isinstance(layer, FloatHost),
        "inputs": list(layer.inputs),
        "output": layer.output,
        "shape": list(quantised.source.tensors[layer.output].shape),
    }
    if isinstance(report, RequantiseReport):
        return numbers | {"bound_lsb": float(report.bound_lsb.max()), "kernels": _kernels(program, report)}
    return numbers | {"bound_lsb": None if isinstance(report, HostReport) else report.bound_lsb}


def _kernels(program: AnyProgram, report: RequantiseReport) -> list[dict[str, Any]]:
    """Each kernel's factor, as it should be and as it is, its operands and its errors."""
    operands = {name: getattr(program, name) for name in OPERANDS}
    columns: dict[str, NDArray[Any]] = {
        "weight_scale": report.weight_scale,
        "raised": report.raised,
        "ratio": report.ratio,
        "relative_error": report.relative_error,
        **{name: operand for name, operand in operands.items() if operand is not None},
        "bias_error_lsb": report.bias_error_lsb,
        "weight_error_lsb": report.weight_error_lsb,
        "bound_lsb": report.bound_lsb,
    }
    listed = {name: np.asarray(column).tolist() for name, column in columns.items()}
    return [dict(zip(listed, values, strict=True)) for values in zip(*listed.values(), strict=True)]
