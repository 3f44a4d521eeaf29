"""Does Yosys take the core, and does the check refuse what it is there to refuse?"""

from pathlib import Path

import pytest

from nvdla_bench.files import SIM_BUILD
from nvdla_bench.synthesis import synthesise
from nvdla_int8.errors import BenchError

REFUSED = Path(__file__).parent / "unsynthesisable"
FOLDER = SIM_BUILD / "synthesis-tests"


def test_core_synthesises_without_latch_or_second_driver() -> None:
    cells = synthesise(folder=FOLDER / "core")
    assert cells["$mul"] >= 8 * 8, "64 multipliers of the CMAC array are missing"
    assert not {name for name in cells if "latch" in name}


@pytest.mark.parametrize(("module", "why"), [("nvdla_latch", "Latch inferred"), ("nvdla_two_drivers", "drivers")])
def test_synthesis_refuses_latch_and_second_driver(module: str, why: str) -> None:
    with pytest.raises(BenchError, match=f"yosys refuses {module}: .*{why}"):
        synthesise(module, rtl_dir=REFUSED, folder=FOLDER / module)


def test_synthesis_names_a_module_that_is_not_there() -> None:
    with pytest.raises(BenchError, match="there is no top module nvdla_nothing"):
        synthesise("nvdla_nothing", folder=FOLDER / "nothing")
