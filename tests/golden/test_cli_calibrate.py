"""The command calibrate: pictures in, a table in either form out, what clips and what is dead said."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.methods import METHODS
from tests.golden.command import invoke, problem, rows, save, succeed
from tests.golden.float_layers import first_layer, network_file, pictures
from tests.golden.onnx_files import write

COUNT = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures in colour."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, image in enumerate(pictures(COUNT)):
        Image.fromarray(np.moveaxis(image, 0, -1)).save(folder / f"{index:02}.png")
    return folder


def test_folder_of_pictures_is_the_array_of_them(folder: Path, tmp_path: Path) -> None:
    network = network_file(tmp_path, [])
    (folder / "01.png").unlink()  # a white one is the same in every order
    array = save(tmp_path / "i.npy", np.delete(pictures(COUNT), 1, axis=0))
    tables: list[dict[str, object]] = []
    for images, order in ((folder, "rgb"), (array, "rgb"), (folder, "bgr")):
        output = tmp_path / f"{len(tables)}.json"
        said = succeed("calibrate", network, "--images", images, "--output", output, "--order", order)
        assert f"{output}: 2 tensors from {COUNT - 1} images" in said
        tables.append(json.loads(output.read_text()))
    assert tables[0] == tables[1]
    assert tables[0]["image"] == tables[2]["image"]
    assert tables[0]["output"] != tables[2]["output"]


@pytest.mark.parametrize("method", METHODS)
def test_clipped_values_are_shown_tensor_by_tensor(method: str, folder: Path, tmp_path: Path) -> None:
    network, output = network_file(tmp_path, []), tmp_path / "t.json"
    said = succeed("calibrate", network, "--images", folder, "--output", output, "--method", method, "--percentile", 90)
    assert f"{network.name}: {method}" in said
    shown = rows(said)["output"]
    scale = json.loads(output.read_text())["output"]["scale"]
    assert float(shown[2].removeprefix("+-")) == pytest.approx(127 * scale, rel=1e-5)
    assert shown[3] == f"{COUNT * 8 * 4 * 4:,}"
    assert (shown[4] == "0") == (method == "minmax")


@pytest.mark.parametrize(
    ("name", "options", "cache"),
    [("t.cache", (), True), ("t.table", (), True), ("t.txt", (), False), ("t.json", ("--form", "cache"), True)],
)
def test_table_has_the_form_of_its_suffix_or_that_asked_for(
    name: str, options: tuple[str, ...], cache: bool, folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / name
    succeed("calibrate", network_file(tmp_path, []), "--images", folder, "--output", output, *options)
    assert output.read_text().startswith("TRT-" if cache else "{")
    assert list(read_table(output)) == ["image", "output"]


def test_dead_tensors_are_named_and_their_entries_give_no_scale(folder: Path, tmp_path: Path) -> None:
    v, b = np.zeros((8, 3, 3, 3), np.float32), np.zeros(8, np.float32)
    network, output = write(tmp_path, first_layer("image"), shape=(1, 3, 8, 8), v=v, b=b), tmp_path / "t.json"
    result = invoke("calibrate", network, "--images", folder, "--output", output)
    assert result.exit_code == 0
    assert result.stderr == (
        f"nvdla-int8: warning: {folder}: 1 tensors are zero on all images, their entries give no scale: 'output'\n"
    )
    assert rows(result.stdout)["output"][2] == "nothing"
    line = problem("program", network, "--table", output, "--output", tmp_path / "out")
    assert "layer 'output': scale = 0.0, so the entry cannot be used" in line


def test_resized_pictures_are_told_of(folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), (1, 2, 3)).save(folder / "large.png")
    command = ("calibrate", network_file(tmp_path, []), "--images", folder, "--output", tmp_path / "t.json")
    assert problem(*command).startswith(f"{folder / 'large.png'}: 20 x 30 (height x width)")
    result = invoke(*command, "--resize")
    assert result.exit_code == 0
    assert f"warning: {folder}: 1 of {COUNT + 1} pictures resized to 8 x 8" in result.stderr


def test_folder_that_is_not_there_is_told_before_the_network_runs(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "no" / "t.json"
    line = problem("calibrate", network_file(tmp_path, []), "--images", folder, "--output", output)
    assert line == f"{output}: no folder {tmp_path / 'no'}"
