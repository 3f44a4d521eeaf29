"""Which traces a path, a folder or a link names, and which files they read."""

import codecs
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.trace.replay import collect_traces, find_traces, replay
from nvdla_int8.trace.result import TraceResult, Verdict
from tests.golden.edited_traces import edited, flip_byte, named, register
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


def test_collect_traces_goes_on_beside_a_folder_that_cannot_be_read(
    layer_0: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut = tmp_path / "a"
    shut.mkdir()
    cfg = edited(layer_0, tmp_path)
    listed = Path.iterdir

    def refuse(folder: Path) -> Iterator[Path]:
        if folder == shut:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)  # root reads folders whatever their mode
    readable, missing = collect_traces([tmp_path])
    assert readable == cfg
    assert isinstance(missing, TraceResult)
    assert (missing.verdict, missing.message) == (Verdict.MISSING, f"{shut}: Permission denied")
    assert one_line_error(list, find_traces(tmp_path)) == missing.message
    assert list(find_traces(str(cfg))) == [cfg]


def test_data_file_that_is_a_folder_or_a_pipe_is_told_as_such(layer_0: Path, tmp_path: Path) -> None:
    for name, make, said in (
        ("folder", Path.mkdir, "is a folder"),
        ("pipe", os.mkfifo, "is not a regular file"),
    ):
        cfg = edited(layer_0, tmp_path / name)
        data = cfg.parent / "layer_0_1.dat"
        data.unlink()
        make(data)
        result = replay(cfg)
        assert result.verdict is Verdict.UNREADABLE
        assert result.message.endswith(f"data file layer_0_1.dat {said}")


def test_byte_order_marks_are_no_text(layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path)
    for path in (cfg, cfg.parent / "layer_0_1.dat"):
        path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert replay(cfg).verdict is Verdict.PASSED


def test_unmodelled_unit_without_its_data_is_unsupported(layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path, after="reg_write(NVDLA_RUBIK.S_POINTER_0, 0x0);\n")
    (cfg.parent / "layer_0_1.dat").unlink()
    assert replay(cfg).verdict is Verdict.UNSUPPORTED


def test_ew_unit_is_unsupported_where_a_build_has_one(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "sdp_0"), tmp_path, register("SDP.D_DP_EW_CFG", 0))
    assert replay(cfg, "nv_small").verdict is Verdict.PASSED
    result = replay(cfg, "nv_small_256")
    assert (result.verdict, [one.rule for one in result.errors]) == (Verdict.UNSUPPORTED, ["unmodelled"])
    assert "the EW unit is not modelled" in result.message
