"""What the tensors of an INT8 network say in real numbers, by the names of the float network."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.network.network import Network
from nvdla_int8.quantise.channel_places import Placed
from nvdla_int8.quantise.network_input import QuantisedInput
from nvdla_int8.quantise.rounding import Reals
from nvdla_int8.quantise.scale_groups import NetworkScales
from nvdla_int8.stages.any_program import AnyOutput
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.tensor_scale import TensorScale


class Int8Network(Protocol):
    """A network in INT8, ours or what NVIDIA's compiler would make; as of ``QuantisedNetwork``."""

    @property
    def network(self) -> Network:
        """The programs."""

    @property
    def scales(self) -> NetworkScales:
        """What the tensors' bytes are taken for."""

    @property
    def input(self) -> QuantisedInput | None:
        """What turns pixels into the input."""

    @property
    def placed(self) -> Mapping[str, Placed]:
        """Where the channels of each tensor are."""

    def tensors(self, stages: Sequence[AnyOutput]) -> dict[str, NDArray[Any]]:
        """What a run gives, by the names of the tensors."""


def int8_reals(quantised: Int8Network, images: NDArray[np.integer], stages: Sequence[AnyOutput]) -> dict[str, Reals]:
    """All tensors of a run of ``quantised.network`` on ``images``, (N, C, H, W) or what a host operation gives."""
    network, scales = quantised.network, quantised.scales.of
    found: dict[str, Reals] = {}
    if has_own_input(quantised):
        first = next(layer.program for layer in network.layers if network.input in layer.inputs)
        data = first.input_converter.apply(images).value if isinstance(first, LayerProgram) else images
        found[network.input] = real(data, scales[network.input]) * channel_factors(quantised)
    for name, tensor in quantised.tensors(stages).items():
        found[name] = real(tensor, scales[name]) if name in scales else tensor.astype(np.float64)
    return found


def real(data: NDArray[np.integer], scale: TensorScale) -> Reals:
    """What bytes mean."""
    return (data.astype(np.float64) - scale.offset) * scale.scale


def has_own_input(quantised: Int8Network) -> bool:
    """Whether the input tensor is what the input converter gives, not the output of a layer that copies it."""
    name = quantised.network.input
    return quantised.placed[name].name == name


def channel_factors(quantised: Int8Network) -> Reals:
    """What a step of each channel of the input tensor is multiplied by, (C, 1, 1), or (1, 1, 1) where all are alike.

    The input converter has one scale for all channels; the weights behind it make up for the others.
    """
    if quantised.input is None or not has_own_input(quantised):
        return np.ones((1, 1, 1))
    return quantised.input.channel_factors[:, None, None]
