"""A bench that cannot fail proves nothing: each of these faults of the core must fail a small program."""

import shutil
import tomllib
from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT, RTL
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_int8.trace.result import Verdict
from tests.bench.core_copy import faulty_core
from tests.mutations import chosen, misfits

MUTATIONS = tomllib.loads(Path(__file__).with_name("core_mutations.toml").read_text())["mutation"]
CHOSEN = chosen(MUTATIONS)
PROGRAMS = sorted({mutation["program"] for mutation in CHOSEN})
ENABLES = ("CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC", "SDP")
SETTINGS = Settings().with_stalls(0.4)
LIMIT_CYCLES = 20_000


def program(reference_traces: list[Path], name: str, folder: Path, without: str = "") -> Path:
    """A reference program, perhaps without its writes to one register."""
    source = next(trace for trace in reference_traces if trace.name == name)
    trace = next(Path(shutil.copytree(source, folder)).glob("*.cfg"))
    if without:
        lines = trace.read_text().splitlines(keepends=True)
        block, _, register = without.partition(".")
        kept = [line for line in lines if f"NVDLA_{block}.{register}" not in line]
        assert len(kept) < len(lines), f"{name} does not write {without}"
        trace.write_text("".join(kept))
    return trace


def replayed(traces: list[Path], folder: Path, dut: Path | None = None) -> list[RtlResult]:
    """What is compiled for one test alone is for Icarus, the core as it is, which all share, for Verilator."""
    device, sim = (load_dut(DEFAULT_DUT), "verilator") if dut is None else (load_dut(dut), "icarus")
    options = ReplayOptions(device, sim, "faults", SETTINGS, runs=folder, limit_cycles=LIMIT_CYCLES)
    return replay_on_rtl(traces, options)


def test_every_listed_fault_fits_the_core() -> None:
    assert misfits(MUTATIONS, RTL) == []


@pytest.mark.parametrize("mutation", CHOSEN, ids=[mutation["name"] for mutation in CHOSEN])
def test_fault_of_the_core_fails_a_program(
    mutation: dict[str, str], reference_traces: list[Path], tmp_path: Path
) -> None:
    dut = faulty_core(tmp_path / "core", mutation["file"], mutation["old"], mutation["new"])
    without = mutation.get("without", "")
    trace = program(reference_traces, mutation["program"], tmp_path / "program", without)
    [result] = replayed([trace], tmp_path / "runs", dut)
    # Without an enable the sound core ends in a wait in vain.
    wrong = (Verdict.FAILED,) if without else (Verdict.FAILED, Verdict.INCOMPLETE)
    assert result.verdict in wrong, result.line()
    if "stage" in mutation:
        first = next(count for count in result.stages if count.problems)
        assert first.stage == mutation["stage"], result.line()
        assert f": layer 0 stage {first.stage} " in result.message
        told = [one.text for one in result.differences]
        stages = [text for count in result.stages for text in count.problems]
        assert told[: len(stages)] == stages  # wrong bytes of the memory come behind


def test_sound_core_passes_the_same_programs(reference_traces: list[Path], tmp_path: Path) -> None:
    traces = [program(reference_traces, name, tmp_path / name) for name in PROGRAMS]
    assert [result.line() for result in replayed(traces, tmp_path / "runs") if not result.passed] == []


def test_layer_waits_for_the_enable_of_every_block(reference_traces: list[Path], tmp_path: Path) -> None:
    traces = [program(reference_traces, "dc_16", tmp_path / block, f"{block}.D_OP_ENABLE") for block in ENABLES]
    for result in replayed(traces, tmp_path / "runs"):
        assert result.verdict is Verdict.INCOMPLETE, result.line()
        assert "was never enabled; given up in cycle" in result.message
