"""A network in float, as its file says it: onnxruntime, image by image."""

import os
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.onnx_session import onnxruntime_trouble, open_session, session_options

INPUT_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
    "tensor(uint8)": np.dtype(np.uint8),
    "tensor(int8)": np.dtype(np.int8),
}
"""Types of a model's input, as onnxruntime calls them."""


def float_tensors(
    network: FloatNetwork,
    batches: Iterable[NDArray[np.integer]],
    names: Collection[str],
    *,
    feature_scale: float = 1.0,
) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Run the network in float32 on batches of images.

    The images go through the model one by one, each on one thread, so that a result depends on nothing but its image:
    neither on the batches' size, nor the number of threads, nor the tensors that are asked for.

    Parameters
    ----------
    network
        Its ``model`` is run as it stands, on ``before_graph`` of the pixels.
    batches
        (N, C, H, W) pixels each, or int8 when the network's input is a feature map.
    names
        The tensors that are wanted, by the model's names.
    feature_scale
        Real value of one step of a feature map; no matter for pixels.

    Yields
    ------
    dict
        Of each batch, each of ``names``: (N, ...) float32, in the model's layout.

    Raises
    ------
    BenchError
        For a tensor that the model does not have, or images that do not fit it, naming its file.
    """
    session = _session(network, [name for name in names if name != network.graph_input])
    computed = [output.name for output in session.get_outputs()]
    [given] = session.get_inputs()
    if given.type not in INPUT_TYPES:
        raise BenchError(f"{network.path}: input {given.name!r} is a {given.type}, it takes numbers such as float32")
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for batch in batches:
            if batch.ndim != 4 or batch.shape[1] != network.channels or batch.size == 0:
                takes = f"(N, {network.channels}, H, W)"
                raise BenchError(f"{network.path}: images have shape {batch.shape}, it takes {takes}")
            reals = _in_axes_of_model(_graph_input(network, batch, feature_scale), network, len(given.shape))
            typed = _exactly(network, reals, INPUT_TYPES[given.type])
            each = [{given.name: typed[index : index + 1]} for index in range(len(batch))]
            runs = list(threads.map(partial(_run, network, session, computed), each))
            results = {name: _stacked([values.pop(0) for values in runs]) for name in computed}
            yield {name: reals if name == network.graph_input else results[name] for name in names}


def run_float(
    network: FloatNetwork, data: NDArray[np.integer], *, feature_scale: float = 1.0
) -> dict[str, NDArray[np.float32]]:
    """Every measured tensor of the network on one batch; parameters and errors as of :func:`float_tensors`."""
    [tensors] = float_tensors(network, [data], network.measured, feature_scale=feature_scale)
    return tensors


def _graph_input(network: FloatNetwork, batch: NDArray[np.integer], feature_scale: float) -> NDArray[np.float32]:
    """What the model's input becomes, in its layout."""
    if network.before_graph is None:
        reals = (batch * feature_scale).astype(np.float32)
    else:
        reals = network.before_graph.apply(batch)
    return reals


def _in_axes_of_model(reals: NDArray[np.float32], network: FloatNetwork, axes: int) -> NDArray[np.float32]:
    """(N, C, H, W) as the model takes it: channels last, a line without its height of 1, features without a size.

    BenchError for images that are higher than a line, or not single features.
    """
    dropped = {4: (), 3: (2,), 2: (2, 3)}.get(axes, ())
    if any(reals.shape[axis] != 1 for axis in dropped):
        size = " x ".join(map(str, reals.shape[2:]))
        raise BenchError(
            f"{network.path}: images are {size}, its input has {'a line' if axes == 3 else 'one value'} each"
        )
    arranged = np.moveaxis(reals, 1, -1) if network.channels_last else reals
    return arranged.squeeze(tuple(axis - network.channels_last for axis in dropped))


def _exactly(network: FloatNetwork, reals: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[np.generic]:
    """The input in the model's type; BenchError when integers are wanted and it has none."""
    with np.errstate(over="ignore", invalid="ignore"):
        typed = np.ascontiguousarray(reals).astype(dtype)
    if np.issubdtype(dtype, np.integer) and (typed != reals).any():
        raise BenchError(
            f"{network.path}: input {network.graph_input!r} is {dtype}, what --mean and --scale make of pixels is not"
        )
    return typed


def _session(network: FloatNetwork, names: list[str]) -> onnxruntime.InferenceSession:
    """The model, ready to run with these outputs and one image at a time."""
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    graph = model.graph
    known = {name for node in graph.node for name in node.output} | {each.name for each in graph.initializer}
    for name in names:
        if name not in known:
            raise BenchError(f"{network.path}: the model has no tensor {name!r}")
    del graph.output[:]
    graph.output.extend(map(onnx.helper.make_empty_tensor_value_info, names))
    del graph.value_info[:]  # what they say of other batches
    for value in graph.input:
        if value.name == network.graph_input and value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_value = 1
    options = session_options()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with onnxruntime_trouble(f"{network.path}: onnxruntime cannot run it"):
        return open_session(model, options)


def _run(
    network: FloatNetwork,
    session: onnxruntime.InferenceSession,
    names: list[str],
    inputs: dict[str, NDArray[np.generic]],
) -> list[NDArray[np.generic]]:
    [shape] = (array.shape for array in inputs.values())
    with onnxruntime_trouble(f"{network.path}: onnxruntime cannot run it on an image {shape}"):
        values: list[NDArray[np.generic]] = session.run(names, inputs)
    return values


def _stacked(values: list[NDArray[np.generic]]) -> NDArray[np.float32]:
    """What one tensor is for each image, with an axis of images in front."""
    alone = [value[0] if value.shape[:1] == (1,) else value for value in values]
    return np.stack(alone, dtype=np.float32, casting="unsafe")
