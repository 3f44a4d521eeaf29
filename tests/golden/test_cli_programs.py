"""The command ``nvdla-int8 write``: what it prints and writes, and one line for bad input."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.trace.commands import MemLoad, read_trace
from nvdla_int8.trace.replay import replay
from tests.golden.command import problem, rows, save, succeed
from tests.golden.compiled import MEM_OPERANDS, layer, operand

SUFFIXES = {"trace": ".cfg", "npz": ".npz", "readmemh": "_operations.hex", "c": ".h"}


@pytest.fixture
def network(tmp_path: Path) -> Path:
    rng = generator("tests", "write")
    banded = layer(rng, (16, 128, 3, 3), ConvGeometry(pad_top=1), name="banded")
    last = layer(rng, (3, 16, 1, 1), name="last", x1=MEM_OPERANDS, x1_alu=operand(rng, 3), x1_mul=operand(rng, 3))
    Network.chain((banded, last)).save(tmp_path / "net")
    return tmp_path / "net"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save(tmp_path / "input.npy", generator("tests", "write", "data").integers(-128, 128, (128, 30, 40), np.int8))


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_write_writes_every_form_the_same_each_time(network: Path, data: Path, tmp_path: Path) -> None:
    outputs = [succeed("write", network, data, "--output", tmp_path / name) for name in ("one", "two")]
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert outputs[0].replace("/one/", "/two/") == outputs[1]
    named: set[str] = set()
    for form, suffix in SUFFIXES.items():
        [line] = [line for line in outputs[0].splitlines() if line.startswith(f"{form}: ")]
        first, *others = line.removeprefix(f"{form}: ").split(", ")
        assert first == str(tmp_path / "one" / f"net{suffix}")
        named |= {Path(first).name, *others}
        assert f"net{suffix}" in tree(tmp_path / "one")
    assert named == tree(tmp_path / "one").keys()
    assert replay(tmp_path / "one/net.cfg", strict=True).passed


def test_write_prints_passes_banks_addresses_and_sizes(network: Path, data: Path, tmp_path: Path) -> None:
    output = succeed("write", network, data, "--output", tmp_path / "out", "--form", "trace")
    passes = [line.split() for line in output.splitlines() if line.split()[:1] in (["banded"], ["last"])]
    # output, input, its banks, weights' bytes and banks, bytes of input and weights that are fetched, interrupt
    first, second, third = (" ".join(cells) for cells in passes[:3])
    assert first == "banded 16 x 20 x 38 at 0x80025800 128 x 21 x 40 27 18432 5 107520 + 18432 SDP_0"
    assert second == "banded 16 x 9 x 38 at 0x80026fc0 128 x 11 x 40 27 18432 5 46080 + 0 SDP_1"
    assert third.startswith("last 3 x 29 x 38 at 0x")
    [fetched] = [line for line in output.splitlines() if line.startswith("CDMA fetches ")]
    assert " of input (" in fetched
    assert fetched.count("without reuse of the CBUF)") == 2
    memory = rows(output[output.rindex("memory ") :])
    assert memory["input"] == ["0x80000000", str(128 * 30 * 40)]
    assert memory["banded output"] == ["0x80025800", str(16 * 29 * 38)]
    assert memory["banded weights"] == ["0x8002c000", "18432"]
    assert memory["last x1 operands"][1] == "32"


def test_write_name_base_and_formats(network: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--name", "mine", "--base", "0xc0000000", "--form", "c", "--form", "trace"]
    output = succeed("write", network, data, "--output", out, *options)
    assert [line.split(":")[0] for line in output.splitlines()[:2]] == ["c", "trace"]
    assert {path.suffix for path in out.iterdir()} == {".h", ".cfg", ".dat"}
    bases = [command.base for command in read_trace(out / "mine.cfg").commands if isinstance(command, MemLoad)]
    assert min(bases) == 0xC0000000


def test_write_takes_one_layers_program(network: Path, data: Path, tmp_path: Path) -> None:
    succeed("write", network / "banded.json", data, "--output", tmp_path / "out", "--form", "trace")
    assert replay(tmp_path / "out/banded.cfg", strict=True).passed


def test_write_for_another_build(network: Path, data: Path, tmp_path: Path) -> None:
    options = ["--build", "nv_large", "--form", "trace"]
    assert "on nv_large" in succeed("write", network, data, "--output", tmp_path / "out", *options)
    assert replay(tmp_path / "out/net.cfg", "nv_large").passed


def test_write_bad_input_is_one_line(network: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch = save(tmp_path / "batch.npy", np.zeros((2, 128, 30, 40), np.int8))
    other = save(tmp_path / "other.npy", np.zeros((5, 30, 40), np.int8))
    real = save(tmp_path / "real.npy", np.zeros((128, 30, 40), np.float32))
    assert problem("write", network, batch, "--output", out) == (
        f"{batch}: 2 images, a register program takes one: --image NUMBER, from 0"
    )
    assert problem("write", network, other, "--output", out) == (
        f"{other}: shape (5, 30, 40), layer banded takes (128, H, W)"
    )
    assert (
        problem("write", network, batch, "--output", out, "--image", 2) == f"{batch}: no image 2, there are 2, from 0"
    )
    small = save(tmp_path / "small.npy", np.zeros((128, 1, 1), np.int8))
    assert problem("write", network, small, "--output", out).startswith(f"{small}: layer banded: ")
    assert problem("write", network, data, "--output", out, "--format", "T_R8") == (
        "net: its input is an int8 feature map, not pixels of format T_R8"
    )
    assert problem("write", network, real, "--output", out).startswith(f"{real}: dtype float32")
    assert problem("write", tmp_path / "absent.json", data, "--output", out).startswith(f"{tmp_path / 'absent.json'}: ")
    assert problem("write", network, data, "--output", out, "--build", "nv_tiny").startswith("build 'nv_tiny'")
    assert problem("write", network, data, "--output", out, "--base", "high") == (
        "--base 'high' is not a number such as 0x80000000"
    )
    assert problem("write", network, data, "--output", out, "--base", "0x80000010").startswith("memory base 0x80000010")
    assert problem("write", network, data, "--output", out, "--name", "../net").startswith("program name '../net'")
    assert not out.exists()


def test_write_refused_layer_is_one_line(tmp_path: Path) -> None:
    rng = generator("tests", "write", "refused")
    huge: LayerProgram = layer(rng, (8, 1024, 4, 4), name="huge")
    huge.save(tmp_path / "huge.json")
    data = save(tmp_path / "data.npy", np.zeros((1024, 4, 4), np.int8))
    message = problem("write", tmp_path / "huge.json", data, "--output", tmp_path / "out")
    assert message.startswith("layer huge: 8 kernels of 16,384 bytes, which run together, do not fit the CBUF")


def test_write_into_a_file_is_one_line(network: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    assert str(tmp_path / "taken") in problem("write", network, data, "--output", tmp_path / "taken")
