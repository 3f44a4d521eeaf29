"""Each RTL unit against the model: all on Icarus, those that this run draws on Verilator, which runs the whole core."""

from pathlib import Path

import pytest

from nvdla_bench.units.catalog import UNITS, run_unit
from tests.sample import drawn

ON_VERILATOR = drawn(list(UNITS), "units on Verilator")


@pytest.mark.parametrize(
    ("name", "sim"), [*((name, "icarus") for name in UNITS), *((name, "verilator") for name in ON_VERILATOR)]
)
def test_unit_matches_the_model(name: str, sim: str, tmp_path: Path) -> None:
    results = run_unit(name, sim, tmp_path)
    assert results.passed, results.log.read_text()
