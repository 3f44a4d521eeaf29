"""The replay benchmark's report: its rows, where it looks for traces, what stops it. No timings."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import benchmarks.replay
from benchmarks.replay import HARDWARE_CYCLES, main
from tests.golden.edited_traces import edited, named, register
from tests.reference_store import CONVOLUTION_KINDS, unpack
from tests.shared_data import needs_nvidia_traces


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--rounds", "1"])


def rows(report: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in report.splitlines() if "│" in line]
    return {row[0]: row[1:] for row in cells}


def test_benchmark_lists_the_traces_with_the_most_macs(tmp_path: Path) -> None:
    unpack(tmp_path, CONVOLUTION_KINDS)
    result = run(tmp_path, "--top", "3")
    assert result.exit_code == 0, result.output
    table = rows(result.stdout)
    assert list(table) == ["pair_0", "layer_1", "layer_19"]
    for cells in table.values():
        assert all(re.fullmatch(r"\d+\.\d+", cell) for cell in cells[:3])
        assert cells[3:] == ["", ""]
    assert re.search(r"^126 traces: \d+\.\d\d s, \d+\.\d MMAC, \d+\.\d+ GMAC/s$", result.stdout, re.MULTILINE)


def test_benchmark_without_shared_traces_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmarks.replay, "NVIDIA", tmp_path / "nv_small")
    result = run()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        f"{tmp_path}/nv_small is not there (NVDLA_SHARED says where to look): the reference programs alone\n"
    )
    assert "126 traces: " in result.stdout


@needs_nvidia_traces
def test_benchmark_known_cycles_come_first() -> None:
    result = run("--top", "1")
    assert result.exit_code == 0, result.output
    [(name, cells)] = rows(result.stdout).items()
    assert name in HARDWARE_CYCLES
    assert cells[3] == f"{HARDWARE_CYCLES[name]:,}"
    assert re.fullmatch(r"1/\d+", cells[4])


def test_benchmark_failing_trace_stops_it(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "layer_0"), tmp_path, register("SDP.D_CVT_SHIFT", 0))
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"FAILED     {cfg}:")
    assert result.stderr.count("\n") == 1


def test_benchmark_folder_without_traces_is_one_line(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.exit_code, result.stderr) == (2, f"{tmp_path}: there is no trace (.cfg) here\n")
