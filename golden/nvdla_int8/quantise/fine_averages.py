"""Averages that would be too coarse in the steps of their input become convolutions, which rescale.

PDP leaves an average in the steps of its input. Behind a ReLU whose few large values make its range, the averages of
whole channels are small: eight times smaller leaves them 32 of the 256 int8 values. A convolution of each channel by
itself with weights of 1 / window computes the same, adds up in 32 bits and rounds once, in steps of its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import log2

import numpy as np

from nvdla_int8.build import NV_SMALL
from nvdla_int8.network.float_network import AnyFloatLayer, FloatConvolution, FloatNetwork, FloatPooling
from nvdla_int8.quantise.scale_groups import NetworkScales
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.tensor_scale import TensorScale

MOST_LOST_BITS = 2.0
"""An average that would lose so many of its eight bits, or more, becomes a convolution: a quarter of int8 is left."""

MOST_KERNEL = 32
"""Rows and columns of a kernel in CSC's registers."""


def with_fine_averages(source: FloatNetwork, scales: NetworkScales) -> FloatNetwork:
    """Return the network with convolutions for averages that its scales leave too coarse, and notes that say so."""
    asked = {name: entry for one in scales.shared for name, entry in one.asked.items()}
    writers = {layer.output: layer for layer in source.layers}
    made: dict[str, AnyFloatLayer] = {}
    dropped: set[str] = set()
    notes: dict[str, str] = {}
    for layer in source.layers:
        if not isinstance(layer, FloatPooling) or layer.program.window.method is not PoolingMethod.AVERAGE:
            continue
        tiles = writers[layer.inputs[0]] if layer.tiles is not None else layer
        convolution = _as_convolution(source, layer, tiles.inputs[0])
        lost = _lost_bits(asked, tiles.inputs[0], layer.output)
        if convolution is None or lost < MOST_LOST_BITS:
            continue
        made[layer.output] = convolution
        if tiles is not layer:
            dropped.add(tiles.output)
        notes[f"{layer.name}: "] = (
            f"{layer.name}: a convolution in place of PDP, which would leave its output in the steps of its input, "
            f"{lost:.1f} of eight bits unused"
        )
    layers = tuple(made.get(layer.output, layer) for layer in source.layers if layer.output not in dropped)
    tensors = {name: tensor for name, tensor in source.tensors.items() if name not in dropped}
    others = (note for note in source.notes if not note.startswith(tuple(notes)))  # how PDP would have done it
    return replace(source, layers=layers, tensors=tensors, notes=(*others, *notes.values()))


def _lost_bits(asked: Mapping[str, TensorScale], before: str, output: str) -> float:
    """How much finer steps an average's entry asks for than its input's."""
    return log2(asked[before].scale / asked[output].scale) if before in asked and output in asked else 0.0


def _as_convolution(source: FloatNetwork, layer: FloatPooling, before: str) -> FloatConvolution | None:
    """The average as a convolution; None when windows leave padding out of their count, or CSC has no such kernel."""
    channels, *size = source.tensors[before].shape
    window = layer.program.window
    if layer.tiles is not None:  # of a whole channel
        kernel, geometry = (size[0], size[1]), ConvGeometry(groups=channels)
        factor = 1 / (size[0] * size[1])
    else:
        kernel, factor = (window.kernel_h, window.kernel_w), layer.factor_h * layer.factor_w
        geometry = ConvGeometry(
            stride_y=window.stride_y,
            stride_x=window.stride_x,
            pad_top=window.pad_top,
            pad_left=window.pad_left,
            pad_bottom=window.pad_bottom,
            pad_right=window.pad_right,
            groups=channels,
        )
    if layer.program.exclude_padding or layer.program.ceil or max(kernel) > MOST_KERNEL or channels % NV_SMALL.atomic_c:
        return None
    weights = np.full((channels, 1, *kernel), factor)
    return FloatConvolution(layer.name, (before,), layer.output, weights, np.zeros(channels), geometry)
