"""Commands on a network that onnxruntime quantised: no table is needed, and its bytes are compared."""

from pathlib import Path

import pytest

from tests.golden.command import invoke, problem, save, succeed
from tests.golden.onnx_builder import OnnxBuilder
from tests.golden.quantised_models import Form, pixels, quantised_file

PIXELS = ("--mean", 128, "--scale", 1 / 128)


def two_layers(model: OnnxBuilder) -> str:
    first = model.add("Relu", model.conv("image", 8, 3, 3, 3, strides=[2, 2]))
    return model.add("Gemm", model.add("Flatten", first), model.draw(8 * 49, 10), model.draw(10))


@pytest.mark.parametrize("operators", [False, True])
def test_quantised_network_goes_through_without_a_table(tmp_path: Path, operators: bool) -> None:
    path = quantised_file(tmp_path, two_layers, Form(operators, True, True))
    images = save(tmp_path / "images.npy", pixels(4))
    assert "convolution of 3 x 3" in succeed("program", path, *PIXELS, "--output", tmp_path / "out")
    said = succeed("evaluate", path, "--images", images, *PIXELS)
    [told] = [line for line in said.splitlines() if " differ from onnxruntime's by 1, " in line]
    network, layers = told.split("; where each layer gets onnxruntime's bytes, ")
    assert network.startswith("of ")
    assert layers.endswith("none by more")


def test_calibrate_says_that_a_quantised_network_needs_no_table(tmp_path: Path) -> None:
    path, images = quantised_file(tmp_path, two_layers, Form(False, True, True)), save(tmp_path / "i.npy", pixels(4))
    result = invoke("calibrate", path, "--images", images, *PIXELS, "--output", tmp_path / "t.json")
    assert result.exit_code == 0
    assert f"warning: {path}: it is quantised and says the scales of " in result.stderr


def test_real_network_without_a_table_is_asked_for_one(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 3, 16, 16)
    path = model.save(tmp_path, two_layers(model))
    assert problem("program", path) == f"{path}: it says no scale of tensor 'image': give a table with --table"
