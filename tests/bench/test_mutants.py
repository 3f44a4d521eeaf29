"""``make mutants``: the operators make what they say; caught, equivalent and survived are told apart."""

import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from nvdla_bench.files import RTL
from nvdla_bench.mutants import campaign, listed, verilog
from nvdla_bench.mutants.__main__ import main
from nvdla_bench.mutants.campaign import Campaign
from nvdla_bench.mutants.copies import MODEL, Copy
from nvdla_bench.mutants.detectors import Detector, UnitBench, benches_of
from nvdla_bench.mutants.model_tests import model_detectors
from nvdla_bench.mutants.mutant import Mutant
from nvdla_bench.mutants.outcome import Outcome
from nvdla_bench.mutants.python_source import mutants_of
from nvdla_bench.mutants.report import print_report, write_report
from nvdla_bench.mutants.yosys import mutate_commands, mutated_netlist
from nvdla_int8.errors import BenchError

Given = ParamSpec("Given")
Result = TypeVar("Result")

CLIP = "nvdla_clip.v"
BOUND = "in[IN_WIDTH-1:OUT_WIDTH-1] != {(IN_WIDTH-OUT_WIDTH+1){sign}}"
OFF_BY_A_BIT = "in[IN_WIDTH-1:OUT_WIDTH] != {(IN_WIDTH-OUT_WIDTH){sign}}"
TURNED_AROUND = "{(IN_WIDTH-OUT_WIDTH+1){sign}} != in[IN_WIDTH-1:OUT_WIDTH-1]"


def in_clip(new: str) -> Mutant:
    return Mutant("rtl", "planted", CLIP, (RTL / CLIP).read_text().index(BOUND), BOUND, new)


@dataclass(frozen=True)
class Says:
    """A detector that says the same of everything."""

    name: str
    text: str = ""

    def notices(self, copy: Copy) -> str:
        return self.text


@dataclass(frozen=True)
class OfThese(Campaign):
    """A campaign with detectors of its own."""

    shown_to: tuple[Detector, ...] = ()

    def detectors(self, mutant: Mutant) -> Sequence[Detector]:
        return self.shown_to


def run(folder: Path, *mutants: Mutant, shown_to: tuple[Detector, ...]) -> list[Outcome]:
    folder.mkdir(exist_ok=True)
    told: list[Outcome] = []
    outcomes = OfThese(mutants, (), folder, folder / "sound.txt", 60, shown_to).run(1, told.append)
    assert {one.name for one in told} == {one.name for one in outcomes}
    return outcomes


class Here(Executor):
    """Does at once what a pool would start processes for."""

    def __init__(self, *_given: object) -> None:
        pass

    def submit(self, function: Callable[Given, Result], /, *given: Given.args, **named: Given.kwargs) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            future.set_result(function(*given, **named))
        except BrokenProcessPool as error:
            future.set_exception(error)
        return future


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "ProcessPoolExecutor", Here)


# ---- Verdicts -------------------------------------------------------------------------------------


def test_survivor_and_equivalent_are_told_apart_and_a_second_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_this_process: None
) -> None:
    mutants = in_clip(OFF_BY_A_BIT), in_clip(TURNED_AROUND)
    survived, equivalent = run(tmp_path / "blind", *mutants, shown_to=(Says("blind"),))
    assert (survived.verdict, survived.by, survived.tried) == ("survived", "", ("blind",))
    assert (equivalent.verdict, equivalent.by) == ("equivalent", "induction")
    assert "[IN_WIDTH-1:OUT_WIDTH] !=" in survived.diff
    monkeypatch.setattr(Campaign, "outcome", None)  # nothing is tried again
    assert run(tmp_path / "blind", *mutants, shown_to=(Says("blind"),)) == [survived, equivalent]

    console = Console(width=300, force_terminal=False)
    with console.capture() as capture:
        print_report([survived, equivalent], console, "make mutants ARGS='--only {}'")
    text = capture.get()
    assert f"SURVIVED {survived.name}: planted" in text
    assert f"reproduce: make mutants ARGS='--only {survived.name}'" in text
    assert "FAIL: 2 mutants: 0 caught, 1 equivalent, 1 survived" in text
    assert '"passed": false' in write_report([survived, equivalent], tmp_path, "s").read_text()
    assert '"passed": true' in write_report([equivalent], tmp_path, "s").read_text()


def test_fault_is_caught_by_the_first_check_that_notices_it(tmp_path: Path) -> None:
    bench = benches_of(CLIP, RTL)[0]
    assert bench == UnitBench("clip_17_8")
    [outcome] = run(tmp_path, in_clip(OFF_BY_A_BIT), shown_to=(Says("blind"), bench, Says("not asked")))
    assert (outcome.verdict, outcome.by, outcome.tried) == ("caught", "unit clip_17_8", ("blind", "unit clip_17_8"))
    assert "clip_17_8" in outcome.said


def test_check_that_fails_on_what_is_sound_is_refused(tmp_path: Path, in_this_process: None) -> None:
    with pytest.raises(BenchError, match="broken fails on what is sound, so it can prove nothing: always"):
        run(tmp_path, in_clip(OFF_BY_A_BIT), shown_to=(Says("broken", "always"),))


@dataclass(frozen=True)
class Dies:
    """A detector whose process is dead behind the first fault."""

    name: str = "dies"

    def notices(self, copy: Copy) -> str:
        if "sound" not in copy.folder.parts:
            raise BrokenProcessPool
        return ""


def test_faults_that_a_dead_process_leaves_are_counted_as_not_run(tmp_path: Path, in_this_process: None) -> None:
    outcomes = run(tmp_path, in_clip(OFF_BY_A_BIT), in_clip(TURNED_AROUND), shown_to=(Dies(),))
    assert [one.verdict for one in outcomes] == ["not run", "not run"]
    assert not (tmp_path / "outcomes.jsonl").exists()
    console = Console(width=300, force_terminal=False)
    with console.capture() as capture:
        print_report(outcomes, console, "")
    text = capture.get()
    assert text.count("NOT RUN: a process of --jobs died, perhaps for want of memory; the same command goes on") == 1
    assert "FAIL: 2 mutants: 0 caught, 0 equivalent, 0 survived, 2 not run" in text


# ---- Faults ---------------------------------------------------------------------------------------

SAMPLE = """// if (comment)
module sample (input wire clk);
);
  wire [7:0] next = count_q + 1'b1;
  always @(posedge clk)
    if (!rst_n) begin
      count_q <= 8'd0;
    end else if (step && !full) begin
      count_q <= next;
    end
  reg [7:0] count_q;
  for (lane = 0; lane < 4; lane = lane + 1) begin end
  assign out = wide ? one : other;
endmodule
"""


@pytest.mark.parametrize(
    ("operator", "lines"),
    [
        ("off by one", ["wire [7:0] next = count_q;", "count_q <= 8'd1;"]),
        ("swapped operator", ["wire [7:0] next = count_q - 1'b1;", "end else if (step || !full) begin"]),
        ("constant", ["wire [7:0] next = count_q + 1'b0;"]),
        (
            "inverted condition",
            ["end else if (!(step && !full)) begin", "assign out = wide ? other : one;"],
        ),
        (
            "lost bits",
            [
                f"{head} ({value}) & {{{{((7 + 1) - {kept}){{1'b0}}}}, {{{kept}{{1'b1}}}}}};"
                for head, value in (("wire [7:0] next =", "count_q + 1'b1"), ("count_q <=", "next"))
                for kept in ("(7)", "((7 + 1) / 2)")
            ],
        ),
        ("removed assignment", [";"]),
        ("blocked reset", ["if (1'b0) begin", ";"]),
    ],
)
def test_operator_changes_what_it_says_and_nothing_in_comments_or_loops(
    operator: str, lines: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "sample.v"
    path.write_text(SAMPLE)
    changed = []
    for mutant in verilog.mutants_of(path, operator):
        added = [line[1:].strip() for line in mutant.diff(SAMPLE).splitlines() if line.startswith("+")]
        changed += added
    assert sorted(changed) == sorted(lines)


def test_bits_that_a_mask_keeps_0_are_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "sample.v"
    for mask, count in (("007fffff", 1), ("0000ffff", 0), ("80000000", 2)):
        path.write_text(
            f"module sample;\n);\nreg [31:0] q;\nalways @(posedge clk) q <= word & 32'h{mask};\nendmodule\n"
        )
        assert len(verilog.mutants_of(path, "lost bits")) == count


def test_draw_of_a_seed_is_the_same_and_grows_with_the_count() -> None:
    sources = sorted(RTL.glob("nvdla_c*.v"))
    few, many = (verilog.draw(np.random.default_rng(3), sources, count) for count in (5, 40))
    assert many[:5] == few
    assert len({one.name for one in many}) == 40
    assert len({one.operator for one in many}) == len(verilog.OPERATORS)
    with pytest.raises(BenchError, match="the file has changed"):
        few[0].apply("another text")


def test_faults_of_the_model_leave_types_alone(tmp_path: Path) -> None:
    source = "Both = One | Other\n\ndef f(x: int | None = 3) -> int | None:\n    return x + 1 if x < 4 else not x\n"
    path = tmp_path / "rule.py"
    path.write_text(source)
    changed = {mutant.diff(source).rpartition("\n+")[2].strip() for mutant in mutants_of(path, tmp_path)}
    assert {
        "return (x) - (1) if x < 4 else not x", "return x + 1 if x <= 4 else not x",
        "return not x if x < 4 else x + 1", "return x + 1 if x < 4 else bool(x)", "return x + 1 if x < 5 else not x",
    } <= changed  # fmt: skip
    assert not any(
        "One &" in mutant.apply(source) or "int &" in mutant.apply(source) for mutant in mutants_of(path, tmp_path)
    )


def test_file_of_the_model_is_shown_to_the_tests_that_its_listed_faults_name() -> None:
    assert (MODEL / "stages/fixedpoint.py").exists()
    first, second, *_ = model_detectors("stages/fixedpoint.py")
    assert first.name == "listed tests"
    assert any("test_converters.py::" in test for test in first.tests)
    assert second.tests == ("tests/golden/test_replay_references.py",)


def test_netlist_with_a_fault_keeps_ports_and_takes_the_parameters_of_its_bench(tmp_path: Path) -> None:
    parameters = {"IN_WIDTH": 17, "OUT_WIDTH": 8}
    commands = mutate_commands("nvdla_clip", parameters, RTL, tmp_path, count=3, seed=1)
    assert len(commands) == 3
    text = mutated_netlist("nvdla_clip", parameters, RTL, tmp_path, commands[0])
    assert "module nvdla_clip(" in text
    assert "  parameter IN_WIDTH = 17;\n  parameter OUT_WIDTH = 8;\n" in text
    assert text != mutated_netlist("nvdla_clip", parameters, RTL, tmp_path, commands[1])


# ---- Listed faults, the command -------------------------------------------------------------------


def test_listed_fault_that_its_test_misses_is_a_survivor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {"test_fault[one]": "", "test_fault[two]": '<failure message="passed with the fault"/>', "test_list": ""}

    def write(command: list[str], **_given: Any) -> subprocess.CompletedProcess[str]:
        report = next(word.partition("=")[2] for word in command if word.startswith("--junitxml="))
        body = "".join(
            f'<testcase classname="tests.rtl.test_mutations" name="{name}">{inner}</testcase>'
            for name, inner in cases.items()
        )
        Path(report).write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", write)
    caught, missed = listed.run_listed("s", tmp_path, 1, everything=False)
    assert (caught.verdict, missed.verdict, missed.said) == ("caught", "survived", "passed with the fault")
    cases["test_list"] = '<failure message="old is not there"/>'
    with pytest.raises(BenchError, match=r"test_mutations\.py: test_list fails: old is not there"):
        listed.run_listed("s", tmp_path, 1, everything=False)
    for not_run in ('<error message="no simulator"/>', "<skipped/>"):
        cases["test_fault[one]"] = not_run
        with pytest.raises(BenchError, match=r"test_mutations\.py: test_fault\[one\] did not run, see .*listed\.log"):
            listed.run_listed("s", tmp_path, 1, everything=False)

    console = Console(width=300, force_terminal=False)
    with console.capture() as capture:
        print_report([missed], console, "make mutants ARGS='--only {}'")
    again = "NVDLA_EVERYTHING=1 python -m pytest -n 0 'tests/rtl/test_mutations.py::test_fault[two]'"
    assert f"reproduce: {again}" in capture.get()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-n", "0", "--listed", "none"], "there is nothing to try"),
        (["-n", "1", "--of", "rtl", "--only", "rtl:none", "--seed", "s"], "--only rtl:none: the seed s draws no such"),
        (["--seed", "two words"], "seed = 'two words'"),
    ],
)
def test_bad_request_for_mutants_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2, done.output
    assert message in done.output
    assert len(done.output.splitlines()) == 1
