"""The core in another size than nv_small's, described by a file of its own in ``duts/``."""

from pathlib import Path

import pytest

from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.regression.batch import Plan
from nvdla_bench.regression.regress import run_regression
from nvdla_bench.regression.runner import DutRunner
from nvdla_bench.regression.workers import Processes

WIDE = DEFAULT_DUT.with_name("nvdla_core_256.toml")


@pytest.mark.usefixtures("quick_compile")
def test_core_with_32_channels_at_a_time_runs_random_programs(tmp_path: Path) -> None:
    plan = Plan(DutRunner("verilator", WIDE), tmp_path / "run")
    regression = run_regression(plan, "wide", 16, Processes(), reproduce="nvdla-int8 regress --seed {} -n 1")
    assert [outcome.result.line() for outcome in regression.failures] == []
    assert regression.passed
    for outcome in regression.outcomes:
        assert isinstance(outcome.result, RtlResult)
        assert outcome.result.stages
        assert all(count.compared for count in outcome.result.stages)
