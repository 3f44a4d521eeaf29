"""A network in real numbers and a calibration table to layer programs."""

from collections.abc import Mapping
from dataclasses import dataclass

from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import Network
from nvdla_int8.quantise.input import quantise_input
from nvdla_int8.quantise.layer import RequantiseReport, quantise_layer
from nvdla_int8.stages.tensor_scale import TensorScale


@dataclass(frozen=True)
class QuantisedNetwork:
    """A network's programs, and how exact each layer's integers are.

    ``input_bound_lsb`` is the largest error of a converted pixel in steps of the first tensor.
    """

    network: Network
    reports: tuple[RequantiseReport, ...]
    input_bound_lsb: float


def quantise_network(
    source: FloatNetwork, table: Mapping[str, TensorScale], *, per_kernel: bool = True
) -> QuantisedNetwork:
    """Turn real weights and a calibration table into layer programs.

    Parameters
    ----------
    source
        The real-valued network.
    table
        A scale for each of ``source.tensors``.
    per_kernel
        Weights with a scale for each kernel, or one for each layer.

    Raises
    ------
    BenchError
        A tensor missing from the table, or a number that cannot be represented; one line with the
        table's file or the layer, and the value.
    """
    first = quantise_input(source.mean, source.scale, table[source.tensors[0]])
    layers, reports = [], []
    for index, layer in enumerate(source.layers):
        program, report = quantise_layer(
            layer.name,
            layer.weights,
            layer.bias,
            table[layer.input_tensor],
            table[layer.output_tensor],
            geometry=layer.geometry,
            relu=layer.relu,
            per_kernel=per_kernel,
            input_converter=first.converter if index == 0 else None,
        )
        layers.append(program)
        reports.append(report)
    return QuantisedNetwork(Network(tuple(layers)), tuple(reports), first.bound_lsb)
