"""A parameter that a module cannot work with stops the simulators, with a line that names it and its value."""

import re
import shutil
from pathlib import Path

import pytest

from nvdla_bench.files import RTL, SIM_BUILD
from nvdla_bench.lint import NAMES, lint
from nvdla_bench.simulator import SIMULATORS
from nvdla_bench.simulator.compiled import compile_rtl
from nvdla_bench.synthesis.operators import synthesise
from nvdla_int8.errors import BenchError

WRONG = {
    "nvdla_core.ATOMIC_C": {"ATOMIC_C": 12},
    "nvdla_core.ATOMIC_K": {"ATOMIC_K": 4},
    "nvdla_core.MEMORY_ATOM": {"MEMORY_ATOM": 128, "ATOMIC_C": 128, "ATOMIC_K": 128},
    "nvdla_core.CBUF_BANKS": {"CBUF_BANKS": 64},
    "nvdla_core.CBUF_BANK_ENTRIES": {"CBUF_BANK_ENTRIES": 2},
    "nvdla_cbuf.CBUF_BANKS": {"CBUF_BANKS": 1},
    "nvdla_cbuf.CBUF_BANK_ENTRIES": {"CBUF_BANK_ENTRIES": 500},
    "nvdla_cdma_dat.ATOMIC_C": {"ATOMIC_C": 4},
    "nvdla_cdma_dat.MEMORY_ATOM": {"MEMORY_ATOM": 4},
    "nvdla_csc.ATOMIC_C": {"ATOMIC_C": 1},
    "nvdla_csc.ATOMIC_K": {"ATOMIC_K": 24},
    "nvdla_cmac_array.ATOMIC_K": {"ATOMIC_K": 1},
    "nvdla_cmac_cell.ATOMIC_C": {"ATOMIC_C": 1},
    "nvdla_cacc.STRIPE_DEPTH": {"STRIPE_DEPTH": 1},
    "nvdla_cube_counter.ATOMIC_K": {"ATOMIC_K": 12},
    "nvdla_cube_counter.MEMORY_ATOM": {"MEMORY_ATOM": 1},
    "nvdla_mcif_read.MEMORY_ATOM": {"MEMORY_ATOM": 256},
    "nvdla_arbiter.CLIENTS": {"CLIENTS": 1},
    "nvdla_mcif_write.MEMORY_ATOM": {"MEMORY_ATOM": 4},
    "nvdla_byte_unpacker.WORD_BYTES": {"WORD_BYTES": 6},
    "nvdla_cdp.MEMORY_ATOM": {"MEMORY_ATOM": 2},
    "nvdla_cdp_lookup.FIFO_DEPTH": {"FIFO_DEPTH": 13},
    "nvdla_fifo.DEPTH": {"DEPTH": 1},
    "nvdla_pdp_counter.MEMORY_ATOM": {"MEMORY_ATOM": 12},
    "nvdla_pdp_line_buffer.COLUMNS": {"COLUMNS": 12},
}
"""Every check of the RTL, and values of the module's parameters that it must refuse."""
SMALLEST = (8, 8, 8, 2, 4)


def test_every_check_of_a_parameter_is_tested() -> None:
    checks = {name for path in RTL.glob("*.v") for name in re.findall(r'\.NAME\("(.+?)"\)', path.read_text())}
    assert checks == WRONG.keys()


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("sim", SIMULATORS)
def test_wrong_parameter_is_refused_by_name_and_value(sim: str, name: str, tmp_path: Path) -> None:
    module, _, parameter = name.partition(".")
    value = WRONG[name][parameter]
    told = {
        "verilator": rf"{module}\.{parameter} is {value}: it must be .* to \d+",
        "icarus": rf"must_be_.*{module}_{parameter}\.\w+\.is\[{value}\]",
    }
    with pytest.raises(BenchError, match=rf"cannot compile {module}: ") as error:
        compile_rtl(sim, module, WRONG[name], compiled_root=tmp_path)
    log = next(tmp_path.rglob("build.log")).read_text()
    assert re.search(told[sim], log), log
    assert "parameter_check" in str(error.value)


def test_wrong_parameter_stops_synthesis() -> None:
    folder = SIM_BUILD / "synthesis-tests" / "parameter"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(RTL / "nvdla_parameter_check.v", folder)
    (folder / "wrong.v").write_text("module wrong;\n  nvdla_parameter_check #(.VALUE(1)) wrong_DEPTH ();\nendmodule\n")
    with pytest.raises(BenchError, match=r"yosys refuses wrong: .*must_be_within_its_bounds.*is\[1\]"):
        synthesise("wrong", rtl_dir=folder, folder=folder)


def test_smallest_core_compiles(tmp_path: Path) -> None:
    assert lint(SMALLEST) == ""
    compile_rtl("icarus", "nvdla_core", dict(zip(NAMES, SMALLEST, strict=True)), compiled_root=tmp_path)
