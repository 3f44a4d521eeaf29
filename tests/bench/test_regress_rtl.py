"""``nvdla-int8 regress`` on the project's own core, whole and with a fault, on both simulators."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from nvdla_bench.commands import regress as regress_command
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.regression.batch import Outcome, Plan
from nvdla_bench.regression.regress import run_regression
from nvdla_bench.regression.runner import DutRunner
from nvdla_bench.regression.workers import Processes
from nvdla_int8.cli import main
from nvdla_int8.trace.result import Verdict
from tests.bench.core_copy import faulty_core
from tests.conftest import SEED

REPRODUCE = "nvdla-int8 regress --seed {} -n 1"

SMALL_KIND = "neighbours"
"""Tiny layers of all engines: a large one takes Icarus minutes."""


@pytest.mark.parametrize(("sim", "count", "kind"), [("verilator", 40, None), ("icarus", 4, SMALL_KIND)])
def test_random_programs_pass_on_the_core(sim: str, count: int, kind: str | None, tmp_path: Path) -> None:
    plan = Plan(DutRunner(sim), tmp_path / "run", kind=kind, errata=True)
    result = run_regression(plan, SEED, count, Processes(), reproduce=REPRODUCE)
    assert [(outcome.seed, outcome.result.message) for outcome in result.failures] == []
    assert result.passed
    for outcome in result.outcomes:
        assert rtl_result(outcome).cycles
        assert outcome.result.compared_bytes


def test_program_takes_the_same_cycles_alone_and_in_a_batch(tmp_path: Path) -> None:
    """Its stalls come from its own seed, so that the reproduction line reproduces."""
    runner = DutRunner("verilator")
    batch = run_regression(Plan(runner, tmp_path / "batch"), "same", 6, Processes(), reproduce=REPRODUCE)
    stalled = [outcome for outcome in batch.outcomes[1:] if stalls(outcome)]
    assert stalled
    for outcome in stalled:
        alone = run_regression(Plan(runner, tmp_path / outcome.seed), outcome.seed, 1, Processes(), reproduce=REPRODUCE)
        assert rtl_result(alone.outcomes[0]).cycles == rtl_result(outcome).cycles
        assert stalls(alone.outcomes[0]) == stalls(outcome)


def rtl_result(outcome: Outcome) -> RtlResult:
    assert isinstance(outcome.result, RtlResult)
    return outcome.result


def stalls(outcome: Outcome) -> dict[str, int]:
    """Stalled cycles of the AXI channels that stalled."""
    return {channel: cycles for channel, (_, cycles) in rtl_result(outcome).stalls.items() if cycles}


def test_fault_in_the_core_fails_and_leaves_waves(tmp_path: Path) -> None:
    device = faulty_core(
        tmp_path / "core", "nvdla_output_converter.v", "$signed(in) - $signed(offset)", "$signed(in) + $signed(offset)"
    )
    runner = DutRunner("icarus", device, compiled_root=tmp_path / "builds")
    plan = Plan(runner, tmp_path / "run", kind="memory", stalls=False)
    result = run_regression(
        plan, "fault-23", 1, Processes(), reproduce=REPRODUCE
    )  # a small program whose output varies
    assert not result.passed
    [failure] = result.failures
    assert failure.result.verdict is Verdict.FAILED
    assert "wrong" in failure.result.message
    assert failure.waves_folder
    assert (Path(failure.waves_folder) / "simulation" / "dump.fst").stat().st_size


def test_command_runs_and_reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(regress_command, "RUNS", tmp_path)
    arguments = ["regress", "-n", "3", "--seed", "command", "--kind", "memory", "--no-stalls"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == [f"PASSED     command-{number}" for number in range(3)]
    assert lines[-1].startswith("PASS: 3 of 3 programs passed")
    assert (tmp_path / "nvdla_core-verilator-command-3" / "results.xml").exists()
