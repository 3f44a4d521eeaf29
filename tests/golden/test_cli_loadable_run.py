"""``nvdla-int8 run FILE.nvdla IMAGE``."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from nvdla_int8.cli.loadable_outputs import class_words
from nvdla_int8.loadable.container import MemoryFlags
from nvdla_int8.report import progress
from nvdla_int8.report.progress import LateProgress
from tests import loadable_store
from tests.golden.command import invoke, problem, rows, save
from tests.golden.loadable_builder import Draft

LENET = loadable_store.loadable("lenet", "per_kernel")
RESIDUAL = loadable_store.loadable("residual", "per_kernel")


def digit(path: Path, seed: int) -> Path:
    values = np.random.default_rng(seed).integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(values, "L").save(path)
    return path


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of noise."""
    folder = tmp_path_factory.mktemp("digits")
    for number in range(3):
        digit(folder / f"{number}_{number}.png", number)
    return folder


def output_of(*arguments: object) -> str:
    """What is printed; warnings may come beside it."""
    result = invoke("run", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_run_tells_file_conversion_layers_and_class(digits: Path) -> None:
    image = digits / "1_1.png"
    printed = output_of(LENET, image)
    assert f"{LENET}: for nv_small, 10 operations, softmax on the CPU; input data 1 x 28 x 28; output prob" in printed
    assert f"input data 1 x 28 x 28 from {image}: each byte p becomes floor(p * 127 / 255 + 0.5)" in printed
    assert "ignores --mean and --normalize for INT8" in printed
    table = rows(printed)
    assert table["CONV 0 + SDP 1"][:2] == ["layer1", "20 x 24 x 24"]
    assert table["PDP 2"][:2] == ["layer2", "20 x 12 x 12"]
    assert "output prob: 0 57 57 0 0 0 2 6 3 0\n" in printed
    assert "as shares: 0.000 0.445 0.445 0.000" in printed
    assert "no class: 2 have the largest value 57: 1, 2\n" in printed


@pytest.mark.parametrize(
    ("name", "mode", "said"),
    [
        ("tanh", "per_filter", "The results are wrong, and why is known: layer 1, SDP 2 only copies its input"),
        ("concat", "per_kernel", "The file alone does not tell whether its results are right: layer 3, CONV 6 + SDP 7"),
    ],
)
def test_run_says_which_fault_of_the_compiler_the_file_shows(name: str, mode: str, said: str) -> None:
    path = loadable_store.loadable(name, mode)
    printed = output_of(path, f"{loadable_store.network(name) / 'float.npz'}:input_int8")
    assert f"\n{said}" in printed
    assert f"\n  nvdla-int8 explain {path} --weights MODEL --table TABLE tells more" in printed


def test_run_of_a_file_without_faults_says_nothing_of_them() -> None:
    printed = output_of(
        loadable_store.loadable("conv_relu", "per_kernel"),
        f"{loadable_store.network('conv_relu') / 'float.npz'}:input_int8",
    )
    assert "nvdla-int8 explain" not in printed


def test_class_is_the_largest_value_if_only_one_has_it() -> None:
    assert class_words(np.array([-5, 3, 120], np.int8).reshape(3, 1, 1)) == "class 2, with 120"
    assert class_words(np.zeros((3, 1, 1), np.int8)) == "no class: 3 have the largest value 0: 0, 1, 2"


def test_run_writes_every_tensor_and_the_dump(tmp_path: Path) -> None:
    image = save(tmp_path / "input.npy", loadable_store.network_input(RESIDUAL))
    printed = output_of(RESIDUAL, image, "--output", tmp_path / "t.npz", "--dimg", tmp_path / "output.dimg")
    expected = loadable_store.rtl_tensors(RESIDUAL)
    with np.load(tmp_path / "t.npz") as found:
        for name, tensor in expected.items():
            np.testing.assert_array_equal(found[name], tensor, name)
        np.testing.assert_array_equal(found["output"], expected["layer6"])
        assert dict(zip(found["layers"], found["operations"], strict=True))["layer6"] == "SDP 6"
        assert set(found.files) == {*expected, "output", "layers", "operations"}
    assert f"{tmp_path / 't.npz'}: {len(expected) + 3} arrays" in printed
    assert (tmp_path / "output.dimg").read_bytes()[36:] == expected["layer6"].tobytes()
    assert printed.endswith(f"a board's file is compared by: nvdla-int8 dump BOARD.dimg {tmp_path / 't.npz'}\n")


def test_run_in_either_order_prints_the_same(tmp_path: Path) -> None:
    image = save(tmp_path / "input.npy", loadable_store.network_input(RESIDUAL))
    driver, layers = (output_of(RESIDUAL, image, "--work-order", order) for order in ("driver", "layers"))
    assert driver == layers == output_of(RESIDUAL, image)


def test_run_warns_once_of_each_kind(digits: Path) -> None:
    warnings = invoke("run", LENET, digits).stderr.splitlines()
    [e7] = [line for line in warnings if "[E7]" in line]
    assert e7.startswith("nvdla-int8: warning: a board may do otherwise: [E7] CDMA.D_BANK.WEIGHT_BANK")
    assert "more of this kind)" in e7


def test_run_over_a_folder_counts_classes_and_accuracy(digits: Path, tmp_path: Path) -> None:
    printed = output_of(LENET, digits, "--labels", "names", "--output", tmp_path / "t.npz")
    assert "classes of 3 images and how many are of each: " in printed
    with np.load(tmp_path / "t.npz") as found:
        assert found["layer1"].shape == (3, 20, 24, 24)
        right = int((found["output"].reshape(3, -1).argmax(axis=1) == np.arange(3)).sum())
    assert f"top-1: {right} of 3 right, {right / 3:.2%}" in printed
    wrong = re.search(r"^wrong: (.*)$", printed, re.MULTILINE)
    assert wrong is not None, "noise is of no class"
    assert wrong[1].count(" is of class ") == 3 - right


def test_run_says_when_all_images_give_the_same(tmp_path: Path) -> None:
    for number in range(2):
        digit(tmp_path / f"{number}.png", 7)
    printed = output_of(LENET, tmp_path)
    assert "all 2 images give the same output, 0 58 58 0" in printed
    lost = "it does not depend on the image; CONV 0 + SDP 1 (layer1) is the first layer that has lost it"
    assert f"{lost}; nvdla-int8 explain {LENET} tells why\n" in printed


def test_run_says_when_all_images_are_of_one_class(tmp_path: Path) -> None:
    for number in range(2):
        digit(tmp_path / f"{number}.png", number + 1)
    said = f"all 2 images are of class 1; if they should not be, nvdla-int8 explain {LENET} tells why"
    assert said in output_of(LENET, tmp_path)


def test_run_says_when_a_tensor_is_one_value(tmp_path: Path) -> None:
    path = loadable_store.loadable("conv_nobias", "per_filter")
    image = save(tmp_path / "zeros.npy", np.zeros_like(loadable_store.network_input(path)))
    lost = f"every value is 0: CONV 0 + SDP 1 (layer1) is the first layer that has lost it; nvdla-int8 explain {path}"
    assert lost in output_of(path, image)


def test_run_names_nodes_and_scales_of_the_network_that_was_compiled(tmp_path: Path) -> None:
    folder = loadable_store.network("residual")
    image = save(tmp_path / "input.npy", loadable_store.network_input(RESIDUAL))
    of_network = "--weights", folder / "net.prototxt", "--table", folder / "calib.json"
    table = rows(output_of(RESIDUAL, image, *of_network, "--output", tmp_path / "t.npz"))
    scale = json.loads((folder / "calib.json").read_text())["relu1"]["scale"]
    most = int(loadable_store.rtl_tensors(RESIDUAL)["layer1"].max())
    assert table["relu1"][:2] == ["CONV 0 + SDP 1", "layer1"]
    assert table["relu1"][6:8] == [f"{scale:.6g}", f"0 .. {most * scale:.6g}"]
    with np.load(tmp_path / "t.npz") as found:
        assert found["nodes"].tolist() == ["relu1", "relu2", "conv3", "relu3"]
        assert found["scales"][0] == pytest.approx(scale)
    alone = f"{folder / 'calib.json'}: nothing says which entry a layer takes: give the network with --weights too"
    assert problem("run", RESIDUAL, image, "--table", folder / "calib.json") == alone


def test_run_takes_a_loadable_of_any_name(tmp_path: Path) -> None:
    path = tmp_path / "network.bin"
    shutil.copy(RESIDUAL, path)
    image = save(tmp_path / "input.npy", loadable_store.network_input(RESIDUAL))
    assert f"{path}: for nv_small" in output_of(path, image)


def test_run_refuses_what_it_cannot_do_in_one_line(digits: Path, tmp_path: Path) -> None:
    image = save(tmp_path / "input.npy", loadable_store.network_input(RESIDUAL))
    assert (
        problem("run", RESIDUAL)
        == f"{RESIDUAL}: give its input data 16 x 8 x 8: a picture, an .npy, .npz or .dimg file"
    )
    assert problem("run", LENET, digits, "--dimg", "o.dimg").startswith(
        f"--dimg o.dimg is the output of one run, {digits}"
    )
    wrong = save(tmp_path / "wrong.npy", np.zeros((16, 8, 9), np.int8))
    assert problem("run", RESIDUAL, wrong) == f"{wrong}: shape (16, 8, 9), {RESIDUAL} takes (16, 8, 8)"
    labels = save(tmp_path / "labels.npy", np.array([1]))
    no_classes = f"--labels {labels}: output 'relu3' is 16 x 8 x 8, no classes"
    assert problem("run", RESIDUAL, image, "--labels", labels) == no_classes
    assert problem("run", tmp_path, image, "--work-order", "layers").startswith("--work-order is for compiled networks")
    assert problem("run", tmp_path).endswith("give IMAGES to run it on")


def test_run_refuses_a_label_beyond_the_classes(digits: Path, tmp_path: Path) -> None:
    labels = save(tmp_path / "labels.npy", np.array([1, 2, 10]))
    beyond = f"--labels {labels}: label 10 of image 2: output 'prob' has classes 0..9"
    assert problem("run", LENET, digits, "--labels", labels) == beyond


def test_run_of_a_network_without_outputs_tells_its_layers(tmp_path: Path) -> None:
    draft = Draft.of(RESIDUAL)
    memories = tuple(
        replace(one, flags=int(MemoryFlags.ALLOC)) if one.is_output else one for one in draft.container.memories
    )
    path = Draft(replace(draft.container, memories=memories), draft.tasks).write(tmp_path / "no_output.nvdla")
    tensor = loadable_store.network_input(RESIDUAL)
    printed = output_of(path, save(tmp_path / "input.npy", tensor))
    assert "output none" in printed
    assert "layer6" in printed
    several = save(tmp_path / "several.npy", np.stack([tensor, tensor]))
    assert "layer6" in output_of(path, several)
    labels = save(tmp_path / "labels.npy", np.array([1, 1]))
    assert problem("run", path, several, "--labels", labels) == f"--labels {labels}: {path} has no output"


@pytest.mark.parametrize("command", [("run",), ("explain",)])
def test_names_of_a_loadable_stay_in_their_line(command: tuple[str], tmp_path: Path) -> None:
    draft = Draft.of(RESIDUAL)
    tensors = tuple(replace(one, name="a\nb\x1b[31m") for one in draft.container.tensors)
    path = Draft(replace(draft.container, tensors=tensors), draft.tasks).write(tmp_path / "names.nvdla")
    images = (save(tmp_path / "input.npy", loadable_store.network_input(RESIDUAL)),) if command == ("run",) else ()
    result = invoke(*command, path, *images)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "a\\nb\\x1b[31m 16 x 8 x 8" in result.stdout


def test_bar_comes_up_only_for_long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Progress] = []

    def bar() -> Progress:
        made.append(Progress(console=Console(quiet=True)))
        return made[-1]

    monkeypatch.setattr(progress, "progress_bar", bar)
    with LateProgress("images", 3) as short:
        short.advance()
    assert not made
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", -1.0)
    with LateProgress("images", 3) as long:
        long.advance()
        long.advance()
    [shown] = made
    assert [(task.completed, task.total) for task in shown.tasks] == [(2, 3)]
