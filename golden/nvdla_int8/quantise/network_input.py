"""What the first layers of a network do to pixels: the input converter, and what it leaves to their weights."""

from dataclasses import dataclass, replace

import numpy as np

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatConvolution, FloatNetwork
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.quantise.input import InputProgram, quantise_input
from nvdla_int8.quantise.rounding import Reals
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

    def taken_by(self, layer: FloatConvolution) -> FloatConvolution:
        """Return a convolution of the pixels with the channels' factors in its weights.

        Raises
        ------
        BenchError
            When its weights are to be kept as integers, and the factors would make others of them.
        """
        if layer.weight_scale is not None and not (self.channel_factors % 1 == 0).all():
            factors = ", ".join(f"{factor:.6g}" for factor in self.channel_factors)
            raise BenchError(
                f"layer {layer.name}: its weights cannot be kept as integers, because the pixels' "
                f"scales differ by channel: the weights are multiplied by {factors} by channel"
            )
        with np.errstate(over="ignore"):  # quantise_convolution refuses what is not finite
            return replace(layer, weights=layer.weights * self.channel_factors[:, None, None])


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


def _common_scale(pixels: Preprocessing) -> float:
    # The smallest: then the converter covers at least what the table does in every channel.
    smallest = float(np.abs(pixels.scale).min())
    return -smallest if (pixels.scale < 0).all() else smallest
