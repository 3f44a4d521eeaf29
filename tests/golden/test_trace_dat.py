"""The ``.dat`` reader and writer: layouts, real files, every defect as one line."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.trace import dat
from nvdla_int8.trace.dat import BYTE_LIMIT, TEXT_LIMIT, read_dat, read_dat_image, write_dat
from nvdla_int8.trace.text import MissingFileError
from tests.golden.trace_samples import DAT, one_line_error, plain_runs
from tests.reference_store import CONVOLUTION_KINDS, of_kinds
from tests.shared_data import NVIDIA, needs_nvidia_traces


def write(folder: Path, text: str) -> Path:
    path = folder / "x.dat"
    path.write_bytes(text.encode("latin-1"))
    return path


# Good files


def test_read_dat_merges_pads_and_leaves_holes(tmp_path: Path) -> None:
    first = bytes.fromhex("088300aec40c00b1")
    assert read_dat(write(tmp_path, DAT)) == [(0, first), (0x20, b"\x01\xff" + bytes(6))]
    assert read_dat_image(tmp_path / "x.dat", 0x30).data == first + bytes(24) + b"\x01\xff" + bytes(14)


@pytest.mark.parametrize(
    "text",
    [
        "{offset:0x10, size:2, payload:0x01 0x02},\n{offset:0x12, size:1, payload:0x03},",
        "{\r\n{offset:0x10, size:2, payload:0x01 0x02} ,\r\n{offset:18, size:0x1, payload:0x03} ,\r\n}\r\n",
        "{{offset:16,size:3,payload:0x1 0x2 0x3}}",
        "{ { offset : 0x10 , size : 3 , payload :\n  0x01\n\t0x02\n  0x03 } }",
        "{\n  # a {comment}\n{offset:0x12, size:1, payload:0x03} ,\n#\n{offset:0x10, size:2, payload:0x1 0x02}\n}",
        "{\n{offset:0x10, size:3, payload:0x01 0x02 0x03} ,\n{offset:0x11, size:0, payload:} ,\n}",
    ],
)
def test_read_dat_layouts(tmp_path: Path, text: str) -> None:
    assert read_dat(write(tmp_path, text)) == [(0x10, b"\x01\x02\x03")]


def test_read_dat_empty_payload_is_zeros(tmp_path: Path) -> None:
    assert read_dat(write(tmp_path, "{offset:0, size:4, payload:}")) == [(0, bytes(4))]
    assert read_dat(write(tmp_path, "{\n}\n")) == []
    assert read_dat_image(tmp_path / "x.dat", 4).data == bytes(4)


def test_read_dat_whole_records_with_a_hole_between_are_two_runs(tmp_path: Path) -> None:
    text = "{{offset:0x0, size:1, payload:0x01} ,\n{offset:0x2, size:1, payload:0x02} ,\n}"
    assert read_dat(write(tmp_path, text)) == [(0, b"\x01"), (2, b"\x02")]


@st.composite
def dat_texts(draw: st.DrawFn) -> str:
    """Records that do not overlap, in any order and spelling."""
    records, offset = [], draw(st.integers(0, 2**40))
    for data in draw(st.lists(st.binary(max_size=40), max_size=8)):
        size = len(data) + draw(st.integers(0, 4))
        spell = draw(st.sampled_from(["0x{:02x}", "0x{:02X}", "0x{:x}"])).format
        at = draw(st.sampled_from(["{:#x}", "{}"])).format(offset)
        records.append(f"{{offset:{at}, size:{size}, payload:{' '.join(map(spell, data))}}} ,")
        offset += size + draw(st.sampled_from([0, 0, 1, 1000]))
    return "{\n" + "\n".join(draw(st.permutations(records))) + "\n}\n"


@given(dat_texts())
def test_read_dat_equals_plain_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = write(tmp_path_factory.getbasetemp(), text)
    assert read_dat(path) == plain_runs(text)


@given(st.binary(max_size=200))
def test_write_dat_reads_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "written.dat"
    write_dat(path, data)
    assert read_dat(path) == ([(0, data)] if data else [])
    assert read_dat_image(path, len(data) + 3).data == data + bytes(3)


def test_write_dat_same_text_as_reference(reference_traces: list[Path], tmp_path: Path) -> None:
    files = [path for folder in of_kinds(reference_traces, CONVOLUTION_KINDS) for path in folder.glob("*.dat")]
    assert len(files) == 627
    for path in files:
        [(offset, data)] = read_dat(path)
        assert offset == 0
        write_dat(tmp_path / "again.dat", data)
        assert (tmp_path / "again.dat").read_bytes() == path.read_bytes()


def test_read_dat_reference_equals_plain_reader(reference_traces: list[Path]) -> None:
    for folder in reference_traces[::16]:
        for path in folder.glob("*.dat"):
            assert read_dat(path) == plain_runs(path.read_text())


@needs_nvidia_traces
def test_read_dat_nvidia() -> None:
    files = sorted(NVIDIA.glob("*/*.dat"))
    assert files
    for path in files:
        runs = read_dat(path)
        if path.stat().st_size < 50_000:
            assert runs == plain_runs(path.read_text())
        assert sum(len(data) for _, data in runs) == path.read_text().count("0x") - path.read_text().count("offset")


# Defects

RECORD_DEFECTS = {
    "{offset:zz, size:1, payload:0x00} ,": "'zz' is not a number",
    "{offset:-4, size:1, payload:0x00} ,": "'-4' is negative",
    "{offset:0x10000000000000000, size:1, payload:0x00} ,": "'0x10000000000000000' does not fit 64 bits",
    "{offset:0xffffffffffffffff, size:2, payload:0x00} ,": "offset = 0xffffffffffffffff with size = 2 ends above 64",
    "{offset:8, size:010, payload:0x00} ,": "'010' is not a number",
    "{offset:8, size:268435453, payload:} ,": "size = 268435453 brings the file to 268435457 bytes, above the limit",
    "{offset:8, size:0xffffffffffff, payload:0x00} ,": "size = 281474976710655 brings the file to",
    "{offset:8, size:1, payload:0x00 0x01} ,": "payload of 2 bytes is longer than size = 1",
    "{offset:8, size:4, payload:0x00 1 0x02 0x03} ,": "payload byte '1' is not 0x and one or two hex digits",
    "{offset:8, size:4, payload:0x00 0x1234 0x02} ,": "payload byte '0x1234' is not 0x",
    "{offset:8, size:4, payload:0x00 0xg0 0x02 0x03} ,": "payload byte '0xg0' is not 0x",
    "{offset:8, size:4, payload:0x00 0x0g 0x02 0x03} ,": "payload byte '0x0g' is not 0x",
    "{offset:8, size:4, payload:0x00 1x01 0x02 0x03} ,": "payload byte '1x01' is not 0x",
    "{offset:8, size:4, payload:0x00,0x01} ,": "payload byte '0x00,0x01' is not 0x",
    "{offset:8, size:2, payload:0x00\xa00x01} ,": "is not 0x",
    "{offset:3, size:4, payload:0x00} ,": "offset = 0x3, size = 4 overlaps another record",
    "{offset:0, size:4, payload:0x00} ,": "offset = 0x0, size = 4 overlaps another record",
    "{offset:8, size:4} ,": "'{offset:8, size:4} ,' is neither a record",
    "{size:4, offset:8, payload:0x00} ,": "is neither a record",
    "hello": "'hello' is neither a record",
    "\x00\xff": "'\\x00ÿ' is neither a record",
    ",": "',' is neither a record",
    "}": "neither a record",
}


@pytest.mark.parametrize(("record", "problem"), RECORD_DEFECTS.items())
def test_read_dat_defect_names_line_and_value(tmp_path: Path, record: str, problem: str) -> None:
    path = write(tmp_path, f"{{\n# comment\n{{offset:0x0, size:4, payload:0x00 0x01 0x02 0x03}} ,\n{record}\n}}\n")
    message = one_line_error(read_dat, path)
    assert message.startswith(f"{path}:4: ")
    assert problem in message


def test_read_dat_overlap_names_the_later_line(tmp_path: Path) -> None:
    path = write(tmp_path, "{\n{offset:8, size:4, payload:} ,\n{offset:6, size:3, payload:} ,\n}\n")
    assert one_line_error(read_dat, path) == f"{path}:3: offset = 0x6, size = 3 overlaps another record"


def test_read_dat_bad_byte_on_its_own_line(tmp_path: Path) -> None:
    path = write(tmp_path, "{offset:0, size:4, payload:0x00\n0x01\nzz}")
    assert one_line_error(read_dat, path).startswith(f"{path}:3: payload byte 'zz'")


@pytest.mark.parametrize(
    "text", ["{", "{\n{offset:0x0, size:1, payload:0x00} ,\n", "{\n{offset:0x0, size:1, payload:0x"]
)
def test_read_dat_cut_short(tmp_path: Path, text: str) -> None:
    assert "is neither a record" in one_line_error(read_dat, write(tmp_path, text))


@pytest.mark.parametrize("text", ["", " \n", "# only a comment"])
def test_read_dat_nothing_inside(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    assert one_line_error(read_dat, path) == f"{path}: holds no records"


def test_read_dat_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"/x\.dat: file is missing"):
        read_dat(tmp_path / "x.dat")
    assert one_line_error(read_dat, tmp_path) == f"{tmp_path}: is not a regular file"


def test_read_dat_limit_counts_sizes(tmp_path: Path) -> None:
    path = write(tmp_path, DAT)
    assert len(read_dat(path, limit=16)) == 2
    assert "size = 8 brings the file to 16 bytes, above the limit of 15" in one_line_error(read_dat, path, limit=15)


def test_read_dat_memory_does_not_follow_numbers(tmp_path: Path) -> None:
    far = write(tmp_path, "{offset:0xfffffffffffffff0, size:4, payload:0x01}")
    wide = tmp_path / "wide.dat"
    wide.write_text(f"{{offset:0, size:{BYTE_LIMIT + 1}, payload:0x01}}")
    tracemalloc.start()
    try:
        assert read_dat(far) == [(2**64 - 16, b"\x01\0\0\0")]
        assert "above the limit" in one_line_error(read_dat, wide)
        assert "beyond the image" in one_line_error(read_dat_image, far, 16)
        assert "above the limit" in one_line_error(read_dat_image, far, 2**60)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_read_dat_text_too_large(tmp_path: Path) -> None:
    with (tmp_path / "x.dat").open("wb") as file:
        file.truncate(TEXT_LIMIT + 1)  # sparse
    assert one_line_error(read_dat, tmp_path / "x.dat").endswith(f"above the limit of {TEXT_LIMIT}")


def test_read_dat_image_content_beyond_size(tmp_path: Path) -> None:
    path = write(tmp_path, DAT)
    assert len(read_dat_image(path, 0x28).data) == 0x28
    message = one_line_error(read_dat_image, path, 0x24)
    assert message == f"{path}: data up to offset 0x28 is beyond the image of 0x24 bytes"


def test_write_dat_folder_missing(tmp_path: Path) -> None:
    assert (
        one_line_error(write_dat, tmp_path / "no" / "x.dat", b"") == f"{tmp_path}/no/x.dat: No such file or directory"
    )


PLAIN_FILES = (
    "{\n{offset:0x0, size:4, payload:0x00 0x01 0x02 0x03} ,\n{offset:0x20, size:2, payload:0xff 0x1} ,\n}\n",
    "{offset:0x0,size:4,payload:0x00 0x01}\n{offset:8, size:2, payload:} ,\n",
    "{offset:0,size:1,payload:0x00},",
    "{ {offset:0, size:2, payload:0x00 0xa1} , {offset:2, size:1, payload: 0xff },}",
    "{ }",
)


def read_or_problem(path: Path) -> list[tuple[int, bytes]] | str:
    try:
        return read_dat(path, limit=2000)
    except BenchError as error:
        return str(error)


def test_dat_damaged_reads_the_same_the_fast_and_the_slow_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = generator("dat", "fast and slow")
    path = tmp_path / "damaged.dat"
    for _ in range(400):
        text = list(rng.choice(PLAIN_FILES))
        for _ in range(rng.integers(4)):
            at = rng.integers(len(text)) if text else 0
            text[at : at + rng.integers(2)] = rng.choice(["", *"{}:, \n0x1fa#,s-9"])
        path.write_text("".join(text))
        fast = read_or_problem(path)
        with monkeypatch.context() as context:
            context.setattr(dat, "_plain_runs", lambda *_: [])
            assert fast == read_or_problem(path), "".join(text)
