"""Caffe networks as layer programs: INT8 beside Caffe's float results, from the table that goes with each."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.calibration.matching import read_scales
from nvdla_int8.network.reader import read_network
from nvdla_int8.quantise.network import quantise_network
from tests.shared_data import LOADABLES, needs_shared

MOST_LSB = 2.5
"""A network of a few layers is no further off than this anywhere; half a step is lost in each layer at least."""

SMALL = sorted(path.parent for path in LOADABLES.glob("*/net.prototxt") if not path.parent.name.startswith("big"))


@needs_shared(LOADABLES)
@pytest.mark.parametrize("folder", SMALL, ids=lambda folder: folder.name)
def test_int8_is_within_a_few_steps_of_float(folder: Path) -> None:
    network = read_network(folder / "net.prototxt").fed_with_int8()
    quantised = quantise_network(network, read_scales(folder / "calib.json", network))
    expected = np.load(folder / "float.npz")
    image = expected["input_int8"].reshape(network.tensors[network.input].shape)
    compared = 0
    for layer, stages in zip(quantised.network.layers, quantised.network.run(image), strict=True):
        if f"ref_{layer.output}" in expected and stages.output.dtype == np.int8:
            scale = quantised.scales.of[layer.output].scale
            reals = np.clip(expected[f"ref_{layer.output}"].reshape(stages.output.shape), -128 * scale, 127 * scale)
            assert np.abs(stages.output * scale - reals).max() < MOST_LSB * scale, layer.output
            compared += 1
    assert compared
