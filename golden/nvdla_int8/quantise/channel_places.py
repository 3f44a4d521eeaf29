"""Where the channels of a tensor lie, when a concatenation by address leaves gaps between its parts.

A part begins at a whole atom in memory, so that every part but the last has channels for whole atoms: the layers
that write it get kernels of zeros, and the layers that read what was joined get zero weights for the gaps. Both is
exact in integers. Layers that a gap would change read a packed copy, made by a 1x1 convolution of zeros and ones; so
does who reads the network's outputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL
from nvdla_int8.network.float_network import (
    Activation,
    AnyFloatLayer,
    FloatConcat,
    FloatConvolution,
    FloatElementwise,
    FloatHost,
    FloatLrn,
    FloatNetwork,
    FloatPooling,
    FloatTensor,
)
from nvdla_int8.quantise.kernel_groups import regrouped
from nvdla_int8.quantise.rounding import Reals

ATOM = NV_SMALL.memory_atom

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Placed:
    """A tensor of the source as the programs have it: its name, the place of each channel, and how many there are."""

    name: str
    places: Places
    total: int

    @property
    def is_plain(self) -> bool:
        """Whether there are no gaps before the last channel."""
        return bool((self.places == np.arange(len(self.places))).all())

    @property
    def is_exact(self) -> bool:
        """Whether there are no gaps at all."""
        return self.total == len(self.places)

    def lies(self, places: Places, total: int) -> bool:
        """Whether the channels lie in these places."""
        return self.total == total and bool((self.places == places).all())


@dataclass(frozen=True)
class PlacedNetwork:
    """A network whose concatenations can be made by address.

    Attributes
    ----------
    network
        Layers with zero kernels and zero weights where they are needed, and 1x1 convolutions that pack.
    placed
        The tensors of the source by name.
    values
        By each tensor's name the tensor of the source whose values it has.
    notes
        What was changed, a line each.
    """

    network: FloatNetwork
    placed: Mapping[str, Placed]
    values: Mapping[str, str]
    notes: tuple[str, ...]


def place_channels(source: FloatNetwork) -> PlacedNetwork:
    """Give parts of concatenations whole atoms, and pixels that other layers read a convolution of their own."""
    return _Placer(source).run()


class _Placer:
    def __init__(self, source: FloatNetwork) -> None:
        self._source = source
        self._whole_atoms = _in_whole_atoms(source)
        self._tensors: dict[str, FloatTensor] = {}
        self._layers: list[AnyFloatLayer] = []
        self._placed: dict[str, Placed] = {}
        self._values: dict[str, str] = {}
        self._copies: list[tuple[str, Placed]] = []
        self._notes: list[str] = []

    def run(self) -> PlacedNetwork:
        name = self._source.input
        self._add(name, name, np.arange(self._source.channels), self._source.channels)
        if self._source.before_graph is not None and not _only_convolved(self._source, name):
            self._placed[name] = self._copy(name, np.arange(self._source.channels), self._filled(name))
        self._fill_up(name)
        for layer in self._source.layers:
            self._place(layer)
        network = replace(self._source, tensors=self._tensors, layers=tuple(self._layers))
        return PlacedNetwork(network, self._placed, self._values, tuple(self._notes))

    def _place(self, layer: AnyFloatLayer) -> None:
        if isinstance(layer, FloatConvolution):
            self._place_convolution(layer)
        elif isinstance(layer, FloatElementwise):
            self._place_elementwise(layer)
        elif isinstance(layer, FloatConcat):
            parts = [self._placed[name] for name in layer.inputs]
            starts = np.cumsum([0, *(part.total for part in parts)])
            places = np.concatenate([part.places + start for part, start in zip(parts, starts, strict=False)])
            self._write(layer, parts, places, int(starts[-1]))
        elif isinstance(layer, FloatHost):
            inputs = tuple(self._exact(name).name for name in layer.inputs)
            self._layers.append(replace(layer, inputs=inputs))
            channels = self._channels(layer.output)
            self._add(layer.output, layer.output, np.arange(channels), channels)
            self._fill_up(layer.output)
        else:
            [name] = layer.inputs
            before = self._packed(name) if isinstance(layer, FloatLrn) else self._placed[name]
            self._write(layer, [before], before.places, before.total)

    def _place_convolution(self, layer: FloatConvolution) -> None:
        before = self._placed[layer.inputs[0]]
        groups, kernels = layer.geometry.groups, len(layer.weights)
        places, total = np.arange(kernels), self._filled(layer.output)
        weights = layer.weights
        if groups > 1 and not (before.is_exact and total == kernels):
            if groups == len(before.places) == kernels and not before.total % ATOM:  # depthwise: a gap stays a gap
                places, total, groups = before.places, before.total, before.total
            else:
                weights, groups = regrouped(weights, groups, 1), 1
        addends = [self._lying(name, places, total) for name in layer.inputs[1:]]
        if before.is_exact and total == kernels:
            self._write(layer, [before, *addends], places, total)
            return
        channels = before.places if groups == 1 else np.arange(weights.shape[1])
        placed = np.zeros((total, before.total if groups == 1 else weights.shape[1], *weights.shape[2:]))
        placed[np.ix_(places, channels)] = weights
        scale = layer.weight_scale
        moved = replace(
            layer,
            weights=placed,
            bias=_spread(layer.bias, places, total, 0.0),
            geometry=layer.geometry.model_copy(update={"groups": groups}),
            activation=_moved(layer.activation, places, total),
            weight_scale=_spread(scale, places, total, scale.max())
            if scale is not None and len(scale) == kernels
            else scale,
        )
        self._write(moved, [before, *addends], places, total)

    def _place_elementwise(self, layer: FloatElementwise) -> None:
        first, *others = (self._placed[name] for name in layer.inputs)
        places, total = first.places, first.total
        if not all(other.lies(places, total) for other in others):
            places, total = np.arange(len(places)), self._filled(layer.output)
        # Gaps hold real zero, and with a factor that is there anyway and no bias they keep it.
        moved = replace(
            layer,
            factors=_spread(layer.factors, places, total, layer.factors[0]),
            bias=_spread(layer.bias, places, total, 0.0),
            activation=_moved(layer.activation, places, total),
        )
        self._write(moved, [self._lying(name, places, total) for name in layer.inputs], places, total)

    def _write(self, layer: AnyFloatLayer, inputs: list[Placed], places: Places, total: int) -> None:
        """Add a layer that reads these; an output of the network is packed, and the copy has its name."""
        name = layer.output
        gaps = total - len(places)
        if gaps:
            self._notes.append(f"{name}: {len(places)} channels take {total} for whole atoms, {gaps} of them zeros")
        called = f"{name} (with gaps)" if gaps else name
        self._layers.append(replace(layer, inputs=tuple(one.name for one in inputs), output=called))
        self._add(name, called, places, total)
        if name in self._source.outputs:
            self._exact(name)

    def _add(self, name: str, called: str, places: Places, total: int) -> None:
        """Add a tensor, which from now on is what layers find for one of the source."""
        tensor = self._source.tensors[name]
        if tensor.shape and total != tensor.shape[0]:
            tensor = replace(tensor, shape=(total, *tensor.shape[1:]), order=None)
        self._tensors[called] = replace(tensor, name=called)
        self._values[called] = name
        self._placed[name] = Placed(called, places, total)

    def _channels(self, name: str) -> int:
        shape = self._source.tensors[name].shape
        return shape[0] if shape else 1

    def _filled(self, name: str) -> int:
        """The channels of a tensor with those that it needs for whole atoms."""
        channels = self._channels(name)
        return -(-channels // ATOM) * ATOM if name in self._whole_atoms else channels

    def _fill_up(self, name: str) -> None:
        """Give a tensor whole atoms that no kernels of zeros can, if it needs them."""
        self._placed[name] = self._lying(name, np.arange(self._channels(name)), self._filled(name))

    def _packed(self, name: str) -> Placed:
        """A tensor without gaps but at its end."""
        placed = self._placed[name]
        return placed if placed.is_plain else self._lying(name, np.arange(len(placed.places)), self._filled(name))

    def _exact(self, name: str) -> Placed:
        """A tensor without gaps."""
        channels = self._channels(name)
        return self._lying(name, np.arange(channels), channels)

    def _lying(self, name: str, places: Places, total: int) -> Placed:
        """A tensor whose channels lie in these places: as it is, or a copy."""
        of_source = [self._placed[name], *(copy for copied, copy in self._copies if copied == name)]
        there = next((one for one in of_source if one.lies(places, total)), None)
        return there or self._copy(name, places, total)

    def _copy(self, name: str, places: Places, total: int) -> Placed:
        """Add a 1x1 convolution of zeros and ones; it has the tensor's own name if nothing has it yet."""
        before = self._placed[name]
        weights = np.zeros((total, before.total, 1, 1))
        weights[places, before.places] = 1
        called = name if name not in self._tensors else f"{name} (copy {len(self._copies) + 1})"
        self._notes.append(f"{name}: a 1x1 convolution puts its channels in their places, {before.total} to {total}")
        layer = f"{name} (packed)" if called == name else called
        self._layers.append(FloatConvolution(layer, (before.name,), called, weights, np.zeros(total)))
        self._add(name, called, places, total)
        copy, self._placed[name] = self._placed[name], before
        self._copies.append((name, copy))
        return copy


def _in_whole_atoms(source: FloatNetwork) -> set[str]:
    """Tensors whose channels must be a multiple of an atom's: parts of concatenations, and what they are made of."""
    wanted: set[str] = set()
    before = -1
    while len(wanted) > before:
        before = len(wanted)
        for layer in source.layers:
            if isinstance(layer, FloatConcat):
                wanted.update(layer.inputs if layer.output in wanted else layer.inputs[:-1])
            elif not wanted.isdisjoint(alike := _alike(layer)):
                wanted |= alike
    return wanted


def _alike(layer: AnyFloatLayer) -> set[str]:
    """Tensors of a layer whose channels lie in the same places."""
    if isinstance(layer, FloatPooling | FloatLrn | FloatElementwise):
        return {*layer.inputs, layer.output}
    if isinstance(layer, FloatConvolution):
        depthwise = layer.geometry.groups == len(layer.weights) > layer.weights.shape[1] == 1
        return {*layer.inputs[not depthwise :], layer.output}
    return set()


def _only_convolved(source: FloatNetwork, name: str) -> bool:
    """Whether a tensor is read by convolutions alone, which have the converter of pixels."""
    readers = [layer for layer in source.layers if name in layer.inputs]
    convolved = all(isinstance(layer, FloatConvolution) and name not in layer.inputs[1:] for layer in readers)
    return convolved and name not in source.outputs


def _spread(values: Reals, places: Places, total: int, gap: float) -> Reals:
    """Values of channels (C,) in their places, and one for the gaps."""
    spread = np.full(total, gap)
    spread[places] = values
    return spread


def _moved(activation: Activation, places: Places, total: int) -> Activation:
    slopes = activation.slopes
    if slopes is None or len(slopes) == 1:
        return activation
    return replace(activation, slopes=_spread(slopes, places, total, slopes[0]))
