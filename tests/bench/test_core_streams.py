"""The streams inside the core are watched: a stalled beat that changes or goes away is told, with the stream."""

from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from tests.bench.core_copy import faulty_core

CHANGES = ("if (free) data_q <=", "if (free || in_valid) data_q <=")
GOES_AWAY = ("valid_q <= !free || !ready_q || in_valid;", "valid_q <= !ready_q || in_valid;")
LIMIT_CYCLES = 5_000
"""A core that loses beats waits in vain."""


def told(trace: Path, sim: str, folder: Path, dut: Path) -> list[str]:
    """What was wrong with the one trace."""
    settings = Settings(latency_cycles=4).with_stalls(0.5)
    options = ReplayOptions(
        load_dut(dut), sim, "streams", settings, monitors=sim == "icarus", runs=folder, limit_cycles=LIMIT_CYCLES
    )
    [result] = replay_on_rtl([next(trace.glob("*.cfg"))], options)
    return [difference.text for difference in result.differences]


@pytest.mark.usefixtures("quick_compile")
@pytest.mark.parametrize(
    ("sim", "fault", "rule"), [("verilator", CHANGES, "payload-changed"), ("icarus", GOES_AWAY, "valid-dropped")]
)
def test_beat_that_does_not_wait_is_told_with_its_stream(
    reference_traces: list[Path], tmp_path: Path, sim: str, fault: tuple[str, str], rule: str
) -> None:
    [trace] = [folder for folder in reference_traces if folder.name == "sdp_0"]
    dut = faulty_core(tmp_path, "nvdla_spill.v", *fault)
    differences = told(trace, sim, tmp_path / "runs", dut)
    assert [text for text in differences if rule in text and "stream." in text], differences


def test_faultless_core_keeps_every_stream(reference_traces: list[Path], tmp_path: Path) -> None:
    [trace] = [folder for folder in reference_traces if folder.name == "sdp_0"]
    assert told(trace, "icarus", tmp_path, DEFAULT_DUT) == []
