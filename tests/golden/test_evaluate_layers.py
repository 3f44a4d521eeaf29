"""Evaluation of graphs with every kind of layer: float layers on their own, and causes for all of them."""

import numpy as np
import pytest

from nvdla_int8.calibration.calibrator import calibrate
from nvdla_int8.calibration.matching import match_table
from nvdla_int8.evaluate.evaluation import evaluate
from nvdla_int8.evaluate.float_layer import run_float_layer
from nvdla_int8.evaluate.results import Evaluation
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.images.open import open_images
from nvdla_int8.images.takers import wanted_by_network
from nvdla_int8.network.float_network import FloatConvolution, FloatElementwise
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.seeds import generator
from tests.golden.onnx_builder import OnnxBuilder
from tests.golden.quantised_models import PIXELS

SIZE = (3, 12, 12)
SAME = [1, 1, 1, 1]


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Residuals, slopes, a clip, groups, a gap in a concatenation, sums of poolings, an average over all, a softmax."""
    folder = tmp_path_factory.mktemp("layers")
    graph = OnnxBuilder(1, *SIZE, seed="evaluate layers")
    first = graph.add("PRelu", graph.conv("image", 12, 3, 3, 3, pads=SAME), graph.draw(12, 1, 1, low=0.1))
    second = graph.add("Clip", graph.conv(first, 12, 12, 3, 3, group=4, pads=SAME), np.float32(0), np.float32(1.5))
    third = graph.add("Relu", graph.add("Add", graph.conv(second, 12, 12, 1, 1), first))
    joined = graph.add("Concat", third, graph.conv(third, 8, 12, 1, 1), axis=1)
    pooled = [graph.add(kind, joined, kernel_shape=[2, 2], strides=[2, 2]) for kind in ("MaxPool", "AveragePool")]
    greatest = graph.add("LeakyRelu", graph.add("Max", *pooled), alpha=0.25)
    flat = graph.add("Flatten", graph.add("GlobalAveragePool", graph.conv(greatest, 16, 20, 3, 3)))
    graph.add("Softmax", graph.add("Gemm", flat, graph.draw(16, 10), graph.draw(10)))
    source = read_onnx(graph.save(folder)).fed_with_pixels(PIXELS)
    np.save(folder / "images.npy", generator("tests", "evaluate", "layers").integers(0, 256, (8, *SIZE), np.uint8))
    images = open_images(folder / "images.npy", wanted_by_network(source))
    return Subject(source, match_table(calibrate(source, images.batches).table, source), images)


@pytest.fixture(scope="module")
def found(subject: Subject) -> Evaluation:
    return evaluate(subject)


def test_float_layers_are_what_the_network_computes(subject: Subject) -> None:
    source = subject.source
    [_, floats] = next(subject.batches(source.measured))
    kinds = set()
    for layer in source.layers:
        if isinstance(layer, FloatConvolution | FloatElementwise) and {*layer.inputs, layer.output} <= floats.keys():
            alone = run_float_layer(layer, [floats[name].astype(np.float64) for name in layer.inputs])
            np.testing.assert_allclose(alone, floats[layer.output], atol=1e-4, err_msg=layer.name)
            activation = layer.activation
            kinds |= {type(layer), len(layer.inputs), activation.slopes is not None, activation.most}
    assert {FloatConvolution, FloatElementwise, 1, 2, 1.5} <= kinds


def test_every_layer_of_a_graph_has_its_causes(subject: Subject, found: Evaluation) -> None:
    assert found.suspects == ()
    assert found.networks[0].outcome.sqnr_db > 25
    in_parts = {layer.layer for layer in found.layers if layer.output_entry is not None}
    names = {layer.name for layer in subject.source.layers if isinstance(layer, FloatConvolution | FloatElementwise)}
    assert len(in_parts) >= len(names) - 2
    for layer in found.layers:
        assert layer.own > 20, layer.layer
        if layer.arithmetic is not None:
            assert layer.arithmetic > layer.own, layer.layer


def test_what_the_host_computes_is_told_beside_what_the_hardware_wrote(found: Evaluation) -> None:
    host, hardware = found.networks[0].outputs
    assert (host.step is None, hardware.step is None) == (True, False)
    assert host.worst < 0.1
    assert found.networks[0].outcome.agreement is not None
