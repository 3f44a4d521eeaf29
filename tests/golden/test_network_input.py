"""What a network's input is: pixels that the table covers or not, preprocessing inside and outside, int8 features."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from nvdla_int8.calibration.float_run import run_float
from nvdla_int8.network.network import Network
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.quantise.input import InputProgram, quantise_input
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.command import invoke, problem, save, succeed
from tests.golden.float_layers import SHAPE, by_channel, check_bytes, network_file, pictures, table_file
from tests.golden.onnx_files import node, relu, write

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
MEAN_OPTION, STD_OPTION = ",".join(map(str, MEAN)), ",".join(map(str, STD))


# --- pixels that the table was not made for


def test_program_refuses_pixels_that_nearly_all_clip_and_names_the_options(tmp_path: Path) -> None:
    network, table = network_file(tmp_path, []), table_file(tmp_path, {"image": 2.64 / 127, "output": 0.05})
    line = problem("program", network, "--table", table, "--output", tmp_path / "out")
    assert line.startswith(f"{network}: the table's 'image' covers -2.661 .. 2.64, pixels 0..255 reach 0 .. 255: ")
    assert "759 of 768 pixel values clip (99%)" in line
    assert "--mean and --scale or --std" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["std", "scale"])
def test_program_with_the_preprocessing_outside_the_file_is_right(form: str, tmp_path: Path) -> None:
    network, table = network_file(tmp_path, []), table_file(tmp_path, {"image": 2.64 / 127, "output": 0.05})
    scales = ",".join(str(1 / std) for std in STD)
    options = ("--std", STD_OPTION) if form == "std" else ("--scale", scales)
    output = succeed(
        "program", network, "--table", table, "--output", tmp_path / "out", "--mean", MEAN_OPTION, *options
    )
    assert "LSB for pixels 0..255" in output
    assert "multiplied by 1, 1.02232, 1.01778 by channel" in output
    source = read_onnx(network).fed_with_pixels(Preprocessing(np.array(MEAN), 1 / np.array(STD)))
    check_bytes(source, Network.load(tmp_path / "out"), pictures())
    report = json.loads((tmp_path / "out/report.json").read_text())["input"]
    assert report["clipped_pixel_values"] == [0, 0, 0]
    assert report["channel_factors"] == pytest.approx([1, 58.395 / 57.12, 58.395 / 57.375])


def check_every_pixel(program: InputProgram, mean: list[float], scale: float, tensor: TensorScale) -> None:
    """The bound for every pixel value that does not clip, in exact arithmetic; what clips is beyond int8 within it."""
    pixels = np.tile(np.arange(256).astype(np.uint8), (len(mean), 1, 1))
    found = program.converter.apply(pixels).value[:, 0]
    bound = Fraction(program.bound_lsb)
    for channel, each in enumerate(mean):
        for value in range(256):
            exact = (value - Fraction(each)) * Fraction(scale) / Fraction(tensor.scale) + tensor.offset
            if program.clipped[channel, value]:
                assert exact <= -129 + bound or exact >= 128 - bound
            else:
                assert abs(int(found[channel, value]) - exact) <= bound


@pytest.mark.parametrize("offset", [0, 7, -128, 127])
@pytest.mark.parametrize("scale", [1 / 57.3, -1 / 57.3, 1 / 255])
@pytest.mark.parametrize("step", [0.005, 0.02079, 0.3])
def test_input_bound_holds_for_every_pixel_that_is_not_said_to_clip(offset: int, scale: float, step: float) -> None:
    mean, tensor = [123.675, 0.0, 255.0], TensorScale("data", step, offset)
    check_every_pixel(quantise_input(np.array(mean), scale, tensor), mean, scale, tensor)


def test_program_warns_of_pixels_that_the_calibration_images_did_not_show(tmp_path: Path) -> None:
    """Such a table is usable: real pictures may never be as bright."""
    before = [node("Sub", "mean", ["image", "m"], "data")]
    network = network_file(tmp_path, before, m=np.array(100, np.float32))
    table = table_file(tmp_path, {"data": 1.0, "output": 0.5})
    result = invoke("program", network, "--table", table, "--output", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stderr == (
        f"nvdla-int8: warning: {network}: the table's 'data' covers -128 .. 127, pixels 0..255 reach -100 .. 155: "
        "84 of 768 pixel values clip (11%); those that do not are, by channel, 0 0..227, 1 0..227, 2 0..227\n"
    )
    assert "LSB where pixels do not clip" in result.stdout
    assert json.loads((tmp_path / "out/report.json").read_text())["input"]["clipped_pixel_values"] == [28] * 3
    bright, dark = (save(tmp_path / f"{value}.npy", np.full((3, 8, 8), value, np.uint8)) for value in (240, 20))
    warned = invoke("run", tmp_path / "out", bright)
    assert warned.stderr == (
        "nvdla-int8: warning: layer conv1: 192 of 192 input bytes (100%) clip in the input converter\n"
    )
    assert invoke("run", tmp_path / "out", dark).stderr == ""


def test_program_warns_of_pixels_that_use_next_to_nothing_of_the_range(tmp_path: Path) -> None:
    before = [node("Div", "by", ["image", "d"], "data")]
    network = network_file(tmp_path, before, d=np.array(255, np.float32))
    result = invoke(
        "program", network, "--table", table_file(tmp_path, {"data": 1.0, "output": 0.5}), "--output", tmp_path / "out"
    )
    assert result.exit_code == 0
    assert "pixels 0..255 reach 0 .. 1: they use no more than 2 of the 256 int8 values" in result.stderr


def test_calibrate_then_program_with_the_same_options_fits(tmp_path: Path) -> None:
    network, table = network_file(tmp_path, []), tmp_path / "table.json"
    options = ("--mean", MEAN_OPTION, "--std", STD_OPTION)
    succeed("calibrate", network, "--images", save(tmp_path / "i.npy", pictures()), "--output", table, *options)
    scale = json.loads(table.read_text())["image"]["scale"]
    assert scale == pytest.approx((255 - 103.53) / 57.375 / 127)
    succeed("program", network, "--table", table, "--output", tmp_path / "out", *options)


def test_calibrated_input_holds_every_pixel_or_only_those_of_the_images(tmp_path: Path) -> None:
    network = network_file(tmp_path, [])
    images = save(tmp_path / "i.npy", np.minimum(pictures(), 100).astype(np.uint8))
    command = ("calibrate", network, "--images", images, "--output", tmp_path / "t.json")
    result = invoke(*command)
    assert json.loads((tmp_path / "t.json").read_text())["image"]["scale"] == 255 / 127
    assert "the images reach 0 .. 100 of the input's +-255, which pixels 0..255 reach" in result.stderr
    succeed("program", network, "--table", tmp_path / "t.json", "--output", tmp_path / "out")
    result = invoke(*command, "--input-range", "images")
    assert result.exit_code == 0
    assert "465 of 768 pixel values clip" in result.stderr
    assert invoke("program", network, "--table", tmp_path / "t.json", "--output", tmp_path / "out").exit_code == 0


def test_program_counts_the_bytes_of_images_that_clip(tmp_path: Path) -> None:
    network, table = network_file(tmp_path, []), table_file(tmp_path, {"image": 1.0, "output": 0.5})
    images = save(tmp_path / "i.npy", np.stack([np.full((3, 8, 8), value, np.uint8) for value in (100, 200, 127, 128)]))
    result = invoke("program", network, "--table", table, "--images", images)
    assert result.exit_code == 0
    assert "layer conv1: 384 of 768 input bytes (50%) clip in the input converter" in result.stderr
    line = problem("program", network, "--table", table, "--images", save(images, np.zeros((1, 1, 8, 8), np.uint8)))
    assert line == f"{images}: shape (1, 1, 8, 8), {network} takes (N, 3, 8, 8)"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--mean", "1,2"), ["the mean has 2 values for 3 channels"]),
        (("--mean", "a"), ["--mean 'a' is not a number"]),
        (("--mean", "nan"), ["mean nan", "finite"]),
        (("--scale", "0"), ["scale 0"]),
        (("--std", "0"), ["std 0"]),
        (("--scale", "1", "--std", "1"), ["--scale and --std exclude each other"]),
        (("--input", "int8", "--mean", "1"), ["--mean and --std are for pixels"]),
        (("--input", "int8", "--scale", "1"), ["--scale is for pixels"]),
    ],
)
def test_program_input_options_that_cannot_be_used_are_one_line(
    options: tuple[str, ...], words: list[str], tmp_path: Path
) -> None:
    network, table = network_file(tmp_path, []), table_file(tmp_path, {"image": 2.0, "output": 0.05})
    line = problem("program", network, "--table", table, "--output", tmp_path / "out", *options)
    assert all(word in line for word in words), line


# --- preprocessing inside the file


def chain(*steps: tuple[str, list[str]]) -> list[onnx.NodeProto]:
    """Elementwise nodes in order, ``_`` for the tensor that goes through them."""
    names = ["image", *(f"d{index}" for index in range(1, len(steps) + 1))]
    return [
        node(kind, f"{kind}{index}", [names[index] if each == "_" else each for each in inputs], names[index + 1])
        for index, (kind, inputs) in enumerate(steps)
    ]


CHAINS = {
    "mean, deviation": chain(("Sub", ["_", "m"]), ("Mul", ["_", "k"])),
    "1/255, mean, deviation": chain(("Mul", ["_", "r"]), ("Sub", ["_", "small"]), ("Div", ["_", "std"])),
    "by 255, mean, deviation": chain(("Div", ["_", "full"]), ("Sub", ["_", "small"]), ("Mul", ["_", "inverse"])),
    "added mean": chain(("Add", ["minus", "_"]), ("Mul", ["k", "_"])),
    "twice": chain(("Sub", ["_", "m"]), ("Add", ["_", "full"]), ("Sub", ["_", "full"]), ("Mul", ["_", "k"])),
    "negative picture": chain(("Sub", ["full", "_"]), ("Sub", ["_", "m"]), ("Mul", ["_", "k"])),
    "one channel negative": chain(("Sub", ["_", "m"]), ("Mul", ["_", "mixed"])),
}
CONSTANTS = {
    "m": by_channel(*MEAN),
    "minus": -by_channel(*MEAN),
    "k": by_channel(*(1 / std for std in STD)),
    "mixed": by_channel(1 / 58.0, -1 / 57.0, 1 / 57.5),
    "r": np.array(1 / 255, np.float32),
    "full": np.array(255, np.float32),
    "small": by_channel(0.485, 0.456, 0.406),
    "std": by_channel(0.229, 0.224, 0.225),
    "inverse": by_channel(1 / 0.229, 1 / 0.224, 1 / 0.225),
}


@pytest.mark.parametrize("name", CHAINS)
def test_constants_before_the_first_convolution_come_in_any_order(name: str, tmp_path: Path) -> None:
    network = network_file(tmp_path, CHAINS[name], **CONSTANTS)
    source, images = read_onnx(network), pictures()
    preprocessing = source.preprocessing
    assert preprocessing is not None
    assert np.abs(preprocessing.apply(images) - run_float(source, images)[source.input]).max() < 1e-4

    succeed("calibrate", network, "--images", save(tmp_path / "i.npy", images), "--output", tmp_path / "t.json")
    succeed("program", network, "--table", tmp_path / "t.json", "--output", tmp_path / "out")
    check_bytes(source, Network.load(tmp_path / "out"), images)


def test_padding_of_differing_channel_scales_is_real_zero(tmp_path: Path) -> None:
    """A picture of the mean is real zero everywhere, and so must the padding be: no border is seen."""
    before = chain(("Sub", ["_", "m"]), ("Mul", ["_", "k"]))
    network = network_file(tmp_path, before, m=by_channel(120, 110, 100), k=by_channel(0.01, 0.02, 0.04))
    for offset in (0, -20):
        table = {name: TensorScale(name, 0.05, offset) for name in read_onnx(network).measured}
        made = quantise_network(read_onnx(network), table).network
        assert made.convolutions[0].geometry.pad_value == offset
        image = np.full((3, 8, 8), np.array([120, 110, 100])[:, None, None], np.uint8)
        stages = made.run(image)[0]
        assert (stages.tensor("converted") == offset).all()
        assert (np.ptp(stages.output.reshape(8, -1), axis=1) == 0).all()


def test_constants_may_come_from_constant_nodes(tmp_path: Path) -> None:
    weights = generator("network input", "constant").normal(0, 0.1, (4, 3, 1, 1)).astype(np.float32)
    stored = numpy_helper.from_array(weights, "v")
    nodes = [
        node("Constant", "", [], "k", value=stored),
        node("Constant", "", [], "m", value_float=2.0),
        node("Sub", "s", ["image", "m"], "data"),
        node("Conv", "c", ["data", "k"], "out", auto_pad="VALID"),
    ]
    path = tmp_path / "net.onnx"
    write(tmp_path, nodes, shape=SHAPE, m=np.zeros(1, np.float32))
    model = onnx.load(path)
    del model.graph.initializer[:]
    onnx.save(model, path)
    network = read_onnx(path)
    np.testing.assert_array_equal(network.convolutions[0].weights, weights)
    assert network.in_graph.mean.tolist() == [2, 2, 2]


# --- int8 feature maps


def feature_file(folder: Path) -> Path:
    weights = generator("network input", "feature").normal(0, 0.05, (8, 16, 3, 3)).astype(np.float32)
    nodes = [node("Conv", "conv2", ["image", "k"], "raw", pads=[1, 1, 1, 1]), relu("raw", "output")]
    return write(folder, nodes, shape=(1, 16, 10, 10), k=weights)


def test_program_of_many_channels_says_what_to_do(tmp_path: Path) -> None:
    network, table = feature_file(tmp_path), table_file(tmp_path, {"image": 0.0137, "output": 0.067})
    assert problem("program", network, "--table", table, "--output", tmp_path / "out") == (
        f"{network}: input 'image' has 16 channels, pixels have 1 to 4; if it is an int8 feature map say --input int8"
    )


@pytest.mark.parametrize("offset", [0, -5])
def test_program_of_an_int8_feature_map_has_no_input_converter(offset: int, tmp_path: Path) -> None:
    network, table = feature_file(tmp_path), table_file(tmp_path, {"image": 0.0137, "output": 0.067}, offset)
    output = succeed("program", network, "--table", table, "--output", tmp_path / "out", "--input", "int8")
    assert "int8 feature map in steps of 0.0137, no input converter" in output
    made = Network.load(tmp_path / "out")
    assert made.convolutions[0].input_converter == InputConverter()
    data = generator("network input", "features").integers(-128, 128, (2, 16, 10, 10), np.int8)
    assert (made.run(data)[0].tensor("converted") == data).all()
    source = read_onnx(network).fed_with_int8()
    expected = run_float(source, data.astype(np.int64) - offset, feature_scale=0.0137)["output"] / 0.067 + offset
    distance = np.abs(made.run(data)[0].output - expected.clip(-128, 127))
    assert distance.max() < 3
    assert distance.mean() < 0.5


def test_int8_input_of_a_graph_with_a_mean_is_refused(tmp_path: Path) -> None:
    network = network_file(tmp_path, chain(("Sub", ["_", "m"])), m=by_channel(*MEAN))
    table = table_file(tmp_path, {"d1": 1.0, "output": 1.0})
    line = problem("program", network, "--table", table, "--output", tmp_path / "out", "--input", "int8")
    assert line.startswith(f"{network}: the graph has a mean or scale before its first layer")


def test_calibrate_int8_features_keeps_their_scale(tmp_path: Path) -> None:
    network = feature_file(tmp_path)
    data = save(tmp_path / "i.npy", generator("f").integers(-90, 90, (2, 16, 10, 10), np.int8))
    command = ("calibrate", network, "--images", data, "--output", tmp_path / "t.json", "--input", "int8")
    assert "--input int8 needs --scale" in problem(*command)
    succeed(*command, "--scale", "0.0137")
    table = json.loads((tmp_path / "t.json").read_text())
    assert table["image"]["scale"] == 0.0137
    reals = run_float(read_onnx(network).fed_with_int8(), np.load(data), feature_scale=0.0137)
    assert table["output"]["scale"] == pytest.approx(float(reals["output"].max()) / 127)
