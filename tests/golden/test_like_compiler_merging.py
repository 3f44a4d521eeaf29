"""What NVIDIA's compiler merges and lets X2 do: its networks compute what the float network does, where it is right."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.calibration.float_run import float_tensors
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.errors import BenchError
from nvdla_int8.evaluate.noise import Noise
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.reader import read_network
from nvdla_int8.quantise.like_compiler.modes import CompilerMode
from nvdla_int8.quantise.like_compiler.network import CompilerNetwork, compile_network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.caffe_nets import Reals, data, draw, layer, write_net

CONV = "convolution_param { num_output: 8 kernel_size: 3 pad: 1 bias_term: %s }"
NO_BIAS, WITH_BIAS = CONV % "false", CONV % "true"
SCALE = "scale_param { bias_term: true }"
POOL = "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"

SMALL = np.float32(0.2)
"""So that the operands of a sum are about as large."""

WEIGHTS: Mapping[str, Sequence[Reals]] = {
    "conv1": [draw(8, 8, 3, 3), draw(8) * np.float32(8)],
    "conv2": [draw(8, 8, 3, 3) * SMALL, draw(8)],
    "free1": [draw(8, 8, 3, 3)],
    "free2": [draw(8, 8, 3, 3) * SMALL],
    "bn": [draw(8), np.abs(draw(8)) + np.float32(0.5), np.ones(1, np.float32)],
    "scale": [draw(8) + np.float32(1), draw(8)],
}


def bn(source: str) -> str:
    return layer("bn", "BatchNorm", source)


def scale(source: str) -> str:
    return layer("scale", "Scale", source, parameters=SCALE)


def relu(source: str, name: str = "relu") -> str:
    return layer(name, "ReLU", source)


def conv(name: str, source: str) -> str:
    return layer(name, "Convolution", source, parameters=NO_BIAS if name.startswith("free") else WITH_BIAS)


def pool(source: str) -> str:
    return layer("pool", "Pooling", source, parameters=POOL)


def added(sources: str) -> str:
    return layer("sum", "Eltwise", sources, parameters="eltwise_param { operation: SUM }")


NETWORKS = {
    "all in a convolution with a bias": (conv("conv1", "data") + bn("conv1") + scale("bn") + relu("scale"), 1, 1),
    "all in a convolution without": (conv("free1", "data") + bn("free1") + scale("bn") + relu("scale"), 1, 1),
    "nothing in a convolution": (conv("free1", "data"), 1, 1),
    "a ReLU only": (conv("free1", "data") + relu("free1"), 1, 1),
    "a scale's factors in the weights": (conv("free1", "data") + scale("free1"), 1, 1),
    "normalised behind a ReLU": (
        conv("conv1", "data") + relu("conv1") + bn("relu") + scale("bn") + relu("scale", "relu2"),
        2,
        1,
    ),
    "normalised behind pooling": (conv("conv1", "data") + pool("conv1") + bn("pool") + scale("bn"), 2, 2),
    "scaled behind pooling": (conv("conv1", "data") + pool("conv1") + scale("pool") + relu("scale"), 2, 2),
    "normalised alone": (conv("conv1", "data") + pool("conv1") + bn("pool") + relu("bn"), 2, 2),
    "a ReLU behind pooling": (conv("conv1", "data") + pool("conv1") + relu("pool"), 2, 2),
    "a sum": (conv("conv1", "data") + conv("conv2", "conv1") + added("conv1 conv2") + relu("sum"), 3, 2),
    "a sum the other way round": (conv("conv1", "data") + conv("conv2", "conv1") + added("conv2 conv1"), 3, 2),
    "a sum of two branches": (conv("conv1", "data") + conv("conv2", "data") + added("conv1 conv2"), 3, 2),
    "a sum without biases": (conv("free1", "data") + conv("free2", "free1") + added("free1 free2"), 2, 2),
}
"""Layers, and how many of them SDP writes per kernel and per filter."""


def read(folder: Path, text: str) -> FloatNetwork:
    weights = {name: arrays for name, arrays in WEIGHTS.items() if f'"{name}"' in text}
    return read_network(write_net(folder, data(8, 10, 12) + text, weights), folded=False).fed_with_int8()


def fitting_table(network: FloatNetwork, floats: Mapping[str, NDArray[np.float32]]) -> CalibrationTable:
    """Ranges of the tensors; pooling and sums have one scale, without which the compiler goes wrong."""
    reach = {name: float(np.abs(values).max()) for name, values in floats.items()}
    for one in network.layers:
        if len(one.inputs) > 1 or one.name == "pool":
            joined = (*one.inputs, *[one.output] * (one.name == "pool"))
            reach |= dict.fromkeys(joined, max(reach[name] for name in joined))
    return CalibrationTable.from_entries([TensorScale(name, most / 127) for name, most in reach.items()])


def compile_on(folder: Path, text: str, mode: CompilerMode) -> tuple[CompilerNetwork, Noise]:
    """A network with a table that fits, and its output's noise on one random input."""
    network = read(folder, text)
    image = generator("tests", "merging").integers(-127, 128, (1, 8, 10, 12), np.int8)
    [floats] = float_tensors(network, [image], network.table_tensors, feature_scale=0.02)
    table = fitting_table(network, {**floats, "data": np.array([0.02 * 127], np.float32)})
    compiled = compile_network(network, table, mode)
    [output] = network.outputs
    found = compiled.tensors(compiled.network.run(image))[output]
    noise = Noise()
    step = compiled.scales.of[output].scale
    noise.add(floats[output], found * step, step)
    return compiled, noise


@pytest.mark.parametrize("mode", CompilerMode)
@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_merged_computes_what_the_float_network_does(name: str, mode: CompilerMode, tmp_path: Path) -> None:
    text, *counts = NETWORKS[name]
    compiled, noise = compile_on(tmp_path, text, mode)
    assert len(compiled.integers) == counts[mode is CompilerMode.PER_FILTER]
    assert noise.sqnr_db > 30
    assert noise.worst < 6 * compiled.scales.of[compiled.network.outputs[0]].scale


@pytest.mark.parametrize("mode", CompilerMode)
def test_a_register_multiplier_in_a_layer_that_uses_x2_is_told(mode: CompilerMode, tmp_path: Path) -> None:
    compiled, _ = compile_on(tmp_path, NETWORKS["a sum without biases"][0], mode)
    multiplier = compiled.integers[-1].x1.stage.mul_value
    told = [
        note
        for note in compiled.notes
        if note.startswith(f"layer free2: its one multiplier of {multiplier} may be lost")
    ]
    assert len(told) == (mode is CompilerMode.PER_KERNEL)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            layer("conv1", "Convolution", "data", parameters=WITH_BIAS[:-1] + "group: 2 }"),
            "layer conv1: NVIDIA's compiler fills the weights of all groups but the first with uninitialised memory: "
            "no two of its files are the same; one group with zeros between the groups is right",
        ),
        (
            conv("conv1", "data") + layer("lrn", "LRN", "conv1"),
            "layer lrn: NVIDIA's compiler does not compile LRN for INT8 on nv_small",
        ),
        (
            conv("conv1", "data") + layer("pool", "Pooling", "conv1", parameters=POOL.replace("2", "9", 1)),
            "layer pool (windows of 8 x 8): its windows are larger than 8: NVIDIA's compiler does not come back "
            "from them",
        ),
        (
            conv("conv1", "data")
            + conv("conv2", "conv1")
            + layer("most", "Eltwise", "conv1 conv2", parameters="eltwise_param { operation: MAX }"),
            "layer most: Max: NVIDIA's compiler adds two tensors, and does nothing else with them",
        ),
    ],
)
def test_what_the_compiler_does_not_make_is_refused_by_name(text: str, problem: str, tmp_path: Path) -> None:
    weights = {**WEIGHTS, "conv1": [draw(8, 4 if "group" in text else 8, 3, 3), draw(8)]}
    used = {name: arrays for name, arrays in weights.items() if f'"{name}"' in text}
    network = read_network(write_net(tmp_path, data(8, 10, 12) + text, used), folded=False).fed_with_int8()
    table = CalibrationTable.from_entries([TensorScale(name, 0.02) for name in network.table_tensors])
    with pytest.raises(BenchError) as error:
        compile_network(network, table, CompilerMode.PER_FILTER)
    assert list(error.value.problems) == [f"{tmp_path}/net.prototxt: {problem}"]


def test_a_layer_without_an_entry_is_named(tmp_path: Path) -> None:
    network = read(tmp_path, conv("conv1", "data") + conv("conv2", "conv1") + added("conv1 conv2"))
    table = CalibrationTable.from_entries([TensorScale(name, 0.02) for name in ("data", "conv1", "sum")])
    with pytest.raises(BenchError) as error:
        compile_network(network, table, CompilerMode.PER_KERNEL)
    [problem] = error.value.problems
    assert "NVIDIA's compiler needs an entry of every layer: <memory>: layer 'conv2': not in the calibration" in problem


def test_the_first_operand_of_a_sum_takes_the_seconds_scale_for_all_its_readers(tmp_path: Path) -> None:
    text = conv("conv1", "data") + conv("conv2", "conv1") + added("conv1 conv2")
    network = read(tmp_path, text)
    scales = {"data": 0.02, "conv1": 0.2, "conv2": 0.1, "sum": 0.25}
    table = CalibrationTable.from_entries([TensorScale(name, each) for name, each in scales.items()])
    compiled = compile_network(network, table, CompilerMode.PER_KERNEL)
    assert compiled.scales.of["conv1"].scale == pytest.approx(0.1)
    assert compiled.integers[-1].converter.scale == int(0.4 * 2**16)
    assert compiled.notes == (
        "sum: NVIDIA's compiler gives 'conv1' the scale of 'conv2', 0.1 in place of 0.2: "
        "what is beyond 50% of its range clips",
    )
