"""Dumps of memory in the forms that tools print: the bytes and their addresses, whatever the form."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.dumps.memory_dump import MemoryDump, read_memory_dump
from nvdla_int8.errors import BenchError

BYTES = bytes(range(16, 48)) + b"\xff\x80\x7f\x00NVDLA"

TOOLS = (
    "xxd raw.bin",
    "xxd -p raw.bin",
    "xxd -g1 raw.bin",
    "xxd -g4 raw.bin",
    "xxd -g8 -u raw.bin",
    "xxd -c 8 raw.bin",
    "xxd -e raw.bin",
    "xxd -e -g2 raw.bin",
    "xxd -i raw.bin",
    "xxd raw.bin | sed 's/$/\\r/'",
    "hexdump -C raw.bin",
    "hexdump raw.bin",
    "od -A x -t x1z raw.bin",
    "od -t x1 raw.bin",
    "od -A d -t x4 raw.bin",
    "od -x raw.bin",
)


def read(tmp_path: Path, text: str | bytes) -> MemoryDump:
    path = tmp_path / "dump"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_memory_dump(path)


def held(dump: MemoryDump) -> dict[int, bytes]:
    """Its runs."""
    ends = np.cumsum(dump.lengths).tolist()
    return {
        start: dump.values[end - length : end].tobytes()
        for start, length, end in zip(dump.starts.tolist(), dump.lengths.tolist(), ends, strict=True)
    }


@pytest.mark.parametrize("command", TOOLS)
@pytest.mark.parametrize("size", [41, 32, 1])
def test_dump_as_a_tool_prints_it_gives_the_bytes(tmp_path: Path, command: str, size: int) -> None:
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    (tmp_path / "raw.bin").write_bytes(BYTES[-size:])
    printed = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True).stdout
    dump = read(tmp_path, printed)
    if "od -A d -t x4" in command or "od -x" in command:  # which fill the last word
        assert held(dump)[0][:size] == BYTES[-size:]
    assert held(dump) == {0: BYTES[-size:]}
    assert not dump.absolute


TEXTS = {
    "xxd": "80000000: 1011 1213 1415 1617 1819 1a1b 1c1d 4e56  ..............NV\n80000010: 4100  A.\n",
    "hexdump -C": (
        "80000000  10 11 12 13 14 15 16 17  18 19 1a 1b 1c 1d 4e 56  |..............NV|\n"
        "80000010  41 00                                             |A.|\n"
        "80000012\n"
    ),
    "md.b": (
        "80000000: 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 4e 56    ..............NV\n"
        "80000010: 41 00                                              A.\n"
    ),
    "md.w": (
        "=> md.w 80000000 9\n"
        "80000000: 1110 1312 1514 1716 1918 1b1a 1d1c 564e    ..............NV\n"
        "80000010: 0041                                       A.\n"
    ),
}


@pytest.mark.parametrize("form", TEXTS)
def test_dump_with_addresses_and_text_beside_the_bytes(tmp_path: Path, form: str) -> None:
    dump = read(tmp_path, TEXTS[form])
    assert held(dump) == {0x80000000: bytes(range(16, 30)) + b"NVA\0"}
    assert dump.absolute


def test_dump_that_is_no_text_is_bytes_as_they_are(tmp_path: Path) -> None:
    assert held(read(tmp_path, bytes(range(256)))) == {0: bytes(range(256))}
    with pytest.raises(BenchError, match="is empty"):
        read(tmp_path, b"")
