"""A register that holds something else is found by its field, and told by a cause that says why where there is one."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.search import SearchResult, search_causes
from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.trace.replay import play


def search_with(traces: Sequence[Path], case: str, register: str, word: int, folder: Path) -> SearchResult:
    """Search for what a board did that got another word in a register of the case's only layer."""
    [source] = [trace for trace in traces if trace.name == case]
    shutil.copytree(source, folder / case)
    [cfg] = (folder / case).glob("*.cfg")
    edited, count = re.subn(rf"(reg_write\(NVDLA_{re.escape(register)}_0, )\w+", rf"\g<1>{word:#x}", cfg.read_text())
    assert count == 1
    cfg.write_text(edited)
    board = play(cfg).device
    timeline = timeline_of_trace_file(source)
    destination = timeline.layers[0].run.destination
    addresses = np.unique(destination.unit_addresses()[..., None] + np.arange(destination.unit_bytes))
    values = board.memory.read(addresses, 1)[:, 0]
    assert not np.array_equal(values, timeline.device.memory.read(addresses, 1)[:, 0])
    return search_causes(timeline, [Observed("board", addresses, values)], lambda *_: None)


def test_register_value_of_a_stride_that_no_layout_has_is_told(reference_traces: list[Path], tmp_path: Path) -> None:
    found = search_with(reference_traces, "img_0", "SDP.D_DST_SURFACE_STRIDE", 0xF0, tmp_path)
    assert [explanation.causes[0].cause.words for explanation in found.exact[0]] == [
        "SDP.D_DST_SURFACE_STRIDE.DST_SURFACE_STRIDE is 240, not 176"
    ]


def test_register_value_gives_way_to_a_cause_that_says_why(reference_traces: list[Path], tmp_path: Path) -> None:
    found = search_with(reference_traces, "layer_0", "SDP.D_CVT_SHIFT", 0x15, tmp_path)
    keys = {explanation.causes[0].cause.key for explanation in found.exact[0]}
    assert "shift-off-by-one" in keys
    assert "register-value" not in keys
