"""Inputs that are nearly right: one line that names the file and the value, or a warning with numbers."""

import json
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.network.network import Network
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from tests.golden.command import invoke, problem, save
from tests.golden.float_layers import network_file, table_file
from tests.golden.onnx_files import conv, node, write

PLAIN = {"image": 2.008, "output": 0.5}


def one_layer(folder: Path, converter: InputConverter) -> Path:
    path = folder / "one.json"
    LayerProgram(name="one", weights=np.ones((2, 1, 1, 1), np.int8), input_converter=converter).save(path)
    return path


# --- signs


@pytest.mark.parametrize("command", ["run", "check", "write"])
@pytest.mark.parametrize("pixel", [False, True])
def test_bytes_of_the_wrong_sign_are_refused(command: str, pixel: bool, tmp_path: Path) -> None:
    path = one_layer(tmp_path, InputConverter(pixel=pixel, unsigned=pixel))
    wrong, fits = (np.int8, -3) if pixel else (np.uint8, 200), (np.uint8, 200) if pixel else (np.int8, -3)
    last = {"run": (), "check": ("--dump", "board.bin@0"), "write": ("--output", tmp_path / "w")}[command]
    data = save(tmp_path / "i.npy", np.full((1, 2, 2), wrong[1], wrong[0]))
    line = problem(command, path, data, *last)
    takes = "unsigned pixels, 0..255" if pixel else "int8, -128..127"
    assert line == f"{data}: {wrong[1]} in a file of {wrong[0].__name__}, layer one takes {takes}"
    if command == "run":
        for dtype, value in (fits, (wrong[0], 100)):
            assert invoke("run", path, save(data, np.full((1, 2, 2), value, dtype))).exit_code == 0


# --- names and files


def test_errors_of_layers_name_the_file_in_one_line_whatever_the_name(tmp_path: Path) -> None:
    network = write(tmp_path, [conv("c\nd\x1b", "image", "output")], w=np.full((1, 1, 1, 1), 1e30, np.float32))
    table = table_file(tmp_path, PLAIN)
    line = problem("program", network, "--table", table, "--output", tmp_path / "out")
    assert line.startswith(f"{network}: layer c\\nd\\x1b: kernel 0: ratio ")


def test_errors_of_the_input_name_the_file(tmp_path: Path) -> None:
    network, table = network_file(tmp_path, []), table_file(tmp_path, {**PLAIN, "image": 1e-9})
    assert problem("program", network, "--table", table, "--output", tmp_path / "out").startswith(
        f"{network}: layer image: "
    )


@pytest.mark.parametrize("name", ["", "a\0b.json", "a\nb.json"])
def test_network_json_with_names_of_no_file_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "network.json").write_text(json.dumps({"layers": [name]}))
    data = save(tmp_path / "i.npy", np.zeros((1, 2, 2), np.int8))
    assert problem("run", tmp_path, data).startswith(f"{tmp_path / 'network.json'}: not a network's layer list: ")


@pytest.mark.parametrize("field", ["stride_y", "dilation_x", "pad_left"])
def test_run_of_a_huge_geometry_is_one_line(field: str, tmp_path: Path) -> None:
    path = one_layer(tmp_path, InputConverter())
    content = json.loads(path.read_text())
    content["geometry"][field] = 2**70
    path.write_text(json.dumps(content))
    line = problem("run", path, save(tmp_path / "i.npy", np.zeros((1, 2, 2), np.int8)))
    assert line.startswith(f"{path}: ")
    assert f"{field} = {2**70}" in line


def test_json_with_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = one_layer(tmp_path, InputConverter())
    path.write_text(path.read_text().replace('"name": "one",', '"name": "one", "name": "two",'))
    data = save(tmp_path / "i.npy", np.zeros((1, 2, 2), np.int8))
    assert problem("run", path, data) == f"{path}: key 'name' is given 2 times in one object"
    scales = tmp_path / "scales.json"
    scales.write_text('{"conv1": 0.05, "conv1": 0.06}')
    network, table = network_file(tmp_path, []), table_file(tmp_path, PLAIN)
    line = problem("program", network, "--table", table, "--output", tmp_path / "out", "--weight-scale", scales)
    assert line == f"{scales}: key 'conv1' is given 2 times in one object"


def test_calibrate_of_an_integer_constant_beside_the_image_is_one_line(tmp_path: Path) -> None:
    network = write(
        tmp_path, [node("Sub", "s", ["image", "m"], "d"), conv("c", "d", "output")], m=np.ones((1, 1, 1), np.int64)
    )
    images = save(tmp_path / "i.npy", np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8))
    line = problem("calibrate", network, "--images", images, "--output", tmp_path / "t.json")
    assert line.startswith(f"{network}: ")


@pytest.mark.parametrize(
    "options", [("--std", "1e-320"), ("--scale", "1e308,1,1"), ("--std", "1e300", "--mean", "1e300")]
)
def test_numbers_that_overflow_are_one_line_without_numpys_warnings(options: tuple[str, ...], tmp_path: Path) -> None:
    network, table = network_file(tmp_path, []), table_file(tmp_path, PLAIN)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem("program", network, "--table", table, "--output", tmp_path / "out", *options)


@pytest.mark.parametrize("weight", [1e-300, 1e300])
@pytest.mark.parametrize("scale", [1e-37, 1e300])
def test_layers_that_overflow_are_one_line_without_numpys_warnings(weight: float, scale: float, tmp_path: Path) -> None:
    weights = weight * np.arange(1, 9).reshape(8, 1, 1, 1)
    network = write(tmp_path, [conv("c", "image", "output")], w=weights)
    table = table_file(tmp_path, {"image": 1.0, "output": scale})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = invoke("program", network, "--table", table, "--output", tmp_path / "out", "--input", "int8")
    assert result.exit_code == 0 or (result.exit_code == 2 and result.stderr.count("\n") == 1)


# --- channels of different scales


def test_input_bound_of_differing_channel_scales_is_in_steps_of_the_table(tmp_path: Path) -> None:
    network = network_file(tmp_path, [])
    table = table_file(tmp_path, {"image": 0.1, "output": 0.5})
    result = invoke("program", network, "--table", table, "--output", tmp_path / "out", "--scale", "0.02,0.06,0.02")
    assert result.exit_code == 0, result.output
    reported = json.loads((tmp_path / "out/report.json").read_text())["input"]["bound_lsb"]
    assert reported >= 1.2
    converter = Network.load(tmp_path / "out").convolutions[0].input_converter
    pixels = np.tile(np.arange(256, dtype=np.uint8), (3, 1, 1))
    found = converter.apply(pixels).value[:, 0]
    for value in range(256):  # 3 times the byte, by the weights' factor
        exact = Fraction(value) * Fraction(0.06) / Fraction(0.1)
        assert abs(3 * int(found[1, value]) - exact) <= Fraction(reported)
    assert f"{network}: the pixels' scales differ by channel" in result.stderr
    assert "channel 1 has only 52 int8 values, each of 3 steps of the table's entry" in result.stderr


def test_integers_are_not_kept_where_pixel_scales_differ_by_channel(tmp_path: Path) -> None:
    network, table = network_file(tmp_path, []), table_file(tmp_path, {"image": 2.64 / 127, "output": 0.05})
    options = ("--mean", "124,116,104", "--std", "58.4,57.1,57.4", "--weight-scale", "0.01")
    line = problem("program", network, "--table", table, "--output", tmp_path / "out", *options)
    assert line.startswith(
        f"{network}: layer conv1: its weights cannot be kept as integers, because the pixels' scales"
    )


def test_program_and_run_count_the_same_pixels_as_clipped(tmp_path: Path) -> None:
    """A pixel that lands on half a step beyond int8 is rounded out of it, and clips."""
    network = network_file(tmp_path, [])
    table = table_file(tmp_path, {"image": 2.0, "output": 0.5})
    result = invoke("program", network, "--table", table, "--output", tmp_path / "out")
    clipped = json.loads((tmp_path / "out/report.json").read_text())["input"]["clipped_pixel_values"]
    assert clipped == [1, 1, 1]
    assert "3 of 768 pixel values clip" in result.stderr
    white = save(tmp_path / "white.npy", np.full((3, 8, 8), 255, np.uint8))
    assert "192 of 192 input bytes (100%) clip" in invoke("run", tmp_path / "out", white).stderr
