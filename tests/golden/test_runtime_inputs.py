"""What becomes of pictures, arrays and dumps before a compiled network runs on them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nvdla_int8.dumps.dimg import write_dimg
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.loadable import Loadable, read_loadable
from nvdla_int8.runtime.input_images import Inputs, open_inputs
from nvdla_int8.runtime.input_tensor import STEP_OF_PIXEL
from tests import loadable_store
from tests.shared_data import LOADABLES, needs_shared


@pytest.fixture(scope="module")
def grey() -> Loadable:
    """Takes 1 x 28 x 28."""
    return read_loadable(loadable_store.loadable("lenet", "per_kernel"))


@pytest.fixture(scope="module")
def pixels() -> Loadable:
    """Takes A8B8G8R8, 4 x 16 x 16."""
    return read_loadable(loadable_store.loadable("image_rgb", "per_kernel"))


def the_input(loadable: Loadable, path: Path, *, convert: bool = False, resize: bool = False) -> NDArray[np.int8]:
    inputs = open_inputs(loadable, path, convert=convert, resize=resize)
    [[tensor]] = inputs.runs()
    return tensor


def picture(path: Path, size: tuple[int, int], mode: str = "L") -> NDArray[np.uint8]:
    rng = np.random.default_rng(7)
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], len(mode))
    values = rng.integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(values, mode).save(path)
    return values


def test_pixels_become_what_the_runtime_makes_of_them() -> None:
    assert STEP_OF_PIXEL.tolist() == [math.floor(p * 127 / 255 + 0.5) for p in range(256)]


@pytest.mark.parametrize("suffix", ["pgm", "png"])
def test_grey_picture_becomes_its_tensor(grey: Loadable, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"image.{suffix}"
    values = picture(path, (28, 28))
    np.testing.assert_array_equal(the_input(grey, path), STEP_OF_PIXEL[values][None])


def test_coloured_picture_comes_blue_first_with_a_fourth_channel_of_zeros(pixels: Loadable, tmp_path: Path) -> None:
    path = tmp_path / "image.ppm"
    values = picture(path, (16, 16), "RGB")
    found = the_input(pixels, path)
    np.testing.assert_array_equal(found[:3], np.moveaxis(STEP_OF_PIXEL[values], -1, 0)[::-1])
    assert not found[3].any()


def test_uint8_array_is_converted_as_a_picture_is(pixels: Loadable, tmp_path: Path) -> None:
    values = picture(tmp_path / "image.png", (16, 16), "RGB")
    np.save(tmp_path / "image.npy", np.moveaxis(values, -1, 0))
    np.testing.assert_array_equal(the_input(pixels, tmp_path / "image.npy"), the_input(pixels, tmp_path / "image.png"))


@pytest.mark.parametrize("channels", [3, 4])
def test_int8_array_is_the_tensor_itself(pixels: Loadable, tmp_path: Path, channels: int) -> None:
    tensor = np.random.default_rng(1).integers(-128, 128, (channels, 16, 16), dtype=np.int8)
    np.save(tmp_path / "x.npy", tensor)
    found = the_input(pixels, tmp_path / "x.npy")
    np.testing.assert_array_equal(found[:channels], tensor)
    assert not found[channels:].any()


def test_dump_is_the_tensor_itself(grey: Loadable, tmp_path: Path) -> None:
    tensor = np.random.default_rng(2).integers(-128, 128, (1, 28, 28), dtype=np.int8)
    write_dimg(tmp_path / "input.bin", tensor)
    np.testing.assert_array_equal(the_input(grey, tmp_path / "input.bin"), tensor)


def test_picture_of_another_size_is_refused_unless_it_is_resized(grey: Loadable, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    picture(path, (20, 30))
    with pytest.raises(BenchError, match=r"image.png: .*30 x 20.*28 x 28.*--resize"):
        open_inputs(grey, path)
    assert the_input(grey, path, resize=True).shape == (1, 28, 28)


def test_grey_picture_for_a_coloured_network_is_refused_unless_it_is_converted(
    pixels: Loadable, tmp_path: Path
) -> None:
    path = tmp_path / "image.png"
    values = picture(path, (16, 16))
    with pytest.raises(BenchError, match=r"image.png: the picture is grey, .*per_kernel.nvdla takes coloured ones"):
        the_input(pixels, path)
    found = the_input(pixels, path, convert=True)
    np.testing.assert_array_equal(found[:3], np.repeat(STEP_OF_PIXEL[values][None], 3, axis=0))


@pytest.mark.parametrize("tensor", [np.zeros((1, 28, 27), np.int8), np.zeros((2, 28, 28), np.int8)])
def test_array_of_another_shape_is_one_line(grey: Loadable, tmp_path: Path, tensor: NDArray[np.int8]) -> None:
    np.save(tmp_path / "x.npy", tensor)
    with pytest.raises(BenchError, match=r"x.npy: shape .*per_kernel.nvdla takes"):
        open_inputs(grey, tmp_path / "x.npy")
    write_dimg(tmp_path / "x.dimg", tensor)
    with pytest.raises(BenchError, match=r"x.dimg: int8 .*takes int8 \(1, 28, 28\)"):
        open_inputs(grey, tmp_path / "x.dimg")


def test_network_with_an_input_asks_for_it(grey: Loadable) -> None:
    with pytest.raises(BenchError, match=r"give its input data 1 x 28 x 28: a picture"):
        open_inputs(grey, None)


def test_several_inputs_come_from_an_archive_by_their_names(grey: Loadable, tmp_path: Path) -> None:
    [one] = grey.inputs
    other = one._replace(tensor=replace(one.tensor, name="other", c=2), memory=replace(one.memory, bind_id=1))
    two = replace(grey, inputs=(one, other))
    data, more = np.full((1, 28, 28), 3, np.int8), np.full((2, 28, 28), -3, np.int8)
    path = tmp_path / "inputs.npz"
    np.savez(path, data=data, other=more)
    [inputs] = open_inputs(two, path).runs()
    np.testing.assert_array_equal(inputs[0], data)
    np.testing.assert_array_equal(inputs[1], more)
    np.savez(path, data=data, other=more[:1])
    with pytest.raises(BenchError, match=r"inputs.npz:other: int8 \(1, 28, 28\), .* takes int8 \(2, 28, 28\)"):
        open_inputs(two, path)
    with pytest.raises(BenchError, match=r"has several inputs; give an .npz .*: data 1 x 28 x 28, other 2 x 28 x 28"):
        open_inputs(two, tmp_path / "image.png")


def test_batch_takes_as_many_images_at_a_time_and_fills_the_last_one_up(grey: Loadable, tmp_path: Path) -> None:
    [one] = grey.inputs
    size = 2 * one.tensor.size
    batch = one._replace(tensor=replace(one.tensor, n=2, size=size), memory=replace(one.memory, size=size))
    values = np.arange(3, dtype=np.int8)[:, None, None, None].repeat(28, -1).repeat(28, -2)
    np.save(tmp_path / "x.npy", values)
    inputs = open_inputs(replace(grey, inputs=(batch,)), tmp_path / "x.npy")
    assert len(inputs) == 2
    assert "it is a batch of 2: so many images make a run, what is missing is 0" in inputs.words
    [[first], [second]] = inputs.runs()
    np.testing.assert_array_equal(first, values[:2])
    np.testing.assert_array_equal(second, np.concatenate([values[2:], np.zeros_like(values[:1])]))


@needs_shared(LOADABLES)
def test_network_without_inputs_takes_none(tmp_path: Path) -> None:
    alone = read_loadable(LOADABLES / "regression_PDP_small" / "loadable.nvdla")
    empty: list[Inputs] = [()]
    assert list(open_inputs(alone, None).runs()) == empty
    with pytest.raises(BenchError, match=r"x.png: .*takes no input"):
        open_inputs(alone, tmp_path / "x.png")
