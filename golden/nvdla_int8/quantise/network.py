"""A network in real numbers and a calibration table to layer programs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatConvolution, FloatLrn, FloatNetwork, FloatPooling
from nvdla_int8.network.network import Network, NetworkLayer
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.quantise.input import InputProgram, quantise_input
from nvdla_int8.quantise.layer import RequantiseReport, quantise_layer
from nvdla_int8.quantise.lrn_table import LrnReport, quantise_lrn
from nvdla_int8.quantise.pooling import PoolingReport, quantise_pooling
from nvdla_int8.quantise.rounding import Reals
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.input_converter import MEAN_CHANNELS
from nvdla_int8.stages.tensor_scale import TensorScale

WHAT_TO_DO = (
    "if the network's file leaves out how pixels are normalised, say so with --mean and --scale or --std, "
    "in pixel steps: (pixel / 255 - m) / s is --mean 255*m --std 255*s"
)


FEW_LEVELS, COARSE_FACTOR = 64, 2
"""A channel that is converted in steps at least so many times the table's, to fewer values than this, is coarse.

A quarter of int8 is two of its eight bits; networks' usual pixel scales differ by a few percent.
"""


@dataclass(frozen=True)
class QuantisedInput:
    """What turns pixels into the first layer's input.

    Attributes
    ----------
    program
        The input converter, which has one scale for all channels: the smallest of the network's.
    channel_factors
        (C,), what the first layer's weights of each channel are multiplied by, because that channel's
        pixels have another scale; 1 where they have not. Real zero stays zero, and so does padding.
    misfit
        What is wrong between the pixels and the table, for a warning; None when they fit.
    """

    program: InputProgram
    channel_factors: Reals
    misfit: str | None

    @property
    def bound_lsb(self) -> float:
        """The converter's bound in steps of the table's entry: a channel's factor multiplies its error too."""
        return self.program.bound_lsb * float(np.abs(self.channel_factors).max())

    @property
    def coarse(self) -> str | None:
        """Which channel the one scale leaves few of the int8 values, for a warning; None when there is none."""
        channel = int(np.argmax(np.abs(self.channel_factors)))
        factor, levels = abs(self.channel_factors[channel]), self.program.levels(channel)
        if levels >= FEW_LEVELS or factor < COARSE_FACTOR:
            return None
        return (
            f"the pixels' scales differ by channel and the input converter has one: channel {channel} has only "
            f"{levels} int8 values, each of {factor:.3g} steps of the table's entry"
        )


@dataclass(frozen=True)
class QuantisedNetwork:
    """A network's programs, and how exact each layer's integers are.

    Attributes
    ----------
    network
        The programs.
    reports
        Of the convolutions, in order.
    unweighted_reports
        Of pooling and LRN layers, in order.
    input
        None for an int8 feature map.
    """

    network: Network
    reports: tuple[RequantiseReport, ...]
    unweighted_reports: tuple[PoolingReport | LrnReport, ...]
    input: QuantisedInput | None


def quantise_network(
    source: FloatNetwork,
    table: Mapping[str, TensorScale],
    *,
    per_kernel: bool = True,
    weight_scales: Mapping[str, float | Reals] | None = None,
) -> QuantisedNetwork:
    """Turn real weights and a calibration table into layer programs.

    Parameters
    ----------
    source
        The real-valued network.
    table
        A scale for each of ``source.measured``.
    per_kernel
        Weights with a scale for each kernel, or one for each layer.
    weight_scales
        By layer, for those whose weights are integers of a trained network, to be kept: as
        ``quantise_layer`` takes it.

    Raises
    ------
    BenchError
        A tensor missing from the table, pixels that the table was not made for, or a number that cannot
        be represented; one line with the table's file or the layer, and the value.
    """
    kept = dict(weight_scales or {})
    for name in kept.keys() - {layer.name for layer in source.convolutions}:
        raise BenchError(f"{source.path}: no layer {name!r}, for which a weight scale is given")
    scales = _scales(source, table)
    first = quantise_network_input(source, scales[source.input])
    if first is not None and first.program.is_a_mistake:
        raise BenchError(f"{source.path}: {first.misfit}; {WHAT_TO_DO}")
    _check_kept(source, kept, first)
    layers: list[NetworkLayer] = []
    reports: list[RequantiseReport] = []
    unweighted_reports: list[PoolingReport | LrnReport] = []
    for layer in source.layers:
        of_input, of_output = scales[layer.inputs[0]], scales[layer.output]
        program: AnyProgram
        with located(source.path):
            if isinstance(layer, FloatPooling):
                pooling = quantise_pooling(layer, of_input)
                program = pooling.program
                unweighted_reports.append(pooling.report)
            elif isinstance(layer, FloatLrn):
                lrn = quantise_lrn(layer.name, layer.function, of_input, of_output)
                program = lrn.program
                unweighted_reports.append(lrn.report)
            elif isinstance(layer, FloatConvolution):
                pixels = None if layers else first
                convolution = quantise_layer(
                    layer.name,
                    layer.weights if pixels is None else _with_channel_factors(layer.weights, pixels),
                    layer.bias,
                    of_input,
                    of_output,
                    geometry=layer.geometry,
                    relu=layer.activation.relu,
                    per_kernel=per_kernel,
                    weight_scale=kept.get(layer.name),
                    input_converter=None if pixels is None else pixels.program.converter,
                )
                program = convolution.program
                reports.append(convolution.report)
            else:
                raise BenchError(f"layer {layer.name}: {type(layer).__name__} cannot be programmed")
        layers.append(NetworkLayer(program, layer.inputs, layer.output))
    network = Network(tuple(layers), source.input, source.outputs)
    return QuantisedNetwork(network, tuple(reports), tuple(unweighted_reports), first)


def _scales(source: FloatNetwork, table: Mapping[str, TensorScale]) -> dict[str, TensorScale]:
    """Every tensor's scale: the table's, and of those that the file does not have that of their pooling."""
    scales = {name: table[name] for name in source.measured}
    poolings = [layer for layer in source.layers if isinstance(layer, FloatPooling)]
    for layer in poolings:
        if layer.inputs[0] in scales:
            scales[layer.output] = scales[layer.inputs[0]]
    for layer in reversed(poolings):  # a pooling between a convolution and its Relu has the Relu's
        scales.setdefault(layer.inputs[0], scales[layer.output])
    return scales


def quantise_network_input(source: FloatNetwork, tensor: TensorScale) -> QuantisedInput | None:
    """Program the input converter of a network's pixels; None for an int8 feature map.

    Raises
    ------
    BenchError
        For more channels than pixels have, or a number that cannot be represented.
    """
    pixels = source.preprocessing
    if pixels is None:
        return None
    if source.channels > MEAN_CHANNELS:
        raise BenchError(
            f"{source.path}: input {source.graph_input!r} has {source.channels} channels, pixels have 1 to "
            f"{MEAN_CHANNELS}; if it is an int8 feature map say --input int8"
        )
    scale = _common_scale(pixels)
    with located(source.path):
        program = quantise_input(pixels.mean, scale, tensor)
    return QuantisedInput(program, pixels.scale / scale, program.misfit(tensor))


def _check_kept(source: FloatNetwork, kept: Mapping[str, float | Reals], first: QuantisedInput | None) -> None:
    """Refuse to keep integers that the channels' factors would make others of."""
    if first is None or source.layers[0].name not in kept or (first.channel_factors % 1 == 0).all():
        return
    factors = ", ".join(f"{factor:.6g}" for factor in first.channel_factors)
    raise BenchError(
        f"{source.path}: layer {source.layers[0].name}: its weights cannot be kept as integers, because the pixels' "
        f"scales differ by channel: the weights are multiplied by {factors} by channel"
    )


def _with_channel_factors(weights: Reals, pixels: QuantisedInput) -> Reals:
    with np.errstate(over="ignore"):  # quantise_layer refuses what is not finite
        scaled: Reals = weights * pixels.channel_factors[:, None, None]
    return scaled


def _common_scale(pixels: Preprocessing) -> float:
    # The smallest: then the converter covers at least what the table does in every channel.
    smallest = float(np.abs(pixels.scale).min())
    return -smallest if (pixels.scale < 0).all() else smallest
