"""``make sim``: the demo network on the core on both simulators, its report, its exit status, its files."""

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import click
import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from networks import sim as sim_command
from networks.digits.files import ONNX
from networks.sim import DIGITS, USUAL, USUAL_COUNT, Sources, load_workload, main, reproduction
from nvdla_bench.commands.simulate import simulate
from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.network_run import run as network_run_module
from nvdla_bench.network_run.report import print_run, store_run, totals
from nvdla_bench.network_run.run import RANDOM_PROGRAMS, NetworkRun, run_network
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions
from nvdla_bench.simulator import SIMULATORS
from nvdla_int8.beats.stage_beats import LRN_STAGES, POOLING_STAGES
from nvdla_int8.cli.image_options import ImageOptions
from nvdla_int8.cli.input_options import InputOptions
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import LARGE, generate
from nvdla_int8.stages.layer_program import STAGES
from tests.bench.core_copy import faulty_core
from tests.golden.onnx_files import conv, write

IMAGES = 2
FEW = 6  # random programs: the sixth one of "agree" is LRN
DEVICES = Path(__file__).parents[2] / "docs" / "devices.md"


def printed(run: NetworkRun) -> str:
    console = Console(record=True, width=200, file=StringIO())
    print_run(run, store_run(run), console)
    return console.export_text()


def network_run(
    folder: Path, sim: str, seed: str, *, dut: Path = DEFAULT_DUT, images: int = IMAGES, limit_cycles: int = 0
) -> NetworkRun:
    settings = Settings().with_stalls(0.2)
    options = ReplayOptions(load_dut(dut), sim, seed, settings, runs=folder / "runs", limit_cycles=limit_cycles)
    workload = load_workload(DIGITS, seed)
    return run_network(workload, options, images, reproduce=reproduction(DIGITS, options, images))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NetworkRun]:
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_run_module, "RANDOM_PROGRAMS", FEW)
        return {sim: network_run(folder, sim, "agree") for sim in SIMULATORS}


def test_both_simulators_pass_with_equal_stages_and_cycles(runs: dict[str, NetworkRun]) -> None:
    for run in runs.values():
        assert [result.line() for result in run.results if not result.passed] == []
        assert run.passed
        assert len(run.random) == FEW
    verilator, icarus = (
        [(result.stages, result.cycles, result.stalls, result.scores) for result in runs[sim].results]
        for sim in ("verilator", "icarus")
    )
    assert verilator == icarus


def test_report_names_everything_a_user_needs(runs: dict[str, NetworkRun]) -> None:
    run = runs["verilator"]
    text = printed(run)
    for word in (
        *(name for layer in run.layers for name in layer.name.split(" + ")), "runs as",
        *STAGES, *POOLING_STAGES, *LRN_STAGES, "random", "float", "INT8", "RTL", "a second",
        "of least", "seed: agree",
        "make sim SIM=verilator SEED='agree' IMAGES=2", "PASS: ", " 0 elements wrong, 0 of 8 traces failed",
    ):  # fmt: skip
        assert word in text, word
    store_run(run)
    stored = json.loads((run.options.folder / "result.json").read_text())
    assert stored["passed"]
    assert stored["seed"] == "agree"
    cases = ElementTree.parse(run.options.folder / "junit.xml").getroot().findall(".//testcase")
    assert len(cases) == len(run.results)


def test_every_element_of_every_layer_was_compared(runs: dict[str, NetworkRun]) -> None:
    outputs = {
        "conv1 + pool": 16 * 8 * 8, "block1.conv1": 16 * 4 * 4, "block1.conv2": 16 * 4 * 4,
        "block2.skip": 32 * 2 * 2, "block2.conv1": 32 * 2 * 2, "block2.conv2 + average": 32 * 2 * 2, "fc": 16,
    }  # fmt: skip
    run = runs["icarus"]
    for result in run.images:
        compared = {(count.layer, count.stage): count.compared for count in result.stages}
        for layer in run.layers:
            # fc has 10 kernels: lanes that only fill the last atom are compared too.
            [number] = layer.passes
            assert {compared[number, stage] for stage in STAGES[1:]} == {outputs[layer.name]}
            assert compared[number, "converted"] > 0
        assert len(result.scores) == 10


def test_faulty_core_fails_with_layer_stage_and_reproduction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_run_module, "RANDOM_PROGRAMS", 1)
    dut = faulty_core(tmp_path, "nvdla_output_converter.v", ".shift    (shift)", ".shift    (shift ^ 6'd1)")
    run = network_run(tmp_path, "icarus", "bad", dut=dut, images=1)
    text = printed(run)
    assert not run.passed
    assert totals(run)[1] > 0
    assert "stage output" in text
    assert f"reproduce everything with: make sim SIM=icarus DUT='{dut}' SEED='bad' IMAGES=1" in text
    assert "FAIL: " in text
    counts = [count for result in run.images for count in result.stages if count.wrong]
    assert {count.stage for count in counts if not count.inherited} == {"output"}
    assert {"horizontal", "pooled"} < {count.stage for count in counts if count.inherited}  # what PDP made of them


def test_random_programs_leave_large_layers_to_regress() -> None:
    assert generate("bad-8").kind == LARGE
    drawn = list(network_run_module._random_programs("bad", "nv_small"))
    assert len(drawn) == RANDOM_PROGRAMS
    assert [program.seed for program in drawn[:9]] == [f"bad-{number}" for number in (*range(8), 9)]


@pytest.mark.usefixtures("quick_compile")
def test_rounding_fault_that_calibrated_data_does_not_meet_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_run_module, "RANDOM_PROGRAMS", 6)  # not so many that one is large
    old, new = "round_up = guide && (!negative || sticky || shifted_out)", "round_up = guide"
    run = network_run(
        tmp_path, "verilator", "ties", dut=faulty_core(tmp_path, "nvdla_shift_floor.v", old, new), images=1
    )
    assert not all(result.passed for result in run.random)


def test_hanging_core_fails_and_says_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_run_module, "RANDOM_PROGRAMS", 1)
    dut = faulty_core(
        tmp_path,
        "nvdla_cmac_tiles.v",
        "assign wt_ready = fill_tile_q ? !full_q[1] : !full_q[0];",
        "assign wt_ready = 1'b0;",
    )
    run = network_run(tmp_path, "icarus", "hang", dut=dut, images=1, limit_cycles=3_000)
    assert not run.passed
    assert run.accuracies is not None
    assert run.accuracies.rtl_simulated is None
    text = printed(run)
    assert "SDP_0 never comes: " in text
    assert "CMAC does not take atoms of data from CSC after 0; given up in cycle" in text
    assert "CSC group 0 running" in text


def test_exit_status_is_0_only_for_a_pass(monkeypatch: pytest.MonkeyPatch, runs: dict[str, NetworkRun]) -> None:
    good = runs["icarus"]
    monkeypatch.setattr(sim_command, "run_sources", lambda *_: good)
    assert CliRunner().invoke(main, []).exit_code == 0
    unclassified = NetworkRun(**{**vars(good), "images": good.images[:1], "random": ()})
    object.__setattr__(unclassified.accuracies, "rtl_simulated", None)
    monkeypatch.setattr(sim_command, "run_sources", lambda *_: unclassified)
    assert CliRunner().invoke(main, []).exit_code == 1


def test_problems_of_set_up_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> NetworkRun:
        raise BenchError("icarus needs iverilog: run 'apt-get install iverilog'")

    monkeypatch.setattr(sim_command, "run_sources", missing)
    result = CliRunner().invoke(main, ["--sim", "icarus"])
    assert result.exit_code == 2
    assert result.stderr == "make sim: error: icarus needs iverilog: run 'apt-get install iverilog'\n"


def test_too_many_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"images = 361: there are 1 to 360 in .*held_out"):
        network_run(tmp_path, "icarus", "1", images=361)


@pytest.mark.parametrize("seed", ["../../elsewhere", "it's", "[/red]", "two words", "", "a" * 65])
def test_seed_that_could_leave_the_runs_folder_or_its_line_is_refused(seed: str) -> None:
    result = CliRunner().invoke(main, ["--seed", seed])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "must be 1 to 64 letters, digits" in result.stderr


@pytest.mark.parametrize("command", [main, simulate], ids=["network", "trace"])
def test_every_documented_option_works_with_a_trace_and_with_the_network(command: click.Command) -> None:
    rows = re.findall(r"^\| (`--.*?) \|", DEVICES.read_text(), re.MULTILINE)
    documented = {option for row in rows for option in re.findall(r"--[a-z-]+", row)}
    taken = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert len(documented) > 8
    assert documented <= taken


def test_options_of_the_network_run_are_in_the_line_that_reproduces_it() -> None:
    settings = replace(USUAL, latency_cycles=40).with_stalls(0.5)
    options = ReplayOptions(load_dut(DEFAULT_DUT), "icarus", "s", settings, monitors=True, checkers=False)
    line = "make sim SIM=icarus SEED='s' IMAGES=3 ARGS='--latency 40 --stalls 0.5 --monitors --no-checkers'"
    assert reproduction(DIGITS, options, 3) == line
    assert (
        reproduction(DIGITS, replace(options, settings=USUAL, monitors=False, checkers=True), 3)
        == line.partition(" ARGS")[0]
    )


def test_files_and_input_of_another_network_are_in_the_line_that_reproduces_its_run() -> None:
    options = ReplayOptions(load_dut(DEFAULT_DUT), "icarus", "s", USUAL)
    other = Sources(
        Path("net.onnx"), Path("my table.json"), labels="names",
        handled=ImageOptions("bgr", resize=True),
        described=InputOptions("pixels", np.array([104.0, 117, 123.5]), None, np.array([58.0])),
    )  # fmt: skip
    assert reproduction(other, options, 3) == (
        "make sim SIM=icarus SEED='s' IMAGES=3 NETWORK=net.onnx TABLE='my table.json' LABELS=names "
        "ARGS='--order bgr --resize --mean 104.0,117.0,123.5 --std 58.0'"
    )
    feature_map = Sources(Path("net.onnx"), described=InputOptions("int8", None, np.array([0.25]), None))
    assert reproduction(feature_map, options, 3).endswith("NETWORK=net.onnx ARGS='--input int8 --scale 0.25'")


def test_network_without_table_and_images_runs_on_noise_of_the_seed() -> None:
    found, again, other = (load_workload(Sources(ONNX), seed) for seed in ("one", "one", "other"))
    assert found.images.shape == (1, 8, 8)
    assert len(found.images) == USUAL_COUNT
    np.testing.assert_array_equal(found.images.all(), again.images.all())
    assert (found.images.all() != other.images.all()).any()
    assert found.labels is None
    assert found.float_classes is not None
    assert found.network == again.network


@pytest.mark.parametrize("option", ["--table", "--images", "--labels"])
def test_files_without_a_network_are_refused(option: str) -> None:
    result = CliRunner().invoke(main, [option, "somewhere"])
    assert (result.exit_code, result.stderr) == (
        2,
        "make sim: error: TABLE, INPUT, LABELS and what becomes of images go with a NETWORK\n",
    )


def test_labels_of_a_network_without_classes_are_refused(tmp_path: Path) -> None:
    network = write(tmp_path, [conv("c", "image", "out")], shape=("n", 1, 12, 12))
    np.save(tmp_path / "images.npy", np.arange(288, dtype=np.uint8).reshape(2, 1, 12, 12))
    np.save(tmp_path / "labels.npy", np.array([0, 1]))
    sources = Sources(network, images=tmp_path / "images.npy")
    assert load_workload(sources, "s").float_classes is None
    with pytest.raises(BenchError, match="what it writes last is no score for each class: labels say nothing of it"):
        load_workload(replace(sources, labels=str(tmp_path / "labels.npy")), "s")
