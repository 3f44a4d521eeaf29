"""Damaged dumps and register logs: they are read, or refused in one line, soon and in little memory."""

import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nvdla_bench.simulator.compiled import SEED_VARIABLE
from nvdla_int8.dumps.memory_dump import read_memory_dump
from nvdla_int8.errors import BenchError
from nvdla_int8.register_log.log import is_register_log, open_register_log
from nvdla_int8.seeds import generator
from tests.golden.dump_samples import WITH_ADDRESSES, WITHOUT
from tests.golden.test_register_log import FORMS, TABLES, WRITES, at
from tests.sample import drawn

MUTANTS = 1000
MOST_SECONDS = 5.0  # of the processor; a reader that backtracks takes minutes
MOST_BYTES = 1 << 26

PIECES = (
    b"0x", b"-1", b"zz", b"\n", b"*\n", b"@", b"@ffffffffffffffff\n", b":", b",", b"\x00", b"\xff", b" " * 50, b"\t",
    b"0" * 40, b"f" * 16, b"|", b"//", b"/*", b"#", b"{", b"}", b"(", b")", b"=", b"write ", b"'h", b"\r", b"\x1b[31m",
    b"ffffffffffffffff: 01\n", b"8000000000000000: 01 02\n", b"0x1<<999999999", b"e" * 5000, b"9" * 5000,
    b"iswrite=1 addr=zz len=4 data=0x q", b"\xef\xbb\xbf", b"\xff\xfe", b'"', b"@7fffffffffffffff\n",
)  # fmt: skip

DATA = generator("0", "dumps to damage").bytes(512)
DUMPS = [form(DATA).encode() for form in (*WITH_ADDRESSES.values(), *WITHOUT.values())]
LOGS = [
    *("\n".join(form(name, value) for name, value in WRITES * 3).encode() for form in FORMS.values()),
    *(
        (head + "".join(row(at(name), value, index) for index, (name, value) in enumerate(WRITES * 3))).encode()
        for head, row in TABLES.values()
    ),
]


def damaged(text: bytes, random: np.random.Generator) -> bytes:
    """A text with a few places cut, repeated, replaced or filled with something else."""
    for _ in range(random.integers(1, 5)):
        start = int(random.integers(len(text) + 1))
        stop = min(len(text), start + int(random.choice([0, 1, 2, 8, 40, 400])))
        piece = PIECES[random.integers(len(PIECES))]
        text = (
            text[:start] + text[stop:],
            text[:start] + piece + text[start:],
            text[:start] + piece + text[stop:],
            text[:start] + text[start:stop] * 3 + text[stop:],
            text[:start] + random.bytes(1) + text[start + 1 :],
            text[:start] if random.random() < 0.3 else text,
        )[random.integers(6)]
    return text


def problem_of(read: Callable[[Path], object], path: Path) -> str:
    """Why a file is not read; empty when it is."""
    try:
        read(path)
    except BenchError as error:
        return str(error)
    return ""


def survives(read: Callable[[Path], object], path: Path) -> bool:
    """Whether a file is read; one line that begins with it is the only other way out."""
    start = time.process_time()
    problem = problem_of(read, path)
    assert time.process_time() - start < MOST_SECONDS
    if problem:
        assert problem.startswith(f"{path}: ")
        assert problem.isprintable()
        assert len(problem) < 400 + len(str(path))
    return not problem


def whole(path: Path) -> None:
    """Read a dump, and look at it as others do."""
    dump = read_memory_dump(path)
    assert (np.diff(dump.addresses) > 0).all()
    held, values = dump.look_up(dump.addresses)
    assert held.all()
    assert np.array_equal(values, dump.values)


@pytest.mark.parametrize(("what", "samples", "read"), [("dumps", DUMPS, whole), ("logs", LOGS, open_register_log)])
def test_damaged_files_are_read_or_refused_in_one_line(
    tmp_path: Path, what: str, samples: list[bytes], read: Callable[[Path], object]
) -> None:
    path, outcomes = tmp_path / "mutant", []
    for number in drawn(range(MUTANTS), f"damaged {what}"):
        random = generator(os.environ[SEED_VARIABLE], f"damaged {what} {number}")
        path.write_bytes(damaged(samples[number % len(samples)], random))
        outcomes.append(survives(read, path))
        is_register_log(path)
    assert 0.05 < np.mean(outcomes) < 0.95


HOSTILE = {
    "stars": b"00000000: 01 02\n" + b"*\n" * 20_000 + b"00000010: 01 02\n",
    "a star for all memory": b"00000000  01 02\n*\n7fffffffffff0000  01 02\n",
    "open comments": b"01 02 03 04\n" + b"/*01" * 20_000,
    "each line its own way": b"".join(
        b" " * (line % 180) + b"%08x:%s01 02\n" % (line * 16, b" " * (1 + line // 180)) for line in range(5_000)
    ),
    "addresses": b"".join(b"@%x\n01\n" % (line * 7) for line in range(10_000)),
    "stamps": b"[1.1]" * 20_000,
    "one line": b"0 " * 500_000,
    "calls": b"write(" * 20_000,
    "columns": b",".join([b"0x9004"] * 2000) + b"\n" + b"1,2,3\n" * 2_000,
    "shifts": b"write(0x9004, " + b"1<<" * 30 + b"1);\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_take_little_time_and_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(HOSTILE[name])
    survives(open_register_log, path)
    tracemalloc.start()
    survives(whole, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES
