"""The archive of reference programs: complete, repeatable, unpacked once."""

from pathlib import Path

import pytest

from tests.reference_store import ARCHIVE, KINDS, unpack, unpack_once
from tests.shared_data import REFERENCE, needs_shared
from tools.pack_archive import pack


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs_shared(REFERENCE)
def test_archive_equals_original(reference_traces: list[Path]) -> None:
    for folder in reference_traces:
        assert contents(folder) == contents(REFERENCE / folder.name)


def test_archive_holds_every_kind(reference_traces: list[Path]) -> None:
    kinds = [folder.name.rpartition("_")[0] for folder in reference_traces]
    assert {kind: kinds.count(kind) for kind in kinds} == KINDS
    assert ARCHIVE.stat().st_size < 5 * 2**19


def test_archive_unpacks_the_kinds_that_are_asked_for(tmp_path: Path) -> None:
    unpack(tmp_path, ("cdp2", "pair"))
    assert {path.parent.name.rpartition("_")[0] for path in tmp_path.rglob("*") if path.is_file()} == {"cdp2", "pair"}
    assert len(list(tmp_path.iterdir())) == KINDS["cdp2"] + KINDS["pair"]


def test_pack_same_files_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        for file in sorted(("b.dat", "a.cfg", "sub/c.dat"), reverse=name == "two"):
            (tmp_path / name / file).write_text(file)
        pack(tmp_path / name, tmp_path / f"{name}.tar.xz")
    assert (tmp_path / "one.tar.xz").read_bytes() == (tmp_path / "two.tar.xz").read_bytes()


def test_pack_unpacks_to_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "a.dat").write_bytes(bytes(range(256)))
    pack(tmp_path / "in", tmp_path / "small.tar.xz")
    monkeypatch.setattr("tests.reference_store.ARCHIVE", tmp_path / "small.tar.xz")
    unpack(tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "in")
    [folder] = unpack_once(tmp_path)
    (folder / "kept").touch()
    assert unpack_once(tmp_path) == [folder]
    assert (folder / "kept").exists()
