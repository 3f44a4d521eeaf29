"""The register programs of ``make vectors``: complete, the same every time, and right."""

import hashlib
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from networks.digits import data, vectors
from networks.digits.files import ONNX, TABLE
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.device import Device
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.trace.replay import find_traces, play
from tests.golden.compiled import cube

ROOT = Path(__file__).parents[2]
TO_POOLING = ("conv1", "block2.conv2")
"""Layers whose output PDP takes from SDP, so that it is never in memory."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vectors")
    done = CliRunner().invoke(vectors.main, ["--output", str(path)])
    assert done.exit_code == 0, done.output
    assert done.output == f"{path / 'index.json'}: 4 images, each as trace, npz, readmemh, c\n"
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_vectors_are_the_same_bytes_in_another_process(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "networks.digits.vectors", "--output", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    assert tree(tmp_path) == tree(folder)


def test_vectors_replace_what_was_there(folder: Path, tmp_path: Path) -> None:
    stale = tmp_path / "image_0/digits_0_99.dat"
    stale.parent.mkdir()
    stale.write_text("of another day")
    vectors.write_vectors(tmp_path)
    assert tree(tmp_path) == tree(folder)


def test_index_tells_every_file_and_its_checksum(folder: Path) -> None:
    entries = json.loads((folder / "index.json").read_text())["vectors"]
    split = data.load()
    files = tree(folder)
    del files["index.json"]
    listed = {name: digest for entry in entries for name, digest in entry["files"].items()}
    assert listed == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert [entry["label"] for entry in entries] == split.test_labels[[entry["image"] for entry in entries]].tolist()
    suffixes = {Path(name).suffix for name in entries[0]["files"]}
    assert suffixes == {".cfg", ".dat", ".npz", ".hex", ".h"}


def test_traces_replay_and_their_last_surface_gives_the_class(folder: Path) -> None:
    entries = {entry["image"]: entry for entry in json.loads((folder / "index.json").read_text())["vectors"]}
    network = quantise_network(read_onnx(ONNX), read_table(TABLE)).network
    images = data.load().test_images
    traces = list(find_traces(folder))
    assert len(traces) == len(entries)
    for path, (number, entry) in zip(traces, sorted(entries.items()), strict=True):
        surfaces: list[bytes] = []
        replayed = play(path, strict=True, observe=partial(note_output, surfaces))
        assert replayed.result.passed, replayed.result.line()
        outputs = {
            layer.name: stages.output.tobytes()
            for layer, stages in zip(network.layers, network.run(images[number]), strict=True)
            if layer.name not in TO_POOLING
        }
        assert surfaces == list(outputs.values())
        low, high = replayed.device.layers[-1].destination.extent()
        scores = cube(replayed.device.memory.read_bytes(low, high - low), (10, 1, 1), 8)
        assert scores.argmax() == entry["int8_class"]


def note_output(outputs: list[bytes], device: Device, run: LayerRun) -> None:
    """Its memory may be another layer's later."""
    outputs.append(run.destination.read(device.memory).tobytes())


def test_make_vectors_runs_the_command() -> None:
    done = subprocess.run(["make", "-n", "vectors"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "python -m networks.digits.vectors" in done.stdout
