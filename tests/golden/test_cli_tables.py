"""Tables on a terminal: no word and no number is split over two lines."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from networks.digits.files import ONNX, TABLE
from tests.golden.command import COMMAND, in_terminal, save, succeed

SAMPLE = Path(__file__).parents[2] / "tests/data/resnet50_sample.json"
RULE = "\u2500"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo network's programs, an input and a trace; names are short, as one types them."""
    folder = tmp_path_factory.mktemp("tables")
    succeed("program", ONNX, "--table", TABLE, "--output", folder / "net")
    data = save(folder / "i.npy", np.arange(64, dtype=np.uint8).reshape(1, 8, 8))
    succeed("write", folder / "net", data, "--output", folder / "trace", "--form", "trace")
    return folder


def words(output: str) -> Counter[str]:
    return Counter(word for word in output.split() if not word.startswith(RULE))


def on_terminal(command: list[str], columns: int) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", in_terminal(command, columns))


@pytest.mark.parametrize(
    "arguments",
    [
        ["program", str(ONNX), "--table", str(TABLE), "--output", "net"],
        ["write", "net", "i.npy", "--output", "out"],
        ["write", "net", "i.npy", "--output", "out", "--base", "0xffff0000"],
        ["explain", "trace"],
        ["requantise", str(SAMPLE), "data", "conv1", "--weight-scale", "0.003937"],
        ["table", str(SAMPLE)],
        ["run", "net", "i.npy"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_terminal_splits_no_word_and_no_number(
    arguments: list[str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    command = [*COMMAND, *arguments]
    piped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for columns in (80, 120):
        shown = on_terminal(command, columns)
        assert words(shown) == words(piped)
        tables = [line for line in shown.splitlines() if line.startswith(" ")]
        assert max(map(len, tables)) <= columns
        assert RULE in shown  # tables, not blocks


def test_narrow_terminal_gets_blocks_with_whole_numbers(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    shown = on_terminal([*COMMAND, "explain", "trace"], 40)
    assert "address: 0x80000000\r\n" in shown
