"""``program`` warns of output ranges that cannot be those of the layer, and only of those."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.seeds import generator
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.command import invoke
from tests.golden.float_convolution import quantise_layer
from tests.golden.float_layers import network_file, pictures, table_file, table_of


def warnings(folder: Path, factor: float) -> tuple[str, str]:
    """The network's name in messages, and what ``program`` warns when the output's right scale is multiplied so."""
    network = network_file(folder, [])
    right = table_of(read_onnx(network), pictures())
    table = table_file(folder, {"image": right["image"].scale, "output": right["output"].scale * factor})
    result = invoke("program", network, "--table", table, "--output", folder / "out")
    assert result.exit_code == 0, result.output
    return f"nvdla-int8: warning: {network}: layer conv1: the table's 'output' covers ", result.stderr


def test_program_warns_of_an_output_range_that_no_output_leaves_a_step_of(tmp_path: Path) -> None:
    start, found = warnings(tmp_path, 1e4)
    lines = [line for line in found.splitlines() if line.startswith(start)]
    assert len(lines) == 1
    assert "weights and bias reach 0 .. " in lines[0]
    assert lines[0].endswith("less than one output step of it is within the range, so the bytes say next to nothing")


def test_program_warns_of_an_output_range_that_nearly_every_output_exceeds(tmp_path: Path) -> None:
    start, found = warnings(tmp_path, 1e-3)
    lines = [line for line in found.splitlines() if line.startswith(start)]
    assert len(lines) == 1
    assert lines[0].endswith("more than 100 times the range, so nearly every output clips")


@pytest.mark.parametrize("factor", [0.1, 1, 10])
def test_program_does_not_warn_of_output_ranges_that_may_be_meant(factor: float, tmp_path: Path) -> None:
    start, found = warnings(tmp_path, factor)
    assert start not in found


@pytest.mark.parametrize("taps", [9, 4608, 25088])
@pytest.mark.parametrize("sparse", [1.0, 0.05])
def test_output_range_of_inputs_at_random_never_warns(taps: int, sparse: float) -> None:
    """However long the kernels: the range that the outputs of such inputs take is a good one."""
    rng = generator("output reach", f"{taps} {sparse}")
    weights = rng.normal(0, 0.1, (16, taps, 1, 1))
    inputs = rng.integers(0, 128, (200, taps)) * (rng.random((200, taps)) < sparse)
    outputs = inputs @ weights[:, :, 0, 0].T
    made = quantise_layer(
        "c", weights, np.zeros(16), TensorScale("i", 1.0), TensorScale("o", np.abs(outputs).max() / 127)
    )
    assert made.report.misfit is None
