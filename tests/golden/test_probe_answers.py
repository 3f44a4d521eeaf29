"""Answers to probes: of the C runner on a faulty device, of a replay; what check says of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.probe.answers.wrong_bytes import timeline_of_probe
from nvdla_int8.probe.folder import read_probe_folder, write_traces
from nvdla_int8.probe.reading import read_probe_results
from nvdla_int8.probe.report import Outcome, UnitVerdict
from nvdla_int8.probe.unit import Unit
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.stages.sdp import OutputConverter
from tests.golden.command import invoke, problem, succeed
from tests.golden.probe_board import ROOM, Board, all_probes_once, compile_runner

FEW = (
    "registers_idle", "interrupts_sdp", "memory_lanes", "memory_channels", "converter_ties", "x1_relu",
    "weights_one_group", "accumulator_products", "lrn_lo",
)  # fmt: skip
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

RunnerOn = Callable[..., Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probes")
    few = [one for one in all_probes_once() if one.name in FEW]
    list(write_traces(few, ROOM, path))
    if shutil.which("gcc") is not None:
        compile_runner(few, path)
    return path


@pytest.fixture
def runner_on(folder: Path, tmp_path: Path) -> RunnerOn:
    def run(**board: Any) -> Path:
        _, results = Board(**board).run(folder / "probe.so")
        path = tmp_path / "results.bin"
        path.write_bytes(results)
        return path

    return run


def floored(self: OutputConverter, data: np.ndarray, *_: object) -> Any:
    """The output converter as hardware would have it that cuts in place of rounding."""
    value = (data.astype(np.int64) - self.offset) * self.scale >> min(self.shift_bits, 62)
    none = np.zeros(value.shape, np.bool_)
    return type(UNTOUCHED(self, data))(np.clip(value, -128, 127).astype(np.int8), none, none)


UNTOUCHED = OutputConverter.apply


@needs_gcc
def test_probe_check_of_a_sound_device_names_every_unit(folder: Path, runner_on: RunnerOn) -> None:
    printed = succeed("check", folder, "--dump", runner_on())
    assert f"all units are sound: {len(FEW)} probes" in printed


@needs_gcc
def test_probe_check_names_the_unit_the_element_and_the_cause(
    folder: Path, runner_on: RunnerOn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(OutputConverter, "apply", floored)
        results = runner_on()
    report = read_probe_results(folder, [str(results)])
    assert report.units(UnitVerdict.WRONG) == [Unit.OUTPUT_CONVERTER]
    assert report.verdicts[Unit.ACCUMULATOR] is UnitVerdict.UNJUDGED
    first = report.first_failing
    assert first is not None
    assert first.probe.name == "converter_ties"
    files = {kind: tmp_path / f"report.{kind}" for kind in ("json", "junit", "html")}
    options = [argument for kind, path in files.items() for argument in (f"--{kind}", path)]
    done = invoke("check", folder, "--dump", results, *options)
    assert done.exit_code == 1
    assert "not sound: output converter; look at converter_ties" in done.output
    assert "channel " in done.output
    assert "why: every byte of the dumps comes out" in done.output
    told = json.loads(files["json"].read_text())
    assert told["units"]["output converter"] == "not sound"
    assert told["first_failing"] == "converter_ties"
    assert told["first"]["causes"]["exact"]
    assert 'name="converter_ties"' in files["junit"].read_text()
    assert "cannot be judged" in files["html"].read_text()


@needs_gcc
def test_probe_check_tells_a_register_that_does_not_hold(folder: Path, runner_on: RunnerOn) -> None:
    status = find_register("SDP.S_STATUS").address
    results = runner_on(spoil_read=lambda offset, value: 0x1234 if offset == status else value)
    report = read_probe_results(folder, [str(results)])
    assert report.units(UnitVerdict.WRONG) == [Unit.REGISTERS]
    assert report.first_failing is not None
    assert "SDP.S_STATUS is 0x1234, not 0x0" in report.first_failing.words


@needs_gcc
def test_probe_check_tells_an_interrupt_that_does_not_come(folder: Path, runner_on: RunnerOn) -> None:
    status = find_register("GLB.S_INTR_STATUS").address
    results = runner_on(spoil_read=lambda offset, value: value & ~2 if offset == status else value)
    report = read_probe_results(folder, [str(results)])
    outcomes = {one.probe.name: one.outcome for one in report.results}
    assert report.units(UnitVerdict.WRONG) == [Unit.INTERRUPTS]
    assert outcomes["interrupts_sdp"] is Outcome.HUNG
    assert outcomes["lrn_lo"] is Outcome.NOT_RUN
    assert report.verdicts[Unit.LRN] is UnitVerdict.UNJUDGED
    assert report.first_failing is not None
    assert report.first_failing.words.startswith("interrupt SDP_1 does not come")


@needs_gcc
def test_probe_results_of_a_big_endian_board_are_read(folder: Path, runner_on: RunnerOn) -> None:
    path = runner_on()
    results = path.read_bytes()
    words = 8 + 8 * len(FEW)
    path.write_bytes(np.frombuffer(results, "<u4", words).astype(">u4").tobytes() + results[4 * words :])
    assert read_probe_results(folder, [str(path)]).sound


@needs_gcc
def test_probe_results_that_are_damaged_are_refused_in_one_line(folder: Path, runner_on: RunnerOn) -> None:
    path = runner_on()
    results = path.read_bytes()
    for data, message in (
        (results[:16], "the header alone has 32"),
        (results[:-100], "the dump is cut off"),
        (results[:8] + b"\0\0\0\0" + results[12:], "results of other probes"),
        (results[:4] + b"\7" + results[5:], "version 7"),
        (results[:32] + b"\7" + results[33:], "a row has state 7"),
        (b"no results", "neither results of the runner"),
    ):
        path.write_bytes(data)
        line = problem("check", folder, "--dump", path)
        assert str(path) in line
        assert message in line


def replay_report(path: Path, **verdicts: str) -> Path:
    """What ``replay --json`` writes of the probes, all passed but those that are given."""
    traces = [
        {"path": f"{name}/{name}.cfg", "verdict": "passed", "message": ""}
        | ({"verdict": verdicts[name], "message": f"{name}/{name}.cfg:3: why"} if name in verdicts else {})
        for name in FEW
    ]
    path.write_text(json.dumps({"traces": traces}))
    return path


def test_probe_check_reads_the_report_of_a_replay(folder: Path, tmp_path: Path) -> None:
    report = replay_report(tmp_path / "replay.json", x1_relu="failed", lrn_lo="incomplete")
    read = read_probe_results(folder, [str(report)])
    assert read.units(UnitVerdict.WRONG) == [Unit.X1, Unit.LRN]
    outcomes = {one.probe.name: (one.outcome, one.words) for one in read.results}
    assert outcomes["lrn_lo"] == (Outcome.HUNG, "line 3: why")
    assert outcomes["memory_lanes"] == (Outcome.SOUND, "")


def test_probe_check_of_a_real_replay_is_sound(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "replay.json"
    succeed("replay", folder, "--json", report)
    assert read_probe_results(folder, [str(report)]).sound


def test_probe_check_refuses_files_that_tell_of_no_probe(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "replay.json"
    for text, message in (
        ('{"traces": []}', "tells of no probe"),
        ("[]", "no report of replay --json"),
        ('{"traces": [{"path": "lrn_lo.cfg", "verdict": "fine"}]}', "verdict 'fine'"),
    ):
        path.write_text(text)
        assert message in problem("check", folder, "--dump", path)
    for name, message in (
        ("missing.bin", "neither results of the runner nor named after a probe"),
        ("registers_idle.bin", "leaves nothing in memory"),
        ("memory_lanes.bin", "no such file"),
    ):
        line = problem("check", folder, "--dump", tmp_path / name)
        assert name in line
        assert message in line


@pytest.mark.parametrize("place", ["", "@address", "folder"])
def test_probe_check_takes_memory_after_a_probe(folder: Path, tmp_path: Path, place: str) -> None:
    [probe] = [one for one in read_probe_folder(folder).probes if one.name == "memory_channels"]
    first, second = probe.outputs
    memory = timeline_of_probe(probe).device.memory
    data = memory.read_bytes(first.base, second.base + len(second.data) - first.base)
    path = tmp_path / "memory_channels.bin"
    argument = {"": str(path), "@address": f"{path}@{first.base:#x}", "folder": str(tmp_path)}[place]
    for spoiled, outcome in ((data, Outcome.SOUND), (data[:40] + b"\x77" + data[41:], Outcome.WRONG)):
        path.write_bytes(spoiled)
        report = read_probe_results(folder, [argument])
        found = {one.probe.name: one.outcome for one in report.results}
        assert found.pop("memory_channels") is outcome
        assert set(found.values()) == {Outcome.NOT_RUN}


def test_probe_check_takes_the_layers_that_a_replay_keeps(folder: Path, tmp_path: Path) -> None:
    [probe] = [one for one in read_probe_folder(folder).probes if one.name == "memory_channels"]
    kept = tmp_path / probe.name
    kept.mkdir()
    for index, layer in enumerate(timeline_of_probe(probe).layers):
        low, high = layer.run.destination.extent()
        output = probe.outputs[index]
        data = output.data[low - output.base : high - output.base]
        (kept / f"layer_{index}.bin").write_bytes(data if index == 0 else bytes(len(data)))
    report = read_probe_results(folder, [str(tmp_path)])
    assert report.first_failing is not None
    assert report.first_failing.probe.name == probe.name
    assert "first channel 0, y 0, x 1" in report.first_failing.words


def test_probe_report_without_an_answer_to_some_is_neither_sound_nor_wrong(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "replay.json"
    path.write_text('{"traces": [{"path": "lrn_lo.cfg", "verdict": "passed"}]}')
    report = read_probe_results(folder, [str(path)])
    assert report.exit_status == 2
    assert report.verdicts[Unit.LRN] is UnitVerdict.SOUND
    assert report.verdicts[Unit.MEMORY] is UnitVerdict.NOT_RUN
    with pytest.raises(BenchError, match="no such"):
        read_probe_results(tmp_path, [str(path)])
