"""A compiled network beside the network that it was made of: nodes, scales and real weights of each layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.matching import match_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.explain.node_alignment import NodesOfLayer, align
from nvdla_int8.explain.node_fit import as_one, correlations, dense_weights, is_sum
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.network.float_network import FloatConvolution, FloatElementwise, FloatNetwork
from nvdla_int8.quantise.like_compiler.integers import Weights, quantise_weights
from nvdla_int8.quantise.weights import WEIGHT_MAX
from nvdla_int8.stages.tensor_scale import TensorScale

Reals = NDArray[np.float64]

ALIKE = 0.9
"""Cosine from which a kernel's int8 weights are those of a real one: rounding to a hundredth leaves more than 0.999."""


@dataclass(frozen=True, eq=False)
class LayerMatch:
    """A layer and what it stands for.

    Attributes
    ----------
    place
        Among ``loadable_layers``.
    layer, nodes
        The layer, and the network's nodes that it does.
    real
        Its nodes as one in real numbers; None where it has none with weights or factors, or they are not one.
    begun
        Its nodes were begun by a layer before, which has none: its own factor is only the rest of theirs.
    source_entry, addend_entry, output_entry
        The table's entries of what it reads and writes; None without a table or entry.
    """

    place: int
    layer: LoadableLayer
    nodes: NodesOfLayer
    real: FloatConvolution | FloatElementwise | None
    begun: bool
    source_entry: TensorScale | None
    addend_entry: TensorScale | None
    output_entry: TensorScale | None

    @property
    def names(self) -> tuple[str, ...]:
        """Of its nodes."""
        return tuple(node.name for node in self.nodes.nodes)

    @cached_property
    def weights(self) -> Reals | None:
        """The real weights, (K, C, R, S), of every kernel for every channel; None without a convolution."""
        return dense_weights(self.real) if isinstance(self.real, FloatConvolution) else None

    @cached_property
    def likeness(self) -> Reals | None:
        """The cosine of each kernel's int8 and real weights, (K,), NaN for zeros; None without a convolution."""
        if self.weights is None or self.layer.weights is None:
            return None
        return correlations(self.layer.weights, self.weights)

    @property
    def recognised(self) -> NDArray[np.bool_] | None:
        """Which kernels are the network's, (K,); None without a convolution."""
        if self.likeness is None:
            return None
        known: NDArray[np.bool_] = np.nan_to_num(self.likeness, nan=0.0) > ALIKE
        return known

    @cached_property
    def per_filter(self) -> bool:
        """Whether each kernel has a weight scale of its own: all of them reach the last step then."""
        known, given = self.recognised, self.layer.weights
        if known is None or given is None or not known.any():
            return False
        kernels = given[known].reshape(int(known.sum()), -1)
        return bool(((kernels.max(axis=1) >= WEIGHT_MAX) | (kernels.min(axis=1) <= -WEIGHT_MAX)).all())

    @cached_property
    def _compiled_weights(self) -> Weights | None:
        if self.weights is None:
            return None
        return quantise_weights(self.weights.astype(np.float32), per_filter=self.per_filter)

    @property
    def weight_scales(self) -> Reals | None:
        """Sw of each kernel, (K,), 0 for a kernel of zeros; None without a convolution.

        The largest weight is 127 steps, of the layer or of each kernel.
        """
        return self._compiled_weights.scales.astype(np.float64) if self._compiled_weights else None

    @property
    def expected_weights(self) -> NDArray[np.int8] | None:
        """W / Sw as the compiler rounds it, (K, C, R, S), without the channels that only an image's pixels have."""
        return self._compiled_weights.values if self._compiled_weights else None

    @property
    def gains(self) -> Reals | None:
        """What one step of SDP's input is in the source's scale, (K,): Sw of a convolution, another layer's factors.

        None where the network has no factors for the layer.
        """
        if isinstance(self.real, FloatElementwise):
            return self.real.factors
        return self.weight_scales

    @property
    def ideal_factors(self) -> Reals | None:
        """Si * Sw / So by the table, (K,); of a sum S_operand / So. None without a table, or when ``begun``."""
        if self.begun or self.gains is None or self.source_entry is None or self.output_entry is None:
            return None
        return self.gains * self.source_entry.scale / self.output_entry.scale

    def expected_bias(self, input_scale: float) -> NDArray[np.int64] | None:
        """B / (Si * Sw) rounded to the nearest, int64 (K,), 0 for a kernel of zeros; None without a convolution."""
        if not isinstance(self.real, FloatConvolution) or self.weight_scales is None:
            return None
        steps = np.where(self.weight_scales > 0, self.weight_scales, np.inf) * input_scale
        return np.floor(self.real.bias / steps + 0.5).astype(np.int64)


@dataclass(frozen=True)
class NetworkMatch:
    """A compiled network and its network.

    Attributes
    ----------
    network
        Read with ``folded=False``.
    table
        None when none was given.
    entries
        The table's entry of each of the network's tensors, those inside layers too.
    layers
        One for each of ``loadable_layers``.
    """

    network: FloatNetwork
    table: CalibrationTable | None
    entries: Mapping[str, TensorScale]
    layers: tuple[LayerMatch, ...]

    def partners(self, tensor: str) -> tuple[TensorScale, ...]:
        """Entries of what a tensor is added to in the network's sums."""
        sums = [node.inputs for node in self.network.layers if is_sum(node) and tensor in node.inputs]
        names = [name for inputs in sums for name in inputs if name != tensor]
        return tuple(self.entries[name] for name in names if name in self.entries)

    @property
    def outputs(self) -> tuple[LayerMatch, ...]:
        """The layers whose tensors no other layer reads."""
        read = {origin for one in self.layers for origin in one.layer.inputs}
        return tuple(one for one in self.layers if one.place not in read)


def match_network(
    layers: Sequence[LoadableLayer], network: FloatNetwork, table: CalibrationTable | None = None
) -> NetworkMatch:
    """Match a compiled network's layers with a network's nodes, and both with a table.

    Parameters
    ----------
    layers
        From ``loadable_layers``.
    network
        Read with ``folded=False``: each node a layer.
    table
        Under whatever names tables of the network's format have.

    Raises
    ------
    BenchError
        One line that says which layer is none of the network's, or which node no layer does.
    """
    found = align(layers, network)
    entries: dict[str, TensorScale] = {}
    if table is not None:
        names = match_table(table, network).names
        entries = {tensor: table[name] for tensor, name in names.items()}
    return NetworkMatch(
        network,
        table,
        entries,
        tuple(
            LayerMatch(
                place,
                layer,
                nodes,
                as_one(nodes.nodes, nodes.source),
                any(isinstance(origin, int) and not found[origin].nodes for origin in layer.sources),
                entries.get(nodes.source),
                entries.get(nodes.addend) if nodes.addend is not None else None,
                entries.get(nodes.output),
            )
            for place, (layer, nodes) in enumerate(zip(layers, found, strict=True))
        ),
    )
