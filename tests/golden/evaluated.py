"""Small seeded networks with tables that fit them, to be evaluated."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.calibrator import calibrate
from nvdla_int8.calibration.matching import match_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.images.images import Wanted
from nvdla_int8.images.open import open_images
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.seeds import generator
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.onnx_files import node, write

IMAGES = 24
SIZE = (3, 10, 10)
TENSORS = ("image", "one_relu", "pooled", "two_relu", "scores")
"""The measured tensors in order; ``pooled`` has the scale of ``one_relu``."""


def write_network(folder: Path) -> Path:
    """Conv, Relu, MaxPool, Conv, Relu, Conv to ten scores; one's weights are integers, a kernel of two's is large."""
    rng = generator("tests", "evaluate")
    shapes = {"w": (16, 3, 3, 3), "w2": (24, 16, 3, 3), "w3": (10, 24, 3, 3)}
    weights = {name: rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape) for name, shape in shapes.items()}
    weights["w2"][5] *= 4
    steps = weight_steps(weights["w"])[:, None, None, None]
    weights["w"] = np.rint(weights["w"] / steps) * steps
    nodes = [
        node("Conv", "one", ["image", "w"], "one"),
        node("Relu", "one_relu", ["one"], "one_relu"),
        node("MaxPool", "pool", ["one_relu"], "pooled", kernel_shape=[2, 2], strides=[1, 1]),
        node("Conv", "two", ["pooled", "w2"], "two"),
        node("Relu", "two_relu", ["two"], "two_relu"),
        node("Conv", "three", ["two_relu", "w3"], "scores", strides=[3, 3]),
    ]
    one, two, three = (array.astype(np.float32) for array in weights.values())
    return write(folder, nodes, shape=("n", *SIZE), w=one, w2=two, w3=three)


def weight_steps(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The step of each kernel's integers, (K,)."""
    steps: NDArray[np.float64] = np.abs(weights).max(axis=(1, 2, 3)) / 127
    return steps


@cache
def subject(folder: Path, scaled: tuple[tuple[str, float], ...] = ()) -> Subject:
    """The network with the table of its own images, entries multiplied as told."""
    network = read_onnx(write_network(folder)).fed_with_pixels(Preprocessing(np.full(1, 128.0), np.full(1, 1 / 64)))
    path = folder / "images.npy"
    np.save(path, generator("tests", "evaluate", "images").integers(0, 256, (IMAGES, *SIZE), np.uint8))
    images = open_images(path, Wanted(network.path, SIZE[0], SIZE[1:]))
    table = calibrate(network, images.batches).table
    return Subject(network, match_table(with_factors(table, dict(scaled)), network), images)


def with_factors(table: CalibrationTable, factors: Mapping[str, float]) -> CalibrationTable:
    """The table with the scales of some entries multiplied."""
    entries = [TensorScale(entry.name, entry.scale * factors.get(entry.name, 1.0)) for entry in table.values()]
    return CalibrationTable.from_entries(entries, table.path)
