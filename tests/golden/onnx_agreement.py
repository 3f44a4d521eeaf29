"""Whether a network that was read computes what onnxruntime computes for the model, tensor by tensor."""

import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.seeds import generator
from tests.golden.float_evaluator import run_graph


def check_agreement(
    path: Path, *, size: tuple[int, int] | None = None, most: float = 2e-5, images: int = 2
) -> FloatNetwork:
    """Read a model, run it both ways on seeded images, and compare every tensor that the model has; the network.

    Parameters
    ----------
    path
        The model.
    size
        Height and width where it declares none.
    most
        The largest difference, in parts of a tensor's largest value.
    images
        How many.
    """
    network = read_onnx(path, image_size=size)
    channels, height, width = network.tensors[network.input].shape
    rng = generator("tests", "agreement", path.name)
    takes_pixels = network.model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    kind = np.uint8 if takes_pixels else np.float32
    drawn = rng.uniform(-1, 1, (images, channels, height, width))
    pixels = (128 + 127 * drawn if takes_pixels else drawn).astype(kind)
    ours = run_graph(network, pixels.astype(np.float64))
    wanted = [*network.measured, *network.outputs]
    theirs = run_model(network, pixels, list(dict.fromkeys(wanted)))
    for name in dict.fromkeys(wanted):
        tensor, expected = network.tensors[name], np.asarray(theirs[name], np.float64)
        assert math.prod(tensor.shape) == math.prod(expected.shape[1:]), (name, tensor.shape, expected.shape)
        found = ours[name].reshape(images, -1)
        if tensor.order is not None:
            found = found[:, tensor.order.reshape(-1)]
        expected = expected.reshape(images, -1)
        off = np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-6)
        assert off <= most, f"{path.name}: {name} is off by {off:.3g}"
    return network


def run_model(network: FloatNetwork, pixels: NDArray[np.generic], names: list[str]) -> dict[str, NDArray[np.generic]]:
    """The model's tensors, image by image."""
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    given = {value.name for value in model.graph.output}
    model.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in names if name not in given | {network.graph_input}
    )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    shape = (-1, *session.get_inputs()[0].shape[1:])
    data = np.moveaxis(pixels, 1, -1) if network.channels_last else pixels
    rank = len(shape)
    if rank < data.ndim:  # a line, or features
        data = data.reshape(len(data), *[one for one in data.shape[1:] if one > 1][: rank - 1])
    computed = [name for name in names if name != network.graph_input]
    rows = [session.run(computed, {network.graph_input: data[index : index + 1]}) for index in range(len(data))]
    values = {name: np.concatenate([np.atleast_1d(row[at]) for row in rows]) for at, name in enumerate(computed)}
    return {**values, network.graph_input: data}
