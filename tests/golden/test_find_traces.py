"""Which traces a path, a folder or a link names, and which files they read."""

import shutil
from pathlib import Path

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.trace.replay import collect_traces, find_traces, replay
from nvdla_int8.trace.result import Verdict
from tests.golden.edited_traces import edited, flip_byte, named
from tests.golden.trace_samples import one_line_error

OUTPUT_BYTES = 0x4C0
"""Of layer_0's golden output."""


@pytest.fixture
def layer_0(reference_traces: list[Path]) -> Path:
    return named(reference_traces, "layer_0")


def test_find_traces_finds_what_is_there(reference_traces: list[Path], tmp_path: Path) -> None:
    parent = reference_traces[0].parent
    assert [cfg.parent for cfg in find_traces(parent)] == sorted(reference_traces)
    cfg = reference_traces[0] / f"{reference_traces[0].name}.cfg"
    assert list(find_traces(cfg)) == [cfg]
    assert one_line_error(list, find_traces(tmp_path)) == f"{tmp_path}: there is no trace (.cfg) here"
    with pytest.raises(BenchError, match="there is no such file or folder"):
        list(find_traces(tmp_path / "none"))


def test_find_traces_follows_links_and_gives_each_trace_once(layer_0: Path, tmp_path: Path) -> None:
    real = edited(layer_0, tmp_path / "real")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a_loop").symlink_to(tree)
    (tree / "again").symlink_to(real.parent)
    (tree / "link").symlink_to(tmp_path / "real")
    (tree / "one.cfg").symlink_to(real)
    (tree / "dead").symlink_to(tmp_path / "nowhere")
    [found] = find_traces(tree)
    assert found.resolve() == real
    assert replay(found).passed
    assert collect_traces([tree, tmp_path]) == [found]


def test_find_traces_of_a_folder_names_what_is_there_itself_before_links(layer_0: Path, tmp_path: Path) -> None:
    real = edited(layer_0, tmp_path / "z")
    (tmp_path / "a").symlink_to(real.parent)
    assert list(find_traces(tmp_path)) == [real]


def test_replay_link_to_a_trace_uses_its_data_unless_it_has_its_own(layer_0: Path, tmp_path: Path) -> None:
    real = edited(layer_0, tmp_path / "real")
    link = tmp_path / "links" / "layer_0.cfg"
    link.parent.mkdir()
    link.symlink_to(real)
    assert replay(link).passed
    for dat in real.parent.glob("*.dat"):
        shutil.copy(dat, link.parent)
    flip_byte(link.parent / "layer_0_out.dat", 0, OUTPUT_BYTES)
    assert (replay(link).verdict, replay(real).verdict) == (Verdict.FAILED, Verdict.PASSED)
    assert len(list(find_traces(tmp_path))) == 2
