"""Register programs of images in every pixel format: the bytes in memory, and what comes out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nvdla_int8.compiler.forms import write_as_trace
from nvdla_int8.compiler.image_kernels import FORMAT_CODES, FORMATS
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.trace.replay import play
from tests.golden.command import invoke, problem, rows, save, succeed
from tests.golden.compiled import cube, field, layer

CONVERTER = InputConverter(enabled=True, pixel=True, unsigned=True, scale=1, truncate_bits=1, mean=(100, 120, 140))
BYTES = {"A8B8G8R8": "rgba", "A8R8G8B8": "bgra", "B8G8R8A8": "argb", "R8G8B8A8": "abgr", "A8Y8U8V8": "bgra"}
BYTES |= {"X8B8G8R8": "rgba", "X8R8G8B8": "bgra", "B8G8R8X8": "argb", "R8G8B8X8": "abgr", "V8U8Y8A8": "argb"}
"""Channels of four-byte formats as bytes in memory, the name's last letter first (hardware.md section 3)."""


def in_memory(image: np.ndarray, name: str) -> list[bytes]:
    """The planes of an image (C, H, W) whose lines are whole atoms."""
    padded = np.concatenate([image, np.zeros((4, *image.shape[1:]), np.uint8)])
    if name == "T_R8":
        orders = ["r"]
    elif name.endswith("N444"):
        orders = ["r", "gb" if name == "T_Y8___V8U8_N444" else "bg"]
    else:
        orders = [BYTES[name.removeprefix("T_")]]
    return [np.stack([padded["rgba".index(one)] for one in order], axis=-1).tobytes() for order in orders]


def test_the_formats_are_those_of_8_bits() -> None:
    assert {name.removeprefix("T_") for name in FORMATS} == {*BYTES, "R8", "Y8___U8V8_N444", "Y8___V8U8_N444"}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", FORMATS)
def test_images_of_every_format_give_the_bytes_of_the_model(name: str, channels: int, tmp_path: Path) -> None:
    rng = generator("tests", "pixel formats", name, channels)
    geometry = ConvGeometry(pad_left=1, pad_top=1, stride_x=2, pad_value=3)
    program = layer(rng, (9, channels, 3, 3), geometry).model_copy(update={"input_converter": CONVERTER})
    network, image = Network.chain([program]), rng.integers(0, 256, (channels, 6, 8), np.uint8)
    most = {"T_R8": 1, "T_Y8___U8V8_N444": 3, "T_Y8___V8U8_N444": 3}.get(name, 4)
    if channels > most:
        with pytest.raises(BenchError, match=f"an image of format {name} has 1 to {most} channels, the weights have"):
            write_program("test", network, image, pixel_format=name)
        return
    made = write_program("test", network, image, pixel_format=name)
    assert field(made.passes[0], "CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT") == FORMAT_CODES[name]
    assert [region.data for region in made.images if region.name == "input"] == in_memory(image, name)
    cfg, *_ = write_as_trace(made, tmp_path)
    result = play(cfg, "nv_small", strict=True).result
    assert result.passed, result.line()
    expected = program.run(image).output
    np.testing.assert_array_equal(cube(made.outputs[0].data, expected.shape, 8), expected)


def test_both_planes_of_an_image_that_is_cut_are_read_from_the_same_row(tmp_path: Path) -> None:
    rng = generator("tests", "pixel formats", "cut")
    program = layer(rng, (24, 3, 5, 5)).model_copy(update={"input_converter": CONVERTER})
    network, image = Network.chain([program]), rng.integers(0, 256, (3, 150, 640), np.uint8)
    made = write_program("test", network, image, pixel_format="T_Y8___V8U8_N444")
    assert len(made.passes) > 1
    cfg, *_ = write_as_trace(made, tmp_path)
    result = play(cfg, "nv_small", strict=True).result
    assert result.passed, result.line()


def test_write_takes_pictures_in_the_networks_order_and_the_boards_format(tmp_path: Path) -> None:
    """A network that takes blue first, and memory that a camera fills with red first."""
    rng = generator("tests", "pixel formats", "write")
    program = layer(rng, (9, 3, 3, 3)).model_copy(update={"input_converter": CONVERTER})
    Network.chain([program]).save(tmp_path / "net")
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = rng.integers(0, 256, (2, 6, 8, 3), np.uint8)
    for number, each in enumerate(pixels):
        Image.fromarray(each).save(folder / f"{number}.png")
    command = ("write", tmp_path / "net", folder, "--output", tmp_path / "out", "--form", "trace", "--order", "bgr")
    assert problem(*command) == f"{folder}: 2 images, a register program takes one: --image NUMBER, from 0"
    assert "input" in rows(succeed(*command, "--image", 1, "--format", "T_A8R8G8B8"))
    assert play(tmp_path / "out/net.cfg", "nv_small", strict=True).result.passed
    with_alpha = np.concatenate([pixels[1], np.zeros((6, 8, 1), np.uint8)], axis=-1)
    loaded = write_program("net", Network.load(tmp_path / "net"), bgr(pixels[1]), pixel_format="T_A8R8G8B8").images
    assert [region.data for region in loaded if region.name == "input"] == [with_alpha.tobytes()]


def bgr(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(pixels[..., ::-1], -1, 0))


def test_write_counts_pixels_that_clip_before_it_writes(tmp_path: Path) -> None:
    converter = CONVERTER.model_copy(update={"truncate_bits": 0})
    program = layer(generator("tests", "clip"), (9, 3, 1, 1)).model_copy(update={"input_converter": converter})
    program.save(tmp_path / "one.json")
    white = save(tmp_path / "i.npy", np.full((3, 4, 4), 255, np.uint8))
    result = invoke("write", tmp_path / "one.json", white, "--output", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stderr == "nvdla-int8: warning: layer conv: 32 of 48 input bytes (67%) clip in the input converter\n"
