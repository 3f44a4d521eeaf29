"""A network that branches on the core: sums, SDP alone, a concatenation, groups, the host; what its report says."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.network_run.report import print_run, store_run
from nvdla_bench.network_run.run import NetworkRun, Workload, run_network
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions
from nvdla_int8.images.images import Wanted
from nvdla_int8.images.labels import top1
from nvdla_int8.images.open import open_images
from tests.golden.test_network_graph import branching, images

COUNT = 2


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NetworkRun:
    folder = tmp_path_factory.mktemp("branching")
    np.save(folder / "images.npy", images(COUNT, 8, 8, 8))
    network, source = branching(), open_images(folder / "images.npy", Wanted("branching", 8, (8, 8), pixels=False))
    scores = network.run(source.all())[-2].output
    options = ReplayOptions(load_dut(DEFAULT_DUT), "verilator", "b", Settings().with_stalls(0.2), runs=folder / "runs")
    workload = Workload("branching", network, source, float_classes=top1(scores))
    return run_network(workload, options, COUNT, reproduce="again")


def printed(run: NetworkRun) -> list[str]:
    console = Console(record=True, width=200, file=StringIO())
    print_run(run, store_run(run), console)
    return [line.strip() for line in console.export_text().splitlines()]


def test_every_branch_passes_and_has_its_line(run: NetworkRun) -> None:
    assert [result.line() for result in run.results if not result.passed] == []
    rows = {line.split()[0]: line for line in printed(run) if line}
    elements = f"{COUNT * 512:,}"
    for name, runs_as, compared in (
        ("conv", "convolution", 5 * [elements]),
        ("residual", "convolution, sum", 5 * [elements]),
        ("alone", "SDP, sum", ["-", "-", *3 * [elements]]),
        ("cat", "by address", 5 * ["-"]),
        ("prob", "host: Softmax", 5 * ["-"]),
    ):
        cells = rows[name].removeprefix(name).strip()
        assert cells.startswith(runs_as)
        assert cells.removeprefix(runs_as).split()[:5] == compared
    assert rows["cat"].split()[-2:] == rows["prob"].split()[-2:] == ["-", "-"]  # neither takes a cycle


def test_without_labels_classes_are_compared_with_those_of_float(run: NetworkRun) -> None:
    text = printed(run)
    assert f"same class as in float on all {COUNT} images: INT8 100.00%" in text
    assert f"same class as in float on the {COUNT} simulated images: INT8 100.00%, RTL 100.00%" in text


def test_network_without_classes_is_judged_by_its_bytes_alone(run: NetworkRun) -> None:
    unclassified = replace(run, accuracies=None)
    assert unclassified.passed
    assert not any("class" in line for line in printed(unclassified))
