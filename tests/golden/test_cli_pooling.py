"""Networks with pooling and LRN through the commands: calibrate, program, run, write, check."""

import json
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.cli.check_subjects import open_subject
from nvdla_int8.cli.printing import bound
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.layer_program import STAGES
from nvdla_int8.trace.replay import replay
from tests.golden.boards import USUAL, output_dump
from tests.golden.command import invoke, problem, rows, save, succeed
from tests.golden.onnx_files import node, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network's programs in ``out``, its images, and one of them as bytes."""
    folder = tmp_path_factory.mktemp("pooling")
    rng = generator("tests", "cli", "pooling")
    nodes = [
        node("Conv", "conv", ["image", "w"], "a"),
        node("Relu", "r", ["a"], "act"),
        node("LRN", "norm", ["act"], "n", size=5, alpha=1e-3),
        node("MaxPool", "pool", ["n"], "p", kernel_shape=[3, 3], strides=[2, 2]),
        node("Conv", "last", ["p", "v"], "l"),
        node("AveragePool", "average", ["l"], "out", kernel_shape=[2, 2], strides=[2, 2]),
    ]
    w, v = (rng.normal(0, 0.1, shape).astype(np.float32) for shape in ((7, 3, 3, 3), (4, 7, 2, 2)))
    path = write(folder, nodes, shape=(1, 3, 16, 17), w=w, v=v)
    save(folder / "images.npy", rng.integers(0, 256, (4, 3, 16, 17), np.uint8))
    save(folder / "one.npy", rng.integers(0, 256, (3, 16, 17), np.uint8))
    succeed("calibrate", path, "--images", folder / "images.npy", "--output", folder / "table.json")
    (folder / "said.txt").write_text(
        succeed("program", path, "--table", folder / "table.json", "--output", folder / "out")
    )
    return folder


def test_table_has_the_tensors_that_need_a_scale(folder: Path) -> None:
    assert list(json.loads((folder / "table.json").read_text())) == ["image", "act", "n", "p", "l", "out"]


def test_program_tells_what_layers_without_weights_do_and_their_bounds(folder: Path) -> None:
    said = (folder / "said.txt").read_text()
    report = json.loads((folder / "out/report.json").read_text())
    assert list(report["layers"]) == ["conv", "norm", "pool", "last", "average"]
    assert "LRN over 5 channels" in said
    assert "maximum of 3 x 3, stride 2 x 2" in said
    assert "average of 2 x 2, stride 2 x 2" in said
    layers, scales = said.split("tensors with one scale")
    table = rows(layers)
    for layer in ("norm", "pool", "average"):
        assert table[layer][3] == bound(report["layers"][layer]["bound_lsb"])
    assert float(table["pool"][3]) == 0
    assert [(table[layer][-1]) for layer in ("conv", "norm", "pool", "last", "average")] == ["-", "1", "1", "2", "2"]
    members = [cells[:2] for line in scales.splitlines() if (cells := line.split())[:1] in (["1"], ["2"])]
    assert members == [["1", "n"], ["1", "p"], ["2", "l"], ["2", "out"]]
    [first, _] = report["shared_scales"]
    assert first["layers"] == ["pool"]
    assert first["tensors"]["n"] == {"entry": report["scales"]["n"], "lost_bits": 0}


def test_entry_that_cannot_be_used_is_refused_though_another_one_covers_its_tensor(
    folder: Path, tmp_path: Path
) -> None:
    table = json.loads((folder / "table.json").read_text())
    del table["n"]
    save_table = tmp_path / "table.json"
    save_table.write_text(json.dumps(table))
    succeed("program", folder / "net.onnx", "--table", save_table, "--output", tmp_path / "out")
    save_table.write_text(json.dumps(table | {"n": {"scale": 0, "min": 0, "max": 0, "offset": 0}}))
    line = problem("program", folder / "net.onnx", "--table", save_table, "--output", tmp_path / "out")
    assert line.endswith("layer 'n': scale = 0.0, so the entry cannot be used")


def test_run_shows_and_stores_every_stage(folder: Path) -> None:
    said = succeed("run", folder / "out", folder / "one.npy", "--output", folder / "stages.npz")
    with np.load(folder / "stages.npz") as stored:
        names = set(stored.files)
        outputs = {name: stored[name].shape for name in names if name.endswith(".output")}
    assert outputs["pool.output"] == (7, 6, 7)
    assert {f"conv.{stage}" for stage in STAGES} < names
    assert {"norm.sums", "norm.multiplied", "pool.vertical"} < names
    assert "sums" in rows(said[said.index("layer norm") :])


def test_run_and_write_take_one_pooling_program(folder: Path, tmp_path: Path) -> None:
    data = save(tmp_path / "cube.npy", generator("tests", "cli", "cube").integers(-128, 128, (9, 7, 7), np.int8))
    succeed("run", folder / "out/pool.json", data)
    succeed("write", folder / "out/pool.json", data, "--output", tmp_path / "t", "--form", "trace")
    assert replay(tmp_path / "t/pool.cfg", strict=True).passed
    assert "int8, -128..127" in problem(
        "run", folder / "out/pool.json", save(tmp_path / "u.npy", np.full((9, 7, 7), 200, np.uint8))
    )


def test_write_shows_passes_of_every_unit(folder: Path, tmp_path: Path) -> None:
    said = succeed("write", folder / "out", folder / "one.npy", "--output", tmp_path / "t")
    lines = [line.split() for line in said[said.index("passes of") :].splitlines()]
    endings = {line[0]: line[-1] for line in lines if line and line[-1][:3] in ("SDP", "CDP", "PDP")}
    assert endings == {"conv": "SDP_0", "norm": "CDP_0", "pool": "PDP_0", "last": "PDP_1"}  # last + average
    result = replay(tmp_path / "t/out.cfg", strict=True)
    assert result.passed, result.line()


def test_check_compares_pooling_and_lrn(folder: Path, tmp_path: Path) -> None:
    data = generator("tests", "cli", "check").integers(-128, 128, (7, 8, 8), np.int8)
    for layer in Network.load(folder / "out").programs[1:3]:
        program, path = folder / f"out/{layer.name}.json", save(tmp_path / "in.npy", data)
        timeline = open_subject(program, path, USUAL)
        assert np.array_equal(timeline.layers[-1].run.output[:7], layer.run(data).output)
        board = tmp_path / "board.bin"
        assert "are right" in succeed("check", program, path, "--dump", output_dump(board, timeline, -1))
        result = invoke("check", program, path, "--dump", output_dump(board, timeline, -1, 3))
        assert result.exit_code == 1
        assert "1 of " in result.stdout.splitlines()[0]
        assert "first wrong element: channel 3, y 0, x 0" in result.stdout
