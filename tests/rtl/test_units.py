"""Each RTL unit against the model, on both simulators."""

from pathlib import Path

import pytest

from nvdla_bench.simulator import SIMULATORS
from nvdla_bench.units.catalog import UNITS, run_unit


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize("name", UNITS)
def test_unit_matches_the_model(name: str, sim: str, tmp_path: Path) -> None:
    results = run_unit(name, sim, tmp_path)
    assert results.passed, results.log.read_text()
