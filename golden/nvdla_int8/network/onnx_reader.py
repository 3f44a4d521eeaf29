"""Reads a network from an ONNX file: its nodes become layers of the hardware, views of tensors, or the host's."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import onnx

from nvdla_int8.errors import BenchError, BenchErrors, Problems, located
from nvdla_int8.network.draft import Draft, Elsewhere, check_cube, cube_of
from nvdla_int8.network.float_network import FloatHost, FloatNetwork, FloatTensor
from nvdla_int8.network.fold import Folder
from nvdla_int8.network.onnx_graph import Node, OnnxGraph
from nvdla_int8.network.onnx_host import add_arrangement, add_host, add_tail
from nvdla_int8.network.onnx_missing import why_missing
from nvdla_int8.network.onnx_model import CannotFold, ReadableModel, load_onnx, readable
from nvdla_int8.network.onnx_operators import HOST_CURVES, HOST_FIRST, HOST_NEXT, READERS
from nvdla_int8.network.rescale import with_rescaling
from nvdla_int8.network.view import View


def read_onnx(path: Path, *, image_size: tuple[int, int] | None = None) -> FloatNetwork:
    """Read a network from a file; :func:`read_model` says the rest."""
    model = load_onnx(path)
    with located(str(path)):
        return read_model(model, str(path), image_size=image_size)


def read_model(
    model: onnx.ModelProto, path: str, *, image_size: tuple[int, int] | None = None, folded: bool = True
) -> FloatNetwork:
    """Read a network from a checked model.

    Parameters
    ----------
    model
        ONNX, opset 9 and later.
    path
        Where it comes from, for the network's own messages.
    image_size
        Height and width of images, for a model that does not declare them.
    folded
        What SDP does to each element goes into the layers next to it. Otherwise each node is a layer, and the host may
        do a TanH or Sigmoid between two of them.

    Raises
    ------
    BenchErrors
        One line for each node that is not supported: its operator and name, the reason, and which unit would have to
        do it. BenchError for a model that is not about images.
    """
    try:
        ready = readable(model, image_size)
    except CannotFold as error:  # it names one node
        missing = [f"{node.label}: {why_missing(node)}" for node in _not_supported(OnnxGraph(model))]
        raise BenchErrors([*missing, str(error)]) from None
    return _Reader(ready, folded=folded).read(path, fold_input=False)


class UnfoldedNetwork(NamedTuple):
    """A network with a layer for each node.

    Attributes
    ----------
    network
        The layers.
    nodes
        The graph's nodes by the tensor that they write, with their constants as the file has them.
    """

    network: FloatNetwork
    nodes: Mapping[str, Node]


def unfolded(network: FloatNetwork) -> UnfoldedNetwork:
    """Read a network again with a layer for each node, but for what its graph does to pixels.

    BenchErrors as :func:`read_model` raises them.
    """
    with located(network.path):
        reader = _Reader(readable(network.model, network.input_size), folded=False)
        again = reader.read(network.path, fold_input=network.before_graph is not None)
    return UnfoldedNetwork(replace(again, aliases=network.aliases, before_graph=network.before_graph), reader.nodes)


def _not_supported(graph: OnnxGraph) -> Iterator[Node]:
    """Yield nodes that cannot be read, of a graph whose constants are not folded: only of what follows from pixels."""
    seen = set(graph.inputs)
    for node in graph.nodes:
        if not seen.isdisjoint(node.inputs) and node.operator not in ("Shape", "Size"):
            seen.update(node.outputs)
            if node.operator not in READERS.keys() | HOST_NEXT:
                yield node


class _Reader:
    """Walks a graph's nodes in execution order."""

    def __init__(self, ready: ReadableModel, *, folded: bool) -> None:
        self._ready = ready
        self._folds = folded
        self._graph = OnnxGraph(ready.folded, ready.model, ready.kept)
        self._draft = Draft(self._graph)
        self._problems = Problems()
        self._doubtful: set[str] = set()
        self._written_by = {name: Node(one, {}) for one in ready.model.graph.node for name in one.output if name}
        self._last = self._last_nodes()
        layout = ready.layout
        with located(f"input {layout.name!r}"):
            check_cube(layout.cube)
        view = View(layout.name, layout.cube, layout.shape)
        if layout.channels_last:
            channels, height, width = layout.cube
            places = view.places.reshape(channels, height, width).transpose(1, 2, 0)  # of (C, H, W)
            view = replace(view, order=places.reshape(layout.shape))
        self._draft.tensors[layout.name] = FloatTensor(layout.name, layout.cube, order=view.order)
        self._draft.views[layout.name] = view

    @property
    def nodes(self) -> dict[str, Node]:
        """The graph's nodes by the tensors that they write."""
        return {name: node for node in self._graph.nodes for name in node.outputs}

    def read(self, path: str, *, fold_input: bool) -> FloatNetwork:
        """Read all nodes, then fold if asked to; otherwise only what is done to the input, if that is asked for."""
        for node in self._graph.nodes:
            with self._problems.gathered():
                self._read(node)
        self._problems.check()
        draft, layout = self._draft, self._ready.layout
        outputs = tuple(dict.fromkeys(map(self._output, self._graph.outputs)))
        if all(isinstance(layer, FloatHost) for layer in draft.layers):
            raise BenchError("the graph has no node that is a layer of the hardware")
        folder = Folder(layout.name, with_rescaling(draft.layers, draft.tensors), draft.tensors, outputs)
        if self._folds:
            folder.fold()
        elif fold_input:
            folder.fold_input()
        folder.rename(draft.int8_reals)
        outputs = tuple(folder.outputs)
        channels = folder.tensors[folder.input].shape[0]
        network = FloatNetwork(
            path,
            self._ready.model,
            layout.name,
            folder.input,
            folder.in_graph.of_channels(channels),
            self._named(folder),
            tuple(folder.layers),
            outputs,
            (*draft.notes, *self._folded(folder.folded)),
            layout.channels_last,
        )
        return network

    def _read(self, node: Node) -> None:
        draft = self._draft
        try:
            if node.operator in HOST_NEXT and any(name in draft.on_host for name in node.inputs):
                add_tail(node, draft)
            elif node.operator in READERS:
                READERS[node.operator](node, draft)
            elif node.operator in HOST_FIRST and node in self._last:
                draft.notes.append(f"{node.name}: {node.operator} is on the host")
                add_tail(node, draft)
            elif node.operator in HOST_CURVES and not self._folds:
                add_host(node, draft)
            else:
                raise BenchError(why_missing(node))
        except BenchError as error:
            told = isinstance(error, Elsewhere) and not self._doubtful.isdisjoint(node.inputs)
            self._go_on_behind(node)
            if told:
                return
            written = self._written(node)
            with located(written.label):
                if written.operator != node.operator:
                    raise BenchError(why_missing(written)) from None
                raise

    def _written(self, node: Node) -> Node:
        """The node as the file has it: onnxruntime puts several in the place of one such as HardSwish."""
        part = node
        while not any(name in self._written_by for name in part.outputs):
            reader = next((one for name in part.outputs for one in self._graph.readers(name)), None)
            if reader is None:
                return node
            part = reader
        return next(self._written_by[name] for name in part.outputs if name in self._written_by)

    def _go_on_behind(self, node: Node) -> None:
        """Let what follows a refused node be read for its own sake: reasons that come from here are not told."""
        for name in filter(None, node.outputs):
            self._doubtful.add(name)
            try:
                shape = self._graph.shape(name)
                cube = cube_of(shape)
            except BenchError:
                continue
            self._draft.tensors[name] = FloatTensor(name, cube)
            self._draft.views[name] = View(name, cube, shape)

    def _last_nodes(self) -> set[Node]:
        """Nodes behind which the host can do everything; products of two tensors it does not, whatever they are of."""
        last: set[Node] = set()
        for node in reversed(self._graph.nodes):
            product = node.operator in ("Mul", "Div") and len(node.variables) > 1
            readers = [reader for name in node.outputs for reader in self._graph.readers(name)]
            if node.operator in HOST_NEXT and not product and last.issuperset(readers):
                last.add(node)
        return last

    def _output(self, name: str) -> str:
        """The hardware's or the host's tensor that an output of the graph is."""
        draft = self._draft
        if name in draft.on_host:
            return draft.on_host[name]
        view = draft.view(name)
        if view.tensor == self._ready.layout.name:
            raise BenchError(f"the output {name!r} is the input")
        if name == view.tensor or view.order is None:
            return view.tensor
        add_arrangement(name, draft)
        return name

    def _named(self, folder: Folder) -> dict[str, FloatTensor]:
        """The tensors in the data's order, with the names of their layers; none of them is that of another tensor."""
        taken = self._graph.names
        tensors = {folder.input: folder.tensors[folder.input]}
        for layer in folder.layers:
            tensor = folder.tensors[layer.output]
            same = (name for name in tensor.aliases if name in self._graph.in_model)
            names = (name for name in (*folder.names[layer.output], layer.name) if name not in taken)
            tensors[layer.output] = replace(tensor, aliases=tuple(dict.fromkeys((*same, *names))))
        return tensors

    def _folded(self, names: list[str]) -> list[str]:
        """How many nodes went into layers before or behind them, in one line."""
        operators = {node.name: node.operator for node in self._graph.nodes}
        counts = Counter(operators.get(name, "other") for name in names)
        listed = ", ".join(f"{count} {operator}" for operator, count in sorted(counts.items()))
        return [f"nodes that are parts of the layers next to them: {listed}"] if counts else []
