"""Mistakes in the input of whole networks: the board is the same program, run on what software would have made."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.cli.check_subjects import Placing, open_subject
from nvdla_int8.cli.image_options import ImageOptions
from nvdla_int8.driver.memory_map import FIRST_BASE
from tests.golden.planted import explained_by, same_bytes
from tests.loadable_store import loadable

PLACING = Placing(None, None, FIRST_BASE, "nv_small", False, None, ImageOptions())


def run(path: Path, data: NDArray[np.integer], folder: Path) -> Timeline:
    """A compiled network, run on an array."""
    file = folder / f"input_{data.dtype}.npy"
    np.save(file, data)
    return open_subject(path, file, PLACING)


def dumps(of: Timeline, like: Timeline) -> list[Observed]:
    """Where the layers of one run write, the bytes that another one left."""
    observed = []
    for layer in like.layers:
        starts, length = layer.run.destination.unit_addresses(), layer.run.destination.unit_bytes
        addresses = np.unique(starts[..., None] + np.arange(length))
        observed.append(Observed(layer.name, addresses, of.device.memory.read(addresses, 1)[:, 0]))
    return observed


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("pixels-not-halved", lambda p: p),
        ("pixels-not-halved", lambda p: p ^ 128),
        ("pixels-halved", lambda p: (p >> 1) + (p & 1)),
    ],
)
def test_causes_of_an_image_that_the_runtime_does_not_halve_are_known_from_the_image(
    tmp_path: Path, key: str, values: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> None:
    path = loadable("image_rgb", "per_filter")
    picture = np.random.default_rng(1).integers(0, 256, (3, 16, 16)).astype(np.uint8)
    golden = run(path, picture, tmp_path)
    assert golden.picture is not None
    tensor = np.concatenate([values(golden.picture), np.zeros((1, 16, 16), np.uint8)])
    observed = dumps(run(path, tensor.view(np.int8), tmp_path), golden)
    assert not same_bytes(golden, {}, observed)
    assert explained_by(golden, observed, key)


@pytest.mark.parametrize(
    ("key", "order"),
    [("input-mirrored", lambda x: x[:, ::-1]), ("input-nhwc", lambda x: x.transpose(1, 2, 0).reshape(x.shape))],
)
def test_causes_of_an_input_that_is_read_in_parts_are_of_the_whole(
    tmp_path: Path, key: str, order: Callable[[NDArray[np.int8]], NDArray[np.int8]]
) -> None:
    path = loadable("big_data", "per_kernel")
    tensor = np.random.default_rng(2).integers(-128, 128, (64, 60, 60)).astype(np.int8)
    golden = run(path, tensor, tmp_path)
    assert sum(layer.run.convolution is not None for layer in golden.layers) > 1
    observed = dumps(run(path, np.ascontiguousarray(order(tensor)), tmp_path), golden)
    assert not same_bytes(golden, {}, observed)
    assert explained_by(golden, observed, key)
