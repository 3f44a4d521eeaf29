"""The command ``dump``: what a board's file holds, where it differs, in another form."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.dumps.dimg import read_dimg, write_dimg
from nvdla_int8.dumps.formats import DumpFormat
from nvdla_int8.dumps.layout import DumpLayout
from nvdla_int8.dumps.raw import memory_of_tensor
from tests.golden.command import invoke, problem, rows, save, succeed
from tests.loadable_store import loadable, rtl_tensors
from tests.shared_data import LOADABLES, needs_shared

CLASSES = np.array([0, 0, 24, 92, 8, -3, 0, 0, 0, 0], np.int8).reshape(10, 1, 1)
SCRAMBLED = DumpLayout(DumpFormat.CXHWX_X32_INT8, (32, 4, 4), 32, 128, 512)


def cube() -> np.ndarray:
    return (np.arange(512) * 73 % 251 - 125).astype(np.int8).reshape(32, 4, 4)


@pytest.fixture
def scrambled(tmp_path: Path) -> Path:
    """A dump of :func:`cube` as the runtime makes it of a tensor of nv_small that is marked FEATURE."""
    write_dimg(tmp_path / "output.dimg", cube(), SCRAMBLED)
    return tmp_path / "output.dimg"


def held() -> int:
    """Elements that the scrambled dump holds."""
    return len(set(SCRAMBLED.fetched().flat) & set(SCRAMBLED.places().flat))


def test_dump_of_classes_prints_them(tmp_path: Path) -> None:
    write_dimg(tmp_path / "output.dimg", CLASSES)
    assert "0 0 24 92 8 -3 0 0 0 0" in succeed("dump", tmp_path / "output.dimg")


def test_dump_of_one_value_says_so(tmp_path: Path) -> None:
    write_dimg(tmp_path / "output.dimg", np.full((64, 2, 2), -1, np.int8))
    assert "every element is -1\n" in succeed("dump", tmp_path / "output.dimg")


def test_dump_compares_the_text_of_classes_without_more_words(tmp_path: Path) -> None:
    (tmp_path / "output.dimg").write_text("0 0 24 92 8 -3 0 0 0 0 ")
    assert "all 10 elements compared are equal" in succeed(
        "dump", tmp_path / "output.dimg", save(tmp_path / "golden.npy", CLASSES)
    )


def test_dump_never_counts_what_a_scrambled_file_does_not_hold(scrambled: Path, tmp_path: Path) -> None:
    golden = cube()
    dump = read_dimg(scrambled)
    golden[~dump.tensor.known] += 1
    printed = succeed("dump", scrambled, save(tmp_path / "golden.npy", golden))
    assert f"it holds {held()} of 512 elements" in printed
    assert f"all {held()} elements compared are equal; {512 - held()} that they do not both hold" in printed
    golden[3, 1, 2] ^= 1
    golden[9, 0, 0] ^= 1
    assert dump.tensor.known[3, 1, 2]
    assert dump.tensor.known[9, 0, 0]
    result = invoke("dump", scrambled, save(tmp_path / "golden.npy", golden))
    assert result.exit_code == 1
    assert f"2 of {held()} elements compared differ" in result.stdout
    assert "channels with differences: 3, 9\n" in result.stdout
    assert rows(result.stdout)["3"] == ["1", "2", str(cube()[3, 1, 2]), str(cube()[3, 1, 2] ^ 1)]


def test_dump_keeps_what_is_known_of_a_scrambled_tensor(scrambled: Path, tmp_path: Path) -> None:
    assert "--to npz writes those" in problem_of_form(scrambled, "npy", tmp_path / "one.npy")
    succeed("dump", scrambled, "--to", "npz", "--output", tmp_path / "one.npz")
    with np.load(tmp_path / "one.npz") as archive:
        np.testing.assert_array_equal(archive["tensor"][archive["known"]], cube()[archive["known"]])
    assert f"all {held()} elements" in succeed("dump", tmp_path / "one.npz", scrambled)
    succeed("dump", scrambled, "--as-dumped", "--to", "npy", "--output", tmp_path / "one.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "one.npy"), read_dimg(scrambled).elements)


def problem_of_form(path: Path, form: str, output: Path) -> str:
    result = invoke("dump", path, "--to", form, "--output", output)
    assert result.exit_code == 2
    return result.stderr


@pytest.mark.parametrize("memory", ["atom8", "atom32", "planar"])
def test_dump_reads_the_bytes_that_it_writes_as_in_memory(memory: str, tmp_path: Path) -> None:
    golden = save(tmp_path / "golden.npy", cube()[:11])
    described = ("--shape", "11,4,4", "--memory", memory, "--line-stride", 160, "--surface-stride", 640)
    succeed("dump", golden, *described, "--to", "memory", "--output", tmp_path / "board.bin")
    data = (tmp_path / "board.bin").read_bytes()
    channels = {"atom8": 8, "atom32": 32, "planar": 1}[memory]
    places = [c // channels * 640 + y * 160 + x * channels + c % channels for c, y, x in np.ndindex(11, 4, 4)]
    assert np.frombuffer(data, np.int8)[places].tolist() == cube()[:11].reshape(-1).tolist()
    assert "all 176 elements compared are equal" in succeed("dump", tmp_path / "board.bin", golden, *described)


def test_dump_finds_the_layer_that_a_file_is_nearest_to(scrambled: Path, tmp_path: Path) -> None:
    near = cube()
    near[0, 0, 0] ^= 1
    np.savez(tmp_path / "run.npz", layer1=-cube(), acc1=cube().astype(np.int32), layer3=near, layer5=CLASSES)
    result = invoke("dump", scrambled, tmp_path / "run.npz")
    assert result.exit_code == 1
    assert "2 arrays have this shape, the nearest is run.npz:layer3" in result.stdout
    assert f"1 of {held()} elements compared differ" in result.stdout
    assert "differ" in invoke("dump", scrambled, f"{tmp_path / 'run.npz'}:layer1").stdout


@needs_shared(LOADABLES)
def test_dump_takes_shape_and_strides_of_a_loadables_output(tmp_path: Path) -> None:
    folder = LOADABLES / "regression_PDP_small"
    golden, loadable = folder / "golden.dimg", folder / "loadable.nvdla"
    succeed("dump", golden, "--as-dumped", "--to", "text", "--output", tmp_path / "raw.dimg")
    printed = succeed("dump", tmp_path / "raw.dimg", golden, "--loadable", loadable)
    assert "all 704 elements compared are equal; 1,344 that" in printed


def test_dump_compares_bytes_of_a_board_with_the_layer_that_is_named(tmp_path: Path) -> None:
    path, board = loadable("lenet", "per_filter"), tmp_path / "board.bin"
    expected = rtl_tensors(path)
    layer5 = expected["layer5"]
    board.write_bytes(memory_of_tensor(layer5, DumpLayout.packed((50, 4, 4))))
    np.savez(tmp_path / "run.npz", layer4=expected["layer4"], layer5=layer5 + 1, other=layer5)
    named = "--loadable", path, "--tensor", "layer5"
    assert "all 800 elements compared are equal" in succeed("dump", board, f"{tmp_path / 'run.npz'}:other", *named)
    assert "800 of 800 elements compared differ" in invoke("dump", board, tmp_path / "run.npz", *named).stdout
    assert "its layers' are layer1, layer2, layer4" in problem("dump", board, *named[:3], "layer3")


@pytest.mark.parametrize(
    ("content", "arguments", "word"),
    [
        (b"\0\1\2\3", (), "give --loadable, for a layer with --tensor, or --shape and --memory"),
        (bytes(9), ("--shape", "1,1,1"), "has 9 bytes, 1 x 1 x 1 elements"),
        (b"\0\1\2\3", ("--shape", "8,1,1"), "8 x 1 x 1 elements of CXHWX_X8_INT8 are 8"),
        (b"\0\1\2\3", ("--shape", "8192,8192,8192"), "has 4 bytes"),
        (bytes(11), ("--shape", "4,2,1"), "reach 12"),
        (b"1 2 3", ("--shape", "4,1,1"), "holds 3 numbers, 4 x 1 x 1 are 4"),
        (b"1 2 300", (), "number 3 is 300, elements are int8"),
        (b"1 2 1.5", (), "1.5 is not an integer"),
        (b"1 2 -e", (), "'-e' is not a number"),
        (b"1 2 3", ("--memory", "atom32"), "go with --shape"),
        (b"1 2 3", ("--tensor", "prob"), "goes with --loadable"),
        (b"1 2 3", ("--shape", "3,0,1"), "--shape '3,0,1' is not"),
        (b"DIMG", (), "is cut off"),
    ],
)
def test_dump_of_a_bad_file_or_option_is_one_line(
    content: bytes, arguments: tuple[str, ...], word: str, tmp_path: Path
) -> None:
    (tmp_path / "board").write_bytes(content)
    assert word in problem("dump", tmp_path / "board", *arguments)


def test_dump_of_a_missing_file_is_one_line(tmp_path: Path) -> None:
    assert "no such file" in problem("dump", tmp_path / "nothing.dimg")


def test_dump_refuses_tensors_that_cannot_be_compared(tmp_path: Path) -> None:
    write_dimg(tmp_path / "one.dimg", CLASSES)
    other = save(tmp_path / "other.npy", CLASSES[:9])
    result = invoke("dump", tmp_path / "one.dimg", other)
    assert result.exit_code == 2
    assert "int8 (10, 1, 1)" in result.stderr
    np.savez(tmp_path / "run.npz", layer1=cube(), layer3=cube())
    assert (
        "none of its 2 arrays is int8 (10, 1, 1)" in invoke("dump", tmp_path / "one.dimg", tmp_path / "run.npz").stderr
    )
