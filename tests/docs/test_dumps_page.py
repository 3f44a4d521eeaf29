"""docs/dumps.md: every example is read, and holds what the page says."""

import re
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.dumps.memory_dump import read_memory_dump
from nvdla_int8.register_log.log import read_register_log
from nvdla_int8.trace.commands import RegWrite
from tests.docs.pages import DOCS

DATA = b"\x0a\x1bNVDLA\x80\xff\x7f\x00\x01\x02\x03\x04\x05"
WRITES = [("CDMA.S_POINTER", 0), ("SDP.D_DST_LINE_STRIDE", 40), ("SDP.D_OP_ENABLE", 1)]


def examples(heading: str) -> list[str]:
    """The blocks of a section."""
    page = (DOCS / "dumps.md").read_text()
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return re.findall(r"^```\w+\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("heading", "base", "count"), [("Dumps with addresses", 0x80000000, 7), ("Dumps without addresses", 0, 3)]
)
def test_every_dump_of_the_page_holds_the_same_bytes(tmp_path: Path, heading: str, base: int, count: int) -> None:
    texts = examples(heading)
    assert len(texts) == count
    for text in texts:
        (tmp_path / "dump").write_text(text)
        dump = read_memory_dump(tmp_path / "dump")
        assert np.array_equal(dump.addresses, base + np.arange(len(DATA))), text
        assert dump.values.tobytes() == DATA, text


def test_every_log_of_the_page_holds_the_same_writes(tmp_path: Path) -> None:
    texts = examples("Register logs")
    assert len(texts) == 7
    for text in texts:
        (tmp_path / "log").write_text(text)
        commands = read_register_log(tmp_path / "log").commands
        assert [(one.register, one.value) for one in commands if isinstance(one, RegWrite)] == WRITES, text
