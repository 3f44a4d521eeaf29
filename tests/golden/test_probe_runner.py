"""The probes as C: the runner finds a faultless device sound, and of a faulty one the probe that meets the fault."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nvdla_int8.probe.catalogue import all_probes
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.runner.results import RunnerResults, State, read_runner_results
from nvdla_int8.registers.register_map import find_register
from tests.docs.pages import DOCS, blocks
from tests.golden.probe_board import FLAGS, ROOM, Board, all_probes_once, compile_runner

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

FEW = ("registers_idle", "interrupts_sdp", "memory_lanes", "x1_relu", "weights_one_group", "lrn_lo")


@pytest.fixture(scope="module")
def probes() -> tuple[Probe, ...]:
    return all_probes_once()


@pytest.fixture(scope="module")
def few(probes: tuple[Probe, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_runner([one for one in probes if one.name in FEW], tmp_path_factory.mktemp("few"))


def states(results: RunnerResults) -> dict[str, State]:
    return dict(zip(FEW, (row.state for row in results.rows), strict=True))


def test_probe_runner_finds_the_golden_device_sound_in_all_probes_without_a_reset(
    probes: tuple[Probe, ...], tmp_path: Path
) -> None:
    board = Board()
    unsound, dumped = board.run(compile_runner(probes, tmp_path))
    results = read_runner_results(dumped)
    assert unsound == 0, board.printed
    assert board.printed.splitlines() == [f"{probe.name}: sound" for probe in probes]
    assert len(results.rows) == len(probes)
    assert results.done
    assert results.found == b"".join(output.data for probe in probes for output in probe.final_outputs)


def test_probe_runner_names_the_first_wrong_byte(few: Path, probes: tuple[Probe, ...]) -> None:
    unsound, dumped = Board(spoil_bytes=lambda data: data.replace(b"\x80", b"\x7f")).run(few)
    results = read_runner_results(dumped)
    [output] = [one.outputs[0] for one in probes if one.name == "memory_lanes"]
    row = results.rows[FEW.index("memory_lanes")]
    assert unsound >= 1
    assert row.state is State.RAN
    assert row.operation is None
    assert row.address == output.base + output.data.index(b"\x80")
    assert (row.expected, row.found, row.wrong) == (0x80, 0x7F, 16)


def test_probe_runner_tells_which_register_does_not_hold_its_value(few: Path) -> None:
    status = find_register("SDP.S_STATUS").address
    unsound, dumped = Board(spoil_read=lambda offset, value: 0x1234 if offset == status else value).run(few)
    row = read_runner_results(dumped).rows[0]
    polled = [one.register for one in next(all_probes(ROOM)).operations()].index("SDP.S_STATUS")
    assert unsound == 1
    assert (row.state, row.operation, row.value) == (State.RAN, polled, 0x1234)


@pytest.mark.parametrize("resets", [False, True])
def test_probe_runner_leaves_out_what_follows_a_hang_unless_the_board_resets(few: Path, resets: bool) -> None:
    status = find_register("GLB.S_INTR_STATUS").address
    board = Board(spoil_read=lambda offset, value: value & ~2 if offset == status else value, resets=resets)
    _, dumped = board.run(few)
    found = states(read_runner_results(dumped))
    assert found["registers_idle"] is State.RAN
    assert found["interrupts_sdp"] is State.HUNG
    assert found["memory_lanes"] is (State.HUNG if resets else State.NOT_RUN)
    assert found["lrn_lo"] is (State.RAN if resets else State.NOT_RUN)


def test_probe_runner_and_the_board_of_its_page_compile_for_bare_metal(few: Path) -> None:
    [board] = [block.text for block in blocks((DOCS / "probe.md").read_text()) if block.language == "c"]
    (few.parent / "board.c").write_text(board)
    for file in ("probe_run.c", "board.c"):
        done = subprocess.run(
            ["gcc", *FLAGS, "-ffreestanding", "-c", file], cwd=few.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
