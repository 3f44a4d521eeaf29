"""Grouped convolutions as the hardware takes them: a pass for each group, of whole atoms, or one dense kernel."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from nvdla_int8.build import NV_SMALL
from nvdla_int8.network.float_network import AnyFloatLayer, FloatConvolution, FloatNetwork
from nvdla_int8.quantise.rounding import Reals

PASS_CYCLES = 500
"""What a further pass costs beside its MACs: some 60 registers, the first data from memory, the pipelines' ends."""


class Grouping(NamedTuple):
    """A grouped convolution as so many groups, each a pass; ``cycles`` as :func:`pass_cycles` counts them."""

    groups: int
    cycles: int


def with_hardware_groups(network: FloatNetwork) -> tuple[FloatNetwork, tuple[str, ...]]:
    """Return the network with groups that the hardware takes, and what was decided, a line for each layer."""
    layers: list[AnyFloatLayer] = []
    notes: list[str] = []
    for layer in network.layers:
        groups = layer.geometry.groups if isinstance(layer, FloatConvolution) else 1
        if not isinstance(layer, FloatConvolution) or groups == 1:
            layers.append(layer)
            continue
        size = network.tensors[layer.output].shape[1:]
        made = cheapest_grouping(layer.weights.shape, groups, *size)
        if network.before_graph is not None and layer.inputs[0] == network.input:
            made = dense_grouping(layer.weights.shape, groups, *size)  # pixels are one group
        geometry = layer.geometry.model_copy(update={"groups": made.groups})
        joined = replace(layer, weights=regrouped(layer.weights, groups, made.groups), geometry=geometry)
        layers.append(joined)
        notes.append(_note(joined, made))
    return replace(network, layers=tuple(layers)), tuple(notes)


def _note(joined: FloatConvolution, made: Grouping) -> str:
    kernels, channels = len(joined.weights) // made.groups, joined.weights.shape[1]
    passes = "one pass" if made.groups == 1 else f"{made.groups} passes"
    return (
        f"layer {joined.name}: its groups become {passes} of {channels} channels and {kernels} kernels, "
        f"about {made.cycles:,} cycles"
    )


def dense_grouping(weights_shape: tuple[int, ...], groups: int, out_height: int, out_width: int) -> Grouping:
    """One dense kernel for each output channel; parameters as of :func:`cheapest_grouping`."""
    kernels, group_channels, height, width = weights_shape
    return Grouping(1, pass_cycles(group_channels * groups, kernels, height * width, out_height * out_width))


def cheapest_grouping(weights_shape: tuple[int, ...], groups: int, out_height: int, out_width: int) -> Grouping:
    """How many groups to make of a convolution's: neighbours are joined, with zeros between them.

    A pass reads and writes whole atoms, so that a group's channels and kernels are multiples of eight, unless there
    is only one group. Of those the one with the fewest cycles; of equals the one with the fewest passes.

    Parameters
    ----------
    weights_shape
        (K, C / groups, R, S).
    out_height, out_width
        Of the convolution's output.
    """
    kernels, group_channels, height, width = weights_shape
    pixels = out_height * out_width
    candidates = []
    for count in (divisor for divisor in range(1, groups + 1) if groups % divisor == 0):
        of_channels, of_kernels = group_channels * groups // count, kernels // count
        if count == 1 or not (of_channels % NV_SMALL.atomic_c or of_kernels % NV_SMALL.atomic_k):
            candidates.append(Grouping(count, count * pass_cycles(of_channels, of_kernels, height * width, pixels)))
    return min(candidates, key=lambda grouping: grouping.cycles)


def pass_cycles(channels: int, kernels: int, taps: int, pixels: int) -> int:
    """Cycles of one pass.

    The MACs take one for each atom of channels and of kernels at each of ``taps``, R * S, of each of ``pixels``,
    Ho * Wo; the weights come from memory eight bytes a cycle, at the same time.
    """
    macs = -(-channels // NV_SMALL.atomic_c) * -(-kernels // NV_SMALL.atomic_k) * taps * pixels
    return max(macs, -(-channels * kernels * taps // NV_SMALL.memory_atom)) + PASS_CYCLES


def regrouped(weights: Reals, groups: int, wanted: int) -> Reals:
    """Weights (K, C / groups, R, S) as (K, C / wanted, R, S), with zeros for the channels of a group's neighbours.

    ``wanted`` divides ``groups``.
    """
    kernels, group_channels, *size = weights.shape
    joined = groups // wanted
    result = np.zeros((kernels, joined, group_channels, *size))
    kernel = np.arange(kernels)
    result[kernel, kernel // (kernels // groups) % joined] = weights
    return result.reshape(kernels, joined * group_channels, *size)
