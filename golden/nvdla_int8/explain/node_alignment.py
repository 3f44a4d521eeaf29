"""Which nodes of a network each layer of its compiled form does.

The compiler fuses nodes into layers, more or fewer of them by its profile, and puts a node on several layers. What it
did follows from the file: kernels and shapes say which convolution a layer is, a ReLU and an addend end its nodes, and
what it writes is what the next layer reads. Convolutions that look alike are told apart by their weights.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nvdla_int8.errors import BenchError
from nvdla_int8.explain.node_fit import (
    activates,
    adds_constant,
    as_one,
    does_all,
    is_copy,
    is_kernel_of,
    is_sum,
    is_window_of,
    kind_words,
    likeness,
    node_words,
    relus,
)
from nvdla_int8.loadable.descriptors import CdpOperation
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
)
from nvdla_int8.network.onnx_operators import HOST_CURVES

MOST_TRIALS = 100_000
"""Choices of nodes for a layer that are tried; a network of a hundred layers takes some hundreds."""


@dataclass(frozen=True)
class NodesOfLayer:
    """What a layer of a compiled network does.

    Attributes
    ----------
    nodes
        Nodes in the data's order; none for a layer that only begins those of the next one.
    source, addend
        The network's tensors that it reads; a concatenation has no layer, so that it is one tensor here.
    output
        The network's tensor that it writes: that of its last node.
    """

    nodes: tuple[AnyFloatLayer, ...]
    source: str
    addend: str | None
    output: str


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
        self._runs = affine_runs(self.layers)
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
            self._note(len(self.layers), f"none of the file's layers does {node_words(left[0])}")
        return not left

    def _note(self, place: int, problem: str) -> None:
        """Keep what stopped the choice that got farthest."""
        if place > self._farthest:
            self._farthest, self.problem = place, problem

    def _choices(self, layer: LoadableLayer) -> Iterator[NodesOfLayer]:
        """What a layer may be: what has a bias if the layer adds one first, then the most nodes."""
        place = len(self.chosen)
        sources = list(self._tensors(layer.sources))
        addends: list[str | None] = [*self._tensors(layer.addends)] if layer.addends else [None]
        found = [
            NodesOfLayer(nodes, source, addend, nodes[-1].output if nodes else source)
            for source in sources
            for addend in addends
            for first in self._first_nodes(layer, source, addend)
            for nodes in self._continued(layer, first, addend)
        ]
        yield from sorted(found, key=lambda choice: _adds(choice) is not adds_constant(layer))
        if not found:
            read = " or ".join(map(repr, sources)) or "what it reads"
            self._note(
                place, f"{layer.name} is {kind_words(layer)}, which nothing behind {read} is{self._near(sources)}"
            )

    def _near(self, sources: Sequence[str]) -> str:
        """The nodes that would come next."""
        nodes = [node for source in sources for node in self._readers.get(source, [])]
        return f": {'; '.join(map(node_words, nodes))}" if nodes else ""

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
            if not isinstance(node, FloatElementwise) or not is_affine(node):
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
                if isinstance(node, FloatConvolution) and id(node) not in done and is_kernel_of(node, layer)
            ]
            if len(fitting) > 1:
                fitting.sort(key=lambda node: -likeness(layer, node))
            yield from ((node,) for node in fitting)
        elif len(self.chosen) in self._runs:
            yield from self._of_run(source)
        elif layer.sdp is not None:
            yield from ((node,) for node in readers if self._is_step(layer, node, source, addend, ()))
            if is_copy(layer):
                yield ()
        else:
            lrn = isinstance(layer.operation.operation, CdpOperation)
            for node in readers:
                if lrn if isinstance(node, FloatLrn) else is_window_of(node, layer):
                    yield (node,)

    def _of_run(self, source: str) -> Iterator[tuple[AnyFloatLayer, ...]]:
        """The nodes of a layer of a run: one each if there are as many, otherwise all are the last one's.

        The compiler puts a Scale on two or three layers, and no node says where they part.
        """
        place = len(self.chosen)
        run = self._runs[place]
        begin = self.chosen[run[0]].source if place > run[0] else source
        if len(self._affine_nodes(begin)) < len(run):
            yield self._affine_nodes(source) if place == run[-1] else ()
        else:
            nodes = self._affine_nodes(source)
            yield nodes if place == run[-1] else nodes[:1]

    def _affine_nodes(self, name: str) -> tuple[AnyFloatLayer, ...]:
        """Factors and biases one behind the other, behind a tensor."""
        nodes: list[AnyFloatLayer] = []
        while len(readers := self._readers.get(name, [])) == 1 and is_affine(readers[0]):
            nodes.append(readers[0])
            name = readers[0].output
        return tuple(nodes)

    def _continued(
        self, layer: LoadableLayer, nodes: tuple[AnyFloatLayer, ...], addend: str | None
    ) -> Iterator[tuple[AnyFloatLayer, ...]]:
        """A beginning with as many further nodes as it may have, then with fewer."""
        if nodes and layer.sdp is not None and len(self.chosen) not in self._runs:
            readers = self._readers.get(nodes[-1].output, [])
            if len(readers) == 1 and self._is_step(layer, readers[0], nodes[-1].output, addend, nodes):
                yield from self._continued(layer, (*nodes, readers[0]), addend)
        if does_all(layer, nodes, addend):
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
            summed = any(is_sum(one) for one in before)
            return addend is not None and not summed and sorted(node.inputs) == sorted((source, addend))
        done = sum(activates(one) for one in before)
        return not activates(node) or done < relus(layer)


def _adds(choice: NodesOfLayer) -> bool:
    real = as_one(choice.nodes, choice.source)
    return real is not None and bool(real.bias.any())


def is_affine(node: AnyFloatLayer) -> bool:
    """Whether a node is a factor and a bias a channel, nothing else."""
    return isinstance(node, FloatElementwise) and len(node.inputs) == 1 and not activates(node)


def affine_runs(layers: Sequence[LoadableLayer]) -> dict[int, list[int]]:
    """Layers of SDP from memory that only multiply and add by channels, those one behind the other as a run.

    The run's places by the layer's own place; without layers that copy.
    """
    readers = Counter(origin for layer in layers for origin in layer.inputs)
    runs: dict[int, list[int]] = {}
    for place, layer in enumerate(layers):
        if layer.sdp is None or layer.convolution is not None or layer.addends or relus(layer) or is_copy(layer):
            continue
        before = layer.sources[0] if len(layer.sources) == 1 else None
        run = runs.get(before, []) if isinstance(before, int) and readers[before] == 1 else []
        run.append(place)
        runs[place] = run
    return runs
