"""Damaged traces: whatever the text, the readers answer or raise one line, soon and in little memory."""

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nvdla_int8.errors import BenchError
from nvdla_int8.trace.commands import read_trace
from nvdla_int8.trace.dat import read_dat
from tests.golden.trace_samples import CFG, DAT

MOST_SECONDS = 60.0  # far from what any machine needs: a reader that backtracks takes minutes
MOST_BYTES = 2**26
DAT_LIMIT = 2**23  # a size field may ask for this much, no more

CFG_SAMPLE = CFG.encode()
DAT_SAMPLES = [
    DAT.encode(),
    b"".join(b"{offset:0x%x, size:32, payload:%s},\n" % (at, b" ".join([b"0xEE"] * 32)) for at in range(0, 256, 32)),
]
TOKENS = [
    b"-1", b"0x", b"0xffffffffffffffff", b"99999999999999999999", b"268435457", b"9" * 5000, b"0x1", b"0", b"_0",
    b'"', b"'", b"//", b"#", b"(", b")", b"{", b"}", b"{}", b",", b";", b":", b"\n", b"\r\n", b"\t", b" " * 50,
    b"\x00", b"\xff", b"\xc3\xa9", b"\xe2\x80\xa8", b"../", b"/", b"\\", b"NVDLA_", b"offset", b"size", b"payload:",
    b"mem_load(pri_mem, 0x0, ", b"reg_write(", b"ALL_ZERO", b"RANDOM", b".dat",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A sample with a few places cut, repeated, replaced or filled with something else."""
    text = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        stop = draw(st.integers(start, min(start + 40, len(text))))
        piece = draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8), st.just(text[start:stop] * 3)))
        kind = draw(st.sampled_from(["cut", "insert", "replace", "truncate"]))
        text = text[:start] + {
            "cut": text[stop:],
            "insert": piece + text[start:],
            "replace": piece + text[stop:],
            "truncate": b"",
        }[kind]  # fmt: skip
    return text


def check_reader(read: Callable[[Path], object], path: Path) -> bool:
    """Whether the reader accepts the file; a BenchError of one line is the only other way out."""
    problem = None
    tracemalloc.start()
    start = time.process_time()
    try:
        read(path)
    except BenchError as error:
        problem = str(error)
    finally:
        seconds = time.process_time() - start
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert seconds < MOST_SECONDS
    assert peak < MOST_BYTES
    if problem is not None:
        assert problem.startswith(f"{path}:")
        assert problem.isprintable()
        assert len(problem) < 600
    return problem is None


def read_limited_dat(path: Path) -> object:
    return read_dat(path, limit=DAT_LIMIT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    for name in ("in.dat", "out.dat"):
        (folder / name).touch()
    return folder


@settings(max_examples=400, deadline=None)
@given(damaged([CFG_SAMPLE]))
@example(CFG_SAMPLE)
def test_read_trace_damaged(folder: Path, text: bytes) -> None:
    path = folder / "t.cfg"
    path.write_bytes(text)
    accepted = check_reader(read_trace, path)
    assert accepted or text != CFG_SAMPLE


@settings(max_examples=400, deadline=None)
@given(damaged(DAT_SAMPLES))
@example(DAT_SAMPLES[0])
@example(DAT_SAMPLES[1])
def test_read_dat_damaged(folder: Path, text: bytes) -> None:
    path = folder / "t.dat"
    path.write_bytes(text)
    accepted = check_reader(read_limited_dat, path)
    assert accepted or text not in DAT_SAMPLES


@given(st.binary(max_size=300))
def test_readers_random_bytes(folder: Path, data: bytes) -> None:
    path = folder / "random"
    path.write_bytes(data)
    check_reader(read_trace, path)
    check_reader(read_limited_dat, path)


# Texts that make a backtracking pattern slow or a careless reader large; the trailing "x" or the missing end
# lets no pattern match. About 250 kB each.
REPEATED = [
    b" ", b"\n", b"(", b")", b'"', b'"" ', b"/", b",", b"{", b"}", b"{ ", b"#", b"#\n", b"0", b"9", b"_0", b"a ",
    b"{offset:", b"{offset:0, size:1, payload:", b"0x00 ", b"0x00 0x0 ", b"NVDLA_", b"A._0", b"sync_wait(", b"'a',",
]  # fmt: skip
AROUND = [
    b"%s",
    b"x%sx",
    b"mem_load(1, 0x0, %s",
    b'mem_load(1, 0x0, "%s");',
    b"reg_write(NVDLA_A.B%s",
    b"reg_write(A.B)%sx",
]
AROUND_DAT = [b"%s", b"x%sx", b"{\n%sx", b"{offset:0, size:1, payload:%sx", b"{offset:0, size:1, payload:0x00}%sx",
              b"{offset:%s, size:1, payload:}", b"{offset:0%s, size:100000, payload:0x00%sx}"]  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
def test_read_trace_long_repetition(folder: Path, around: bytes) -> None:
    path = folder / "long.cfg"
    for piece in REPEATED:
        path.write_bytes(around.replace(b"%s", piece * (250_000 // len(piece))))
        check_reader(read_trace, path)


@pytest.mark.parametrize("around", AROUND_DAT)
def test_read_dat_long_repetition(folder: Path, around: bytes) -> None:
    path = folder / "long.dat"
    for piece in REPEATED:
        path.write_bytes(around.replace(b"%s", piece * (250_000 // len(piece))))
        check_reader(read_limited_dat, path)


def test_readers_many_statements(folder: Path) -> None:
    path = folder / "many"
    path.write_bytes(b"reg_write(NVDLA_SDP.X_0, 0x1);\n" * 10_000)
    assert check_reader(read_trace, path)
    path.write_bytes(b"".join(b"{offset:%d, size:1, payload:0x00} ,\n" % (2 * at) for at in range(10_000)))
    assert check_reader(read_limited_dat, path)
