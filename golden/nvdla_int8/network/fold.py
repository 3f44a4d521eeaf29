"""Fewer layers that compute the same: what SDP does to each element goes into the convolution before or behind it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

import numpy as np

from nvdla_int8.network.float_network import (
    AnyFloatLayer,
    FloatConvolution,
    FloatElementwise,
    FloatPooling,
    FloatTensor,
)
from nvdla_int8.network.merge import behind, changes_nothing, swapped, with_input_changed
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.stages.pooling import PoolingMethod

_Merging = FloatConvolution | FloatElementwise


@dataclass
class Folder:
    """A network's layers and tensors while they become fewer.

    Attributes
    ----------
    input
        The tensor that the first layers read.
    layers
        In execution order.
    tensors
        By name.
    outputs
        Tensors that must stay.
    in_graph
        What has gone into the input converter.
    folded
        Names of layers that went into others.
    names
        Of each tensor, those of the layers that were folded into the one that writes it.
    """

    input: str
    layers: list[AnyFloatLayer]
    tensors: dict[str, FloatTensor]
    outputs: Sequence[str]
    in_graph: Preprocessing = field(default_factory=Preprocessing)
    folded: list[str] = field(default_factory=list)
    names: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def fold(self) -> None:
        """Fold until nothing changes."""
        while self._fold_one(self._into_input, self._into_writer, self._before_maxima, self._into_readers):
            pass

    def fold_input(self) -> None:
        """Fold what the graph does to its pixels into the input converter, and nothing else."""
        while self._fold_one(self._into_input):
            pass

    def rename(self, names: Mapping[str, str]) -> None:
        """Let tensors have other names; the old ones still stand for them."""
        names = {old: new for old, new in names.items() if old in self.tensors and old != new}
        for old, new in names.items():
            tensor = self.tensors.pop(old)
            aliases = (old, *(alias for alias in tensor.aliases if alias != new))
            self.tensors[new] = replace(tensor, name=new, aliases=aliases)
            self.names[new] = self.names.pop(old, [])
        self.layers = [
            replace(
                layer,
                inputs=tuple(names.get(name, name) for name in layer.inputs),
                output=names.get(layer.output, layer.output),
            )
            for layer in self.layers
        ]
        self.input = names.get(self.input, self.input)
        self.outputs = tuple(names.get(name, name) for name in self.outputs)

    def _fold_one(self, *rules: Callable[[FloatElementwise], bool]) -> bool:
        self._readers = Counter(name for layer in self.layers for name in layer.inputs) + Counter(self.outputs)
        self._writers: Mapping[str, AnyFloatLayer] = {layer.output: layer for layer in self.layers}
        return any(rule(layer) for layer in self.layers if isinstance(layer, FloatElementwise) for rule in rules)

    def _into_input(self, layer: FloatElementwise) -> bool:
        """A mean and a scale of the pixels are the input converter's."""
        if layer.inputs != (self.input,) or not self._only_reader(self.input) or not changes_nothing(layer.activation):
            return False
        if not layer.factors.all():
            return False
        with np.errstate(over="ignore"):  # what is not finite is refused
            self.in_graph = self.in_graph.then(Preprocessing(-layer.bias / layer.factors, layer.factors))
        del self.tensors[self.input]
        self.input = layer.output
        self._remove(layer)
        return True

    def _into_writer(self, layer: FloatElementwise) -> bool:
        """Into the layer that writes the input, or the addend: the one that runs last of two."""
        sides = [layer]
        if (other := swapped(layer)) is not None:
            sides.append(other)
        found: list[tuple[int, FloatElementwise, _Merging, _Merging]] = []
        for side in sides:
            writer = self._writers.get(side.inputs[0])
            if isinstance(writer, _Merging) and self._only_reader(writer.output):
                merged = behind(writer, side)
                if merged is not None:
                    found.append((self.layers.index(writer), side, writer, merged))
        if not found:
            return False
        _, _, writer, merged = max(found, key=lambda one: (isinstance(one[2], FloatConvolution), one[0]))
        self._replace(layer, merged)
        self._remove(writer)
        del self.tensors[writer.output]
        self._name(layer)
        return True

    def _before_maxima(self, layer: FloatElementwise) -> bool:
        """An activation that never falls goes before a maximum of windows, into what is there."""
        if len(layer.inputs) > 1 or (layer.factors != 1).any() or layer.bias.any():
            return False
        if layer.activation.slopes is not None and (layer.activation.slopes < 0).any():
            return False
        maxima: list[FloatPooling] = []
        source = layer.inputs[0]
        while self._only_reader(source) and _is_maximum(writer := self._writers.get(source)):
            maxima.insert(0, writer)
            source = writer.inputs[0]
        writer = self._writers.get(source)
        if not maxima or not isinstance(writer, _Merging) or not self._only_reader(source):
            return False
        merged = behind(writer, replace(layer, inputs=(source,), output=self._not_measured(source, layer.name)))
        if merged is None:
            return False
        self._replace(writer, merged)
        del self.tensors[source]
        source = merged.output
        for maximum in maxima:
            last = maximum is maxima[-1]
            output = layer.output if last else self._not_measured(maximum.output, layer.name)
            del self.tensors[maximum.output]
            self._replace(maximum, replace(maximum, inputs=(source,), output=output))
            source = output
        self._remove(layer)
        self._name(layer)
        return True

    def _into_readers(self, layer: FloatElementwise) -> bool:
        """A factor and a bias go into the convolutions behind them, where padding does not tell."""
        if len(layer.inputs) > 1 or not changes_nothing(layer.activation) or layer.output in self.outputs:
            return False
        if self.tensors[layer.output].scale is not None:
            return False
        readers = [one for one in self.layers if layer.output in one.inputs]
        changed = [with_input_changed(one, layer) for one in readers]
        if not readers or None in changed:
            return False
        for reader, other in zip(readers, changed, strict=True):
            assert other is not None
            self._replace(reader, other)
        self._remove(layer)
        del self.tensors[layer.output]
        self.folded.append(layer.name)
        return True

    def _only_reader(self, tensor: str) -> bool:
        """Whether one layer takes a tensor and nothing else asks for it; a quantised network's are to be computed."""
        return self._readers[tensor] == 1 and self.tensors[tensor].scale is None

    def _not_measured(self, tensor: str, behind_what: str) -> str:
        """A tensor of this form that the graph does not have."""
        name = f"{tensor} ({behind_what})"
        self.tensors[name] = replace(self.tensors[tensor], name=name, aliases=(), measured=False)
        return name

    def _name(self, layer: FloatElementwise) -> None:
        """Let the output go by the name of the layer that is part of another now."""
        self.names[layer.output].append(layer.name)
        self.folded.append(layer.name)

    def _replace(self, layer: AnyFloatLayer, other: AnyFloatLayer) -> None:
        self.layers[self._index(layer)] = other

    def _remove(self, layer: AnyFloatLayer) -> None:
        del self.layers[self._index(layer)]

    def _index(self, layer: AnyFloatLayer) -> int:
        return next(index for index, one in enumerate(self.layers) if one is layer)


def _is_maximum(layer: AnyFloatLayer | None) -> TypeGuard[FloatPooling]:
    return isinstance(layer, FloatPooling) and layer.program.window.method is PoolingMethod.MAX
