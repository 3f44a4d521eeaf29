"""The trace writer: what it writes reads back; what the format cannot say is refused."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvdla_int8.trace.commands import (
    CheckCrc,
    CheckFile,
    CheckNothing,
    Command,
    IntrNotify,
    MemInit,
    MemLoad,
    PollField,
    PollReg,
    RegReadExpected,
    RegWrite,
    SyncNotify,
    SyncWait,
    read_trace,
)
from nvdla_int8.trace.dat import read_dat_image
from nvdla_int8.trace.writer import write_trace
from tests.golden.trace_samples import CFG, one_line_error

FILES = {"in.dat": b"\x01\x02", "sub/o u,t(1).dat": bytes(range(100)), "none.dat": b""}

LINES = st.integers(1, 1000)
NAMES = st.from_regex("[A-Za-z0-9_]{1,12}", fullmatch=True)
REGISTERS = st.from_regex(r"(NVDLA_)?[A-Z][A-Z_]{0,5}\.[A-Z][A-Z0-9_]{0,8}(_0)?", fullmatch=True)
MEMORIES = st.sampled_from(["pri_mem", "1"])
FILE_NAMES = st.sampled_from(sorted(FILES))
WORDS = st.integers(0, 2**32 - 1)
BASES = st.integers(0, 2**63)
ALIGNED = st.integers(0, 2**60).map(lambda value: value * 4)
ALIGNED_SIZES = st.integers(1, 2**60).map(lambda value: value * 4)

COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(MemInit, LINES, MEMORIES, BASES, st.integers(0, 2**63)),
    st.builds(MemLoad, LINES, MEMORIES, BASES, FILE_NAMES),
    st.builds(RegWrite, LINES, REGISTERS, WORDS),
    st.builds(RegReadExpected, LINES, REGISTERS, WORDS),
    st.builds(PollReg, LINES, REGISTERS, WORDS),
    st.builds(PollField, LINES, REGISTERS, NAMES, WORDS),
    st.builds(SyncNotify, LINES, NAMES),
    st.builds(SyncWait, LINES, NAMES, NAMES),
    st.builds(IntrNotify, LINES, NAMES.map(str.upper), NAMES),
    st.builds(CheckCrc, LINES, NAMES, MEMORIES, ALIGNED, ALIGNED_SIZES, WORDS),
    st.builds(CheckFile, LINES, NAMES, MEMORIES, ALIGNED, ALIGNED_SIZES, FILE_NAMES),
    st.builds(CheckNothing, LINES, NAMES),
)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@given(st.lists(COMMANDS, max_size=20))
def test_write_trace_reads_back(tmp_path_factory: pytest.TempPathFactory, commands: list[Command]) -> None:
    base = tmp_path_factory.getbasetemp()
    cfg = write_trace(base / "first" / "trace", "t", commands, FILES)
    trace = read_trace(cfg.parent)
    assert trace.path == cfg == base / "first" / "trace" / "t.cfg"
    assert trace.commands == tuple(commands)
    assert [command.line for command in trace.commands] == list(range(1, len(commands) + 1))
    for name, data in FILES.items():
        assert read_dat_image(trace.folder / name, len(data)).data == data
    write_trace(base / "second", "t", commands, dict(reversed(FILES.items())))
    assert contents(base / "second") == contents(cfg.parent)


def test_write_trace_same_text_as_reference(reference_traces: list[Path], tmp_path: Path) -> None:
    for folder in reference_traces:
        trace = read_trace(folder)
        files = {path.name: b"" for path in folder.glob("*.dat")}
        again = write_trace(tmp_path, folder.name, trace.commands, files)
        # some of the reference's polls have no space after the comma
        assert again.read_text() == re.sub(",(?=0x)", ", ", trace.path.read_text())


def test_write_trace_every_command(tmp_path: Path) -> None:
    (tmp_path / "t.cfg").write_text(CFG)
    (tmp_path / "in.dat").write_text("{\n}\n")
    (tmp_path / "out.dat").write_text("{\n}\n")
    commands = read_trace(tmp_path).commands
    written = write_trace(tmp_path / "again", "t", commands, {"in.dat": b"", "out.dat": b""}).read_text()
    bare = [line.partition(" //")[0] for line in CFG.splitlines() if line and not line.startswith("//")]
    assert written.splitlines() == [
        re.sub(r",(?=0x)|, 1\)", lambda m: ", 0x1)" if ")" in m[0] else ", ", b) for b in bare
    ]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (RegWrite(1, "SDP.X", -1), "reg_write: value '-0x1' is negative"),
        (RegWrite(1, "SDP.X", 2**32), "reg_write: value '0x100000000' does not fit 32 bits"),
        (RegWrite(1, "SDP", 0), "reg_write: register 'NVDLA_SDP_0' must be NVDLA_BLOCK.REGISTER_0"),
        (SyncWait(1, "a b"), "sync_wait: sync_id 'a b' is not a name"),
        (SyncWait(1, "a);\nsync_wait(b"), "is not a statement"),
        (CheckNothing(1, " a"), "cannot be written: 'check_nothing( a);' reads back otherwise"),
        (MemInit(1, "sec_mem", 0, 4), "mem_init: memory 'sec_mem' must be pri_mem or 1"),
        (CheckCrc(1, "s", "1", 0, 6, 0), "check_crc: size = 0x6 is not a multiple of 4"),
        (MemLoad(1, "1", 0, 'in".dat'), "a double quote is missing"),
        (MemLoad(1, "1", 0, "in\n.dat"), "mem_load: file 'in\\n.dat' is not a file name"),
        (MemLoad(1, "1", 0, "../in.dat"), "mem_load: file '../in.dat' leads outside the trace's folder"),
        (MemLoad(1, "1", 0, "other.dat"), "trace t: data file other.dat is named but not given"),
    ],
)
def test_write_trace_refuses_command(tmp_path: Path, command: Command, problem: str) -> None:
    assert problem in one_line_error(write_trace, tmp_path, "t", [command], FILES)
    assert contents(tmp_path) == {}


def test_write_trace_refuses_file_names(tmp_path: Path) -> None:
    folder = tmp_path / "trace"
    assert "'../x.dat' leads outside" in one_line_error(write_trace, folder, "t", [], {"../x.dat": b""})
    assert "'../t' leads outside" in one_line_error(write_trace, folder, "../t", [], {})
    assert "are the same file" in one_line_error(write_trace, folder, "t", [], {"t.cfg": b""})
    assert "are the same file" in one_line_error(write_trace, folder, "t", [], {"x.dat": b"", "./x.dat": b"1"})
    assert contents(tmp_path) == {}


def test_write_trace_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "trace").touch()
    assert one_line_error(write_trace, tmp_path / "trace", "t", [], {}) == f"{tmp_path}/trace: File exists"
