"""The benchmark's report: its rows, and its check of the result. No timings."""

import re

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

import benchmarks.convolution
from benchmarks.convolution import GOLDEN, INT32, ORT, PEAK, main
from nvdla_int8.stages.convolution import Accumulators, ConvGeometry, convolve


def rows(report: str) -> dict[str, list[str]]:
    """Cells of each table row by its name."""
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in report.splitlines() if "│" in line]
    return {row[0]: row[1:] for row in cells}


def test_benchmark_prints_rows_and_the_ratio() -> None:
    result = CliRunner().invoke(main, ["--rounds", "1"])
    assert result.exit_code == 0, result.output
    table = rows(result.output)
    for name in (GOLDEN, ORT, INT32, PEAK):
        assert all(re.fullmatch(r"\d+\.\d+", cell) for cell in table[name]), table[name]
    assert table[PEAK][2] == "1.000"
    assert re.search(r"golden / onnxruntime: \d+\.\d\d", result.output)


def test_benchmark_wrong_sum_stops_before_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_off(x: NDArray[np.int8], weights: NDArray[np.int8], geometry: ConvGeometry) -> Accumulators:
        result = convolve(x, weights, geometry)
        result.value[3, 4, 5] += 1
        return result

    monkeypatch.setattr(benchmarks.convolution, "convolve", one_off)
    result = CliRunner().invoke(main, ["--rounds", "1"])
    assert result.exit_code == 2
    assert result.stderr.splitlines() == ["benchmark: 1 of 200704 sums differ from int32 matmul"]
    assert result.stdout == ""
