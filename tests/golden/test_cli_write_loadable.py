"""``nvdla-int8 write`` with a compiled network: files, tables, what is left to the host, what is refused."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.trace.commands import RegWrite, read_trace
from nvdla_int8.trace.replay import replay
from tests import loadable_store
from tests.golden.command import invoke, problem, rows, save

LENET = loadable_store.loadable("lenet", "per_filter")
CONV = loadable_store.loadable("conv_relu", "per_kernel")


def input_of(path: Path, folder: Path) -> Path:
    return save(folder / "input.npy", loadable_store.network_input(path))


def test_write_prints_files_layers_memories_and_what_is_left_to_the_host(tmp_path: Path) -> None:
    result = invoke("write", LENET, input_of(LENET, tmp_path), "--output", tmp_path / "out", "--name", "lenet")
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert f"trace: {tmp_path / 'out' / 'lenet.cfg'}, lenet_0.dat, lenet_1.dat, lenet_out0.dat" in text
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".cfg", ".dat", ".npz", ".hex", ".h"}
    table = rows(text)
    assert table["CONV 0 + SDP 1"] == [
        "20 x 24 x 24 at 0x800e3000",
        "1 x 28 x 28",
        "2",
        "504",
        "1",
        "6272 + 504",
        "SDP_0",
    ]
    assert table["PDP 2"][-1] == "PDP_0"
    assert table["memory 1: weights and operands"][0] == "0x80001000"
    assert {"memory 2: tensors between layers", "memory 3: input data", "memory 4: output prob"} < table.keys()
    assert text.endswith("left to the host: task 1, softmax\n")
    assert replay(tmp_path / "out" / "lenet.cfg").passed


def test_both_orders_of_work_are_written_and_pass(tmp_path: Path) -> None:
    image, writes = input_of(LENET, tmp_path), []
    for order in ("driver", "layers"):
        arguments = ["--output", tmp_path / order, "--form", "trace", "--work-order", order]
        assert invoke("write", LENET, image, *arguments).exit_code == 0
        cfg = tmp_path / order / "per_filter.cfg"
        assert replay(cfg).passed
        writes.append([one.register for one in read_trace(cfg).commands if isinstance(one, RegWrite)])
    assert writes[0] != writes[1]
    assert sorted(writes[0]) == sorted(writes[1])


def test_base_moves_all_memories(tmp_path: Path) -> None:
    image = input_of(CONV, tmp_path)
    result = invoke("write", CONV, image, "--output", tmp_path, "--form", "trace", "--base", "0xc0000000")
    assert rows(result.stdout)["memory 1: weights and operands"][0] == "0xc0001000"
    assert replay(tmp_path / "per_kernel.cfg").passed


def test_one_of_several_images_is_chosen(tmp_path: Path) -> None:
    shape = loadable_store.network_input(CONV).shape
    images = save(tmp_path / "images.npy", np.zeros((3, *shape), np.int8))
    several = problem("write", CONV, images, "--output", tmp_path / "out")
    assert several.endswith("images.npy: 3 runs, a register program is of one: --image NUMBER, from 0")
    assert problem("write", CONV, images, "--output", tmp_path / "out", "--image", 3).endswith("images.npy has 0..2")
    assert not (tmp_path / "out").exists()
    assert invoke("write", CONV, images, "--output", tmp_path / "out", "--image", 2).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "T_R8"], "--format: where the tensors of {path} lie, and how, is in the file"),
        (["--keep-layers"], "--keep-layers: where the tensors of {path} lie, and how, is in the file"),
        (["--build", "nv_large"], "--build nv_large: compiled networks run on nv_small here"),
        (["--name", "1st"], "program name '1st' must be letters, digits, '_', '-' and '.', a letter first"),
        (["--base", "0x80000800"], "base 0x80000800 is not the beginning of a page of 4,096 bytes"),
    ],
)
def test_what_a_compiled_network_decides_itself_is_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    line = problem("write", CONV, input_of(CONV, tmp_path), "--output", tmp_path / "out", *arguments)
    assert line.endswith(message.format(path=CONV))
    assert not (tmp_path / "out").exists()


def test_order_of_work_is_for_compiled_networks(tmp_path: Path) -> None:
    line = problem("write", tmp_path, tmp_path, "--output", tmp_path, "--work-order", "layers")
    assert line == f"--work-order is for compiled networks (.nvdla), {tmp_path} is none"


def test_layer_programs_need_an_image(tmp_path: Path) -> None:
    assert problem("write", tmp_path, "--output", tmp_path) == f"{tmp_path}: give IMAGES to write it with"
