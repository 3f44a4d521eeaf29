"""Seeded ONNX models built node by node."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from nvdla_int8.seeds import generator


class OnnxBuilder:
    """Adds nodes; what a node takes is a tensor's name or an array, which becomes an initializer.

    Parameters
    ----------
    shape
        Of the input, ``image``.
    opset
        Version of the operators.
    kind
        Type of the input.
    """

    def __init__(
        self, *shape: int | str, opset: int = 17, kind: int = TensorProto.FLOAT, seed: str = "onnx builder"
    ) -> None:
        self.opset = opset
        self.rng = generator("tests", seed)
        self._input = helper.make_tensor_value_info("image", kind, shape)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: Any, name: str | None = None) -> str:
        name = name or f"k{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def draw(self, *shape: int, low: float = -1.0, high: float = 1.0) -> NDArray[np.float32]:
        values: NDArray[np.float32] = self.rng.uniform(low, high, shape).astype(np.float32)
        return values

    def add(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        """Add a node named after its operator and number; its output's name."""
        [name] = self.add_node(kind, *inputs, outputs=1, **attributes)
        return name

    def add_node(self, kind: str, *inputs: Any, outputs: int, **attributes: Any) -> list[str]:
        """Add a node of several outputs; their names."""
        number = len(self._nodes)
        names = [f"t{number}"] if outputs == 1 else [f"t{number}_{index}" for index in range(outputs)]
        given = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self._nodes.append(helper.make_node(kind, given, names, name=f"{kind}_{number}", **attributes))
        return names

    def conv(self, source: str, kernels: int, channels: int, *size: int, group: int = 1, **attributes: Any) -> str:
        """A convolution with drawn weights and bias."""
        weights = self.draw(kernels, channels // group, *size) / np.sqrt(channels // group * np.prod(size))
        return self.add("Conv", source, weights.astype(np.float32), self.draw(kernels), group=group, **attributes)

    def model(self, *outputs: str, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
        values = [helper.make_tensor_value_info(name, kind, None) for name in outputs or [self._nodes[-1].output[0]]]
        graph = helper.make_graph(self._nodes, "built", [self._input], values, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        return onnx.shape_inference.infer_shapes(model)

    def save(self, folder: Path, *outputs: str, kind: int = TensorProto.FLOAT) -> Path:
        path = folder / "net.onnx"
        onnx.save(self.model(*outputs, kind=kind), path)
        return path
