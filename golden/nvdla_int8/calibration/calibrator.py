"""Makes a calibration table: the range of each tensor over a set of images (hardware.md section 7)."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from nvdla_int8.calibration.onnx_operators import LRN, AveragePool, MaxPool
from nvdla_int8.calibration.table import CalibrationTable, symmetric_scale
from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatHost, FloatNetwork
from nvdla_int8.network.onnx_reader import load_onnx
from nvdla_int8.stages.tensor_scale import TensorScale


def run_float(
    network: FloatNetwork, data: NDArray[np.integer], *, feature_scale: float = 1.0
) -> dict[str, NDArray[np.float32]]:
    """Run the network in float32 on pixels, or on an int8 feature map.

    Parameters
    ----------
    network
        As read from its ONNX file, which is run as it stands on ``network.before_graph`` of the pixels.
    data
        (N, C, H, W) pixels, or int8 when the network's input is a feature map.
    feature_scale
        Real value of one step of a feature map; no matter for pixels.

    Returns
    -------
    dict
        Each of ``network.measured`` by name, (N, K, Ho, Wo) float32.

    Raises
    ------
    BenchError
        For data that does not fit the network, naming its file and the data's shape.
    """
    model = load_onnx(Path(network.path))
    del model.graph.output[:]
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in network.measured
    )
    if data.ndim != 4 or data.shape[1] != network.channels or data.size == 0:
        raise BenchError(f"{network.path}: images have shape {data.shape}, it takes (N, {network.channels}, H, W)")
    height, width = data.shape[2:]
    sizes = {network.input: (height, width)}
    for layer in network.layers:
        if not isinstance(layer, FloatHost):
            with located(f"{network.path}: layer {layer.name}"):
                sizes[layer.output] = layer.output_size(*sizes[layer.inputs[0]])
    if network.before_graph is None:
        reals = (data * feature_scale).astype(np.float32)
    else:
        reals = network.before_graph.apply(data)
    with located(network.path):
        values = _evaluated(model, network.graph_input, reals)
    return dict(zip(network.measured, values, strict=True))


def calibrate(network: FloatNetwork, data: NDArray[np.integer], *, feature_scale: float = 1.0) -> CalibrationTable:
    """Scale of each tensor: the largest magnitude it reaches over the data, divided by 127.

    Parameters are those of :func:`run_float`. A feature map's own scale is ``feature_scale``.

    Raises
    ------
    BenchError
        For a tensor that is zero or not finite on the data, naming it.
    """
    entries = []
    for name, values in run_float(network, data, feature_scale=feature_scale).items():
        low, high = float(values.min()), float(values.max())
        if low == high == 0:
            raise BenchError(f"{network.path}: tensor {name!r} is zero on all {len(data)} images, it has no range")
        with located(f"{network.path}: tensor {name!r}"):
            entries.append(TensorScale(name, symmetric_scale(low, high)))
    if network.before_graph is None:
        entries[0] = TensorScale(entries[0].name, feature_scale)
    return CalibrationTable.from_entries(entries, path=str(Path(network.path).with_suffix(".json")))


def _evaluated(model: onnx.ModelProto, graph_input: str, reals: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """All outputs of a float32 model; BenchError where its constants have types that do not go with float32."""
    try:
        return list(ReferenceEvaluator(model, new_ops=[LRN, MaxPool, AveragePool]).run(None, {graph_input: reals}))
    except (TypeError, RuntimeError) as error:
        raise BenchError(f"ONNX's reference cannot run it: {' '.join(str(error).split())}") from None
