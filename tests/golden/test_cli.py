"""The command nvdla-int8: what it prints and writes, its exit status, and one line for bad input."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click import Context
from numpy.typing import NDArray

from networks.digits import data as digits
from networks.digits.files import ONNX, TABLE
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.cli import COMMANDS, main
from nvdla_int8.images.labels import accuracy
from nvdla_int8.network.network import Network
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.stages.layer_program import STAGES, LayerProgram
from tests.golden.command import COMMAND, in_terminal, problem, problems, rows, save, succeed

ROOT = Path(__file__).parents[2]
SAMPLE_JSON = ROOT / "tests/data/resnet50_sample.json"
SAMPLE_CACHE = ROOT / "tests/data/resnet50_sample.txt"
WEIGHT_SCALE = 0.5 / 127


@pytest.fixture(scope="module")
def split() -> digits.DigitsSplit:
    return digits.load()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("programs") / "digits"
    succeed("program", ONNX, "--table", TABLE, "--output", path)
    return path


LAYERS = [
    "conv1", "pool", "block1.conv1", "block1.conv2", "block2.skip", "block2.conv1", "block2.conv2", "average", "fc",
]  # fmt: skip
"""Of the demo network."""


# The command itself


def test_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nvdla_int8", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith("Usage: nvdla-int8 ")
    for name in ("table", "calibrate", "program", "run", "check", "requantise"):
        assert name in done.stdout


def test_help_cuts_no_command_short() -> None:
    shown = in_terminal([*COMMAND, "--help"], 80)
    assert "..." not in shown[shown.index("Commands:") :]
    commands = [main.get_command(Context(main), name) for name in COMMANDS]
    assert all(command is not None and len(command.short_help or "") in range(1, 56) for command in commands)


def test_version() -> None:
    assert succeed("--version").startswith("nvdla-int8, version ")


# calibrate, program, run


def test_calibrate_writes_the_demo_networks_table(tmp_path: Path, split: digits.DigitsSplit) -> None:
    output = tmp_path / "t.json"
    succeed("calibrate", ONNX, "--images", save(tmp_path / "i.npy", split.train_images), "--output", output)
    made, committed = read_table(output), read_table(TABLE)
    assert list(made) == list(committed)
    # The float network's last bits depend on the machine's BLAS.
    assert [e.scale for e in made.values()] == pytest.approx([e.scale for e in committed.values()], rel=1e-6)


@pytest.mark.parametrize(
    ("images", "wanted"),
    [
        (np.full((4, 1, 8, 8), -1, np.int8), "takes unsigned pixels, 0..255"),
        (np.zeros((4, 3, 8, 8), np.uint8), f"shape (4, 3, 8, 8), {ONNX} takes (N, 1, 8, 8)"),
        (np.zeros((4, 1, 1, 1), np.uint8), f"shape (4, 1, 1, 1), {ONNX} takes (N, 1, 8, 8)"),
        (np.zeros((0, 1, 8, 8), np.uint8), "not empty"),
        (np.zeros((4, 1, 8, 8), np.float32), f"dtype float32, {ONNX} takes uint8 pixels, 0..255"),
    ],
)
def test_calibrate_images_that_do_not_fit_are_one_line(
    images: NDArray[np.generic], wanted: str, tmp_path: Path
) -> None:
    path = save(tmp_path / "i.npy", images)
    line = problem("calibrate", ONNX, "--images", path, "--output", tmp_path / "t.json")
    assert line.startswith(f"{path}: ")
    assert wanted in line


@pytest.mark.parametrize("options", [(), ("--per-tensor",)])
def test_program_writes_what_the_library_makes(options: tuple[str, ...], tmp_path: Path) -> None:
    output = succeed("program", ONNX, "--table", TABLE, "--output", tmp_path / "out", *options)
    made = quantise_network(read_onnx(ONNX), read_table(TABLE), per_kernel=not options)
    assert Network.load(tmp_path / "out") == made.network
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert made.input is not None
    assert report["input"]["bound_lsb"] == made.input.program.bound_lsb
    assert list(report["layers"]) == [layer.name for layer in made.network.layers] == LAYERS
    for layer, numbers in made.convolutions:
        kernels = report["layers"][layer.name]["kernels"]
        assert [kernel["bound_lsb"] for kernel in kernels] == numbers.bound_lsb.tolist()
        assert [kernel["ratio"] for kernel in kernels] == numbers.ratio.tolist()
        assert layer.x1_alu is not None
        assert [kernel["x1_alu"] for kernel in kernels] == layer.x1_alu.tolist()
        does, shape, error, bound_lsb, _ = rows(output)[layer.name]
        assert does.startswith("convolution of ")
        assert shape.startswith(f"{len(kernels)} x ")
        assert float(error) == pytest.approx(max(abs(kernel["relative_error"]) for kernel in kernels), rel=0.1)
        assert 0 <= float(bound_lsb) - max(kernel["bound_lsb"] for kernel in kernels) < 1e-4


def test_program_prints_json_and_writes_no_folder_unless_it_is_given(tmp_path: Path) -> None:
    printed = json.loads(succeed("program", ONNX, "--table", TABLE, "--json"))
    succeed("program", ONNX, "--table", TABLE, "--output", tmp_path / "out")
    assert printed == json.loads((tmp_path / "out/report.json").read_text())
    assert list(printed["layers"]) == LAYERS
    assert printed["layers"]["conv1"]["shape"] == [16, 8, 8]


def test_program_missing_table_entry_names_table_and_tensor(tmp_path: Path) -> None:
    missing = problems("program", ONNX, "--table", SAMPLE_JSON, "--output", tmp_path / "out")
    names = [name for name in read_onnx(ONNX).measured if name != "data"]  # of which that table has an entry
    for line, name in zip(missing, names, strict=True):
        assert line.startswith(f"{SAMPLE_JSON}: layer {name!r}: not in the calibration table")
    assert not (tmp_path / "out").exists()


def test_program_into_a_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    assert str(path) in problem("program", ONNX, "--table", TABLE, "--output", path)


def test_run_a_folder_shows_every_stage_and_keeps_the_networks_accuracy(
    folder: Path, split: digits.DigitsSplit, tmp_path: Path
) -> None:
    images = save(tmp_path / "i.npy", split.test_images)
    output = succeed("run", folder, images, "--output", tmp_path / "stages.out")
    layers = [line.split()[1] for line in output.splitlines() if line.startswith("layer ")]
    assert layers == LAYERS
    with np.load(tmp_path / "stages.out") as stored:
        convolutions = [layer for layer in LAYERS if layer not in ("pool", "average")]
        assert {f"{layer}.{stage}" for layer in convolutions for stage in STAGES} < set(stored.files)
        logits = stored["fc.output"]
    assert accuracy(logits, split.test_labels) > 0.95
    ends = np.count_nonzero((logits == -128) | (logits == 127))
    assert rows(output)["output"] == ["360 x 10 x 1 x 1", str(logits.min()), str(logits.max()), str(ends)]


def test_run_one_program_counts_saturations(tmp_path: Path) -> None:
    program = LayerProgram(name="big", weights=np.full((1, 1, 1, 1), 100, np.int8))
    program.save(tmp_path / "big.json")
    data = save(tmp_path / "i.npy", np.array([[[1, 2, -3]]], np.int8))
    output = succeed("run", tmp_path / "big.json", data)
    assert rows(output)["output"] == ["1 x 1 x 3", "-128", "127", "2"]
    assert "saturated: output_8 2\n" in output


def test_run_input_that_does_not_fit_names_the_file_and_the_layer(folder: Path, tmp_path: Path) -> None:
    path = save(tmp_path / "i.npy", np.zeros((3, 8, 8), np.uint8))
    line = problem("run", folder, path)
    assert line == (f"{path}: shape (3, 8, 8), layer conv1 takes (1, 8, 8); 3 grey images are (3, 1, 8, 8)")
    batch = save(tmp_path / "batch.npy", np.zeros((2, 3, 8, 8), np.uint8))
    assert problem("run", folder, batch) == f"{batch}: shape (2, 3, 8, 8), layer conv1 takes (N, 1, 8, 8)"
    small = save(tmp_path / "small.npy", np.zeros((1, 1, 1), np.uint8))
    assert problem("run", folder, small) == f"{small}: shape (1, 1, 1), layer conv1 takes (1, 8, 8)"
    assert str(tmp_path / "no") in problem(
        "run", folder, save(path, np.zeros((1, 8, 8), np.uint8)), "--output", tmp_path / "no/where.npz"
    )


@pytest.mark.parametrize("name", ["out", "stages.npy"])
def test_run_writes_exactly_the_output_it_was_given(name: str, folder: Path, tmp_path: Path) -> None:
    data = save(tmp_path / "i.npy", np.zeros((1, 8, 8), np.uint8))
    (tmp_path / "made").mkdir()
    succeed("run", folder, data, "--output", tmp_path / "made" / name)
    assert [path.name for path in (tmp_path / "made").iterdir()] == [name]


# Files that are no programs


def test_run_files_that_are_no_programs_name_the_path_once(folder: Path, tmp_path: Path) -> None:
    data = save(tmp_path / "i.npy", np.zeros((1, 8, 8), np.uint8))
    text = tmp_path / "text.json"
    text.write_text("conv1")
    alone = tmp_path / "alone.json"
    alone.write_bytes((folder / "conv1.json").read_bytes())
    for path, wanted in (
        (tmp_path / "none.json", "no such file"),
        (data, "not JSON text, so not a layer program"),
        (ONNX, "is a network in real numbers: program makes layer programs of it, which run takes"),
    ):
        assert problem("run", path, data) == f"{path}: {wanted}"
    assert problem("run", text, data).startswith(f"{text}: not JSON text, so not a layer program: ")
    assert problem("run", alone, data) == f"{tmp_path / 'alone.npz'}: no such file; it holds the arrays of alone.json"
    assert problem("run", tmp_path, data) == f"{tmp_path / 'network.json'}: no such file"
    (tmp_path / "network.json").write_bytes(b"\xff")
    assert problem("run", tmp_path, data) == (
        f"{tmp_path / 'network.json'}: not JSON text, so not a network's layer list"
    )


# Files that are no arrays


def npy(shape: str, descr: str = "|i1") -> bytes:
    """An .npy file's header with this text for its shape, and four bytes of data."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an array\n",
        b"\x93NUMPY",
        npy("(4,)")[:40],
        npy("(5,)"),
        npy("(-4,)"),
        npy("(4,"),
        npy("(4,)", "O"),
        npy("(4,)", "03i1"),
        npy("(True,)"),
        npy(f"({2**100},)"),
        npy(f"({10**15},)"),
    ],
)
def test_run_odd_npy_files_are_one_line(content: bytes, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "i.npy"
    path.write_bytes(content)
    line = problem("run", folder, path)
    assert line.startswith((f"{path}: cannot be read as an array: ", f"{path}: shape (4,), images are"))


def test_run_an_npz_an_object_array_a_folder_and_nothing_are_one_line(folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.zeros(3, np.int8), two=np.zeros(3, np.int8))
    assert "the archive holds one, two" in problem("run", folder, tmp_path / "a.npz")
    objects = save(tmp_path / "o.npy", np.array([{}, None], dtype=object))
    assert "cannot be read as an array: it holds Python objects" in problem("run", folder, objects)
    assert "no pictures (.png" in problem("run", folder, tmp_path)
    assert problem("run", folder, tmp_path / "none").endswith("no such file")


def test_run_input_from_a_pipe(folder: Path, tmp_path: Path) -> None:
    data = save(tmp_path / "i.npy", np.arange(64, dtype=np.uint8).reshape(1, 8, 8))
    command = [*COMMAND, "run", str(folder)]
    of_file = subprocess.run([*command, str(data)], capture_output=True, check=True)
    piped = subprocess.run([*command, "/dev/stdin"], input=data.read_bytes(), capture_output=True, check=True)
    assert piped.stdout == of_file.stdout
    cut = subprocess.run([*command, "/dev/stdin"], input=data.read_bytes()[:90], capture_output=True, text=False)
    assert cut.returncode == 2
    assert cut.stderr.startswith(b"nvdla-int8: error: /dev/stdin: cannot be read as an array: ")
