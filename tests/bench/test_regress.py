"""``nvdla-int8 regress``: no seed is lost, each failure can be run again alone, nothing run is no pass."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from junitparser import Error, Failure, JUnitXml
from rich.console import Console

from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.regression import coverage
from nvdla_bench.regression.batch import Plan
from nvdla_bench.regression.regress import run_regression
from nvdla_bench.regression.report import Regression, print_regression, reproduction, write_files
from nvdla_bench.regression.stalls import describe_settings, draw_settings
from nvdla_bench.regression.workers import Processes
from nvdla_int8.cli import main
from nvdla_int8.coverage.plan import MODEL_PARTS, PARTS, load_plan
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import generate, program_seeds
from nvdla_int8.trace.result import Verdict
from tests.bench.golden_runner import GoldenRunner
from tests.golden.coverage_plans import edited

REPRODUCE = "nvdla-int8 regress --seed {} -n 1"


def regression(folder: Path, count: int = 8, jobs: int = 1, batch: int = 3, **faults: object) -> Regression:
    runner = GoldenRunner(folder / "simulations.log", **faults)  # type: ignore[arg-type]
    plan = Plan(runner, folder / "run", kind="memory")
    result = run_regression(plan, "r", count, Processes(jobs), reproduce=REPRODUCE, batch=batch)
    write_files(result)
    return result


def simulations(folder: Path) -> list[str]:
    return (folder / "simulations.log").read_text().splitlines()


def printed(result: Regression) -> str:
    console = Console(record=True, width=200, file=StringIO())
    print_regression(result, console)
    return console.export_text()


def test_all_programs_pass_in_batches(tmp_path: Path) -> None:
    result = regression(tmp_path)
    assert result.passed
    assert [outcome.seed for outcome in result.outcomes] == [f"r-{number}" for number in range(8)]
    assert [line.count("memory_") for line in simulations(tmp_path)] == [3, 3, 2]
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "coverage.html", "coverage.json", "journal.jsonl", "programs.log", "result.json", "results.xml",
    ]  # fmt: skip
    stored = json.loads((result.folder / "result.json").read_text())
    assert (stored["passed"], stored["programs"], stored["failures"], stored["layers"]) == (True, 8, 0, 8)
    assert stored["compared_bytes"] > 0
    collected = json.loads((result.folder / "coverage.json").read_text())
    assert (collected["programs"], collected["closed"]) == (8, False)
    assert collected["counts"]["program: kind memory"] == 8
    assert collected["reached_by"]["program: kind memory"] == "nvdla-int8 regress --seed r-0 -n 1"
    assert collected["counts"].keys() <= load_plan().bins(MODEL_PARTS).keys() | load_plan().features.keys()
    assert [case.result for case in JUnitXml.fromfile(str(result.folder / "results.xml")).__iter__().__next__()] == [
        []
    ] * 8
    assert len((result.folder / "programs.log").read_text().splitlines()) == 8
    assert printed(result).splitlines()[-1].startswith("PASS: 8 of 8 programs passed")


def test_outcomes_are_the_same_however_many_processes_and_programs_a_simulation(tmp_path: Path) -> None:
    runs = []
    for part, (jobs, batch) in enumerate(((1, 8), (2, 2), (1, 1))):
        folder = tmp_path / str(part)
        folder.mkdir()
        result = regression(folder, jobs=jobs, batch=batch)
        runs.append([(one.seed, one.summary, one.settings, one.passed, one.coverage) for one in result.outcomes])
    assert runs[0] == runs[1] == runs[2]


def test_wrong_byte_fails_its_seed_which_runs_again_with_waves(tmp_path: Path) -> None:
    result = regression(tmp_path, wrong=("-4",))
    assert not result.passed
    [failure] = result.failures
    assert failure.seed == "r-4"
    assert failure.result.verdict is Verdict.FAILED
    assert failure.result.differences[0].element is not None
    assert simulations(tmp_path)[-1] == "waves memory_r-4"
    assert (Path(failure.waves_folder) / "dump.vcd").exists()
    assert (Path(failure.waves_folder) / "traces" / "r-4" / "memory_r-4.cfg").exists()
    text = printed(result)
    assert "first at 0x" in text
    assert "reproduce: nvdla-int8 regress --seed r-4 -n 1" in text
    assert text.splitlines()[-1].startswith("FAIL: 7 of 8 programs passed")
    [suite] = JUnitXml.fromfile(str(result.folder / "results.xml"))
    assert [type(case.result[0]) for case in suite if case.result] == [Failure]


def test_crash_is_the_failure_of_one_seed_only(tmp_path: Path) -> None:
    result = regression(tmp_path, crashing=("-4",))
    assert [outcome.seed for outcome in result.failures] == ["r-4"]
    assert result.failures[0].result.verdict is Verdict.INCOMPLETE
    assert "the simulator crashed" in result.failures[0].result.message
    assert "plain memory_r-3" in simulations(tmp_path)
    [suite] = JUnitXml.fromfile(str(result.folder / "results.xml"))
    assert [type(case.result[0]) for case in suite if case.result] == [Error]


def test_program_without_a_verdict_is_a_failure(tmp_path: Path) -> None:
    result = regression(tmp_path, silent=("-4", "-7"))
    assert [outcome.seed for outcome in result.failures] == ["r-4", "r-7"]
    assert all("gave no verdict" in outcome.result.message for outcome in result.failures)


def test_process_that_dies_loses_no_seed(tmp_path: Path) -> None:
    result = regression(tmp_path, jobs=2, deadly=("-7",), count=9)
    assert len(result.outcomes) == 9
    [failure] = result.failures
    assert failure.seed == "r-7"
    assert failure.result.message == "r-7: a process of --jobs died, perhaps for want of memory"


def test_failure_that_does_not_come_again_alone_stays_a_failure(tmp_path: Path) -> None:
    result = regression(tmp_path, wrong=("-4",), sound_alone=True)
    [failure] = result.failures
    assert failure.result.verdict is Verdict.FAILED
    assert "not when run again alone" in failure.result.message


def test_failures_are_kept_when_nothing_can_write_waves(tmp_path: Path) -> None:
    result = regression(tmp_path, wrong=("-4",), without_waves=True)
    assert [outcome.seed for outcome in result.failures] == ["r-4"]
    assert "not run again with waves: cannot compile" in printed(result)


def test_parts_of_the_plan_that_the_device_reaches_are_open_though_nothing_ran(tmp_path: Path) -> None:
    nothing = replace(regression(tmp_path), outcomes=[], parts=PARTS)
    assert nothing.coverage.as_dict()["parts"] == list(PARTS)


def test_only_the_first_failures_are_run_again(tmp_path: Path) -> None:
    result = regression(tmp_path, wrong=tuple(f"-{number}" for number in range(8)))
    assert len(result.failures) == 8
    assert sum(line.startswith("waves") for line in simulations(tmp_path)) == 5


def test_regression_that_ran_nothing_or_less_than_asked_has_not_passed(tmp_path: Path) -> None:
    whole = regression(tmp_path)
    for count, outcomes in ((0, []), (8, whole.outcomes[:7]), (9, whole.outcomes)):
        part = replace(whole, count=count, outcomes=outcomes)
        assert not part.passed


def test_single_program_is_that_of_the_reproduction_line(tmp_path: Path) -> None:
    assert program_seeds("r-4", 1) == ["r-4"]
    assert program_seeds("r", 5)[4] == "r-4"
    plan = Plan(
        GoldenRunner(tmp_path / "log"), tmp_path, kind="pair", errata=True, stalls=False, writes_land_on="acceptance"
    )
    line = reproduction(plan, "icarus", Path("duts/other.toml"))
    assert line == (
        "nvdla-int8 regress --sim icarus --dut duts/other.toml --seed {} -n 1 --kind pair --errata --no-stalls "
        "--writes-land-on acceptance"
    )
    plain = reproduction(Plan(GoldenRunner(tmp_path / "log"), tmp_path), "verilator", DEFAULT_DUT)
    assert plain == "nvdla-int8 regress --sim verilator --seed {} -n 1"
    assert generate("r-4", kind="memory").seed == "r-4"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('sampler = "memory"', 'sampler = "memories"', "no one samples the feature 'memory'"),
        ("INT16 = true", "INT16 = true\nINT4 = true", "'INT4', which no one samples"),
    ],
)
def test_plan_that_no_one_samples_ends_the_run(
    old: str, new: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = edited(tmp_path, "programs", old, new)
    monkeypatch.setattr(coverage, "load_plan", lambda: plan)
    with pytest.raises(BenchError, match=message):
        regression(tmp_path, count=1)


def test_seed_too_long_for_its_programs_is_refused() -> None:
    with pytest.raises(BenchError, match="seed = "):
        program_seeds("s" * 64, 10)


def test_settings_come_from_the_seed_and_range_from_none_to_heavy() -> None:
    drawn = [draw_settings(f"s-{number}", stalls=True) for number in range(200)]
    assert drawn == [draw_settings(f"s-{number}", stalls=True) for number in range(200)]
    heaviest = [max(settings.stall_rates) for settings in drawn]
    assert min(heaviest) == 0
    assert max(heaviest) > 0.7
    assert {settings.nposted for settings in drawn} == {True, False}
    assert len({settings.latency_cycles for settings in drawn}) > 4
    calm = draw_settings("s-1", stalls=False)
    assert max(calm.stall_rates) == 0
    assert "latency" in describe_settings(calm)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "two words"], "nvdla-int8: error: seed = 'two words'"),
        (["--seed", "s", "--dut", "none.toml"], "nvdla-int8: error: none.toml: no such file"),
    ],
)
def test_command_bad_input_is_one_line(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["regress", *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1


def test_command_refuses_to_run_nothing() -> None:
    assert CliRunner().invoke(main, ["regress", "-n", "0"]).exit_code == 2
