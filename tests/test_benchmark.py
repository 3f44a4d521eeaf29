"""The benchmarks' reports: their rows, and the check of the result. No timings."""

import re

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

import benchmarks.convolution
import benchmarks.pipeline
from benchmarks.convolution import GOLDEN, INT32, ORT, PEAK, main
from nvdla_int8.stages.convolution import Accumulators, ConvGeometry, convolve
from nvdla_int8.stages.exact_products import exact_product


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


def test_pipeline_benchmark_prints_every_row_the_product_and_the_memory() -> None:
    arguments = ["--rounds", "1", "--layers", "1", "--batch", "1", "--threads", "1"]
    result = CliRunner().invoke(benchmarks.pipeline.main, arguments)
    assert result.exit_code == 0, result.output
    table = rows(result.output)
    for name in benchmarks.pipeline.ROWS:
        assert all(re.fullmatch(r"\d+\.\d+", cell) for cell in table[name][:-1]), table[name]
    kept, dropped = (float(table[name][-1]) for name in ("all stages kept", "no stages kept"))
    assert 0 < dropped < kept
    assert f"exact product {exact_product()}," in result.output
    assert re.search(r"peak memory of the process \d+ MB", result.output)


def test_pipeline_benchmark_has_the_convolutions_of_resnet50() -> None:
    shapes = list(benchmarks.pipeline.resnet50())
    assert len(shapes) == 53
    assert sum(shape.macs for shape in shapes) == 4_087_136_256
