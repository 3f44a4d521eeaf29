"""A network while it is read: layers and tensors so far, and where each tensor of the graph is found."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import (
    AnyFloatLayer,
    FloatConcat,
    FloatConvolution,
    FloatElementwise,
    FloatLrn,
    FloatPooling,
    FloatTensor,
)
from nvdla_int8.network.onnx_graph import Node, OnnxGraph
from nvdla_int8.network.view import Cube, Planes, View
from nvdla_int8.stages.convolution import LARGEST_CUBE, ConvGeometry


class Elsewhere(BenchError):
    """Elements of a tensor are not where a layer would need them; behind a refused node they may be anywhere."""


@dataclass
class Draft:
    """What the operators' readers add to.

    Attributes
    ----------
    graph
        The graph that is read.
    layers
        In execution order.
    tensors
        The hardware's tensors by name, and the host's.
    views
        Where the tensors of the graph are.
    on_host
        Which of the host's real tensors each tensor of the graph is that no hardware goes on with.
    int8_reals
        Which tensor of the graph has a tensor's values as int8 has them, of a quantised network.
    notes
        Decisions that a user should know.
    """

    graph: OnnxGraph
    layers: list[AnyFloatLayer] = field(default_factory=list)
    tensors: dict[str, FloatTensor] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    on_host: dict[str, str] = field(default_factory=dict)
    int8_reals: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def view(self, name: str) -> View:
        """Where a tensor is; BenchError when it is not the hardware's."""
        if name in self.on_host:
            raise BenchError(f"input {name!r} is the host's, on which no layer of the hardware can go on")
        if name not in self.views:
            raise Elsewhere(f"input {name!r} is a constant" if name in self.graph.constants else f"no input {name!r}")
        return self.views[name]

    def planes(self, name: str) -> tuple[View, Planes]:
        """Where a tensor is, and its planes; BenchError when it is not made of whole ones."""
        view = self.view(name)
        planes = view.planes
        if planes is None:
            raise Elsewhere(
                f"input {name!r} has shape {view.shape}, whose elements the hardware has in another order: "
                f"as {view.tensor!r} of (C, H, W) = {view.cube}"
            )
        return view, planes

    def plain(self, name: str) -> View:
        """Where a tensor is, as (1, C, H, W) element by element; planes in another order are brought into it."""
        view = self.view(name)
        return view if view.is_plain else self._bring_into_order(name)

    def whole(self, name: str) -> View:
        """Where a tensor is, with every element of the hardware's tensor; a choice of planes is made a tensor."""
        view = self.view(name)
        return view if view.is_whole else self._bring_into_order(name)

    def is_quantised(self, view: View) -> bool:
        """Whether the network says the scale of a tensor."""
        return self.tensors[view.tensor].scale is not None

    def is_not_negative(self, tensor: str) -> bool:
        """Whether a tensor of the hardware has no values below 0: that of a ReLU, maxima of one."""
        layer = next((one for one in self.layers if one.output == tensor), None)
        if isinstance(layer, FloatConvolution | FloatElementwise):
            return layer.activation.relu
        if isinstance(layer, FloatPooling | FloatConcat | FloatLrn):
            return all(map(self.is_not_negative, layer.inputs))
        return False

    def add(self, layer: AnyFloatLayer, cube: Cube, *, measured: bool = True) -> None:
        """Take a layer on, and its output; BenchError for one that the hardware's size registers do not hold."""
        check_cube(cube)
        self.layers.append(layer)
        self.tensors[layer.output] = FloatTensor(layer.output, cube, measured=measured)

    def add_output(self, node: Node, layer: AnyFloatLayer, view: View) -> None:
        """Take on the layer that gives a node's first output, which has that tensor's name."""
        self.add(layer, view.cube)
        self.views[node.outputs[0]] = view
        if view.order is not None:
            self.tensors[view.tensor] = replace(self.tensors[view.tensor], order=view.order)

    def rename(self, name: str, view: View) -> None:
        """Let a tensor of the graph be a view of what is there; another name of it when no element moves."""
        self.views[name] = view
        if view.order is None:
            tensor = self.tensors[view.tensor]
            self.tensors[view.tensor] = replace(tensor, aliases=(*tensor.aliases, name))

    def _bring_into_order(self, name: str) -> View:
        """Make planes of a tensor, with zeros around them, a tensor of their own, by a 1x1 convolution."""
        view, planes = self.planes(name)
        channels, height, width = view.cube
        weights = (planes.channels[:, None] == np.arange(channels)).astype(np.float64)[:, :, None, None]
        top, left, bottom, right = planes.pads
        geometry = ConvGeometry(pad_top=top, pad_left=left, pad_bottom=bottom, pad_right=right)
        layer = FloatConvolution(name, (view.tensor,), name, weights, np.zeros(len(weights)), geometry)
        cube = len(weights), height + top + bottom, width + left + right
        self.add(layer, cube)
        self.views[name] = View(name, cube, view.shape)
        self.notes.append(f"{name}: a 1x1 convolution of its own chooses its channels, or adds the zeros around them")
        return self.views[name]


def check_cube(cube: Cube) -> None:
    """Refuse a tensor that is too large for the registers of its size."""
    if max(cube) > LARGEST_CUBE:
        raise BenchError(f"(C, H, W) = {cube}: nv_small's tensors have up to {LARGEST_CUBE} of each")


def cube_of(shape: Sequence[int]) -> Cube:
    """The (C, H, W) that a graph's tensor of one image has in the hardware; a line is of height 1.

    Raises
    ------
    BenchError
        For a shape that is not one image's.
    """
    if not 2 <= len(shape) <= 4 or shape[0] != 1 or math.prod(shape) < 1:
        raise BenchError(f"its result has shape {tuple(shape)}, which is not one image of (1, C, H, W)")
    _, channels, *space = shape
    height, width = ([1, 1, *space])[-2:]
    check_cube((channels, height, width))
    return channels, height, width
