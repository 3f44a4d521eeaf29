"""A misspelt net is an error and not a new wire, in every file of the RTL."""

import shutil
from pathlib import Path

import pytest

from nvdla_bench.files import RTL
from nvdla_bench.lint import implicit_nets
from nvdla_bench.simulator import SIMULATORS
from nvdla_bench.simulator.compiled import compile_rtl
from nvdla_int8.errors import BenchError


def test_implicit_nets_are_forbidden_in_every_file() -> None:
    assert implicit_nets() == []


@pytest.mark.parametrize(("directive", "place"), [("none", "begin"), ("wire", "end")])
def test_implicit_nets_of_a_file_without_a_directive_are_found(directive: str, place: str, tmp_path: Path) -> None:
    source = tmp_path / "nvdla_pipe.v"
    source.write_text((RTL / source.name).read_text().replace(f"`default_nettype {directive}\n", ""))
    assert implicit_nets(tmp_path) == [f"{source}: must {place} with `default_nettype {directive}"]


@pytest.mark.parametrize("sim", SIMULATORS)
def test_misspelt_net_is_an_error(sim: str, tmp_path: Path) -> None:
    rtl_dir = Path(shutil.copytree(RTL, tmp_path / "rtl"))
    source = rtl_dir / "nvdla_read_buffer.v"
    text = source.read_text()
    assert ".in_data  (in_flags)" in text
    source.write_text(text.replace(".in_data  (in_flags)", ".in_data  (in_flag)"))
    with pytest.raises(BenchError, match=r"cannot compile nvdla_read_buffer: .*\bin_flag\b"):
        compile_rtl(sim, "nvdla_read_buffer", {}, rtl_dir=rtl_dir, compiled_root=tmp_path / "build")
