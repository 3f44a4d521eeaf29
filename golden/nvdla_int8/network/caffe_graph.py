"""An ONNX graph as it grows layer by layer: blobs by name, nodes, constants, and the names that tensors go by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from nvdla_int8.errors import BenchError
from nvdla_int8.network.caffe_files import CaffeLayer

OPSET = 17
IR_VERSION = 8
BATCH = "N"


@dataclass(frozen=True)
class Blob:
    """What a blob holds at some point: a tensor of the graph.

    Attributes
    ----------
    tensor
        Its name in the graph.
    shape
        (C, H, W) of one image.
    flat
        Whether Caffe sees the same values as one row of C * H * W (behind Flatten).
    """

    tensor: str
    shape: tuple[int, int, int]
    flat: bool = False

    @property
    def size(self) -> int:
        """Values of one image."""
        return int(np.prod(self.shape))


@dataclass
class CaffeGraph:
    """Nodes and constants so far, and what each blob holds; a tensor is named after the layer that writes it.

    A blob that a refused layer wrote is unknown, and what depends on it is not looked at. ``notes`` is what a user
    should know, a line each.
    """

    blobs: dict[str, Blob | None] = field(default_factory=dict)
    aliases: dict[str, list[str]] = field(default_factory=dict)
    shapes: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _consumed: set[str] = field(default_factory=set)
    _input: str = ""
    _nodes: list[onnx.NodeProto] = field(default_factory=list)
    _constants: list[onnx.TensorProto] = field(default_factory=list)

    def declare(self, blob: str, shape: tuple[int, int, int]) -> None:
        """Take the network's input on."""
        self._input = blob
        self._name(blob, shape)
        self.blobs[blob] = Blob(blob, shape)

    def take(self, layer: CaffeLayer) -> list[Blob] | None:
        """What the layer's bottoms hold; None when one is unknown. BenchError for a blob that nothing wrote."""
        for name in layer.bottoms:
            if name not in self.blobs:
                raise BenchError(f"it takes blob {name!r}, which no layer before it writes")
        taken = [self.blobs[name] for name in layer.bottoms]
        self._consumed.update(blob.tensor for blob in taken if blob is not None)
        known = [blob for blob in taken if blob is not None]
        return known if len(known) == len(taken) else None

    def constant(self, layer: CaffeLayer, what: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """Add a constant of a layer, and return its name."""
        name = f"{layer.name}.{what}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def inner(self, layer: CaffeLayer, what: str, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node that is only a part of a layer, and return its output."""
        name = f"{layer.name}.{what}"
        self._nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def write(
        self,
        layer: CaffeLayer,
        operator: str,
        inputs: Sequence[str],
        shape: tuple[int, int, int],
        *,
        flat: bool = False,
        **attributes: Any,
    ) -> None:
        """Add the node that writes the layer's top."""
        if layer.name in self.shapes:
            raise BenchError("the network's input has the same name")
        self._nodes.append(helper.make_node(operator, inputs, [layer.name], layer.name, **attributes))
        self._name(layer.name, shape)
        self.blobs[layer.tops[0]] = Blob(layer.name, shape, flat)

    def rename(self, layer: CaffeLayer, blob: Blob, *, flat: bool) -> None:
        """Let the layer's tops hold what its bottom does."""
        self.aliases[blob.tensor].append(layer.name)
        for top in layer.tops:
            self.blobs[top] = replace(blob, flat=flat)

    def go_on_behind(self, layer: CaffeLayer, same_shape: bool) -> None:
        """Let what follows a refused layer be looked at: as if it changed nothing, or not at all."""
        passed = self.blobs.get(layer.bottoms[0]) if same_shape and layer.bottoms else None
        self.blobs.update(dict.fromkeys(layer.tops, passed))

    def model(self, name: str) -> onnx.ModelProto:
        """Return all of it; the outputs are the tensors that no layer takes."""
        typed = {
            tensor: helper.make_tensor_value_info(tensor, TensorProto.FLOAT, [BATCH, *shape])
            for tensor, shape in self.shapes.items()
        }
        outputs = [tensor for tensor in typed if tensor not in self._consumed]
        inner = [info for tensor, info in typed.items() if tensor not in {self._input, *outputs}]
        graph = helper.make_graph(
            self._nodes,
            name or "caffe",
            [typed[self._input]],
            [typed[tensor] for tensor in outputs],
            self._constants,
            value_info=inner,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    def all_aliases(self) -> Mapping[str, tuple[str, ...]]:
        """Other names of each tensor; that of a blob goes to the tensor that it holds in the end."""
        names = {tensor: list(others) for tensor, others in self.aliases.items()}
        for name, blob in self.blobs.items():
            if blob is not None:
                names[blob.tensor].append(name)
        return {
            tensor: tuple(dict.fromkeys(other for other in others if other != tensor))
            for tensor, others in names.items()
        }

    def _name(self, tensor: str, shape: tuple[int, int, int]) -> None:
        self.shapes[tensor] = shape
        self.aliases[tensor] = []
