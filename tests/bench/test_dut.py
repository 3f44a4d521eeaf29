"""Descriptions of devices: what they may say, what is said of wrong ones, and when a build is used again."""

import shutil
from pathlib import Path

import pytest

from nvdla_bench.dut.description import Dut, load_dut
from nvdla_bench.player.compile import compile_dut
from tests.golden.trace_samples import one_line_error

FOREIGN = Path(__file__).parent / "foreign_dut"


def load(folder: Path, text: str) -> Dut:
    (folder / "chip.v").write_text("module chip; endmodule\n")
    (folder / "dut.toml").write_text(text)
    return load_dut(folder / "dut.toml")


def test_description_defaults_to_nv_small(tmp_path: Path) -> None:
    dut = load(tmp_path, 'name = "chip"\ntop = "chip"\nsources = ["chip.v"]\n')
    assert (dut.build.name, dut.module, dut.files.sources) == ("nv_small", "chip", [tmp_path / "chip.v"])


def test_description_entries_reach_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIP_ROOT", str(tmp_path / "tree"))
    (tmp_path / "tree" / "inc").mkdir(parents=True)
    (tmp_path / "tree" / "more.f").write_text("more.v +define+A=1+B\n")
    (tmp_path / "tree" / "more.v").write_text("")
    dut = load(
        tmp_path,
        'name = "chip"\ntop = "chip"\nroot = "$CHIP_ROOT"\nsources = ["chip.v"]\nfile_lists = ["more.f"]\n'
        'include_dirs = ["inc"]\ndefines = { A = 2, C = "x" }\nparameters = { WIDTH = 8, DEPTH = 4 }\n'
        'build = "nv_large"\n',
    )
    assert dut.module == "chip #(.WIDTH(8), .DEPTH(4))"
    assert dut.files.defines == {"A": "2", "B": "", "C": "x"}
    assert dut.files.include_folders == [tmp_path / "tree" / "inc"]
    assert dut.files.sources == [tmp_path / "tree" / "more.v", tmp_path / "chip.v"]
    assert dut.build.name == "nv_large"


WHOLE = 'name = "chip"\ntop = "chip"\nsources = ["chip.v"]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = \n", "not TOML: "),
        ('top = "chip"\nsources = ["chip.v"]\n', "name is missing"),
        (WHOLE + 'tops = "x"\n', "tops is no entry; there are name, top, file_lists"),
        (WHOLE.replace('"chip"\ntop', '""\ntop'), "name = ''"),
        (WHOLE.replace('top = "chip"', 'top = "1chip"'), "top = '1chip'"),
        (WHOLE.replace('"chip.v"', '"none.v"'), "sources: there is no file none.v in "),
        (WHOLE.replace('"chip.v"', ""), "file_lists and sources name no file"),
        (WHOLE + 'file_lists = ["none.f"]\n', "file_lists: there is no file none.f in "),
        (WHOLE + 'include_dirs = ["chip.v"]\n', "include_dirs: there is no folder chip.v in "),
        (WHOLE + 'root = "$NVDLA_NO_SUCH"\n', "root: environment variable NVDLA_NO_SUCH is not set"),
        (WHOLE + 'build = "nv_tiny"\n', "build: build 'nv_tiny' is not known; there are nv_small"),
        (WHOLE + 'parameters = { WIDTH = "x" }\n', "parameters.WIDTH = 'x'"),
        (WHOLE + 'waivers = ["no-such warning"]\n', "waivers.0 = 'no-such warning'"),
        (WHOLE + '[stages.x1]\nvalid = "a.valid"\nready = "a.ready"\n', "stages.x1: StageTap: data is missing"),
        (
            WHOLE + '[stages.outputs]\nvalid = "v"\nready = "r"\ndata = "d"\n',
            "stages: outputs is no stage; there are converted, accumulators, x1, x2, output, horizontal, vertical",
        ),
        (
            WHOLE + 'simulator_args = { vsc = ["-kdb"] }\n',
            "simulator_args: vsc is no further simulator; there are questa, questa-qisqrun, riviera, activehdl",
        ),
        (WHOLE + "[tie_offs]\ntest_mode = -1\n", "tie_offs.test_mode = -1"),
        (
            WHOLE + "[tie_offs]\ncsb2nvdla_valid = 1\n",
            "tie_offs: csb2nvdla_valid: the bench connects this port itself",
        ),
        (WHOLE + '[stages.x1]\nvalid = "a;b"\nready = "a.ready"\ndata = "d"\n', "stages.x1: StageTap: valid = 'a;b'"),
    ],
)
def test_description_mistake_is_told_with_file_and_entry(text: str, message: str, tmp_path: Path) -> None:
    error = one_line_error(load, tmp_path, text)
    assert message in error, error
    assert error.startswith(f"{tmp_path / 'dut.toml'}: ")


def test_description_names_the_top_whatever_its_file_list_says(tmp_path: Path) -> None:
    (tmp_path / "list.f").write_text("--top-module other\n")
    dut = load(tmp_path, WHOLE + 'file_lists = ["list.f"]\n')
    assert (dut.module, dut.files.options) == ("chip", [])


@pytest.mark.parametrize(
    "file",
    [
        "vmod/top/TOY_NV_nvdla.v",  # a source
        "vmod/sdp/TOY_states.vh",  # included, from an include folder
        "vmod/lib/TOY_counter.v",  # taken from a library folder
        "vmod/lib/cells.vlib",  # a library file
    ],
)
def test_build_is_made_anew_when_any_file_changes(file: str, tmp_path: Path) -> None:
    device = Path(shutil.copytree(FOREIGN, tmp_path / "device"))

    def build() -> Path:
        return compile_dut(load_dut(device / "toy.toml"), "icarus", compiled_root=tmp_path / "build").directory

    first = build()
    assert build() == first
    (device / file).write_text((device / file).read_text() + "// changed\n")
    assert build() != first


def test_build_is_made_anew_when_an_option_changes(tmp_path: Path) -> None:
    device = Path(shutil.copytree(FOREIGN, tmp_path / "device"))
    builds = set()
    for line in ("", 'icarus_args = ["-Wall"]\n', "parameters = {}\n", "defines = { TOY_COPY_ENGINE = 2 }\n"):
        text = (FOREIGN / "toy.toml").read_text()
        if "defines" in line:
            text = text.replace("defines = { TOY_COPY_ENGINE = 1 }\n", "")
        (device / "toy.toml").write_text(text + line)
        builds.add(compile_dut(load_dut(device / "toy.toml"), "icarus", compiled_root=tmp_path / "build").directory)
    assert len(builds) == 3  # the empty parameters change nothing
