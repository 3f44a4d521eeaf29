"""Disks that are full: one line that names the file, exit status 2."""

import subprocess
import sys
from pathlib import Path

import pytest

from nvdla_int8.network.network import Network
from tests.golden.edited_traces import named

FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def run(*arguments: str | Path, output: Path = Path("/dev/null")) -> tuple[int, str]:
    command = [sys.executable, "-m", "nvdla_int8", *map(str, arguments)]
    with output.open("w") as stream:
        done = subprocess.run(command, stdout=stream, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("option", ["--json", "--junit"])
def test_full_disk_for_a_report_is_one_line(option: str, reference_traces: list[Path]) -> None:
    told = run("replay", named(reference_traces, "layer_0"), option, FULL)
    assert told == (2, "nvdla-int8: error: /dev/full: No space left on device\n")


def test_full_disk_for_the_standard_output_is_one_line(tmp_path: Path) -> None:
    table = tmp_path / "table.cache"
    table.write_text("\ufeffTRT-8401-EntropyCalibration2\nconv: 3c010a14\n")  # a byte order mark is no text
    assert run("table", table) == (0, "")
    status, error = run("table", table, output=FULL)
    assert status == 2
    assert error.startswith("nvdla-int8: error: ")
    assert error.endswith("No space left on device\n")
    assert error.count("\n") == 1


def test_full_disk_for_a_network_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def write(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(OSError, match="No space left") as caught:
        Network.chain(()).save(str(tmp_path))
    assert caught.value.filename == str(tmp_path / "network.json")
