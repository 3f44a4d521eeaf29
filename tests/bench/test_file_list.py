"""File lists as other projects write them, and what is said of a wrong one."""

from pathlib import Path

import pytest

from nvdla_bench.dut.file_list import FileList, read_file_list
from tests.golden.trace_samples import one_line_error


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    empty = ("a.v", "sub/b.v", "sub/c.sv", "lib/cells.vlib", "other/d.v", "inc/x.vh", "with space/e.v")
    write(tmp_path, dict.fromkeys(empty, ""))
    return tmp_path


def read(folder: Path, text: str, name: str = "list.f") -> FileList:
    write(folder, {name: text})
    return read_file_list(folder / name, [folder])


def names(folder: Path, paths: list[Path]) -> list[str]:
    return [str(path.relative_to(folder)) for path in paths]


def test_file_list_with_everything_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", str(folder / "other"))
    write(folder, {"sub/nested.f": "b.v -F deeper.f\n", "sub/deeper.f": "c.sv // beside this list\n"})
    found = read(
        folder,
        """\
// a comment
# another one
/* and one
   of two lines: no_such_file.v */
a.v   $PLACE/d.v ${PLACE}/d.v $(PLACE)/d.v "with space/e.v"
-f sub/nested.f
+incdir+inc+sub   -I lib
-Iother -incdir inc
+define+ONE+TWO=2+THREE="x y"  -DFOUR -D FIVE=5
-y lib +libext+.v+.sv
-v lib/cells.vlib
-Wno-fatal -Wno-moddup --timescale 1ns/1ps +notimingcheck
--cc --Mdir obj -o sim --prefix Vx --trace-fst --timing --x-assign fast --trace-depth 2
--top-module chip
""",
    )
    assert names(folder, found.sources) == [
        "a.v", "other/d.v", "other/d.v", "other/d.v", "with space/e.v", "sub/b.v", "sub/c.sv",
    ]  # fmt: skip
    assert names(folder, found.include_folders) == ["inc", "sub", "lib", "other", "inc"]
    assert found.defines == {"ONE": "", "TWO": "2", "THREE": "x y", "FOUR": "", "FIVE": "5"}
    assert (names(folder, found.library_folders), found.extensions) == (["lib"], [".v", ".sv"])
    assert names(folder, found.library_files) == ["lib/cells.vlib"]
    assert found.options == [
        "-Wno-fatal", "-Wno-moddup", "--timescale", "1ns/1ps", "+notimingcheck", "--x-assign", "fast", "--trace-depth",
        "2",
    ]  # fmt: skip


def test_file_list_relative_paths_are_tried_beside_the_list_then_in_the_given_folders(folder: Path) -> None:
    write(folder, {"sub/a.v": "", "lists/l.f": "a.v b.v d.v"})
    found = read_file_list(folder / "lists/l.f", [folder / "sub", folder, folder / "other"])
    assert names(folder, found.sources) == ["sub/a.v", "sub/b.v", "other/d.v"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.v\nnone.v\n", "list.f:2: none.v: there is no file none.v in "),
        ("/none/none.v\n", "list.f:1: /none/none.v: there is no such file"),
        ("sub\n", "list.f:1: sub: there is no file sub in "),
        ("+incdir+none\n", "list.f:1: +incdir+none: there is no folder none in "),
        ("-y a.v\n", "list.f:1: -y: there is no folder a.v in "),
        ("-v\n", "list.f:1: -v: needs an argument"),
        ("a.v\n-f\n", "list.f:2: -f: needs an argument"),
        ("$NVDLA_NO_SUCH/a.v\n", "environment variable NVDLA_NO_SUCH is not set"),
        ("-f list.f\n", "list.f:1: -f: this list contains itself"),
        ("-f none.f\n", "list.f:1: -f: there is no file none.f in "),
    ],
)
def test_file_list_mistake_is_told_with_its_place(text: str, message: str, folder: Path) -> None:
    error = one_line_error(read, folder, text)
    assert message in error
    assert error.startswith(str(folder / "list.f"))


def test_file_list_mistake_in_a_nested_list_is_told_with_that_list(folder: Path) -> None:
    write(folder, {"sub/nested.f": "b.v\nnone.v\n"})
    error = one_line_error(read, folder, "\n-f sub/nested.f\n")
    assert error.startswith(f"{folder / 'sub/nested.f'}:2: none.v: there is no file")
    assert error.count("none.v") == 2


def test_file_list_that_is_not_there_or_a_folder_is_refused(folder: Path) -> None:
    assert "no.f: no such file" in one_line_error(read_file_list, folder / "no.f", [])
    assert "sub: Is a directory" in one_line_error(read_file_list, folder / "sub", [])
