"""``make sim``: the demo network on both simulators, its report, its exit status, its files."""

import json
import shutil
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from rich.console import Console

from golden.errors import BenchError
from golden.network import Network
from golden.stripes import StreamShape
from tb import sim as sim_command
from tb.network_job import EDGE_LAYERS, STALL_RATES, NetworkJob
from tb.report import Run, print_run
from tb.sim import main, run_network
from tb.simulators import RTL, SIMULATORS

IMAGES = 2


def printed(run: Run) -> str:
    console = Console(record=True, width=200, file=StringIO())
    print_run(run, console)
    return console.export_text()


def comparable(run: Run) -> dict[str, object]:
    result = run.as_dict()
    for key in ("simulator", "seconds", "reproduce"):
        del result[key]
    return result


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    return {sim: run_network(sim, "both", IMAGES, waves=False, runs=folder) for sim in SIMULATORS}


def test_both_simulators_pass_with_equal_results(runs: dict[str, Run]) -> None:
    verilator, icarus = (runs[sim] for sim in ("verilator", "icarus"))
    assert verilator.passed
    assert icarus.passed
    assert comparable(verilator) == comparable(icarus)


def test_report_names_everything_a_user_needs(runs: dict[str, Run]) -> None:
    run = runs["verilator"]
    text = printed(run)
    for word in (
        *run.layer_names, "converted", "accumulators", "x1", "x2", "output", "float", "INT8", "RTL",
        "cycles/s", "seed: both", "make sim SIM=verilator SEED='both' IMAGES=2",
        "PASS: ", " elements compared, 0 mismatches", "results.xml", "result.json", "vectors",
    ):  # fmt: skip
        assert word in text, word
    stored = json.loads((run.folder / "result.json").read_text())
    assert stored["passed"]
    assert stored["compared"] == run.compared > 0
    cases = ElementTree.parse(run.results.xml).getroot().findall(".//testcase")
    assert len(cases) == len(run.layer_names)
    assert len(Network.load(run.folder / "vectors").layers) == len(run.layer_names) - EDGE_LAYERS


def test_every_byte_that_left_the_mac_path_was_compared(runs: dict[str, Run]) -> None:
    elements = {"conv1": 16 * 8 * 8, "conv2": 32 * 4 * 4, "conv3": 32 * 2 * 2}
    for name, layer in zip(runs["icarus"].layer_names, runs["icarus"].layers, strict=True):
        assert layer is not None
        if name.startswith("edge"):
            continue
        # conv4 has 10 kernels: two groups of 8 lanes, padding lanes compared too.
        assert layer["stages"]["output"]["compared"] == IMAGES * elements.get(name, 16)


def faulty_rtl(folder: Path, file: str, old: str, new: str) -> Path:
    shutil.copytree(RTL, folder)
    text = (folder / file).read_text()
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new))
    return folder


def test_faulty_rtl_fails_with_layer_stage_and_reproduction(tmp_path: Path) -> None:
    rtl = faulty_rtl(tmp_path / "rtl", "nvdla_output_converter.v", ".shift    (shift)", ".shift    (shift ^ 6'd1)")
    run = run_network("icarus", "bad", 1, waves=False, runs=tmp_path / "runs", rtl_dir=rtl)
    text = printed(run)
    assert not run.passed
    assert "MISMATCH layer conv4 stage output" in text or "MISMATCH layer conv1 stage output" in text
    assert "reproduce with: make sim SIM=icarus SEED='bad' IMAGES=1" in text
    assert "FAIL: " in text


def test_rounding_fault_that_calibrated_data_does_not_meet_is_found(tmp_path: Path) -> None:
    old, new = "round_up = guide && (!negative || sticky)", "round_up = guide"
    rtl = faulty_rtl(tmp_path / "rtl", "nvdla_round_shift.v", old, new)
    run = run_network("icarus", "ties", 1, waves=False, runs=tmp_path / "runs", rtl_dir=rtl)
    assert not run.passed
    assert "MISMATCH layer edge" in printed(run)


def test_hanging_rtl_fails_and_says_what_waits(tmp_path: Path) -> None:
    rtl = faulty_rtl(tmp_path / "rtl", "nvdla_cmac_array.v", *_never_ready(RTL / "nvdla_cmac_array.v"))
    run = run_network("icarus", "hang", 1, waves=False, runs=tmp_path / "runs", rtl_dir=rtl)
    assert not run.passed
    assert run.accuracies.rtl_simulated is None
    assert "hangs at cycle" in printed(run)


def _never_ready(file: Path) -> tuple[str, str]:
    line = next(line for line in file.read_text().splitlines() if "assign wt_ready" in line)
    return line, "  assign wt_ready = 1'b0;"


def test_waves_are_written_when_asked_for(tmp_path: Path) -> None:
    run = run_network("icarus", "waves", 1, waves=True, runs=tmp_path)
    assert run.results.waves is not None
    assert run.results.waves.stat().st_size > 0


def test_exit_status_is_0_only_for_a_pass(monkeypatch: pytest.MonkeyPatch, runs: dict[str, Run]) -> None:
    good = runs["icarus"]
    monkeypatch.setattr(sim_command, "run_network", lambda *_: good)
    assert CliRunner().invoke(main, []).exit_code == 0
    nothing = Run(**{**vars(good), "layers": (None,) * len(good.layers)})
    monkeypatch.setattr(sim_command, "run_network", lambda *_: nothing)
    assert CliRunner().invoke(main, []).exit_code == 1


def test_problems_of_set_up_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Run:
        raise BenchError("icarus needs iverilog: run 'apt-get install iverilog'")

    monkeypatch.setattr(sim_command, "run_network", missing)
    result = CliRunner().invoke(main, ["--sim", "icarus"])
    assert result.exit_code == 2
    assert result.stderr == "make sim: error: icarus needs iverilog: run 'apt-get install iverilog'\n"


def test_too_many_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="images = 361: there are 1 to 360 held-out images"):
        run_network("icarus", "1", 361, waves=False, runs=tmp_path)


@pytest.mark.parametrize("seed", ["../../elsewhere", "x/../..", "it's", "[/red]", "two words", "", "a" * 65])
def test_seed_that_could_leave_the_runs_folder_or_its_line_is_refused(tmp_path: Path, seed: str) -> None:
    (tmp_path / "runs" / "icarus-x").mkdir(parents=True)
    with pytest.raises(BenchError, match=r"seed = .* must be 1 to 64 letters, digits"):
        run_network("icarus", seed, 1, waves=False, runs=tmp_path / "runs")
    assert (tmp_path / "runs" / "icarus-x").exists()


def test_four_layers_meet_every_stall_rate(tmp_path: Path) -> None:
    for seed in ("one", "two", "three"):
        job = NetworkJob(tmp_path, seed, StreamShape(), ())
        assert sorted(job.stall_rate(layer) for layer in range(4)) == sorted(STALL_RATES)
