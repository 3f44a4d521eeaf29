"""The core under everything at once: random states before reset, resets at random cycles, stalls, latencies."""

from pathlib import Path

import pytest

from nvdla_bench.regression.batch import Plan
from nvdla_bench.regression.regress import run_regression
from nvdla_bench.regression.runner import DutRunner
from nvdla_bench.regression.stalls import draw_settings
from nvdla_bench.regression.workers import Processes
from tests.conftest import SEED
from tests.sample import everything

RESETS = {"verilator": (6, 900), "icarus": (1, 100)}
"""Programs, each behind a reset in its middle: usually, and in a run of everything."""

KINDS = {"verilator": None, "icarus": "neighbours"}
"""All kinds, or the one of tiny layers: a large one takes Icarus minutes."""


@pytest.mark.parametrize("sim", RESETS)
def test_core_agrees_with_the_golden_device_behind_resets_at_random_cycles(sim: str, tmp_path: Path) -> None:
    count = RESETS[sim][everything()]
    plan = Plan(DutRunner(sim), tmp_path / "run", kind=KINDS[sim], errata=True, resets=True)
    result = run_regression(plan, f"{SEED}-resets", count, Processes(1), reproduce="nvdla-int8 regress --seed {} -n 1")
    assert [(outcome.seed, outcome.result.message) for outcome in result.failures] == []
    assert result.passed
    assert result.coverage.collected.counts["reset"] == count


def test_settings_range_over_latencies_stalls_and_resets() -> None:
    drawn = [draw_settings(f"s-{number}", stalls=True) for number in range(400)]
    assert {settings.latency_cycles for settings in drawn} >= {1, 16, 400}
    assert max(max(settings.stall_rates) for settings in drawn) > 0.85
    resets = [settings.abort_after for settings in drawn if settings.abort_after]
    assert 20 < len(resets) < 100
    assert min(resets) < 32
    assert max(resets) > 1000
    assert all(draw_settings(f"s-{number}", stalls=True, resets=True).abort_after for number in range(20))
    assert not draw_settings("s-1", stalls=False).abort_after
