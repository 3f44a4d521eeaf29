"""Which nodes of a network each layer of its compiled form does.

The compiler fuses nodes into layers, more or fewer of them by its profile, and puts a node on several layers. What it
did follows from the file: kernels and shapes say which convolution a layer is, a ReLU and an addend end its nodes, and
what it writes is what the next layer reads. Convolutions that look alike are told apart by their weights.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import CdpOperation, PdpOperation
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.origins import Origin
from nvdla_int8.network.float_network import (
    AnyFloatLayer,
    FloatConcat,
    FloatConvolution,
    FloatElementwise,
    FloatHost,
    FloatLrn,
    FloatNetwork,
    FloatPooling,
)
from nvdla_int8.network.onnx_operators import HOST_CURVES
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.sdp import AluAlgo

MOST_TRIALS = 100_000
"""Choices of nodes for a layer that are tried; a network of a hundred layers takes some hundreds."""


@dataclass(frozen=True)
class NodesOfLayer:
    """What a layer of a compiled network does.

    Attributes
    ----------
    nodes
        Nodes in the data's order; none for a layer that only begins the next one's node.
    source, addend
        The network's tensors that it reads; a concatenation has no layer, so that it is one tensor here.
    output
        The network's tensor that it writes: that of its last node.
    """

    nodes: tuple[AnyFloatLayer, ...]
    source: str
    addend: str | None
    output: str


def dense_weights(layer: FloatConvolution) -> NDArray[np.float64]:
    """The weights of a convolution as (K, C, R, S): 0 between groups."""
    kernels, taken = layer.weights.shape[:2]
    groups = layer.geometry.groups
    if groups == 1:
        return layer.weights
    dense = np.zeros((kernels, taken * groups, *layer.weights.shape[2:]))
    for group, rows in enumerate(np.split(np.arange(kernels), groups)):
        dense[rows, group * taken : (group + 1) * taken] = layer.weights[rows]
    return dense


def correlations(weights: NDArray[np.int8], reals: NDArray[np.float64]) -> NDArray[np.float64]:
    """How alike the weights of each kernel are, (K,): the cosine; NaN for a kernel of zeros.

    Channels that an image's pixels have beyond the network's are left out.
    """
    steps = weights[:, : reals.shape[1]].reshape(len(weights), -1).astype(np.float64)
    other = reals.reshape(len(reals), -1)
    sizes = np.sqrt((steps**2).sum(axis=1) * (other**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = (steps * other).sum(axis=1) / sizes
    return found


def align(layers: Sequence[LoadableLayer], network: FloatNetwork) -> tuple[NodesOfLayer, ...]:
    """The nodes of each layer.

    Parameters
    ----------
    layers
        Of the compiled network.
    network
        Read with ``folded=False``.

    Raises
    ------
    BenchError
        One line for the first layer that the network has nothing for, or the first node that no layer does.
    """
    alignment = _Alignment(layers, network)
    if not alignment.extend():
        raise BenchError(f"{network.path}: {alignment.problem}")
    return tuple(alignment.chosen)


@dataclass
class _Alignment:
    """A search with backtracking: the choice for each layer so far."""

    layers: Sequence[LoadableLayer]
    network: FloatNetwork
    chosen: list[NodesOfLayer] = field(default_factory=list)
    problem: str = "it has no layer of the hardware"

    def __post_init__(self) -> None:
        self._readers: dict[str, list[AnyFloatLayer]] = {}
        for node in self.network.layers:
            for name in node.inputs:
                self._readers.setdefault(name, []).append(node)
        self._of_pixels = tuple(self._pixel_nodes())
        self._farthest = -1
        self._trials = 0

    def extend(self) -> bool:
        """Choose nodes for all layers that have none yet; False when none of the choices works."""
        place = len(self.chosen)
        if place == len(self.layers):
            return self._is_complete()
        for choice in self._choices(self.layers[place]):
            self._trials += 1
            if self._trials > MOST_TRIALS:
                return False
            self.chosen.append(choice)
            if self.extend():
                return True
            self.chosen.pop()
        return False

    def _is_complete(self) -> bool:
        done = {id(node) for choice in self.chosen for node in choice.nodes} | {id(node) for node in self._of_pixels}
        left = [
            node
            for node in self.network.layers
            if not isinstance(node, FloatHost | FloatConcat) and id(node) not in done
        ]
        if left:
            self._note(len(self.layers), f"none of the file's layers does {_words(left[0])}")
        return not left

    def _note(self, place: int, problem: str) -> None:
        """Keep what stopped the choice that got farthest."""
        if place > self._farthest:
            self._farthest, self.problem = place, problem

    def _choices(self, layer: LoadableLayer) -> Iterator[NodesOfLayer]:
        """What a layer may be, the most nodes first."""
        place = len(self.chosen)
        sources = list(self._tensors(layer.sources))
        addends: list[str | None] = [*self._tensors(layer.addends)] if layer.addends else [None]
        found = False
        for source in sources:
            for addend in addends:
                for first in self._first_nodes(layer, source, addend):
                    for nodes in self._continued(layer, first, addend):
                        found = True
                        output = nodes[-1].output if nodes else source
                        yield NodesOfLayer(nodes, source, addend, output)
        if not found:
            read = " or ".join(map(repr, sources)) or "what it reads"
            self._note(
                place, f"{layer.name} is {_layer_words(layer)}, which nothing behind {read} is{self._near(sources)}"
            )

    def _near(self, sources: Sequence[str]) -> str:
        """The nodes that would come next."""
        nodes = [node for source in sources for node in self._readers.get(source, [])]
        return f": {'; '.join(map(_words, nodes))}" if nodes else ""

    def _tensors(self, origins: tuple[Origin, ...]) -> Iterator[str]:
        """The network's tensors that these may be together; none where the file does not tell."""
        if origins == ("input",):
            yield self.network.input
            yield from (node.output for node in self._of_pixels)
            return
        if not origins or any(isinstance(origin, str) for origin in origins):
            return
        names = {self.chosen[int(origin)].output for origin in origins}
        if len(names) == 1:
            yield from names
            return
        for node in self.network.layers:
            if isinstance(node, FloatConcat) and names == self._parts(node):
                yield node.output

    def _parts(self, concat: FloatConcat) -> set[str]:
        """The tensors that a concatenation joins, those of concatenations among them."""
        writers = {node.output: node for node in self.network.layers if isinstance(node, FloatConcat)}
        found: set[str] = set()
        for name in concat.inputs:
            found |= self._parts(writers[name]) if name in writers else {name}
        return found

    def _pixel_nodes(self) -> Iterator[FloatElementwise]:
        """What a network does to pixels before its first layer, which its user may do elsewhere."""
        name = self.network.input
        while len(readers := self._readers.get(name, [])) == 1:
            node = readers[0]
            if not isinstance(node, FloatElementwise) or len(node.inputs) > 1 or _activates(node):
                return
            yield node
            name = node.output

    def _first_nodes(
        self, layer: LoadableLayer, source: str, addend: str | None
    ) -> Iterator[tuple[AnyFloatLayer, ...]]:
        """The nodes with which a layer may begin, one of them or none."""
        readers = self._readers.get(source, [])
        if layer.weights is not None:
            done = {id(node) for choice in self.chosen for node in choice.nodes}
            fitting = [
                node
                for node in readers
                if isinstance(node, FloatConvolution) and id(node) not in done and _is_kernel_of(node, layer)
            ]
            if len(fitting) > 1:
                fitting.sort(key=lambda node: -_likeness(layer, node))
            yield from ((node,) for node in fitting)
        elif layer.sdp is not None:
            yield from ((node,) for node in readers if self._is_step(layer, node, source, addend, ()))
            if addend is None and _relus(layer) == 0:
                yield ()
        else:
            lrn = isinstance(layer.operation.operation, CdpOperation)
            for node in readers:
                if lrn if isinstance(node, FloatLrn) else _is_window_of(node, layer):
                    yield (node,)

    def _continued(
        self, layer: LoadableLayer, nodes: tuple[AnyFloatLayer, ...], addend: str | None
    ) -> Iterator[tuple[AnyFloatLayer, ...]]:
        """A beginning with as many further nodes as it may have, then with fewer."""
        if nodes and layer.sdp is not None:
            readers = self._readers.get(nodes[-1].output, [])
            if len(readers) == 1 and self._is_step(layer, readers[0], nodes[-1].output, addend, nodes):
                yield from self._continued(layer, (*nodes, readers[0]), addend)
        if _does_all(layer, nodes, addend):
            yield nodes

    def _is_step(
        self,
        layer: LoadableLayer,
        node: AnyFloatLayer,
        source: str,
        addend: str | None,
        before: tuple[AnyFloatLayer, ...],
    ) -> bool:
        """Whether a layer's SDP may do a node behind others."""
        if isinstance(node, FloatHost):
            return node.operator in HOST_CURVES and not before and is_copy(layer)
        if not isinstance(node, FloatElementwise):
            return False
        if len(node.inputs) > 1:
            summed = any(_is_sum(one) for one in before)
            return addend is not None and not summed and sorted(node.inputs) == sorted((source, addend))
        done = sum(_activates(one) for one in before)
        return not _activates(node) or done < _relus(layer)


def is_copy(layer: LoadableLayer) -> bool:
    """Whether a layer of SDP writes what it reads: X1, X2 and the converter change nothing."""
    converter = layer.converter
    return (
        layer.convolution is None
        and converter is not None
        and layer.x1 is None
        and layer.x2 is None
        and (converter.scale, converter.shift_bits, converter.offset) == (1, 0, 0)
    )


def _relus(layer: LoadableLayer) -> int:
    """Steps of a layer that are activations."""
    return sum(step is not None and (step.relu or step.prelu) for step in (layer.x1, layer.x2))


def _activates(node: AnyFloatLayer) -> bool:
    activation = node.activation if isinstance(node, FloatElementwise) else None
    return activation is not None and (activation.relu or activation.slopes is not None)


def _is_sum(node: AnyFloatLayer) -> bool:
    return isinstance(node, FloatElementwise) and len(node.inputs) > 1


def _does_all(layer: LoadableLayer, nodes: tuple[AnyFloatLayer, ...], addend: str | None) -> bool:
    """Whether a layer's activations and addend are all among its nodes."""
    if addend is not None and not any(map(_is_sum, nodes)):
        return False
    return sum(map(_activates, nodes)) == _relus(layer)


def _is_kernel_of(node: FloatConvolution, layer: LoadableLayer) -> bool:
    assert layer.weights is not None
    geometry = layer.geometry
    assert geometry is not None
    kernels, taken, *kernel = node.weights.shape
    has_kernels, channels, *has_kernel = layer.weights.shape
    of_image = layer.input_converter is not None and layer.input_converter.pixel
    fits = channels >= taken if of_image else channels == taken * node.geometry.groups
    if (kernels, kernel) != (has_kernels, has_kernel) or not fits:
        return False
    fields = ("stride_y", "stride_x", "dilation_y", "dilation_x", "pad_top", "pad_left")
    names = [name for name in fields if not name.startswith("dilation") or max(kernel) > 1]
    return all(getattr(node.geometry, name) == getattr(geometry, name) for name in names)


def _is_window_of(node: AnyFloatLayer, layer: LoadableLayer) -> bool:
    operation = layer.operation.operation
    if not isinstance(node, FloatPooling) or not isinstance(operation, PdpOperation):
        return False
    window = node.program.window
    methods = (PoolingMethod.AVERAGE, PoolingMethod.MAX, PoolingMethod.MIN)
    return (
        operation.pool_mode < len(methods)
        and window.method is methods[operation.pool_mode]
        and (window.kernel_h, window.kernel_w) == (operation.pool_height + 1, operation.pool_width + 1)
        and (window.stride_y, window.stride_x) == (operation.stride_y, operation.stride_x)
    )


def _likeness(layer: LoadableLayer, node: FloatConvolution) -> float:
    """The median cosine of kernels, of the first group's."""
    assert layer.weights is not None
    found = np.abs(correlations(layer.weights, dense_weights(node)))
    of_group = found[: max(1, len(found) // node.geometry.groups)]
    return float(np.nanmedian(of_group)) if np.isfinite(of_group).any() else 0.0


def _layer_words(layer: LoadableLayer) -> str:
    """What a layer is, as far as that tells nodes apart."""
    shape = "x".join(map(str, layer.output_shape))
    if layer.weights is not None:
        kernels, channels, height, width = layer.weights.shape
        return f"a convolution of {kernels} kernels of {channels}x{height}x{width}"
    if layer.sdp is not None:
        addend = "a sum" if layer.addends else "a layer of SDP"
        return f"{addend} of {shape}"
    return f"{layer.operation.type.name} of {shape}"


def _words(node: AnyFloatLayer) -> str:
    """What a node is, in the same words."""
    match node:
        case FloatConvolution():
            kernels, channels, height, width = node.weights.shape
            geometry = node.geometry
            channels *= geometry.groups
            stride = f", stride {geometry.stride_y}" if geometry.stride_y > 1 else ""
            return f"{node.name!r}, a convolution of {kernels} kernels of {channels}x{height}x{width}{stride}"
        case FloatPooling():
            window = node.program.window
            return f"{node.name!r}, {window.method.name.lower()} pooling of {window.kernel_h}x{window.kernel_w}"
        case FloatElementwise() if len(node.inputs) > 1:
            operation = "a sum" if node.operation is AluAlgo.SUM else node.operation.value
            return f"{node.name!r}, {operation} of {node.inputs[0]!r} and {node.inputs[1]!r}"
        case FloatElementwise() if _activates(node):
            return f"{node.name!r}, an activation"
        case FloatElementwise():
            return f"{node.name!r}, a factor and a bias a channel"
        case FloatHost():
            return f"{node.name!r}, {node.operator}"
    return repr(node.name)
