"""nvdla-int8 check: a board's tensor against the model's."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.checkup.misprogramming import misprogrammings
from nvdla_int8.seeds import generator
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import STAGES, LayerProgram
from nvdla_int8.stages.sdp import Source, XStage
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.command import invoke, problem, rows, save, succeed
from tests.golden.float_convolution import quantise_layer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(tmp_path: Path) -> tuple[LayerProgram, Path, Path]:
    """A layer, its file, and its input's file."""
    rng = generator("cli", "check")
    program = quantise_layer(
        "conv1",
        rng.normal(0, 0.3, (4, 3, 3, 3)),
        rng.normal(0, 0.5, 4),
        TensorScale("data", 0.0146),
        TensorScale("conv1", 0.05),
        relu=True,
        input_converter=InputConverter(),
    ).program
    program.save(tmp_path / "conv1.json")
    return (
        program,
        tmp_path / "conv1.json",
        save(tmp_path / "i.npy", rng.integers(-128, 128, (2, 3, 6, 6), np.int8)),
    )


Bench = tuple[LayerProgram, Path, Path]


@pytest.mark.parametrize("stage", STAGES)
def test_check_a_right_board_exits_0(stage: str, bench: Bench, tmp_path: Path) -> None:
    program, path, data = bench
    tensor = program.run(np.load(data)).tensor(stage)
    output = succeed("check", path, data, save(tmp_path / "b.npy", tensor), "--stage", stage)
    assert output == f"layer conv1 stage {stage}: all {tensor.size} elements equal\n"


def test_check_takes_the_boards_bytes_as_uint8_too(bench: Bench, tmp_path: Path) -> None:
    program, path, data = bench
    succeed("check", path, data, save(tmp_path / "b.npy", program.run(np.load(data)).output.view(np.uint8)))


def test_check_one_wrong_byte_is_decoded_and_traced(bench: Bench, tmp_path: Path) -> None:
    program, path, data = bench
    stages = program.run(np.load(data))
    board = stages.output.copy()
    board[1, 2, 3, 0] ^= -128
    result = invoke("check", path, data, save(tmp_path / "b.npy", board))
    assert result.exit_code == 1
    assert f"{board.size - 1} of {board.size} elements equal, 1 differ" in result.stdout
    right, wrong = int(stages.output[1, 2, 3, 0]), int(board[1, 2, 3, 0])
    assert (
        f"image 1 (k=2, y=3, x=0): expected {right} (0x{right & 255:02x}), actual {wrong} (0x{wrong & 255:02x})"
    ) in result.stdout
    shown = rows(result.stdout)
    assert shown["accumulators"][0] == str(stages.accumulators[1, 2, 3, 0])
    assert shown["x1"][0] == str(stages.x1[1, 2, 3, 0])
    assert shown["output"] == [str(right), f"0x{right & 255:02x}"]
    assert f"none of the {len(misprogrammings(program))} single mistakes tried" in result.stdout


def test_check_names_the_mistake_that_gives_the_boards_bytes(bench: Bench, tmp_path: Path) -> None:
    program, path, data = bench
    what = "every scale is taken as (max - min) / 256, in X1's multiplier"
    [mistake] = [mistake for mistake in misprogrammings(program) if mistake.what == what]
    board = save(tmp_path / "b.npy", mistake.program.run(np.load(data)).output)
    result = invoke("check", path, data, board)
    assert result.exit_code == 1
    named = [line for line in result.stdout.splitlines() if line.startswith("the board's bytes are exactly")]
    assert named == [f"the board's bytes are exactly what comes out when {what}"]


def test_check_wrong_converted_bytes_show_no_trace(bench: Bench, tmp_path: Path) -> None:
    program, path, data = bench
    board = program.run(np.load(data)).converted.copy()
    board[0, 0, 0, 0] ^= 1
    result = invoke("check", path, data, save(tmp_path / "b.npy", board), "--stage", "converted")
    assert result.exit_code == 1
    assert "before clip" not in result.stdout


def test_check_a_board_of_another_shape_or_dtype_is_one_line(bench: Bench, tmp_path: Path) -> None:
    program, path, data = bench
    output = program.run(np.load(data)).output
    for board in (output[:1], output.astype(np.int16), output.reshape(-1)):
        file = save(tmp_path / "b.npy", board)
        line = problem("check", path, data, file)
        assert line == f"{file}: stage output is int8 (2, 4, 4, 4), the file holds {board.dtype} {board.shape}"


def test_check_swapped_arrays_name_the_file_that_is_no_input(bench: Bench, tmp_path: Path) -> None:
    program, path, data = bench
    board = save(tmp_path / "board.npy", program.run(np.load(data)).output)
    assert problem("check", path, board, data) == (f"{board}: shape (2, 4, 4, 4), layer conv1 takes (N, 3, H, W)")


def test_board_example_says_how_it_is_used_and_what_it_wrote(bench: Bench, tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "docs/board_example.py")]
    bare = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (bare.returncode, bare.stdout, bare.stderr.count("\n")) == (2, "", 1)
    assert bare.stderr.startswith("usage: ")
    program = LayerProgram(
        name="one",
        weights=np.ones((2, 1, 1, 1), np.int8),
        input_converter=InputConverter(pixel=True, unsigned=True),
        x1=XStage(bypass=False, alu_bypass=False, alu_source=Source.MEM),
        x1_alu=np.array([3, -5], np.int16),
    )
    program.save(tmp_path / "one.json")
    files = [str(tmp_path / name) for name in ("one.json", "in.npy", "board.npy")]
    done = subprocess.run([*script, *files], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1
    assert all(path in done.stdout for path in files[1:])
    assert invoke("check", *files).exit_code == 1
