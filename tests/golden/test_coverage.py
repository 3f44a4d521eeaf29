"""The coverage plan against its samplers: planted holes are told, collections merge, pages are made."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nvdla_int8.coverage import programs as coverage_programs
from nvdla_int8.coverage.collected import Collected, merged, read_collected
from nvdla_int8.coverage.plan import MODEL_PARTS, PARTS, Sample, load_plan
from nvdla_int8.coverage.programs import SAMPLERS, count_program
from nvdla_int8.coverage.report import CoverageReport
from nvdla_int8.coverage.samplers import sdp
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import GeneratedProgram, generate, shapes
from nvdla_int8.json_files import write_json
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS
from tests.golden.command import invoke, problem, succeed
from tests.golden.coverage_plans import edited


@pytest.fixture(scope="module")
def memory_program() -> GeneratedProgram:
    return generate("small-1", kind="memory")


def test_plan_names_every_bin_once_and_why_some_are_unreachable() -> None:
    plan = load_plan()
    assert {feature.part for feature in plan.features.values()} == set(PARTS)
    assert all(feature.what and feature.bins for feature in plan.features.values())
    assert all(len(one.unreachable) > 20 for one in plan.bins().values() if one.unreachable)
    assert "x1: ALU on x MUL off x PReLU off x ReLU on" in plan.bins()
    plan.check_samplers(MODEL_PARTS, SAMPLERS)


def test_value_of_a_sample_meets_the_bins_that_the_plan_gives_it(tmp_path: Path) -> None:
    plan = edited(
        tmp_path, "protocol", "", '[[feature]]\nname = "f"\nwhat = "w"\nsampler = "s"\ngoal = 2\n'
        'crosses = [["word", "number"]]\n[feature.bins]\nflag = true\nword = ["a", "b"]\nnumber = [0, "3..5", "9.."]\n'
        '[feature.unreachable]\n"number 9.." = "nothing has nine of anything"\n',
    )  # fmt: skip
    samples = [
        Sample("s", {"flag": True, "word": "a", "number": 4}), Sample("s", {"flag": False, "word": "b", "number": 1}),
        Sample("s", {"flag": False, "word": {"a": 3, "b": 0}, "number": None}),
    ]  # fmt: skip
    counts = plan.count(samples)
    assert counts == {
        "f": 3, "f: flag": 1, "f: word a": 4, "f: word b": 1, "f: number 3..5": 1, "f: word a x number 3..5": 1,
    }  # fmt: skip
    collected = Collected(["protocol"])
    collected.add(counts, "here", "command")
    report = CoverageReport(plan, collected)
    lines = [line for line in report.problems() if line.startswith("f: ")]
    assert "f: flag: met 1 times, the goal is 2, in 3 samples of 's'" in lines
    assert "f: number 0: never met, in 3 samples of 's'" in lines
    assert not [line for line in lines if line.startswith("f: word a: ")]
    assert [one.bin.name for one in report.of_status("unreachable")][:1] == ["f: number 9.."]
    collected.add(plan.count([Sample("s", {"flag": True, "word": "a", "number": 9})]), "here", "again")
    [wrong] = [line for line in CoverageReport(plan, collected).problems() if "said to be unreachable" in line]
    assert wrong.endswith("(nothing has nine of anything) and met 1 times: again")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("INT16 = true", "INT16 = true\nINT32 = true", "'INT32', which no one samples: its sampler 'output' gives"),
        ("INT16 = true\n", "", "the sampler 'output' gives 'INT16', of which no feature has bins"),
        ('sampler = "output"', 'sampler = "outputs"', "no one samples the feature 'output': there is no sampler"),
        ('"image", "memory",', '"image",', "gives kind 'memory', which is no bin of feature 'program'"),
    ],
)  # fmt: skip
def test_plan_and_samplers_that_differ_are_told(
    old: str, new: str, message: str, tmp_path: Path, memory_program: GeneratedProgram
) -> None:
    plan = edited(tmp_path, "programs", old, new)
    with pytest.raises(BenchError, match=re.escape(message)):
        count_program(memory_program, plan)


def open_after(count: int) -> list[str]:
    """What some images leave open of the pixels that convolutions take."""
    collected = Collected(MODEL_PARTS)
    for number in range(count):
        collected.add(count_program(generate(f"cut-{number}", kind="image"), load_plan()), "here", "command")
    return [line for line in CoverageReport(load_plan(), collected).problems() if line.startswith("pixels: ")]


def test_draw_that_was_cut_leaves_its_bin_open(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = open_after(3)
    drawn = next(code for code in PIXEL_FORMATS if f"format {code:#04x}" not in " ".join(whole))
    monkeypatch.setattr(shapes, "PIXEL_FORMATS", {code: PIXEL_FORMATS[code] for code in PIXEL_FORMATS if code != drawn})
    assert f"pixels: format {drawn:#04x}: never met, in 3 samples of 'pixels'" in open_after(3)


def test_feature_without_a_sample_is_told_once(memory_program: GeneratedProgram) -> None:
    collected = Collected(MODEL_PARTS)
    collected.add(count_program(memory_program, load_plan()), "here", "command")
    lines = [line for line in CoverageReport(load_plan(), collected).problems() if line.startswith("LRN: ")]
    assert lines == ["LRN: no sample in 1 programs: its sampler 'lrn' saw none of each layer of CDP"]


def test_sampler_that_gives_an_unknown_bin_is_one_line_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_more(original: Callable[..., Iterator[Sample]]) -> Callable[..., Iterator[Sample]]:
        def samples(*arguments: Any) -> Iterator[Sample]:
            for one in original(*arguments):
                yield Sample(one.sampler, {**one.values, "channels": "9 atoms"}) if one.sampler == "memory" else one

        return samples

    monkeypatch.setattr(sdp, "sdp_samples", with_more(sdp.sdp_samples))
    monkeypatch.setattr(coverage_programs, "generate", lambda seed: generate(seed, kind="memory"))
    line = problem("coverage", "--programs", 1, "--seed", "unknown")
    assert line == "coverage plan: the sampler 'memory' gives channels '9 atoms', which is no bin of feature 'memory'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[feature]]\nname = 'f'\n", "protocol.toml: feature f: what is missing"),
        ("[[feature]", "protocol.toml: "),
        ("[[features]]\nname = 'f'\n", "protocol.toml: features = [{'name': 'f'}]: "),
        ("[[feature]]\nname = 'f'\nwhat = 'w'\nsampler = 's'\nbins = {a = false}\n",
         "feature f: bins.a.literal[True] = "),
        ("[[feature]]\nname = 'f'\nwhat = 'w'\nsampler = 's'\nbins = {a = ['9..4']}\n",
         "feature f: the bin 'a 9..4' holds nothing: 9 is above 4"),
        ("[[feature]]\nname = 'f'\nwhat = 'w'\nsampler = 's'\ncrosses = [['a', 'b']]\nbins = {a = true}\n",
         "feature f: the cross ['a', 'b'] names b, of which there are no bins"),
        ("[[feature]]\nname = 'f'\nwhat = 'w'\nsampler = 's'\nbins = {a = [1, 1]}\n", "feature f: the bin 'a 1' is"),
        ("[[feature]]\nname = 'f'\nwhat = 'w'\nsampler = 's'\nbins = {a = true}\nunreachable = {b = 'x'}\n",
         "feature f: b is said to be unreachable and is no bin"),
    ],
)  # fmt: skip
def test_plan_that_cannot_be_read_names_file_feature_and_value(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=re.escape(message)):
        edited(tmp_path, "protocol", "", text)


def test_collections_merge_and_keep_the_first_program_that_reaches_a_bin(tmp_path: Path) -> None:
    plan = load_plan()
    first, second = Collected(["programs"]), Collected(["programs", "arithmetic"])
    first.add({"x1": 2, "x1: bypassed": 2}, "on a core", "run a")
    second.add({"x1": 1, "x1: bypassed": 1, "x1: ReLU on": 1}, "on a core", "run b")
    for name, one in (("a", first), ("b", second)):
        write_json(one.as_dict(), tmp_path / name)
    total = merged(read_collected(tmp_path / name, plan) for name in ("a", "b"))
    assert (total.programs, total.counts["x1: bypassed"], total.counts["x1"]) == (2, 3, 3)
    assert total.reached_by == {"x1": "run a", "x1: bypassed": "run a", "x1: ReLU on": "run b"}
    assert total.parts == {"programs", "arithmetic"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is no collected coverage: format is missing"),
        ("nonsense", "not JSON text, so not collected coverage"),
        (json.dumps({"format": "nvdla-int8 coverage 1", "programs": 2, "sources": {"here": 1}, "parts": [],
                     "reached_by": {}, "counts": {}}), "it is of 2 programs, and of 1 by its sources"),
        (json.dumps({"format": "nvdla-int8 coverage 1", "programs": 1, "sources": {"here": 1}, "parts": [],
                     "reached_by": {}, "counts": {"x1": -1}}), "counts.x1 = -1: should be greater than or equal to 0"),
        (json.dumps({"format": "nvdla-int8 coverage 1", "programs": 1, "sources": {}, "parts": [], "reached_by": {},
                     "counts": {"x1: of old": 1}}), "it counts 'x1: of old', which is no bin of the coverage plan"),
        (json.dumps({"format": "nvdla-int8 coverage 1", "programs": 1, "sources": {}, "parts": ["all"],
                     "reached_by": {}, "counts": {}}), "the part 'all' is not known"),
    ],
)  # fmt: skip
def test_command_refuses_files_that_are_no_collection(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "coverage.json"
    file.write_text(text)
    assert message in problem("coverage", file)
    assert problem("coverage", tmp_path / "none.json").endswith("none.json: no such file")
    assert problem("coverage").startswith("nothing to report")
    assert problem("coverage", file, "--seed", "s") == "--seed s is that of --programs, which is not given"
    assert problem("coverage", "--programs", 1, "--seed", "").startswith("seed = ''")


def test_command_reports_bins_open_and_unreachable_and_merges_what_it_wrote(tmp_path: Path) -> None:
    html, collected = tmp_path / "page.html", tmp_path / "collected.json"
    text = succeed("coverage", "--programs", 2, "--seed", "two", "--html", html, "--json", collected)
    told = re.search(r"coverage (\d+) open: (\d+) of (\d+) bins reached, \d+ unreachable, in 2 programs", text)
    assert told is not None
    assert int(told[1]) + int(told[2]) == int(told[3])
    assert "programs" in text
    assert text.splitlines()[-1] == "seed: two"
    assert "arithmetic" in text
    stored = json.loads(collected.read_text())
    assert stored["closed"] is False
    assert stored["open"]
    assert "a simulator can run" in stored["unreachable"]["saturation flags: clipped cacc_34"]
    assert stored["reached_by"]["program: layers 1"] == "nvdla-int8 coverage --programs 1 --seed two-1"
    page = html.read_text()
    assert "saturation flags" in page
    assert "coverage --programs 1 --seed two-0" in page
    copy = collected.with_name("copy.json")
    copy.write_bytes(collected.read_bytes())
    again = succeed("coverage", collected, copy)
    assert again.splitlines()[-1].endswith("in 4 programs")
    assert problem("coverage", collected, tmp_path / "." / collected.name).endswith(
        "is named twice, and would count twice"
    )
    assert invoke("coverage", collected, "--close").exit_code == 1
