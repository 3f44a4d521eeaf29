"""Layers of SDP between tensors of a quantised network whose scales PDP and concatenations cannot change."""

from dataclasses import replace

import numpy as np

from nvdla_int8.network.float_network import (
    AnyFloatLayer,
    FloatConcat,
    FloatElementwise,
    FloatPooling,
    FloatTensor,
)
from nvdla_int8.stages.tensor_scale import TensorScale


def with_rescaling(layers: list[AnyFloatLayer], tensors: dict[str, FloatTensor]) -> list[AnyFloatLayer]:
    """Return the layers with one that rescales wherever a quantised network says two scales that have to be one.

    Behind pooling, and before a concatenation. ``tensors`` gains what is between.
    """
    made: list[AnyFloatLayer] = []
    for layer in layers:
        if isinstance(layer, FloatPooling):
            made += _behind(layer, tensors)
        elif isinstance(layer, FloatConcat):
            made += _before(layer, tensors)
        else:
            made.append(layer)
    return made


def _behind(layer: FloatPooling, tensors: dict[str, FloatTensor]) -> list[AnyFloatLayer]:
    of_input, output = tensors[layer.inputs[0]].scale, tensors[layer.output]
    if of_input is None or _same(of_input, output.scale):
        return [layer]
    if output.scale is None:
        tensors[layer.output] = replace(output, scale=replace(of_input, name=layer.output))
        return [layer]
    pooled = f"{layer.output} (pooled)"
    tensors[pooled] = _between(pooled, output, of_input)
    return [replace(layer, output=pooled), _rescaling(f"{layer.name} (rescaled)", pooled, output)]


def _before(layer: FloatConcat, tensors: dict[str, FloatTensor]) -> list[AnyFloatLayer]:
    scale = tensors[layer.output].scale
    made: list[AnyFloatLayer] = []
    inputs: list[str] = []
    for number, name in enumerate(layer.inputs):
        tensor = tensors[name]
        if scale is None or tensor.scale is None or _same(tensor.scale, scale):
            inputs.append(name)
            continue
        inputs.append(f"{layer.output} (input {number})")
        tensors[inputs[-1]] = _between(inputs[-1], tensor, scale)
        made.append(_rescaling(f"{layer.name} (input {number})", name, tensors[inputs[-1]]))
    return [*made, replace(layer, inputs=tuple(inputs))]


def _between(name: str, like: FloatTensor, scale: TensorScale) -> FloatTensor:
    return FloatTensor(name, like.shape, measured=False, scale=replace(scale, name=name))


def _rescaling(name: str, source: str, output: FloatTensor) -> FloatElementwise:
    channels = output.shape[0]
    return FloatElementwise(name, (source,), output.name, np.ones(channels), np.zeros(channels))


def _same(one: TensorScale, other: TensorScale | None) -> bool:
    return other is not None and (one.scale, one.offset) == (other.scale, other.offset)
