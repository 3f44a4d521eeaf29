"""Sources of images: folders of pictures, arrays, what is refused and what is changed when asked for."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nvdla_int8.errors import BenchError
from nvdla_int8.images.clipping import count_clipped
from nvdla_int8.images.images import Wanted
from nvdla_int8.images.open import open_images
from nvdla_int8.seeds import generator
from nvdla_int8.stages.input_converter import InputConverter

GREY, COLOUR = Wanted("net.onnx", 1, (4, 6)), Wanted("net.onnx", 3, (4, 6))


def noise(*shape: int) -> NDArray[np.uint8]:
    return generator("images", str(shape)).integers(0, 256, shape, np.uint8)


def picture(path: Path, pixels: NDArray[np.generic], mode: str | None = None) -> Path:
    """A picture of (H, W) or (H, W, C)."""
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path)
    return path


def refused(path: Path, wanted: Wanted) -> str:
    with pytest.raises(BenchError) as caught:
        open_images(path, wanted).all()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- folders of pictures


def test_folder_is_read_in_the_order_of_names_in_every_batch_size(tmp_path: Path) -> None:
    pixels = noise(5, 4, 6, 3)
    names = ["b.png", "a.ppm", "e.PNG", "c.png", "d.ppm"]
    for name, each in zip(names, pixels, strict=True):
        picture(tmp_path / name, each)
    images = open_images(tmp_path, COLOUR)
    order = np.argsort(names)
    assert len(images) == 5
    assert images.shape == (3, 4, 6)
    assert images.name(0) == str(tmp_path / "a.ppm")
    wanted = np.moveaxis(pixels[order], -1, 1)
    for size in (1, 2, 5, 99):
        batches = list(images.batches(size))
        assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
        np.testing.assert_array_equal(np.concatenate(batches), wanted)
    np.testing.assert_array_equal(images.one(3), wanted[3])


def test_jpeg_and_pgm_are_pictures(tmp_path: Path) -> None:
    grey = noise(4, 6)
    picture(tmp_path / "a.pgm", grey)
    picture(tmp_path / "b.jpg", np.full((4, 6), 77, np.uint8))
    images = open_images(tmp_path, GREY).all()
    np.testing.assert_array_equal(images[0, 0], grey)
    assert np.abs(images[1].astype(int) - 77).max() <= 1


@pytest.mark.parametrize("mode", ["1", "P"])
def test_pictures_of_bits_and_palettes_say_the_same_in_bytes(mode: str, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", noise(4, 6) // 128 * 255, mode)
    wanted = GREY if mode == "1" else COLOUR
    np.testing.assert_array_equal(open_images(path, wanted).one(0)[0], noise(4, 6) // 128 * 255)


def test_order_bgr_turns_pictures_and_arrays_round(tmp_path: Path) -> None:
    bgr = Wanted("net.prototxt", 4, (4, 6), bgr=True)
    pixels = noise(4, 6, 4)
    path = picture(tmp_path / "a.png", pixels)
    np.save(tmp_path / "a.npy", np.moveaxis(pixels, -1, 0))
    for source in (path, tmp_path / "a.npy"):
        np.testing.assert_array_equal(open_images(source, bgr).one(0), np.moveaxis(pixels[..., [2, 1, 0, 3]], -1, 0))
    for channels, pixel in ((1, True), (None, True), (3, False)):
        with pytest.raises(BenchError, match="--order"):
            Wanted("net", channels, bgr=True, pixels=pixel)


def test_other_sizes_are_refused_with_file_and_size_or_resized_and_told(tmp_path: Path) -> None:
    for name, height in (("a", 4), ("b", 8), ("c", 5)):
        picture(tmp_path / f"{name}.png", np.full((height, 6, 3), 50, np.uint8))
    line = refused(tmp_path, COLOUR)
    assert line == (
        f"{tmp_path / 'b.png'}: 8 x 6 (height x width), net.onnx takes 4 x 6; 2 of 3 pictures differ; "
        "--resize brings them to it"
    )
    assert "8 x 6 (height x width), the first picture is 4 x 6" in refused(tmp_path, Wanted("net", 3, resize=True))
    resized = open_images(tmp_path, Wanted("net.onnx", 3, (4, 6), resize=True))
    assert resized.notes == (f"{tmp_path}: 2 of 3 pictures resized to 4 x 6 (height x width)",)
    assert (resized.all() == 50).all()


@pytest.mark.parametrize(
    ("mode", "wanted", "words"),
    [
        ("L", COLOUR, "the picture is grey, net.onnx takes coloured ones (3 channels); --convert changes it"),
        ("RGB", GREY, "the picture is coloured, net.onnx takes grey ones (1 channel); --convert changes it"),
        ("RGBA", COLOUR, "coloured with transparency"),
        ("CMYK", COLOUR, "its pixels are CMYK, not 8 bits grey or coloured"),
        ("I;16", GREY, "not 8 bits grey or coloured"),
    ],
)
def test_pictures_of_another_kind_are_refused(mode: str, wanted: Wanted, words: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    if mode == "I;16":
        picture(path, noise(4, 6).astype(np.uint16) * 3)
    else:
        picture(path, noise(4, 6, 4), mode)
    line = refused(path, wanted)
    assert line.startswith(f"{path}: ")
    assert words in line


def test_convert_changes_grey_coloured_and_transparent_pictures(tmp_path: Path) -> None:
    convert = Wanted("net", 3, (4, 6), convert=True)
    np.testing.assert_array_equal(
        open_images(picture(tmp_path / "a.png", noise(4, 6)), convert).one(0), np.stack([noise(4, 6)] * 3)
    )
    transparent = picture(tmp_path / "b.png", noise(4, 6, 4))
    np.testing.assert_array_equal(open_images(transparent, convert).one(0), np.moveaxis(noise(4, 6, 4)[..., :3], -1, 0))
    grey = np.repeat(noise(4, 6)[..., None], 3, axis=-1)
    np.testing.assert_array_equal(
        open_images(picture(tmp_path / "c.png", grey), Wanted("net", 1, convert=True)).one(0)[0], noise(4, 6)
    )


def test_transparency_that_hides_nothing_is_no_obstacle(tmp_path: Path) -> None:
    pixels = noise(4, 6, 4)
    pixels[..., 3] = 255
    path = picture(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(open_images(path, COLOUR).one(0), np.moveaxis(pixels[..., :3], -1, 0))


def test_pictures_are_turned_as_viewers_show_them(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(noise(6, 4, 3)).save(tmp_path / "a.png", exif=turned)
    shown = open_images(tmp_path / "a.png", COLOUR).one(0)
    np.testing.assert_array_equal(shown, np.moveaxis(np.rot90(noise(6, 4, 3), -1), -1, 0))


def test_what_is_no_picture_is_refused_or_told(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("none")
    assert "no pictures (.png" in refused(tmp_path, GREY)
    picture(tmp_path / "a.png", noise(4, 6))
    assert open_images(tmp_path, GREY).notes == (f"{tmp_path}: 1 files that are no pictures left out: notes.md",)
    whole = (tmp_path / "a.png").read_bytes()
    for damaged in (b"", b"P5", whole[:50]):
        (tmp_path / "a.png").write_bytes(damaged)
        assert refused(tmp_path, GREY).startswith(f"{tmp_path / 'a.png'}: cannot be read as a picture: ")
    frames = [Image.fromarray(noise(4, 6)), Image.fromarray(255 - noise(4, 6))]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert refused(tmp_path, GREY) == f"{tmp_path / 'a.png'}: it is animated, 2 pictures in one file; an image is one"
    (tmp_path / "a.bmp").write_bytes(b"BM")
    assert "a.bmp: neither a picture nor an array; images are folders, and files of .png" in refused(
        tmp_path / "a.bmp", GREY
    )
    np.save(tmp_path / "a.npy", noise(2, 1, 4, 6))
    assert len(open_images((tmp_path / "a.npy").rename(tmp_path / "a.data"), GREY)) == 2
    assert "pictures have 1, 3 or 4 channels, net takes 2" in refused(tmp_path, Wanted("net", 2))
    assert "pictures hold pixels; --input int8 takes" in refused(tmp_path, Wanted("net", 3, pixels=False))
    assert "no such file" in refused(tmp_path / "none.png", GREY)
    assert "no such file" in refused(tmp_path / "none.npy", GREY)


# --- arrays


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("suffix", ["npy", "npz", "compressed"])
def test_arrays_are_read_in_every_batch_size(suffix: str, order: str, tmp_path: Path) -> None:
    pixels = noise(7, 3, 4, 6)
    path = tmp_path / f"a.{'npy' if suffix == 'npy' else 'npz'}"
    stored = np.asarray(pixels, order="F" if order == "F" else "C")
    if suffix == "npy":
        np.save(path, stored)
    else:
        (np.savez if suffix == "npz" else np.savez_compressed)(path, whatever=stored)
    images = open_images(path, COLOUR)
    assert (len(images), images.shape) == (7, (3, 4, 6))
    assert images.name(2) == f"{path}: image 2"
    for size in (1, 3, 7, 99):
        np.testing.assert_array_equal(np.concatenate(list(images.batches(size))), pixels)
    np.testing.assert_array_equal(images.one(6), pixels[6])
    with pytest.raises(BenchError, match="no image 7, there are 7, from 0"):
        images.one(7)


def test_array_of_an_archive_is_the_usual_one_or_named(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, other=noise(2, 1, 4, 6), images=noise(3, 1, 4, 6))
    assert len(open_images(path, GREY)) == 3
    assert len(open_images(Path(f"{path}:other"), GREY)) == 2
    assert refused(Path(f"{path}:x"), GREY) == f"{path}:x: no array 'x', the archive holds other, images"
    np.savez(path, one=noise(2, 1, 4, 6), two=noise(3, 1, 4, 6))
    assert refused(path, GREY).startswith(f"{path}: the archive holds one, two, none of them images or x: name one")


def test_one_image_needs_no_axis_of_images_and_many_grey_ones_none_of_channels(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", noise(3, 4, 6))
    images = open_images(tmp_path / "one.npy", COLOUR)
    assert images.alone
    np.testing.assert_array_equal(images.all(), noise(3, 4, 6))
    np.testing.assert_array_equal(images.one(0), noise(3, 4, 6))
    np.save(tmp_path / "grey.npy", noise(9, 4, 6))
    np.testing.assert_array_equal(open_images(tmp_path / "grey.npy", GREY).all(), noise(9, 4, 6)[:, None])
    np.save(tmp_path / "few.npy", noise(3, 4, 6))  # or one coloured image
    assert refused(tmp_path / "few.npy", GREY).endswith("3 grey images are (3, 1, 4, 6)")
    np.save(tmp_path / "last.npy", noise(4, 6, 3))
    assert refused(tmp_path / "last.npy", COLOUR).endswith("transpose(2, 0, 1) of it is right")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 3, 4, 6), np.float32), "dtype float32, net.onnx takes uint8 pixels, 0..255"),
        (np.zeros((2, 3, 4, 6), np.int64), "dtype int64, net.onnx takes uint8 pixels"),
        (np.zeros((2, 3, 6, 4), np.uint8), "shape (2, 3, 6, 4), net.onnx takes (N, 3, 4, 6)"),
        (np.zeros((2, 1, 4, 6), np.uint8), "shape (2, 1, 4, 6), net.onnx takes (N, 3, 4, 6)"),
        (
            np.zeros((2, 4, 6, 3), np.uint8),
            "with channels last, as this seems to have them, transpose(0, 3, 1, 2) of it is right",
        ),
        (np.zeros((4, 6), np.uint8), "shape (4, 6), images are (N, C, H, W) or one (C, H, W), and not empty"),
        (np.zeros((0, 3, 4, 6), np.uint8), "not empty"),
        (np.full((1, 3, 4, 6), -1, np.int8), "-1 in a file of int8, net.onnx takes unsigned pixels, 0..255"),
        (np.array([None]), "cannot be read as an array: it holds Python objects"),
    ],
)
def test_arrays_that_do_not_fit_are_one_line(array: NDArray[np.generic], words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, array)
    line = refused(path, COLOUR)
    assert line.startswith(f"{path}: ")
    assert words in line


def test_bytes_that_clip_are_counted_in_every_channel(tmp_path: Path) -> None:
    converter = InputConverter(enabled=True, pixel=True, unsigned=True, scale=3, truncate_bits=1, mean=(0, 128, 200))
    np.save(tmp_path / "a.npy", noise(40, 3, 4, 6))
    clipped = count_clipped(open_images(tmp_path / "a.npy", COLOUR).batches(), converter)
    assert clipped.bytes == converter.apply(noise(40, 3, 4, 6)).saturated_8.sum() > 0
    assert clipped.of == 40 * 3 * 4 * 6


def test_feature_maps_are_int8(tmp_path: Path) -> None:
    features = Wanted("layer one", 16, None, pixels=False)
    data = noise(2, 16, 3, 3).view(np.int8)
    np.save(tmp_path / "a.npy", data)
    read = open_images(tmp_path / "a.npy", features).all()
    assert read.dtype == np.int8
    np.testing.assert_array_equal(read, data)
    np.save(tmp_path / "b.npy", np.full((1, 16, 3, 3), 200, np.uint8))
    assert refused(tmp_path / "b.npy", features).endswith("200 in a file of uint8, layer one takes int8, -128..127")


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_damaged_arrays_are_one_line(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    (np.save if suffix == "npy" else np.savez_compressed)(path, noise(2, 3, 4, 6))
    whole = path.read_bytes()
    for damaged in (b"", b"text", whole[:90], whole[:-30], whole[:150] + bytes(20) + whole[170:]):
        path.write_bytes(damaged)
        if suffix == "npz" or len(damaged) < len(whole):
            assert refused(path, COLOUR).startswith(f"{path}: cannot be read as an array: ")
