"""The upper end of a Clip, such as ReLU6's: int8 saturates there when the output's scale sees to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from nvdla_int8.network.float_network import AnyFloatLayer, FloatConvolution, FloatElementwise, FloatNetwork
from nvdla_int8.quantise.rounding import Q_MAX
from nvdla_int8.stages.tensor_scale import TensorScale

TOLERANCE = 1e-6
"""How far, relative to it, the end of a scale's range may be beyond that of a Clip: scales are float32s mostly."""


@dataclass(frozen=True)
class ClippedScale:
    """A tensor whose scale is below its entry's, so that int8 saturates where the network clips: ``most``."""

    tensor: str
    most: float
    asked: TensorScale
    scale: TensorScale


def clipped_scales(source: FloatNetwork, entries: Mapping[str, TensorScale]) -> Iterator[ClippedScale]:
    """Scales for the outputs of Clips whose entries reach further, by tensor."""
    for name, most in _ends(source).items():
        entry = entries.get(name)
        if entry is not None and _goes_beyond(entry, most):
            yield ClippedScale(name, most, entry, replace(entry, scale=most / (Q_MAX - entry.offset)))


def with_rescaled_clips(source: FloatNetwork, scales: Mapping[str, TensorScale]) -> FloatNetwork:
    """Return the network with a layer of SDP behind each Clip whose tensor shares a scale that reaches further.

    The Clip then has a scale of its own, and the layer behind it brings it to the shared one. The network itself when
    there is no such Clip.
    """
    ends = {name: most for name, most in _ends(source).items() if _goes_beyond(scales[name], most)}
    tensors = dict(source.tensors)
    layers: list[AnyFloatLayer] = []
    for layer in source.layers:
        if layer.output not in ends:
            layers.append(layer)
            continue
        called, channels = f"{layer.output} (clipped)", tensors[layer.output].shape[0]
        own = replace(scales[layer.output], scale=ends[layer.output] / (Q_MAX - scales[layer.output].offset))
        tensors[called] = replace(tensors[layer.output], name=called, scale=own)
        layers.append(replace(layer, output=called))
        name = f"{layer.name} (rescaled)"
        layers.append(FloatElementwise(name, (called,), layer.output, np.ones(channels), np.zeros(channels)))
    return replace(source, tensors=tensors, layers=tuple(layers)) if ends else source


def _ends(source: FloatNetwork) -> dict[str, float]:
    """By tensor where the Clip that writes it ends."""
    return {
        layer.output: layer.activation.most
        for layer in source.layers
        if isinstance(layer, FloatConvolution | FloatElementwise) and layer.activation.most is not None
    }


def _goes_beyond(scale: TensorScale, most: float) -> bool:
    return (Q_MAX - scale.offset) * scale.scale > most * (1 + TOLERANCE)
