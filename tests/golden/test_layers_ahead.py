"""Checks made when one of two queued layers has ended: what the other writes is not there yet."""

import re
import zlib
from pathlib import Path

import pytest

from nvdla_int8.trace.commands import CheckCrc, CheckFile, MemLoad, read_trace
from nvdla_int8.trace.dat import read_dat_image
from nvdla_int8.trace.replay import replay
from nvdla_int8.trace.result import Verdict
from tests.golden.edited_traces import edited, named

FIRST_WAIT = {"pdp2_1": "PDP_0", "pair_3": "SDP_0", "fly2_0": "PDP_0", "cdp2_1": "CDP_0"}
QUEUED = ["pdp2_1", "pair_3", "fly2_0", "cdp2_1"]


def last_output(folder: Path) -> CheckCrc:
    """The check of the second layer's output."""
    return [one for one in read_trace(folder).commands if isinstance(one, CheckCrc)][-1]


def bytes_before(folder: Path, check: CheckCrc) -> bytes:
    """What the trace loads where the second layer writes."""
    [load] = [one for one in read_trace(folder).commands if isinstance(one, MemLoad) and one.base == check.base]
    return read_dat_image(folder / load.file, 1 << 16).data[: check.size]


def with_check(folder: Path, to: Path, check: CheckCrc, data: bytes, *, waits: bool = True) -> Path:
    """The trace with a check of the second output right after the first wait; perhaps without the second wait."""
    wait = rf"^(intr_notify\({FIRST_WAIT[folder.name]}, (\w+)\);)"
    text = rf"\1\ncheck_crc(\2, 1, {check.base:#x}, {check.size:#x}, {zlib.crc32(data):#x});"
    later = [] if waits else [(rf"^intr_notify\({FIRST_WAIT[folder.name][:-1]}1, .*\n", ""), (r"^check_file.*\n", "")]
    return edited(folder, to, (wait, text), *later)


@pytest.mark.parametrize("name", QUEUED)
def test_queued_layer_has_not_written_when_the_one_before_has_ended(
    name: str, reference_traces: list[Path], tmp_path: Path
) -> None:
    folder = named(reference_traces, name)
    check = last_output(folder)
    result = replay(with_check(folder, tmp_path, check, bytes_before(folder, check)))
    assert result.passed, result.message
    line = min(result.covered_layers)
    assert result.covered_layers[line] == ()
    assert {layer for layers in result.covered_layers.values() for layer in layers} == {0, 1}


@pytest.mark.parametrize("name", QUEUED)
def test_queued_layers_output_is_not_there_before_the_trace_waits_for_it(
    name: str, reference_traces: list[Path], tmp_path: Path
) -> None:
    folder = named(reference_traces, name)
    check = last_output(folder)
    [file] = [one for one in read_trace(folder).commands if isinstance(one, CheckFile) and one.base == check.base]
    after = read_dat_image(folder / file.file, check.size).data
    result = replay(with_check(folder, tmp_path, check, after))
    assert result.verdict is Verdict.FAILED
    assert re.search(r"checksum of \d+ bytes", result.message)


def test_layer_that_the_trace_never_waits_for_counts_as_ended(reference_traces: list[Path], tmp_path: Path) -> None:
    folder = named(reference_traces, "pdp2_1")
    check = last_output(folder)
    [file] = [one for one in read_trace(folder).commands if isinstance(one, CheckFile) and one.base == check.base]
    after = read_dat_image(folder / file.file, check.size).data
    cfg = with_check(folder, tmp_path, check, after, waits=False)
    cfg.write_text(re.sub(r"^check_crc\(sync_id_1.*\n", "", cfg.read_text(), flags=re.MULTILINE))
    assert replay(cfg).passed
