"""Every protocol rule: broken once by hand, reported once, by the monitors and by the SVA checkers."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from nvdla_bench.protocol import MUST_SEE
from nvdla_bench.protocol.axi import AxiMonitor
from nvdla_bench.protocol.axi_ids import READ_IDS, WRITE_IDS
from nvdla_bench.protocol.checker_files import CHECKER_SOURCES
from nvdla_bench.protocol.csb import CsbMonitor
from nvdla_bench.protocol.ports import CONTROL_OUTPUTS, PAYLOAD_OUTPUTS
from nvdla_bench.simulator import SIMULATORS, differences
from nvdla_bench.simulator.compiled import SEED_VARIABLE, Results, compile_rtl
from tests.bench.protocol_bench import RANDOM_PROGRAMS, SILENT, VERDICTS
from tests.bench.protocol_scenarios import SCENARIOS, Scenario

TOP = Path(__file__).parent / "protocol_top" / "protocol_top.v"
OUTPUTS = {*CONTROL_OUTPUTS, *(name for payload in PAYLOAD_OUTPUTS.values() for name in payload)}
# Verilator has two states.
RUNS = [(sim, name) for sim in SIMULATORS for name in SCENARIOS if sim == "icarus" or not SCENARIOS[name].four_state]


def run(sim: str, testcase: str, folder: Path, seed: str) -> Results:
    sources = folder / "sources"
    sources.mkdir()
    shutil.copy(TOP, sources)
    if sim == "verilator":
        for source in CHECKER_SOURCES:
            shutil.copy(source, sources / f"{source.stem}.v")
    return compile_rtl(sim, TOP.stem, {}, rtl_dir=sources).run(
        "tests.bench.protocol_bench", seed=seed, results_dir=folder / "run", testcase=testcase
    )


def play(sim: str, testcase: str, folder: Path, seed: str) -> Any:
    results = run(sim, testcase, folder, seed)
    assert results.passed, results.log.read_text()
    return json.loads((folder / "run" / VERDICTS).read_text())


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return {sim: play(sim, "all_scenarios", tmp_path_factory.mktemp(sim), "scenarios") for sim in SIMULATORS}


def check_report(scenario: Scenario, report: list[tuple[str, str, int, str]]) -> None:
    if scenario.breach is None:
        assert report == []
        return
    assert [(checker, rule) for checker, rule, _, _ in report] == [scenario.breach]
    ((_, _, cycle, values),) = report
    # Behind the last cycle come two idle ones, then the one with finish.
    assert cycle == (scenario.at if scenario.at >= 0 else len(scenario.cycles) + 2)
    assert scenario.shows in values


@pytest.mark.parametrize(("sim", "name"), RUNS)
def test_scenario_is_reported_by_its_rule_alone(sim: str, name: str, verdicts: dict[str, dict[str, Any]]) -> None:
    verdict = verdicts[sim][name]
    check_report(SCENARIOS[name], verdict["python"])
    if sim == "verilator":
        check_report(SCENARIOS[name], verdict["sva"])
        assert verdict["sva_total"] == len(verdict["sva"])
        assert verdict["sva_counts"] == verdict["counts"]


def test_silence_where_a_program_was_expected_is_reported(verdicts: dict[str, dict[str, Any]]) -> None:
    for sim in SIMULATORS:
        for side in ("python", "sva") if sim == "verilator" else ("python",):
            reported = [(rule, values) for _, rule, _, values in verdicts[sim][SILENT][side]]
            assert reported == [("nothing-seen", f"{name}=0") for name in MUST_SEE]


def test_checkers_without_assertions_are_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(differences.BUILD_ARGS, "verilator", (*differences.BUILD_ARGS["verilator"], "--no-assert"))
    results = run("verilator", "all_scenarios", tmp_path, "scenarios")
    assert not results.passed
    assert "0 summaries for one program, expected 1" in results.log.read_text()


def test_outputs_that_are_unknown_are_reported_and_nothing_else(verdicts: dict[str, dict[str, Any]]) -> None:
    reported = {name: verdicts["icarus"][name]["outputs"] for name in SCENARIOS}
    for name, scenario in SCENARIOS.items():
        nets = (
            {net for cycle in scenario.cycles for net, value in cycle.items() if isinstance(value, str)} & OUTPUTS
            if scenario.breach and scenario.four_state
            else set()
        )
        assert len(reported[name]) == len(nets), name
        assert all(breach[3].startswith(tuple(nets)) for breach in reported[name])
    assert sum(map(len, reported.values())) >= 8


def test_counts_and_stalled_cycles_are_those_that_were_driven(verdicts: dict[str, dict[str, Any]]) -> None:
    for sim in SIMULATORS:
        counts = verdicts[sim]["legal: reads in any order of ids"]["counts"]
        expected = {"axi.reads": 3, "axi.ar.beats": 3, "axi.ar.stalled": 0, "axi.r.beats": 6, "axi.r.stalled": 1}
        assert {name: counts[name] for name in expected} == expected
        counts = verdicts[sim]["legal: csb requests of all kinds"]["counts"]
        expected = {"csb.reads": 2, "csb.writes": 2, "csb.request.beats": 4, "csb.request.stalled": 1}
        assert {name: counts[name] for name in expected} == expected


def test_monitors_and_checkers_agree_on_random_cycles(tmp_path: Path) -> None:
    verdicts = play("verilator", "random_cycles", tmp_path, f"{os.environ[SEED_VARIABLE]}-random")
    assert len(verdicts) == RANDOM_PROGRAMS
    rules = set()
    for verdict in verdicts:
        python, sva = (sorted(breach[:3] for breach in verdict[side]) for side in ("python", "sva"))
        assert python == sva
        assert verdict["counts"] == verdict["sva_counts"]
        rules |= {(checker, rule) for checker, rule, _ in python}
    assert len(rules) > 25


def test_every_rule_has_a_scenario() -> None:
    broken = {scenario.breach for scenario in SCENARIOS.values() if scenario.breach}
    documented = {
        *((f"axi.{channel}", rule) for channel in ("aw", "w", "b", "ar", "r") for rule in CHANNEL_RULES),
        *((checker, rule) for checker in ("csb.request", "stream") for rule in CHANNEL_RULES),
        *(("axi", rule) for rule in rules_named_in(AxiMonitor)),
        *(("csb", rule) for rule in rules_named_in(CsbMonitor)),
        ("stream", "beat-count"),
        ("no-x", "unknown"),
    }
    assert broken == documented


CHANNEL_RULES = ("valid-dropped", "payload-changed", "unknown")


def rules_named_in(monitor: type) -> set[str]:
    words = (monitor.__doc__ or "").split("Rules of ", 2)[-1].split("An answer comes")[0].split("``")[1::2]
    return {word for word in words if "." not in word and word not in ("axi", "csb")}


def test_checkers_accept_the_ids_of_the_monitors() -> None:
    text = next(source for source in CHECKER_SOURCES if source.stem == "nvdla_port_checker").read_text()
    for name, ids in (("READ_IDS    ", READ_IDS), ("WRITE_IDS   ", WRITE_IDS)):
        assert f"{name} = 16'h{sum(1 << number for number in ids):x}" in text
