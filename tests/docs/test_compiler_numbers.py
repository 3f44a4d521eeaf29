"""What docs/requantisation.md says that NVIDIA's compiler costs is what is measured."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.calibration.matching import match_table, read_network_table
from nvdla_int8.evaluate.evaluation import evaluate
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.images.open import open_images
from nvdla_int8.images.takers import wanted_by_network
from nvdla_int8.network.reader import read_network
from nvdla_int8.seeds import generator
from tests.docs.pages import DOCS
from tests.loadable_store import loadables, network_input

INPUTS = 32


def measured_rows() -> dict[str, list[float]]:
    """The page's networks that are measured on random inputs, with their four numbers."""
    rows = [line.strip("|").split("|") for line in (DOCS / "requantisation.md").read_text().splitlines()]
    cells = [[cell.strip() for cell in row] for row in rows]
    return {row[0]: [float(cell) for cell in row[2:6]] for row in cells if row[1:2] == [f"{INPUTS} random"]}


def test_networks_are_measured() -> None:
    assert len(measured_rows()) == 6


@pytest.mark.parametrize("name", measured_rows())
def test_compiler_costs_what_the_page_says(name: str, tmp_path: Path) -> None:
    folder = loadables() / name
    image = network_input(folder / "per_kernel.nvdla")
    noise = generator("like compiler", name).normal(0, image.astype(np.float64).std(), (INPUTS, *image.shape))
    inputs = np.rint(noise).clip(-127, 127).astype(np.int8)
    inputs[0] = image
    np.save(tmp_path / "inputs.npy", inputs)
    source = read_network(folder / "net.prototxt").fed_with_int8()
    match = match_table(read_network_table(folder / "calib.json", source), source)
    images = open_images(tmp_path / "inputs.npy", wanted_by_network(source))
    found = evaluate(Subject(source, match, images, like_compiler=True))
    assert [round(one.outcome.sqnr_db, 1) for one in found.networks] == measured_rows()[name]
