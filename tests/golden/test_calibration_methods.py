"""How calibration chooses ranges: each method against slow arithmetic of its own, and the same in every batch."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.calibration.calibrator import Calibration, calibrate
from nvdla_int8.calibration.float_run import run_float
from nvdla_int8.calibration.histogram import BINS, Histogram
from nvdla_int8.calibration.methods import METHODS, entropy_threshold, mse_threshold, percentile_threshold
from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.seeds import generator
from tests.golden.float_layers import first_layer, network_file, pictures
from tests.golden.onnx_files import conv, relu, write

SHAPES = ("bell", "half of it", "long tail", "two heaps")


def values_of(shape: str, count: int = 4000) -> NDArray[np.float32]:
    rng = generator("methods", shape)
    match shape:
        case "bell":
            reals = rng.normal(0, 0.7, count)
        case "half of it":
            reals = np.maximum(rng.normal(0, 3, count), 0)
        case "long tail":
            reals = rng.standard_t(2.0, count)
        case _:
            reals = np.concatenate([rng.normal(0, 1, count - 40), rng.normal(20, 0.5, 40)])
    return reals.astype(np.float32)


def histogram_of(values: NDArray[np.float32]) -> Histogram:
    histogram = Histogram(float(np.abs(values).max()))
    histogram.add(values)
    return histogram


def squared_error(values: NDArray[np.float32], end: float) -> float:
    """The mean squared error of each value in int8 steps."""
    step = end / 127
    return float(np.mean((np.clip(np.rint(values / step), -127, 127) * step - values.astype(np.float64)) ** 2))


def divergence(counts: list[int], end: int) -> float:
    """Of TensorRT's method, part by part."""
    clipped = [float(count) for count in counts[:end]]
    clipped[-1] += sum(counts[end:])
    levels = [0.0] * end
    for level in range(128):
        filled = [place for place in range(level * end // 128, (level + 1) * end // 128) if counts[place]]
        for place in filled:
            levels[place] = sum(counts[each] for each in filled) / len(filled)
    total, left = sum(clipped), sum(levels)
    result = 0.0
    for p, q in zip(clipped, levels, strict=True):
        if p and not q:
            return math.inf
        if p:
            result += p / total * math.log(p / total / (q / left))
    return result


@pytest.mark.parametrize("shape", SHAPES)
def test_histogram_counts_every_magnitude_once(shape: str) -> None:
    values = values_of(shape)
    histogram = histogram_of(values)
    assert histogram.counts.sum() == values.size
    edges = np.arange(BINS + 1) * histogram.width
    found, _ = np.histogram(np.abs(values).astype(np.float64), edges)
    assert np.abs(np.cumsum(histogram.counts) - np.cumsum(found)).max() <= 1  # a value on an edge
    assert histogram.merged(64).tolist() == histogram.counts.reshape(64, -1).sum(axis=1).tolist()
    for part in (0, 1000, BINS):
        assert histogram.beyond(part * histogram.width) == histogram.counts[part:].sum()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("percentile", [50, 99, 99.99, 100])
def test_percentile_is_that_of_all_magnitudes(shape: str, percentile: float) -> None:
    values = values_of(shape)
    histogram = histogram_of(values)
    exact = np.sort(np.abs(values))[math.ceil(values.size * percentile / 100) - 1]
    assert exact <= percentile_threshold(histogram, percentile) <= exact + 1.001 * histogram.width


@pytest.mark.parametrize("shape", SHAPES)
def test_mse_is_the_range_of_the_least_error(shape: str) -> None:
    values = values_of(shape)
    found = mse_threshold(histogram_of(values))
    reach = float(np.abs(values).max())
    least = min(squared_error(values, reach * number / 512) for number in range(1, 513))
    assert squared_error(values, found) <= least * 1.001
    assert found <= reach


@pytest.mark.parametrize("shape", SHAPES)
def test_entropy_is_the_range_of_the_least_divergence(shape: str) -> None:
    values = values_of(shape, 1000)
    histogram = histogram_of(values)
    counts = histogram.merged(2048).tolist()
    counts[0] -= np.count_nonzero(values == 0)
    ends = range(128, 2049, 16)
    found = entropy_threshold(histogram) / histogram.reach * 2048
    best = divergence(counts, min(math.floor(found), 2048))
    assert found in {min(end + 0.5, 2048) for end in range(128, 2049)}
    assert best <= min(divergence(counts, end) for end in ends) + 1e-12


def test_methods_cut_a_long_tail_and_minmax_does_not() -> None:
    histogram = histogram_of(values_of("long tail"))
    ends = {name: method(histogram, 99.0) for name, method in METHODS.items()}
    assert ends["minmax"] == histogram.reach
    assert all(0 < ends[name] < 0.8 * histogram.reach for name in ("percentile", "entropy"))
    assert 0 < ends["mse"] < histogram.reach


# --- over a network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> FloatNetwork:
    return read_onnx(network_file(tmp_path_factory.mktemp("methods"), []))


def calibrated(network: FloatNetwork, images: NDArray[np.integer], method: str, size: int) -> Calibration:
    def batches() -> Iterator[NDArray[np.integer]]:
        yield from (images[first : first + size] for first in range(0, len(images), size))

    return calibrate(network, batches, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_table_is_the_same_in_batches_of_every_size(network: FloatNetwork, method: str) -> None:
    whole, seven, one = (calibrated(network, pictures(16), method, size) for size in (16, 7, 1))
    assert whole.table.entries == seven.table.entries == one.table.entries
    assert whole.tensors == seven.tensors == one.tensors
    assert list(whole.table) == ["image", "output"]


@pytest.mark.parametrize("method", METHODS)
def test_clipped_values_are_counted(network: FloatNetwork, method: str) -> None:
    images = pictures(6)
    image, output = calibrate(network, lambda: [images], method=method, percentile=90).tensors
    values = run_float(network, images)["output"]
    assert (output.low, output.high, output.count) == (values.min(), values.max(), values.size)
    width = values.max() / BINS
    counts = [np.count_nonzero(values > output.end + margin) for margin in (-width, width)]
    assert counts[1] <= output.beyond <= counts[0]
    assert (output.beyond == 0) == (method == "minmax")
    assert image.beyond == 0


def test_every_image_is_told_of_in_each_pass(network: FloatNetwork) -> None:
    for method, passes in (("minmax", 1), ("mse", 2)):
        told: list[int] = []
        calibrate(network, lambda: [pictures(4), pictures(3)], method=method, tell=told.append)
        assert told == [4, 3] * passes


def test_tensors_that_are_not_finite_are_named(tmp_path: Path) -> None:
    huge = np.full((1, 3, 1, 1), 3e38, np.float32)
    network = read_onnx(write(tmp_path, [conv("c", "image", "out"), relu("out", "end")], shape=(1, 3, 8, 8), w=huge))
    with pytest.raises(BenchError, match=r"net\.onnx: 1 tensors are not finite on the images: 'end' 0\.0 \.\. inf"):
        calibrate(network, lambda: [pictures()])
    with pytest.raises(BenchError, match="there are no images to calibrate with"):
        calibrate(network, list)


@pytest.mark.parametrize("weight", [0.0, 1e-44])
def test_dead_tensors_are_kept_as_entries_without_a_scale(weight: float, tmp_path: Path) -> None:
    v, b = np.full((8, 3, 3, 3), weight, np.float32), np.zeros(8, np.float32)
    path = write(tmp_path, first_layer("image"), shape=(1, 3, 8, 8), v=v, b=b)
    calibration = calibrate(read_onnx(path), lambda: [pictures()], method="entropy")
    assert [tensor.dead for tensor in calibration.tensors] == [False, True]
    assert calibration.table.entries[1].scale < 2.0**-126
