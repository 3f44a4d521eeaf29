"""Small ONNX files: convolutions with what the image goes through before them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def node(kind: str, name: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], name=name, **attributes)


def conv(name: str, source: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return node("Conv", name, [source, "w"], output, **attributes)


def relu(source: str, output: str) -> onnx.NodeProto:
    return node("Relu", "r", [source], output)


def write(
    folder: Path,
    nodes: list[onnx.NodeProto],
    output: str | None = None,
    shape: Sequence[int | str] = ("n", "c", 12, 12),
    **constants: np.ndarray | np.generic,
) -> Path:
    """A network of these nodes on `image`; `w` is a 1x1 kernel, `m` a mean of 10, unless given."""
    arrays = {"w": np.ones((1, 1, 1, 1), np.float32), "m": np.full((1, 1, 1), 10, np.float32), **constants}
    value = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT)
    graph = helper.make_graph(
        nodes, "net", [value("image", shape=shape)],
        [value(output or nodes[-1].output[0], shape=["n", "k", "ho", "wo"])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path
