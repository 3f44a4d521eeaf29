"""The command ``evaluate``: what it prints and writes, and input that it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.calibration.formats import write_json_table
from nvdla_int8.evaluate.results import Evaluation
from tests.golden import evaluated
from tests.golden.command import invoke, problem, rows, succeed
from tests.shared_data import NETWORKS, needs_shared

PIXELS = ("--mean", 128, "--std", 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with its images and a table, in which one scale is too wide."""
    made = tmp_path_factory.mktemp("evaluated")
    write_json_table(evaluated.subject(made, (("two_relu", 8.0),)).match.table, made / "table.json")
    return made


def arguments(folder: Path, *more: object) -> tuple[object, ...]:
    files = folder / "net.onnx", "--table", folder / "table.json", "--images", folder / "images.npy"
    return ("evaluate", *files, *PIXELS, *more)


def test_evaluate_prints_networks_tensors_layers_and_who_is_to_blame(folder: Path) -> None:
    printed = succeed(*arguments(folder))
    cells = rows(printed)
    assert {"INT8 per kernel", "INT8 per tensor", *evaluated.TENSORS, "one", "pool", "two", "three"} <= cells.keys()
    assert cells["two_relu"][3].startswith("3.")
    assert f"{folder / 'net.onnx'} with {folder / 'table.json'} on {evaluated.IMAGES} images" in printed
    [blame] = [line for line in printed.splitlines() if line.startswith("to blame: ")]
    assert blame.startswith("to blame: two_relu: scale ")
    assert " is too wide by " in blame
    assert "the noise jumps first at layer two: two_relu has " in printed
    assert "float" not in cells


def test_evaluate_writes_json_and_a_page(folder: Path) -> None:
    succeed(*arguments(folder, "--json", folder / "found.json", "--html", folder / "found.html"))
    found = json.loads((folder / "found.json").read_text())
    assert (found["tool"], found["build"], found["images"]) == ("nvdla-int8", "nv_small", evaluated.IMAGES)
    assert found.keys() > Evaluation.model_fields.keys()
    assert found["suspects"][0]["tensors"] == ["two_relu"]
    assert found["suspects"][0]["to_blame"] is True
    [first, *_] = found["layers"]
    assert first["before"] is None, "no noise comes before the first layer, which JSON cannot say as a number"
    assert first["own"] > 20
    assert (folder / "found.html").read_text().count("<svg") == 6


def test_evaluate_like_compiler_adds_columns_and_says_what_goes_wrong(folder: Path) -> None:
    files = "--json", folder / "compiler.json", "--html", folder / "compiler.html"
    printed = succeed(*arguments(folder, "--like-compiler", *files))
    cells = rows(printed)
    names = ["NVIDIA per-kernel", "NVIDIA per-filter"]
    assert cells.keys() >= {"INT8 per kernel", *names}
    assert "its per-kernel is one weight scale a layer (here: per tensor)" in printed
    assert "'image': NVIDIA's runtime takes no mean off" in printed
    found = json.loads((folder / "compiler.json").read_text())
    assert found["compiler_networks"] == names
    [scores] = [tensor for tensor in found["tensors"] if tensor["tensor"] == "scores"]
    assert scores["compiler_db"].keys() == set(names)
    assert abs(scores["compiler_db"]["NVIDIA per-filter"] - scores["per_kernel_db"]) < 3
    assert all(f"<th>{name}, dB</th>" in (folder / "compiler.html").read_text() for name in names)
    assert "NVIDIA" not in succeed(*arguments(folder)), "of ONNX it is asked for"


def test_evaluate_like_compiler_says_why_a_network_is_missing(folder: Path, tmp_path: Path) -> None:
    table = json.loads((folder / "table.json").read_text())
    del table["pooled"]
    (tmp_path / "table.json").write_text(json.dumps(table))
    files = folder / "net.onnx", "--table", tmp_path / "table.json", "--images", folder / "images.npy"
    printed = succeed("evaluate", *files, *PIXELS, "--like-compiler")
    assert "NVIDIA per-filter: " in printed
    assert "NVIDIA's compiler needs an entry of every layer" in printed
    assert "NVIDIA per-filter dB" not in printed


def test_evaluate_with_labels_prints_top1(folder: Path) -> None:
    labels = folder / "labels.txt"
    labels.write_text("0\n" * evaluated.IMAGES)
    cells = rows(succeed(*arguments(folder, "--labels", labels)))
    assert all(cells[name][0].endswith("%") for name in ("float", "INT8 per kernel", "INT8 per tensor"))


def test_evaluate_bad_input_is_one_line(folder: Path, tmp_path: Path) -> None:
    short = tmp_path / "labels.txt"
    short.write_text("1\n")
    assert problem(*arguments(folder, "--labels", short)).endswith(
        f"1 labels for the {evaluated.IMAGES} images of {folder / 'images.npy'}"
    )
    assert "needs pictures called NUMBER_LABEL" in problem(*arguments(folder, "--labels", "names"))
    wrong = tmp_path / "images.npy"
    np.save(wrong, np.zeros((2, 1, 10, 10), np.uint8))
    assert problem(*arguments(folder)[:4], "--images", wrong).startswith(f"{wrong}: shape (2, 1, 10, 10)")


def test_evaluate_prints_what_it_found_before_a_file_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    result = invoke(*map(str, arguments(folder, "--json", tmp_path / "none" / "found.json")))
    assert result.exit_code == 2
    assert "to blame: two_relu" in result.stdout
    assert result.stderr == f"nvdla-int8: error: {tmp_path}/none/found.json: No such file or directory\n"


@needs_shared(NETWORKS / "lenet")
@pytest.mark.parametrize("table", ["lenet.int8.json", "lenet.calibration.table"])
def test_evaluate_lenet_as_people_have_it(table: str, tmp_path: Path) -> None:
    """TensorRT's entropy calibration clips one value in a hundred of the first layer, which shows at the output."""
    lenet = NETWORKS / "lenet"
    succeed(
        "evaluate", lenet / "lenet.prototxt", "--table", lenet / table, "--images", lenet / "images",
        "--labels", "names", "--scale", 1 / 255, "--json", tmp_path / "found.json",
    )  # fmt: skip
    found = json.loads((tmp_path / "found.json").read_text())
    outcomes = [network["outcome"] for network in found["networks"]]
    assert found["float_top1"] == 39 / 40
    assert [outcome["top1"] for outcome in outcomes] == [39 / 40] * 4
    assert found["compiler_networks"] == ["NVIDIA per-kernel", "NVIDIA per-filter"], "Caffe's networks are compiled"
    [blame] = found["suspects"]
    assert (blame["tensors"], blame["entries"]) == (["conv1", "pool1"], ["conv1", "pool1"])
    assert not blame["too_wide"]
    assert blame["clipped_share"] == pytest.approx(0.01, abs=0.001)
    assert blame["alone"]["sqnr_db"] > outcomes[0]["sqnr_db"] + 6
