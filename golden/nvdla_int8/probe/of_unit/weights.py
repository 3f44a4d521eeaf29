"""Probes of the order of weights: every weight is another number, and the output is the weights themselves."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Layer, convolution
from nvdla_int8.probe.patterns import numbered_weights, one_hot
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import LayerProgram


def weight_probes(room: Room) -> Iterator[Probe]:
    """The probes, in order."""

    def probe(name: str, shows: str, layer: Layer) -> Probe:
        return layer_probe(room, Unit.WEIGHTS, f"weights_{name}", shows, [layer])

    yield probe("one_group", "8 kernels of 8 channels: one group", _matrix(8, 8))
    yield probe("kernels", "24 kernels: three groups", _matrix(24, 8))
    yield probe("last_group", "13 kernels: the last group is not full", _matrix(13, 8))
    yield probe("one_kernel", "one kernel", _matrix(1, 8))
    yield probe("channels", "24 channels: three blocks", _matrix(8, 24))
    yield probe("last_channels", "13 channels: the last block is not full", _matrix(8, 13))
    yield probe("three_channels", "3 channels: one block that is not full", _matrix(8, 3))
    yield probe("taps", "windows of 3 x 2", _taps(8, 3, 3, 2))
    yield probe("all", "11 kernels of 11 channels and 2 x 3 taps", _taps(11, 11, 2, 3))


def _matrix(kernels: int, channels: int) -> Layer:
    """Output pixel x of channel k is the weight of kernel k for channel x."""
    return convolution(
        one_hot(channels), LayerProgram(name="matrix", weights=numbered_weights(kernels, channels, 1, 1))
    )


def _taps(kernels: int, channels: int, height: int, width: int) -> Layer:
    """A line of windows for each channel: a one in its corner, so that each output pixel is a tap, the last one first.

    The ones are as far apart as windows are wide, so that no window sees two.
    """
    data = np.zeros((channels, 2 * height - 1, channels * width + width - 1), np.int8)
    for channel in range(channels):
        data[channel, height - 1, channel * width + width - 1] = 1
    weights = numbered_weights(kernels, channels, height, width)
    return convolution(data, LayerProgram(name="taps", weights=weights, geometry=ConvGeometry()))
