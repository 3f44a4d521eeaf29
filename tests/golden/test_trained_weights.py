"""Weights of a network that was trained in integers: kept with their scale when it is given, warned of when not."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.network.network import Network
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.seeds import generator
from tests.golden.command import invoke, problem, succeed
from tests.golden.float_layers import check_bytes, pictures, table_file
from tests.golden.onnx_files import node, write


def trained_file(folder: Path, steps: NDArray[np.number], scale: NDArray[np.float64] | float) -> Path:
    weights = (steps * scale).astype(np.float32)
    return write(folder, [node("Conv", "c", ["image", "k"], "output")], shape=(1, 3, 8, 8), k=weights)


def trained_steps() -> NDArray[np.int64]:
    return generator("network input", "trained").integers(-6, 7, (8, 3, 3, 3))


@pytest.mark.parametrize("per_tensor", [(), ("--per-tensor",)])
def test_program_keeps_trained_integers_with_their_scale(per_tensor: tuple[str, ...], tmp_path: Path) -> None:
    network = trained_file(tmp_path, trained_steps(), 0.05)
    table = table_file(tmp_path, {"image": 2.0079, "output": 3.0})
    succeed("program", network, "--table", table, "--output", tmp_path / "out", "--weight-scale", "0.05", *per_tensor)
    made = Network.load(tmp_path / "out")
    np.testing.assert_array_equal(made.convolutions[0].weights, trained_steps())
    kernels = json.loads((tmp_path / "out/report.json").read_text())["layers"]["c"]["kernels"]
    assert {kernel["weight_scale"] for kernel in kernels} == {0.05}
    check_bytes(read_onnx(network), made, pictures())


def test_program_keeps_trained_integers_of_each_kernels_own_scale(tmp_path: Path) -> None:
    scales = np.linspace(0.01, 0.08, 8)
    network = trained_file(tmp_path, trained_steps(), scales[:, None, None, None])
    table = table_file(tmp_path, {"image": 2.0079, "output": 3.0})
    kept = tmp_path / "scales.json"
    kept.write_text(json.dumps({"c": scales.tolist()}))
    command = ("program", network, "--table", table, "--output", tmp_path / "out", "--weight-scale", kept)
    succeed(*command)
    np.testing.assert_array_equal(Network.load(tmp_path / "out").convolutions[0].weights, trained_steps())
    assert "8 weight scales differ, per tensor there is one" in problem(*command, "--per-tensor")
    for content, words in (
        ({"c": [1, 2]}, "2 weight scales for 8 kernels"),
        ({"d": 1}, "no layer 'd'"),
        ({"c": 0}, "layer 'c': weight scale = 0.0 must be positive"),
        ([], "an object of layers"),
    ):
        kept.write_text(json.dumps(content))
        assert words in problem(*command)


@pytest.mark.parametrize(("scale", "words"), [("0.04", "steps of weight scale 0.04"), ("0.0001", "integers -128..127")])
def test_program_refuses_a_weight_scale_that_does_not_keep_the_weights(scale: str, words: str, tmp_path: Path) -> None:
    network = trained_file(tmp_path, trained_steps(), 0.05)
    table = table_file(tmp_path, {"image": 2.0079, "output": 3.0})
    line = problem("program", network, "--table", table, "--output", tmp_path / "out", "--weight-scale", scale)
    assert line.startswith(f"{network}: layer c: kernel 0: weight ")
    assert words in line


def test_program_warns_before_it_rescales_trained_integers(tmp_path: Path) -> None:
    table = table_file(tmp_path, {"image": 2.0079, "output": 3.0})
    network = trained_file(tmp_path, trained_steps(), 0.05)
    result = invoke("program", network, "--table", table, "--output", tmp_path / "out")
    assert result.exit_code == 0
    assert "layer c: all weights are whole multiples of 0.05" in result.stderr
    assert "--weight-scale 0.05 keeps them" in result.stderr
    steps = generator("network input", "any").normal(0, 1, (8, 3, 3, 3))
    succeed("program", trained_file(tmp_path, steps, 1.0), "--table", table, "--output", tmp_path / "out")
