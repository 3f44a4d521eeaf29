"""Makes a calibration table: the range of each tensor over a set of images (hardware.md section 7)."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from nvdla_int8.calibration.table import CalibrationTable, symmetric_scale
from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.stages.tensor_scale import TensorScale


def run_float(network: FloatNetwork, images: NDArray[np.integer]) -> dict[str, NDArray[np.float32]]:
    """Run the network in float32 on pixels.

    Parameters
    ----------
    network
        As read from its ONNX file, which is run as it stands.
    images
        (N, C, H, W) pixels.

    Returns
    -------
    dict
        Each of ``network.tensors`` by name, (N, K, Ho, Wo) float32.

    Raises
    ------
    BenchError
        For images that do not fit the network, naming its file and their shape.
    """
    model = onnx.load(network.path)
    del model.graph.output[:]
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in network.tensors
    )
    channels = network.layers[0].weights.shape[1]
    if images.ndim != 4 or images.shape[1] != channels or images.size == 0:
        raise BenchError(f"{network.path}: images have shape {images.shape}, it takes (N, {channels}, H, W)")
    height, width = images.shape[2:]
    for layer in network.layers:
        with located(f"{network.path}: layer {layer.name}"):
            height, width = layer.geometry.output_size(height, width, *layer.weights.shape[2:])
    values = ReferenceEvaluator(model).run(None, {network.image_tensor: images.astype(np.float32)})
    return dict(zip(network.tensors, values, strict=True))


def calibrate(network: FloatNetwork, images: NDArray[np.integer]) -> CalibrationTable:
    """Scale of each tensor: the largest magnitude it reaches over the images, divided by 127.

    Raises
    ------
    BenchError
        For a tensor that is zero on every image, naming it.
    """
    entries = []
    for name, values in run_float(network, images).items():
        low, high = float(values.min()), float(values.max())
        if low == high == 0:
            raise BenchError(f"{network.path}: tensor {name!r} is zero on all {len(images)} images, it has no range")
        entries.append(TensorScale(name, symmetric_scale(low, high)))
    return CalibrationTable.from_entries(entries, path=str(Path(network.path).with_suffix(".json")))
