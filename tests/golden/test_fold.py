"""Which layers nodes become: what is folded into what, and what stays a layer of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.network.float_network import FloatConvolution, FloatElementwise, FloatNetwork
from nvdla_int8.stages.sdp import AluAlgo
from tests.golden import test_onnx_operators as models
from tests.golden.onnx_agreement import check_agreement
from tests.golden.onnx_builder import OnnxBuilder

Make = Callable[[OnnxBuilder, str], str]

FIRST = "Convolution"


def read(folder: Path, make: Make, *, relu: bool = False) -> FloatNetwork:
    model, source = models.started(relu=relu)
    return check_agreement(model.save(folder, make(model, source)))


def kinds(network: FloatNetwork) -> list[str]:
    return [type(layer).__name__.removeprefix("Float") for layer in network.layers]


@pytest.mark.parametrize(
    ("make", "layers"),
    [
        (models.batch_normalisation, [FIRST]),
        (models.arithmetic, [FIRST]),
        (models.clip, [FIRST, "Pooling"]),
        (models.leaky, [FIRST]),
        (models.residual, [FIRST, "Convolution"]),
        (models.residual_of_two_convolutions, [FIRST, "Convolution", "Convolution"]),
        (models.residual_with_normalisation, [FIRST, "Convolution"]),
        (models.sum_of_three, [FIRST, "Convolution", "Convolution"]),
        (models.batch_normalisation_before, [FIRST, "Pooling", "Convolution"]),
        (models.batch_normalisation_of_groups, [FIRST, "Pooling", "Convolution"]),
        (models.batch_normalisation_before_padding, [FIRST, "Pooling", "Elementwise", "Convolution"]),
        (models.twice_itself, [FIRST, "Pooling", "Elementwise"]),
        (models.concatenated, [FIRST, "Convolution", "Concat", "Elementwise", "Convolution"]),
        (models.zeros_before_a_convolution, [FIRST, "Convolution"]),
        (models.flattened_channels_last, [FIRST, "Convolution"]),
        (models.renamed, [FIRST, "Convolution"]),
    ],
    ids=lambda one: one.__name__ if callable(one) else "",
)
def test_nodes_become_these_layers(tmp_path: Path, make: Make, layers: list[str]) -> None:
    assert kinds(read(tmp_path, make)) == layers


@pytest.mark.parametrize("first", [True, False])
def test_difference_before_an_activation_adds_in_x2(first: bool, tmp_path: Path) -> None:
    def difference(model: OnnxBuilder, source: str) -> str:
        other = model.add("Relu", source)
        mine = model.conv(source, 8, 8, 1, 1)
        return model.add("Relu", model.add("Sub", *((mine, other) if first else (other, mine))))

    network = read(tmp_path, difference)
    for layer in network.layers:
        if isinstance(layer, FloatConvolution | FloatElementwise) and len(layer.inputs) > 1 and layer.activation.relu:
            assert layer.addend_factor > 0


def test_residual_is_an_addend_of_the_convolution_that_runs_last(tmp_path: Path) -> None:
    network = read(tmp_path, models.residual_of_two_convolutions)
    way, short = network.convolutions[1:]
    assert (len(way.inputs), short.inputs[1:]) == (1, (way.output,))
    assert (way.activation.relu, short.activation.relu) == (False, True)


def test_difference_has_a_factor_of_minus_1_for_one_of_its_tensors(tmp_path: Path) -> None:
    network = read(tmp_path, models.differences)
    factors = [layer.addend_factor for layer in network.convolutions if len(layer.inputs) > 1]
    assert factors == [-1.0]
    pooled = next(layer for layer in network.layers if isinstance(layer, FloatElementwise))
    assert pooled.addend_factor == -1.0


def test_maximum_and_minimum_of_tensors_are_not_sums(tmp_path: Path) -> None:
    layers = [layer for layer in read(tmp_path, models.extremes).layers if isinstance(layer, FloatElementwise)]
    assert [layer.operation for layer in layers if len(layer.inputs) > 1] == [AluAlgo.MAX, AluAlgo.MIN]


def test_relu_goes_before_a_maximum_and_a_clip_keeps_its_end(tmp_path: Path) -> None:
    [first, _] = read(
        tmp_path, lambda model, source: model.add("Relu", model.add("MaxPool", source, kernel_shape=[2, 2]))
    ).layers
    assert isinstance(first, FloatConvolution)
    assert first.activation.relu
    [clipped, _] = read(tmp_path, models.clip).layers
    assert isinstance(clipped, FloatConvolution)
    assert (clipped.activation.relu, clipped.activation.most) == (True, 6.0)


def test_relu_behind_an_average_stays_behind_it(tmp_path: Path) -> None:
    network = read(
        tmp_path, lambda model, source: model.add("Relu", model.add("AveragePool", source, kernel_shape=[2, 2]))
    )
    assert kinds(network) == [FIRST, "Pooling", "Elementwise"]


def test_slopes_of_kernels_and_an_addend_are_two_layers(tmp_path: Path) -> None:
    def make(model: OnnxBuilder, source: str) -> str:
        first = model.add("Relu", source)
        added = model.add("Add", first, model.conv(first, 8, 8, 3, 3, pads=models.SAME))
        return model.add("PRelu", added, model.draw(8, 1, 1))

    assert kinds(read(tmp_path, make)) == [FIRST, "Convolution", "Elementwise"]


def test_tensor_that_others_read_is_kept(tmp_path: Path) -> None:
    def make(model: OnnxBuilder, source: str) -> str:
        return model.add("Sub", model.add("Relu", source), source)

    network = read(tmp_path, make)
    assert kinds(network) == [FIRST, "Elementwise", "Elementwise"]
    model, source = models.started()
    network = check_agreement(model.save(tmp_path, model.add("Relu", source), source))
    assert kinds(network) == [FIRST, "Elementwise"]


def test_mean_and_scale_of_an_image_that_is_used_twice_are_layers(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 3, 8, 8)
    scaled = model.add("Mul", "image", model.draw(3, 1, 1, low=0.5))
    network = check_agreement(model.save(tmp_path, model.conv(scaled, 3, 3, 1, 1), model.conv("image", 3, 3, 1, 1)))
    assert network.in_graph.changes_nothing
    assert kinds(network) == ["Convolution", "Convolution"]


def test_layers_names_are_aliases_of_what_they_give(tmp_path: Path) -> None:
    network = read(tmp_path, models.residual)
    [first, second] = network.layers
    assert network.tensors[first.output].aliases == ("Relu_1", "Conv_0")
    assert network.tensors[second.output].aliases == ("Relu_4", "Conv_2")


@pytest.mark.parametrize(("factor", "layers"), [(2.0, [FIRST]), (-2.0, [FIRST, "Elementwise"])])
def test_factor_passes_a_relu_only_when_it_is_positive(tmp_path: Path, factor: float, layers: list[str]) -> None:
    def make(model: OnnxBuilder, source: str) -> str:
        return model.add("Mul", model.add("Relu", source), np.float32(factor))

    assert kinds(read(tmp_path, make)) == layers
