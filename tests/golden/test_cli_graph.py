"""A graph through the commands: a residual, a concatenation of odd parts, a grouped convolution, a softmax."""

import json
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from tests.golden.command import invoke, problems, rows, save, succeed
from tests.golden.onnx_files import node, write

SCALE = ("--scale", "0.0078")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network's table ``t.json``, programs in ``out``, what was said of them, and an image."""
    folder = tmp_path_factory.mktemp("graph")
    rng = generator("tests", "cli", "graph")
    nodes = [
        node("Conv", "c1", ["image", "w1"], "a", pads=[1] * 4),
        node("Conv", "c2", ["a", "w2"], "b", pads=[1] * 4),
        node("Add", "add", ["b", "a"], "s"),
        node("Clip", "clip", ["s", "zero", "six"], "sum"),
        node("Conv", "c3", ["sum", "w3"], "part"),
        node("Concat", "join", ["part", "sum"], "joined", axis=1),
        node("Conv", "depthwise", ["joined", "w4"], "d", pads=[1] * 4, group=13),
        node("GlobalAveragePool", "average", ["d"], "logits"),
        node("Softmax", "softmax", ["logits"], "classes", axis=1),
    ]
    shapes = {"w1": (8, 3, 3, 3), "w2": (8, 8, 3, 3), "w3": (5, 8, 1, 1), "w4": (13, 1, 3, 3)}
    arrays = {name: rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape) for name, shape in shapes.items()}
    weights = {name: array.astype(np.float32) for name, array in arrays.items()}
    path = write(folder, nodes, shape=(1, 3, 7, 7), zero=np.float32(0), six=np.float32(6), **weights)  # type: ignore[arg-type]
    images = save(folder / "images.npy", rng.integers(0, 256, (4, 3, 7, 7), np.uint8))
    save(folder / "one.npy", rng.integers(0, 256, (3, 7, 7), np.uint8))
    succeed("calibrate", path, "--images", images, "--output", folder / "t.json", *SCALE)
    said = succeed("program", path, "--table", folder / "t.json", "--output", folder / "out", *SCALE)
    (folder / "said.txt").write_text(said)
    return folder


def test_program_has_a_line_for_each_layer_and_says_what_was_decided(folder: Path) -> None:
    said = (folder / "said.txt").read_text()
    table = rows(said)
    assert table["c2"][:2] == ["convolution of 3 x 3 + a, ReLU up to 6", "8 x 7 x 7"]
    assert table["join"][0] == "2 tensors side by side"
    assert table["depthwise"][0] == "convolution of 3 x 3, in 2 passes"
    assert table["softmax"] == ["Softmax on the host, in float", "13 x 1 x 1", "-", "-", "-"]
    for note in (
        "softmax: Softmax is on the host\n",
        "part: 5 channels take 8 for whole atoms, 3 of them zeros\n",
        "layer depthwise: its groups become 2 passes of 8 channels and 8 kernels",
    ):
        assert note in said


def test_report_has_every_layers_numbers_and_shared_scales(folder: Path) -> None:
    report = json.loads((folder / "out/report.json").read_text())
    assert [name for name, layer in report["layers"].items() if layer["on_the_host"]] == ["softmax"]
    assert report["layers"]["c2"]["inputs"] == ["a", "a"]
    assert len(report["layers"]["c3"]["kernels"]) == 8
    shared = {tensor for one in report["shared_scales"] for tensor in one["tensors"]}
    assert shared == {"part", "sum", "joined", "d", "logits"}
    assert report["layers"]["softmax"]["bound_lsb"] is None
    assert report["notes"]


def test_saved_graph_gives_the_bytes_of_its_layers_to_run_and_write(folder: Path, tmp_path: Path) -> None:
    said = succeed("run", folder / "out", folder / "one.npy", "--output", tmp_path / "stages.npz")
    assert "layer softmax" in said
    network = Network.load(folder / "out")
    image = np.load(folder / "one.npy")
    with np.load(tmp_path / "stages.npz") as stored:
        for layer, stages in zip(network.layers, network.run(image), strict=True):
            np.testing.assert_array_equal(stored[f"{layer.name}.output"], stages.output)
    # write runs the register program on the golden device and compares with the layer programs' bytes.
    assert "left to the host: layer softmax" in succeed(
        "write", folder / "out", folder / "one.npy", "--output", tmp_path / "w"
    )


def test_missing_entries_are_a_line_each(folder: Path, tmp_path: Path) -> None:
    entries = json.loads((folder / "t.json").read_text())
    kept = {name: entry for name, entry in entries.items() if name in ("image", "joined", "logits")}
    (tmp_path / "t.json").write_text(json.dumps(kept))
    lines = problems("program", folder / "net.onnx", "--table", tmp_path / "t.json", *SCALE)
    assert [line.split(": ")[1] for line in lines] == ["layer 'a'", "layer 'd'"]


def test_tensor_that_a_shared_scale_leaves_next_to_nothing_is_warned_of(folder: Path, tmp_path: Path) -> None:
    entries = json.loads((folder / "t.json").read_text())
    entries["part"]["scale"] = entries["joined"]["scale"] / 16
    (tmp_path / "t.json").write_text(json.dumps(entries))
    result = invoke("program", folder / "net.onnx", "--table", tmp_path / "t.json", *SCALE)
    assert result.exit_code == 0
    assert "tensor part leaves 4.0 of eight bits unused: it shares the scale of sum, because of join" in result.stderr
