"""Dumps of memory in the forms that tools print: the bytes and their addresses, whatever the form."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.dumps.memory_dump import MemoryDump, read_memory_dump
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from tests.golden.dump_samples import BASE, WITH_ADDRESSES, WITHOUT

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


@pytest.mark.parametrize("address", ["a0000000", "C0000000", "dead0040", "4e000010"])
def test_dump_as_xxd_prints_it_may_begin_at_an_address_of_letters(tmp_path: Path, address: str) -> None:
    lines = [f"{int(address, 16) + at:08x}: {BYTES[at : at + 16].hex(' ', 2)}\n" for at in (0, 16)]
    assert held(read(tmp_path, "".join(lines))) == {int(address, 16): BYTES[:32]}


@pytest.mark.parametrize("command", TOOLS)
@pytest.mark.parametrize("size", [41, 32, 1])
def test_dump_as_a_tool_prints_it_gives_the_bytes(tmp_path: Path, command: str, size: int) -> None:
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    (tmp_path / "raw.bin").write_bytes(BYTES[-size:])
    printed = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True).stdout
    dump = read(tmp_path, printed)
    assert held(dump) == {0: BYTES[-size:]}
    assert not dump.absolute


@pytest.mark.parametrize("form", WITH_ADDRESSES)
def test_dump_with_addresses_gives_bytes_where_they_lay(tmp_path: Path, form: str) -> None:
    data = generator("0", f"dump {form}").bytes(64)
    text = WITH_ADDRESSES[form](data)
    dump = read(tmp_path, text)
    assert held(dump) == {BASE: data}
    assert dump.absolute
    assert held(read(tmp_path, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())) == {BASE: data}


@pytest.mark.parametrize("form", WITH_ADDRESSES)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\1\2\xfd\0\0\0\xff\1", id="one short line without printable bytes"),
        pytest.param(b"|bars of hexdump|" + b"|^Gg?6U", id="text that begins with a bar"),
        pytest.param(b"0123456789abcdef" * 2 + b"12 34 56", id="text that is hex"),
        pytest.param(bytes(40), id="zeros"),
        pytest.param(b"  two blanks on " + b" both sides of  " + b"  here too 123  ", id="text with blanks around it"),
        pytest.param(b" " * 32, id="blanks"),
    ],
)
def test_dump_does_not_depend_on_what_the_bytes_look_like(tmp_path: Path, form: str, data: bytes) -> None:
    text = WITH_ADDRESSES[form](data)
    assert held(read(tmp_path, text)) == {BASE: data}
    trimmed = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    assert held(read(tmp_path, trimmed)) == {BASE: data}


@pytest.mark.parametrize("form", WITHOUT)
def test_dump_without_addresses_gives_bytes_in_order(tmp_path: Path, form: str) -> None:
    data = generator("0", f"dump {form}").bytes(64)
    dump = read(tmp_path, WITHOUT[form](data))
    assert held(dump) == {0: data}
    assert not dump.absolute


def test_dump_leaves_unknown_what_no_line_holds(tmp_path: Path) -> None:
    text = "80000000: 01 02\n*\n80000006: 03\n80000010: 04 05\n"
    dump = read(tmp_path, text)
    assert held(dump) == {0x80000000: b"\1\2\1\2\1\2\3", 0x80000010: b"\4\5"}
    known, values = dump.look_up(np.array([0x80000005, 0x80000007, 0x80000011]))
    assert (known.tolist(), values.tolist()) == ([True, False, True], [2, 0, 5])
    cut = read(tmp_path, "80000000: 01 02\n*\n")
    assert held(cut) == {0x80000000: b"\1\2"}
    assert cut.notes == ("nothing behind line 2 tells how often '*' repeats the line before",)
    unknown = read(tmp_path, "@0\n01\nxx\n03\n")
    assert held(unknown) == {0: b"\1", 2: b"\3"}


def test_dump_says_how_it_took_words_that_can_be_taken_otherwise(tmp_path: Path) -> None:
    little = "its words of 4 bytes are taken as little-endian numbers"
    assert read(tmp_path, "12345678\n").notes == (little,)
    assert held(read(tmp_path, "12345678\n")) == {0: b"\x78\x56\x34\x12"}
    assert read(tmp_path, "0x80000000: 0x12345678\n").notes == (little,)
    assert read(tmp_path, "0x80000000: 0x1\n0x80000004: 0x1234567\n").notes[0].startswith("its numbers, which have no")
    octal = read(tmp_path, "0000000 01 02\n0000002 03 04\n0000004 05 06\n0000006 07 08\n0000010\n")
    assert octal.notes == ("its addresses are octal",)
    counted = read(tmp_path, "0x10: 0x00000001\n0x11: 0x00000002\n0x12: 0x00000003\n")
    assert counted.notes[0] == "its addresses count words of 4 bytes"
    assert counted.extent == (0x40, 0x4C)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("00000000: 01 02\n00000002: 0g 04\n", "line 2: '00000002: 0g 04' is neither an address with words nor"),
        ("00000000: 0102 0304\n00000004: 0506 070\n00000008: 0102 0304\n", "line 2: '00000004: 0506 070' has"),
        ("00000000: 41 42  AB\n00000002: 41 42  AC\n", "line 2: '00000002: 41 42  AC': the text beside the"),
        ("00000000: 01 02\n00000001: 03 04\n", "line 2: byte 0x1 is 0x03, in line 1 0x02"),
        ("8000000000000000: 01 02\n", "line 1: '8000000000000000: 01 02': the address is beyond 0x7fffffffffffffff"),
        ("*\n00000000: 01 02\n", "line 1: '*' has no line before it"),
        ("00000000: 01\n*\n7fffffff0000: 01\n", "line 2: '*' stands for 140,737,488,289,791 bytes, the limit is"),
        ("01 02 0x 04\n", "line 1: '0x' is no hex number"),
        ("01 02 3 04\n", "line 1: '3' has 1 digits, others 2"),
        ("@zz\n01\n", "line 1: '@zz' is no hex number"),
        ("@7fffffffffffffff\n0102\n", "line 1: '@7fffffffffffffff' is beyond 0x7fffffffffffffff, in words of 2 bytes"),
        (":10010000214601360121470136007EFE09D2190140\n", "holds Intel hex: objcopy -I ihex -O binary makes bytes"),
        ("00000000: 01 02 03 04\n00000004: 01 \x01\n" + "00000008: 01 02 03\n" * 9, "line 2: byte 0x01 is no text"),
    ],
)  # fmt: skip
def test_dump_that_cannot_be_read_is_told_with_line_and_text(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BenchError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'dump'}: {message}")


def test_dump_that_is_no_text_is_bytes_as_they_are(tmp_path: Path) -> None:
    assert held(read(tmp_path, bytes(range(256)))) == {0: bytes(range(256))}
    with pytest.raises(BenchError, match="is empty"):
        read(tmp_path, b"")


def test_bytes_that_are_all_letters_are_bytes_where_the_name_says_so(tmp_path: Path) -> None:
    data = b"bbbbbbbbbbbbbbbb`gfe^fYbbbbbbbbbd^f"
    for suffix in (".bin", ".raw"):
        path = tmp_path / f"board{suffix}"
        path.write_bytes(data)
        assert read_memory_dump(path).values.tobytes() == data
    path = tmp_path / "board.txt"
    path.write_bytes(data)
    with pytest.raises(BenchError, match="is no hex number"):
        read_memory_dump(path)
