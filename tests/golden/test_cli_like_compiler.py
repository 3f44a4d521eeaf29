"""``program --like-compiler``: what it prints, writes and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.network.network import Network
from tests.golden.caffe_nets import data, write_net
from tests.golden.command import invoke, problem, rows, save, succeed
from tests.golden.test_like_compiler_merging import WEIGHTS, added, conv, relu
from tests.loadable_store import network as network_folder

DIGITS = Path(__file__).parents[2] / "networks" / "digits" / "digits.onnx"
IMAGE = np.zeros((8, 10, 12), np.int8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """A residual network with a table whose sum has operands of two scales."""
    folder = tmp_path_factory.mktemp("compiled")
    text = data(8, 10, 12) + conv("conv1", "data") + conv("conv2", "conv1") + added("conv1 conv2") + relu("sum")
    model = write_net(folder, text, {name: WEIGHTS[name] for name in ("conv1", "conv2")})
    scales = {"data": 0.02, "conv1": 0.2, "conv2": 0.1, "sum": 0.25, "relu": 0.3}
    table = folder / "table.json"
    table.write_text(json.dumps({name: {"scale": scale} for name, scale in scales.items()}))
    return model, "--table", table, "--input", "int8"


def test_program_like_compiler_prints_integers_and_what_goes_wrong(files: tuple[object, ...]) -> None:
    printed = succeed("program", *files, "--like-compiler", "per-kernel")
    cells = rows(printed)
    assert "as NVIDIA's compiler would program it: one weight scale a layer" in printed
    assert cells["sum"][:3] == ["relu", "-", "+ conv2, ReLU"]
    assert cells["sum"][-1] == f"* {int(0.1 / 0.3 * 2**16)} >> 16"
    assert "sum: NVIDIA's compiler gives 'conv1' the scale of 'conv2'" in printed


def test_program_like_compiler_writes_a_network_that_runs(files: tuple[object, ...], tmp_path: Path) -> None:
    succeed("program", *files, "--like-compiler", "per-filter", "--output", tmp_path / "net")
    network = Network.load(tmp_path / "net")
    assert [layer.output for layer in network.layers] == ["conv1", "relu"]
    report = json.loads((tmp_path / "net" / "report.json").read_text())
    assert report["like_compiler"] == "per-filter"
    assert report["layers"]["relu"]["x2"] == {"addend": "conv1", "relu": True}
    assert len(report["layers"]["conv1"]["x1"]["multiplier"]) == 8
    succeed("write", tmp_path / "net", save(tmp_path / "x.npy", IMAGE), "--output", tmp_path / "out", "--form", "trace")
    assert succeed("replay", tmp_path / "out").endswith("1 passed, 0 failed\n")


def test_program_like_compiler_prints_every_integer_as_json(files: tuple[object, ...]) -> None:
    report = json.loads(succeed("program", *files, "--like-compiler", "per-kernel", "--json"))
    assert report["means"].startswith("one weight scale a layer")
    assert len(report["layers"]["conv1"]["x1"]["bias"]) == 8
    assert report["layers"]["conv1"]["x1"]["bias_shift_bits"] == 1


def test_program_like_compiler_keeps_no_integers(files: tuple[object, ...]) -> None:
    told = problem("program", *files, "--like-compiler", "per-kernel", "--weight-scale", "0.05")
    assert told == "--weight-scale is not for --like-compiler: NVIDIA's compiler keeps no integers"


def test_calibrate_every_layer_gives_the_entries_that_the_compiler_needs(tmp_path: Path) -> None:
    images = save(tmp_path / "images.npy", np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8))
    entries = []
    for more in ((), ("--every-layer",)):
        table = tmp_path / f"table{len(more)}.json"
        found = invoke("calibrate", DIGITS, "--images", images, "--output", table, *more)
        assert found.exit_code == 0
        entries.append(json.loads(table.read_text()).keys())
    assert entries[1] - entries[0] >= {"block1.bn2", "block2.bn2"}
    assert entries[1] >= entries[0]


def test_explain_says_whether_a_file_is_what_the_compiler_makes_of_network_and_table(tmp_path: Path) -> None:
    folder = network_folder("conv_relu")
    files = "explain", folder / "per_filter.nvdla", "--weights", folder / "net.prototxt", "--table"
    exact = "Compared with what it should be: every weight, operand and factor of all layers (1) is what"
    page = tmp_path / "page.html"
    assert exact in succeed(*files, folder / "calib.json", "--html", page)
    assert exact in page.read_text()
    entries = json.loads((folder / "calib.json").read_text())
    entries["relu1"]["scale"] *= 2
    (tmp_path / "table.json").write_text(json.dumps(entries))
    told = succeed(*files, tmp_path / "table.json")
    assert "differ from what NVIDIA's compiler (per-filter, fast-math) makes of this network and table: 1 of 1" in told
    assert "so one of the three was another: CONV 0 + SDP 1 (X1's shift 23 in place of 24)." in told
    assert "Compared" not in succeed(*files[:2])
