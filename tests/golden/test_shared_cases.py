"""Small inputs that once failed, as they lie in the shared data: each right, or refused in one clear line."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.network.onnx_reader import read_onnx
from tests.golden.command import problem, rows, save, succeed
from tests.golden.float_layers import check_bytes
from tests.golden.onnx_agreement import check_agreement
from tests.shared_data import SHARED, needs_shared

CASES = SHARED / "cases"
EXPORTERS = sorted((CASES / "exporters").glob("*.onnx"))
REFUSED = {"silu": "Sigmoid node 'sg': ", "conv_transpose": "ConvTranspose node '/up': "}
NOT_COMPARED = ("softmax_tail", "clip_consts")
"""An output that stays real, and one whose whole range is a few steps of the pixels."""
MEANS = ("--mean", "123.675,116.28,103.53", "--std", "58.395,57.12,57.375")
pytestmark = needs_shared(CASES)


@pytest.mark.parametrize("path", EXPORTERS, ids=lambda path: path.stem)
def test_exported_network_is_what_onnxruntime_runs_or_refused_by_node(path: Path, tmp_path: Path) -> None:
    if path.stem not in REFUSED:
        network = check_agreement(path)
        if path.stem not in NOT_COMPARED:
            images = CASES / "exporters/images.npy"
            succeed("calibrate", path, "--images", images, "--output", tmp_path / "t.json")
            succeed("program", path, "--table", tmp_path / "t.json", "--output", tmp_path / "out")
            check_bytes(network, Network.load(tmp_path / "out"), np.load(images))
        return
    line = f"{path}: {REFUSED[path.stem]}"
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    assert any(problem.startswith(line) for problem in caught.value.problems)


@pytest.mark.parametrize("name", ["mul_sub_mul", "deviation_per_channel"])
def test_preprocessing_in_the_file_is_right(name: str, tmp_path: Path) -> None:
    path, images = CASES / f"{name}.onnx", np.random.default_rng(1).integers(0, 256, (3, 3, 32, 32), np.uint8)
    images[0, :, 0, 0], images[1, :, 0, 0] = 0, 255
    succeed("calibrate", path, "--images", save(tmp_path / "i.npy", images), "--output", tmp_path / "t.json")
    succeed("program", path, "--table", tmp_path / "t.json", "--output", tmp_path / "out")
    check_bytes(read_onnx(path), Network.load(tmp_path / "out"), images)


def test_mean_outside_the_file_is_refused_until_it_is_given(tmp_path: Path) -> None:
    command = (
        "program",
        CASES / "mean_outside.onnx",
        "--table",
        CASES / "mean_outside.json",
        "--output",
        tmp_path / "out",
    )
    assert "759 of 768 pixel values clip (99%)" in problem(*command)
    succeed(*command, *MEANS)


def test_feature_input_and_trained_weights_and_kernel_shape(tmp_path: Path) -> None:
    feature = (
        "program",
        CASES / "feature_input.onnx",
        "--table",
        CASES / "feature_input.json",
        "--output",
        tmp_path / "f",
    )
    assert "say --input int8" in problem(*feature)
    succeed(*feature, "--input", "int8")
    trained = CASES / "qat_weights.onnx"
    succeed(
        "program", trained, "--table", CASES / "qat_weights.json", "--output", tmp_path / "q", "--weight-scale", "0.05"
    )  # fmt: skip
    steps = read_onnx(trained).convolutions[0].weights / 0.05
    np.testing.assert_allclose(Network.load(tmp_path / "q").convolutions[0].weights, steps, atol=1e-5)
    bad = CASES / "kernel_shape.onnx"
    for line in (
        problem("program", bad, "--table", CASES / "qat_weights.json", "--output", tmp_path / "k"),
        problem("calibrate", bad, "--images", CASES / "exporters/images.npy", "--output", tmp_path / "k.json"),
    ):
        assert line.startswith(f"{bad}: Conv node 'c': kernel_shape = [5, 5] disagrees with 'w'")


def test_tables(tmp_path: Path) -> None:
    for name in ("zero", "inf"):
        path = CASES / f"{name}.cache"
        assert "unusable" in succeed("table", path)
        succeed("requantise", path, "input", "relu1_out", "--weight-scale", "0.01")
        succeed("table", path, "--to", "cache", "--output", tmp_path / name)
        assert (tmp_path / name).read_text() == path.read_text()
    offsets = ("requantise", CASES / "offset_table.json", "in", "out", "--weight-scale", "0.024093778803944588")
    assert rows(succeed(*offsets))["9000"] == ["-26.0000", "-26", "-26"]
