"""What images do to a compiled network: what clips, what never changes, from where on nothing depends on them."""

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.seeds import generator
from tests.golden.command import save, succeed
from tests.golden.edited_loadables import edited, with_operation_field
from tests.golden.loadable_builder import Draft
from tests.golden.loadable_variants import for_batch
from tests.loadable_store import loadable, network_input, rtl_tensors

SCALE = 4
"""Of the output converter in SDP's operation."""


def noise(folder: Path, name: str, mode: str, count: int) -> Path:
    shape = (count, *network_input(loadable(name, mode)).shape)
    images: NDArray[np.int8] = generator("explained-loadable").integers(-128, 128, shape, np.int8)
    return save(folder / "images.npy", images)


def test_images_observe_the_bytes_that_the_rtl_computes(tmp_path: Path) -> None:
    path = loadable("residual", "per_kernel")
    images = save(tmp_path / "image.npy", network_input(path))
    observed = json.loads(succeed("explain", path, "--images", images, "--json"))["observed"]
    counts = [layer["output"]["counts"] for layer in observed["layers"]]
    expected = [rtl_tensors(path)[f"layer{operation}"] for operation in (1, 3, 5, 6)]
    assert counts == [np.bincount(one.ravel().astype(int) + 128, minlength=256).tolist() for one in expected]
    assert observed["images"] == 1


def test_images_of_a_batch_count_one_by_one(tmp_path: Path) -> None:
    path = for_batch(Draft.of(loadable("conv_pool_max", "per_kernel")), 2).write(tmp_path / "batch.nvdla")
    images = noise(tmp_path, "conv_pool_max", "per_kernel", 3)
    single = json.loads(succeed("explain", loadable("conv_pool_max", "per_kernel"), "--images", images, "--json"))
    batched = json.loads(succeed("explain", path, "--images", images, "--json"))
    assert batched["observed"]["images"] == 3
    assert batched["observed"]["layers"] == single["observed"]["layers"], "what fills up the last batch does not count"
    assert batched["layers"][0]["batch"] == 2
    assert "for a batch of 2, in 2 parts: CONV 0 + SDP" in succeed("explain", path, "--layer", 0)


def test_one_image_tells_nothing_of_dependence(tmp_path: Path) -> None:
    path = loadable("lenet", "per_kernel")
    output = succeed("explain", path, "--images", save(tmp_path / "image.npy", network_input(path)), "--layer", 5)
    assert re.match(r"The hardware's output of 1 image has \d+ values, -?\d+ \.\. \d+\.\n", output)
    assert "channels that never change: " not in output, "each channel is one value"


def test_images_of_a_split_layer_are_observed_whole(tmp_path: Path) -> None:
    path = loadable("big_data", "per_kernel")
    images = save(tmp_path / "image.npy", network_input(path))
    observed = json.loads(succeed("explain", path, "--images", images, "--json"))["observed"]
    assert observed["layers"][0]["output"]["elements"] == 16 * 60 * 60


def test_images_show_channels_that_never_change(tmp_path: Path) -> None:
    path = loadable("dead_filter", "per_filter")
    output = succeed("explain", path, "--images", noise(tmp_path, "dead_filter", "per_filter", 2), "--layer", 0)
    assert "channels that never change: 3" in output
    assert output.startswith("The hardware's output depends on the image: 2 images change it by ")


def test_images_of_a_network_that_gives_zeros(tmp_path: Path) -> None:
    path = with_operation_field(loadable("lenet", "per_kernel"), tmp_path / "zeros.nvdla", 4, SCALE, "<h", 0)
    output = succeed("explain", path, "--images", noise(tmp_path, "lenet", "per_kernel", 2))
    first, second, *_ = output.splitlines()
    assert first == (
        "The hardware's output is the same for all 2 images: from layer 2 (CONV 3 + SDP 4) on nothing depends on "
        "the image."
    )
    assert second.startswith("The results are wrong, and why is known: layer 2, CONV 3 + SDP 4")
    assert "nothing" in output


def test_images_that_hardly_change_the_output(tmp_path: Path) -> None:
    """Biases drown what depends on the image."""

    def large(data: bytearray) -> None:
        data[:] = np.where(np.arange(len(data) // 2) % 2, 30000, -30000).astype("<i2").tobytes()

    path = loadable("conv_relu", "per_kernel")
    faint = generator("faint").integers(0, 2, (3, *network_input(path).shape), np.int8)
    drowned = edited(path, tmp_path / "drowned.nvdla", "tb-2", large)
    output = succeed("explain", drowned, "--images", save(tmp_path / "faint.npy", faint))
    assert output.startswith("The hardware's output is nearly the same for all 3 images: ")


def test_images_that_are_one_and_the_same_prove_nothing(tmp_path: Path) -> None:
    path = loadable("conv_relu", "per_kernel")
    images = save(tmp_path / "images.npy", np.stack([network_input(path)] * 2))
    first = succeed("explain", path, "--images", images).splitlines()[0]
    assert first == "All 2 images give the network one and the same input: they tell nothing of what depends on it."


def test_images_show_what_clips(tmp_path: Path) -> None:
    path = with_operation_field(loadable("conv_relu", "per_kernel"), tmp_path / "wide.nvdla", 1, SCALE, "<h", 32767)
    path = with_operation_field(path, tmp_path / "wider.nvdla", 1, SCALE + 2, "<B", 20)
    output = succeed("explain", path, "--images", noise(tmp_path, "conv_relu", "per_kernel", 1), "--layer", 0)
    assert "  saturated: output converter, to the output's width: " in output
