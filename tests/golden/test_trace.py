"""The ``.cfg`` reader: what it accepts, real traces, every defect as one line."""

import zlib
from pathlib import Path

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.trace.commands import (
    CFG_LIMIT,
    CheckCrc,
    CheckFile,
    CheckNothing,
    IntrNotify,
    MemInit,
    MemLoad,
    PollField,
    PollReg,
    RegReadExpected,
    RegWrite,
    SyncNotify,
    SyncWait,
    Trace,
    read_trace,
)
from nvdla_int8.trace.dat import read_dat_image
from nvdla_int8.trace.text import MissingFileError
from tests.golden.trace_samples import CFG, one_line_error
from tests.reference_store import KINDS
from tests.shared_data import NVIDIA, needs_nvidia_traces


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("in.dat", "out.dat", "sub/in.dat", "a, (b) c.dat"):
        (tmp_path / name).write_text("{\n}\n")
    return tmp_path


def read_text(folder: Path, text: str | bytes) -> Trace:
    (folder / "t.cfg").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_trace(folder)


# Good files


def test_read_trace_every_command(folder: Path) -> None:
    trace = read_text(folder, CFG)
    assert trace.path == folder / "t.cfg"
    assert trace.folder == folder
    assert trace.commands == (
        MemInit(2, "pri_mem", 0x80000000, 0x40),
        MemLoad(3, "pri_mem", 0x80000000, "in.dat"),
        RegWrite(5, "CDMA.D_DATAIN_SIZE_0", 0x20001),
        RegReadExpected(6, "CDMA.S_STATUS", 0),
        PollReg(7, "CDMA.S_CBUF_FLUSH_STATUS", 1),
        PollField(8, "GLB.S_INTR_STATUS", "SDP_DONE_STATUS0", 1),
        SyncWait(9, "sync_id_9"),
        SyncNotify(10, "sync_id_8", "NVDLA_SDP"),
        IntrNotify(11, "SDP_0", "sync_id_0"),
        CheckFile(12, "sync_id_0", "pri_mem", 0x80000000, 0x40, "out.dat"),
        CheckCrc(13, "sync_id_0", "1", 0x80000000, 0x40, 0x758D6336),
        CheckNothing(14, "sync_id_8"),
    )
    assert [command.line for command in trace.commands] == [2, 3, *range(5, 15)]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("  reg_write ( NVDLA_SDP.X_0 ,\t4294967295 ) ; // done", RegWrite(1, "SDP.X", 2**32 - 1)),
        ("reg_write(NVDLA_SDP.X_0,0XAB)", RegWrite(1, "SDP.X", 0xAB)),
        ("reg_write(NVDLA_NO_SUCH.REGISTER_7_0, 0);\r", RegWrite(1, "NO_SUCH.REGISTER_7", 0)),
        ("reg_write(SDP.X, 0);", RegWrite(1, "SDP.X", 0)),
        ('mem_load(1, 0xffffffffffffffff, "sub//in.dat"); // a "comment', MemLoad(1, "1", 2**64 - 1, "sub//in.dat")),
        ('mem_load(1, 0, "a, (b) c.dat");', MemLoad(1, "1", 0, "a, (b) c.dat")),
        ("mem_init(pri_mem, 0xffffffffffffff00, 0x100, ALL_ZERO);", MemInit(1, "pri_mem", 2**64 - 256, 256)),
    ],
)  # fmt: skip
def test_read_trace_harmless_spelling(folder: Path, text: str, command: RegWrite) -> None:
    assert read_text(folder, text).commands == (command,)


def test_read_trace_comments_only(folder: Path) -> None:
    assert read_text(folder, '\n// é "\n\t\n//reg_write(\n').commands == ()


def test_read_trace_folder_without_one_cfg(folder: Path) -> None:
    assert one_line_error(read_trace, folder) == f"{folder}: must hold exactly one .cfg file, holds none"
    (folder / "a.cfg").touch()
    (folder / "b.cfg").touch()
    assert one_line_error(read_trace, folder).endswith("holds a.cfg, b.cfg")
    assert read_trace(folder / "b.cfg").path == folder / "b.cfg"


def test_read_trace_reference(reference_traces: list[Path]) -> None:
    assert len(reference_traces) == sum(KINDS.values())
    for folder in reference_traces:
        trace = read_trace(folder)
        text = trace.path.read_text().splitlines()
        assert len(trace.commands) == sum(line.strip().endswith(");") for line in text)
        crcs = {(c.sync_id, c.base, c.size): c.crc for c in trace.commands if isinstance(c, CheckCrc)}
        files = [c for c in trace.commands if isinstance(c, CheckFile)]
        assert len(crcs) == len(files) > 0
        for check in files:  # each reference gives both
            image = read_dat_image(folder / check.file, check.size).data
            assert zlib.crc32(image) == crcs[check.sync_id, check.base, check.size]


@needs_nvidia_traces
def test_read_trace_nvidia() -> None:
    """Against the words in the file: how many traces lie there is the folder's own affair."""
    folders = sorted(NVIDIA.iterdir())
    assert folders
    for folder in folders:
        trace = read_trace(folder)
        text = trace.path.read_text()
        for kind, word in ((RegWrite, "reg_write("), (CheckCrc, "check_crc("), (MemLoad, "mem_load(")):
            assert sum(isinstance(command, kind) for command in trace.commands) == text.count(word) > 0, folder


# Defects

STATEMENT_DEFECTS = {
    "reg_writ(NVDLA_SDP.X_0, 0);": "unknown command 'reg_writ', known are mem_init,",
    "reg_write(NVDLA_SDP.X_0);": "reg_write takes 2 arguments (register, value), not 1",
    "check_nothing(a, b, c);": "check_nothing takes 1 arguments (sync_id), not 3",
    "check_nothing();": "check_nothing: sync_id '' is not a name",
    "reg_write(NVDLA_SDP.X_0, 0x);": "reg_write: value '0x' is not a number",
    "reg_write(NVDLA_SDP.X_0, 010);": "reg_write: value '010' is not a number",
    "reg_write(NVDLA_SDP.X_0, 1_0);": "reg_write: value '1_0' is not a number",
    "reg_write(NVDLA_SDP.X_0, -1);": "reg_write: value '-1' is negative",
    "reg_write(NVDLA_SDP.X_0, ,);": "reg_write takes 2 arguments",
    "reg_write(, 0);": "reg_write: register '' must be NVDLA_BLOCK.REGISTER_0",
    "reg_write(NVDLA_SDP, 0);": "reg_write: register 'NVDLA_SDP' must be NVDLA_BLOCK.REGISTER_0",
    "reg_write(NVDLA_SDP.X\xc9_0, 0);": "reg_write: register 'NVDLA_SDP.X\xc9_0' must be",
    "reg_write(NVDLA_SDP.X_0, 0x100000000);": "reg_write: value '0x100000000' does not fit 32 bits",
    "poll_reg_equal(NVDLA_SDP.X_0, 4294967296);": "poll_reg_equal: value '4294967296' does not fit 32 bits",
    "reg_read_expected(NVDLA_SDP.X_0, 0x100000000);": "does not fit 32 bits",
    "poll_field_equal(NVDLA_SDP.X_0, F, 0x100000000);": "does not fit 32 bits",
    "poll_field_equal(NVDLA_SDP.X_0, F.G, 0);": "poll_field_equal: field 'F.G' is not a name",
    "check_crc(s, 1, 0, 4, 0x100000000);": "check_crc: crc '0x100000000' does not fit 32 bits",
    "mem_init(1, 0x10000000000000000, 4, ALL_ZERO);": "mem_init: base '0x10000000000000000' does not fit 64 bits",
    "mem_init(1, 0xfffffffffffffffc, 8, ALL_ZERO);": "mem_init: base = 0xfffffffffffffffc with size = 0x8 ends above",
    "mem_init(1, 0, 8, RANDOM);": "mem_init: pattern 'RANDOM' must be ALL_ZERO",
    "mem_init(sec_mem, 0, 8, ALL_ZERO);": "mem_init: memory 'sec_mem' must be pri_mem or 1",
    "check_crc(s, 0, 0, 4, 0);": "check_crc: memory '0' must be pri_mem or 1",
    "check_crc(s, 1, 2, 4, 0);": "check_crc: base = 0x2 is not a multiple of 4",
    "check_crc(s, 1, 4, 6, 0);": "check_crc: size = 0x6 is not a multiple of 4",
    'check_file(s, 1, 1, 4, "in.dat");': "check_file: base = 0x1 is not a multiple of 4",
    "check_crc(s, 1, 4, 0, 0);": "check_crc: size = 0 compares nothing",
    "mem_load(1, 0, in.dat);": "mem_load: file 'in.dat' must be a file name in double quotes",
    'mem_load(1, 0, "in.dat);': "a double quote is missing after 'in.dat);'",
    'mem_load(1, 0, in.dat");': "a double quote is missing after ');'",
    'mem_load(1, 0, "");': "mem_load: file '' is not a file name",
    'mem_load(1, 0, "in\x00.dat");': "mem_load: file 'in\\x00.dat' is not a file name",
    'mem_load(1, 0, "in"".dat");': "is not a file name",
    f'mem_load(1, 0, "{256 * "x"}");': "is not a file name",
    'mem_load(1, 0, "../in.dat");': "mem_load: file '../in.dat' leads outside the trace's folder",
    'mem_load(1, 0, "sub/../../in.dat");': "leads outside the trace's folder",
    'mem_load(1, 0, "/etc/passwd");': "mem_load: file '/etc/passwd' leads outside the trace's folder",
    'mem_load(1, 0, "C:\\\\in.dat");': "leads outside the trace's folder",
    "intr_notify(sync_id_0);": "intr_notify takes 2 arguments (interrupt, sync_id), not 1",
    "reg_write(NVDLA_SDP.X_0, 0": "'reg_write(NVDLA_SDP.X_0, 0' is not a statement",
    "reg_write(NVDLA_SDP.X_0, 0); check_nothing(s);": "is not a statement",
    "reg_write(NVDLA_SDP.X_0, (0));": "is not a statement",
    "reg_write;": "'reg_write;' is not a statement",
    "mem_init(1, 0, 8,\n ALL_ZERO);": "'mem_init(1, 0, 8,' is not a statement",
    "\ufeffcheck_nothing(s);": "is not a statement",
    "\x7fELF\x00\x01\x02": "'\\x7fELF\\x00\\x01\\x02' is not a statement",
}


@pytest.mark.parametrize(("text", "problem"), STATEMENT_DEFECTS.items())
def test_read_trace_defect_names_line_and_value(folder: Path, text: str, problem: str) -> None:
    message = one_line_error(read_text, folder, f"// first\n\n{text}\n")
    assert message.startswith(f"{folder}/t.cfg:3: ")
    assert problem in message


def test_read_trace_not_utf8(folder: Path) -> None:
    message = one_line_error(read_text, folder, b"check_nothing(s);\n// \xff\xfe\n")
    assert message == f"{folder}/t.cfg:2: byte 0xff is not UTF-8 text"


def test_read_trace_data_file_missing(folder: Path) -> None:
    with pytest.raises(MissingFileError) as caught:
        read_text(folder, 'check_nothing(s);\nmem_load(1, 0, "x.dat");\n')
    assert str(caught.value) == f"{folder}/t.cfg:2: data file x.dat is missing"
    with pytest.raises(BenchError, match="data file sub is a folder"):
        read_text(folder, 'check_file(s, 1, 0, 4, "sub");')


def test_read_trace_no_such_file(folder: Path) -> None:
    assert one_line_error(read_trace, folder / "none.cfg") == f"{folder}/none.cfg: file is missing"
    assert one_line_error(read_trace, Path("/dev/null")) == "/dev/null: is not a regular file"


def test_read_trace_too_large(folder: Path) -> None:
    with (folder / "t.cfg").open("wb") as file:
        file.truncate(CFG_LIMIT + 1)  # sparse
    message = one_line_error(read_trace, folder)
    assert message == f"{folder}/t.cfg: {CFG_LIMIT + 1} bytes, above the limit of {CFG_LIMIT}"
