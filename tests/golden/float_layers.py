"""A padded convolution in real numbers as an ONNX file, its table, its pictures, and a check of its bytes."""

import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from nvdla_int8.calibration.calibrator import calibrate
from nvdla_int8.calibration.float_run import float_tensors
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from tests.golden.onnx_files import node, relu, write

SHAPE = ("n", 3, 8, 8)


def by_channel(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32).reshape(1, -1, 1, 1)


def first_layer(source: str) -> list[onnx.NodeProto]:
    """A padded convolution with stride 2 and a Relu, to ``output``."""
    attributes = {"pads": [1, 1, 1, 1], "strides": [2, 2], "kernel_shape": [3, 3]}
    return [node("Conv", "conv1", [source, "v", "b"], "raw", **attributes), relu("raw", "output")]


def network_file(folder: Path, before: list[onnx.NodeProto], **constants: NDArray[np.float32]) -> Path:
    """A network that ends in :func:`first_layer`, of three channels."""
    rng = generator("network input")
    weights, bias = rng.normal(0, 0.1, (8, 3, 3, 3)).astype(np.float32), rng.normal(0, 0.1, 8).astype(np.float32)
    source = before[-1].output[0] if before else "image"
    return write(folder, [*before, *first_layer(source)], output=None, shape=SHAPE, v=weights, b=bias, **constants)


def table_file(folder: Path, scales: dict[str, float], offset: int = 0) -> Path:
    path = folder / "table.json"
    path.write_text(json.dumps({name: {"scale": scale, "offset": offset} for name, scale in scales.items()}))
    return path


def pictures(count: int = 4) -> NDArray[np.uint8]:
    images = generator("network input", "images").integers(0, 256, (count, 3, 8, 8), np.uint8)
    images[0], images[1] = 0, 255
    return images


def table_of(network: FloatNetwork, images: NDArray[np.integer]) -> CalibrationTable:
    """The table of the images' ranges."""
    return calibrate(network, lambda: [images]).table


def check_bytes(source: FloatNetwork, made: Network, images: NDArray[np.uint8], tolerance: float = 0.7) -> None:
    """Output bytes against the float network: all near, those at the padded border too."""
    scale = made.programs[-1].output_scale
    assert scale is not None
    [name] = source.outputs
    [tensors] = float_tensors(source, [images], [name])
    expected = tensors[name] / scale.scale + scale.offset
    output = made.run(images)[-1].output
    distance = np.abs(output - expected.reshape(output.shape).clip(-128, 127))
    assert distance.max() < 3
    assert distance.mean() < tolerance
    assert distance[..., 0].mean() < tolerance
