"""The core in another size than nv_small's, described by a file of its own in ``duts/``."""

from pathlib import Path

from tb.regress import run_regression
from tb.regress_batch import Plan
from tb.regress_runner import DutRunner
from tb.replay import DEFAULT_DUT
from tb.rtl_replay import RtlResult

WIDE = DEFAULT_DUT.with_name("nvdla_core_256.toml")


def test_core_with_32_channels_at_a_time_runs_random_programs(tmp_path: Path) -> None:
    plan = Plan(DutRunner("verilator", WIDE), tmp_path / "run")
    regression = run_regression(plan, "wide", 16, reproduce="make regress SEED={} N=1")
    assert [outcome.result.line() for outcome in regression.failures] == []
    assert regression.passed
    for outcome in regression.outcomes:
        assert isinstance(outcome.result, RtlResult)
        assert outcome.result.stages
        assert all(count.compared for count in outcome.result.stages)
