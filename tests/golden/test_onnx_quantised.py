"""Networks that onnxruntime quantised: their integers are kept, and each layer gives its bytes, but for ties."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from nvdla_int8.calibration.float_run import float_tensors
from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatConcat, FloatElementwise, FloatNetwork
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.channel_places import Placed
from nvdla_int8.quantise.network import QuantisedNetwork, quantise_network
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from tests.golden.onnx_builder import OnnxBuilder
from tests.golden.quantised_models import PIXELS, Form, pixels, quantised_file

FORMS = [Form(*(bool(flag) for flag in flags)) for flags in product((0, 1), repeat=3)]
FORMS += [Form(False, False, True, symmetric=True)]
COUNTED = {"count_include_pad": 1}
SAME = [1, 1, 1, 1]


def residual(model: OnnxBuilder) -> str:
    first = model.add("Relu", model.conv("image", 8, 3, 3, 3, pads=SAME))
    second = model.add("Relu", model.conv(first, 8, 8, 3, 3, pads=SAME))
    third = model.add("Relu", model.add("Add", model.conv(second, 8, 8, 3, 3, pads=SAME), first))
    pooled = model.add("MaxPool", third, kernel_shape=[2, 2], strides=[2, 2])
    flat = model.add("Flatten", model.add("GlobalAveragePool", pooled))
    return model.add("Gemm", flat, model.draw(8, 10), model.draw(10))


def branches(model: OnnxBuilder) -> str:
    first = model.add("Clip", model.conv("image", 8, 3, 3, 3, strides=[2, 2]), np.float32(0), np.float32(6))
    ways = [model.conv(first, 8, 8, 3, 3, pads=SAME, group=8), model.conv(first, 8, 8, 1, 1), first]
    joined = model.add("Concat", *ways, axis=1)
    pooled = model.add(
        "AveragePool", joined, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0], count_include_pad=1
    )
    flat = model.add("Reshape", model.add("LeakyRelu", pooled, alpha=0.2), np.array([0, -1]))
    return model.add("Softmax", model.add("MatMul", flat, model.draw(24 * 9, 6)))


def check_bytes(network: FloatNetwork, made: QuantisedNetwork, images: NDArray[np.uint8]) -> tuple[int, int]:
    """Each layer alone, on onnxruntime's bytes: none is off by more than 1; elements, and how many are off."""
    bytes_of = onnxruntime_bytes(network, images)
    given = {placed.name: _placed(bytes_of[name], placed) for name, placed in made.placed.items() if name in bytes_of}
    elements = off = 0
    for layer in made.network.layers:
        if isinstance(layer.program, HostProgram):
            continue
        program = layer.program
        if isinstance(program, LayerProgram):
            program = program.model_copy(update={"input_converter": InputConverter()})
        output = program.run(*(given[name] for name in layer.inputs)).output
        if layer.output not in given:
            given[layer.output] = output  # of two layers for one node
            continue
        source, placed = next(item for item in made.placed.items() if item[1].name == layer.output)
        distance = np.abs(output.take(placed.places, axis=-3).astype(int) - bytes_of[source])
        assert distance.max() <= 1, f"{layer.program.name}: {distance.max()}"
        elements, off = elements + distance.size, off + int((distance > 0).sum())
    return elements, off


def onnxruntime_bytes(network: FloatNetwork, images: NDArray[np.uint8]) -> dict[str, NDArray[np.int8]]:
    """The tensors that have a scale as int8, (N, C, H, W)."""
    scales = {name: tensor.scale for name, tensor in network.tensors.items() if tensor.scale is not None}
    known = {name for name in scales if name in network.measured}
    [reals] = float_tensors(network, [images], known)
    return {
        name: (np.rint(reals[name] / scales[name].scale) + scales[name].offset)
        .astype(np.int8)
        .reshape(len(images), *network.tensors[name].shape)
        for name in known
    }


def _placed(data: NDArray[np.int8], placed: Placed) -> NDArray[np.int8]:
    """Channels with the gaps that programs have between them."""
    cube = np.zeros((len(data), placed.total, *data.shape[2:]), np.int8)
    cube[:, placed.places] = data
    return cube


@pytest.mark.parametrize("make", [residual, branches], ids=lambda make: make.__name__)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.id)
def test_layers_of_a_quantised_network_give_onnxruntimes_bytes(
    tmp_path: Path, form: Form, make: Callable[[OnnxBuilder], str]
) -> None:
    network = read_onnx(quantised_file(tmp_path, make, form)).fed_with_pixels(PIXELS)
    made = quantise_network(network, {})
    elements, off = check_bytes(network, made, pixels(6))
    assert elements > 10_000
    assert off / elements < 0.002, f"{off} of {elements}"


@pytest.mark.parametrize("operators", [False, True])
def test_integers_of_weights_are_kept(tmp_path: Path, operators: bool) -> None:
    path = quantised_file(tmp_path, residual, Form(operators, True, True))
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    first, second, *_ = quantise_network(read_onnx(path).fed_with_pixels(PIXELS), {}).network.convolutions
    np.testing.assert_array_equal(first.weights, stored["k0_quantized"])
    np.testing.assert_array_equal(second.weights, stored["k2_quantized"])


@pytest.mark.parametrize("operators", [False, True])
def test_scales_and_zero_points_are_those_of_the_file(tmp_path: Path, operators: bool) -> None:
    path = quantised_file(tmp_path, residual, Form(operators, True, False))
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    network = read_onnx(path)
    of_input = network.tensors[network.input].scale
    assert of_input is not None
    assert of_input.scale == float(stored["image_scale"])
    assert of_input.offset == int(stored["image_zero_point"]) - 128
    assert all(tensor.scale is not None for tensor in network.tensors.values())


def test_averages_of_a_quantised_network_are_convolutions_by_the_integer_1(tmp_path: Path) -> None:
    for make, operators in product((residual, branches), (False, True)):
        network = read_onnx(quantised_file(tmp_path, make, Form(operators, True, True)))
        assert any("PDP rounds an average twice" in note for note in network.notes)
        average = network.convolutions[-2]
        assert average.weight_scale is not None
        assert (average.weights / average.weight_scale == 1).all()


def test_joined_tensors_are_brought_to_the_scale_of_what_they_become(tmp_path: Path) -> None:
    network = read_onnx(quantised_file(tmp_path, branches, Form(False, False, False)))
    [joined] = [layer for layer in network.layers if isinstance(layer, FloatConcat)]
    scales = {
        (one.scale, one.offset) for name in (*joined.inputs, joined.output) if (one := network.tensors[name].scale)
    }
    assert len(scales) == 1


def hand_made(**changes: Any) -> OnnxBuilder:
    """A convolution between nodes that say scales."""
    said: dict[str, Any] = {"scale": np.float32(0.01), "zero": np.uint8(3), "axis": {}, **changes}
    model = OnnxBuilder(1, 3, 8, 8)
    integers = model.add("QuantizeLinear", "image", said["scale"], said["zero"])
    real = model.add("DequantizeLinear", integers, said.get("other", said["scale"]), said["zero"])
    model.add("Conv", real, model.draw(4, 3, 3, 3))
    return model


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scale": np.full(3, 0.01, np.float32), "zero": np.zeros(3, np.uint8)}, "3 scales: SDP's output converter"),
        ({"zero": np.uint16(3)}, "its integers are uint16, nv_small has int8"),
        ({"other": np.float32(0.02)}, "scale 0.0199999996 and zero -125 of 't0', which has 0.00999999978 and -125"),
    ],
)
def test_scales_that_the_hardware_does_not_have_are_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    model = hand_made(**changes)
    model.opset = 21
    path = model.save(tmp_path)
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    assert any(words in problem for problem in caught.value.problems), caught.value.problems


def test_tensor_of_two_scales_is_rescaled_by_a_layer(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 3, 8, 8)
    source = model.add("Relu", model.conv("image", 8, 3, 3, 3))
    ways = []
    for scale in (0.01, 0.02):
        integers = model.add("QuantizeLinear", source, np.float32(scale), np.int8(0))
        ways.append(model.conv(model.add("DequantizeLinear", integers, np.float32(scale), np.int8(0)), 4, 8, 1, 1))
    network = read_onnx(model.save(tmp_path, *ways))
    [rescaling] = [layer for layer in network.layers if isinstance(layer, FloatElementwise)]
    scales = [network.tensors[name].scale for name in (rescaling.inputs[0], rescaling.output)]
    assert [one and round(one.scale, 6) for one in scales] == [0.01, 0.02]


@pytest.mark.parametrize("operators", [False, True])
def test_pixels_that_the_network_takes_as_they_are_need_no_description(tmp_path: Path, operators: bool) -> None:
    model = OnnxBuilder(1, 3, 8, 8, kind=TensorProto.UINT8)
    scale, zero, integers = np.float32(1 / 128), np.uint8(128), model.rng.integers(-127, 128, (4, 3, 1, 1), np.int8)
    step, of_output = np.float32(0.01), np.float32(0.02)
    if operators:
        output = model.add("QLinearConv", "image", scale, zero, integers, step, np.int8(0), of_output, zero)
    else:
        pixels_ = model.add("DequantizeLinear", "image", scale, zero)
        real = model.add("Conv", pixels_, model.add("DequantizeLinear", integers, step))
        output = model.add("QuantizeLinear", real, of_output, zero)
    network = read_onnx(model.save(tmp_path, model.add("DequantizeLinear", output, of_output, zero)))
    assert (network.in_graph.mean.tolist(), network.in_graph.scale.tolist()) == ([128] * 3, [1 / 128] * 3)
    said = network.tensors[network.input].scale
    assert said is not None
    assert (said.scale, said.offset) == (1 / 128, 0)
    images = model.rng.integers(0, 256, (5, 3, 8, 8), np.uint8)
    made = quantise_network(network, {})
    expected = onnxruntime_bytes(network, images)[network.outputs[0]]
    distance = np.abs(made.network.run(images)[0].output.astype(int) - expected)
    assert distance.max() <= 1
    assert distance.mean() < 0.01


def test_weights_from_zero_points_that_do_not_fit_int8_are_quantised_anew(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 3, 8, 8)
    for zero, fits in ((128, True), (3, False)):
        integers = model.rng.integers(0, 256, (4, 3, 1, 1), np.uint8)
        integers.reshape(-1)[:2] = 0, 255
        weights = model.add("DequantizeLinear", integers, np.float32(0.01), np.uint8(zero))
        network = read_onnx(model.save(tmp_path, model.add("Conv", "image", weights)))
        assert (network.convolutions[-1].weight_scale is not None) == fits


def test_linear_layer_whose_quantised_weights_are_transposed_keeps_them(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 20)
    integers = model.rng.integers(-127, 128, (6, 20), np.int8)
    scales = model.draw(6, low=0.01, high=0.02)
    weights = model.add("DequantizeLinear", integers, scales, np.zeros(6, np.int8), axis=0)
    path = model.save(tmp_path, model.add("MatMul", "image", model.add("Transpose", weights, perm=[1, 0])))
    [layer] = read_onnx(path).convolutions
    assert layer.weight_scale is not None
    np.testing.assert_allclose(layer.weight_scale, scales)
    np.testing.assert_allclose(layer.weights[:, :, 0, 0] / layer.weight_scale[:, None], integers, atol=1e-4)


def test_dynamically_quantised_network_is_refused_by_node(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 3, 8, 8)
    integers, *_ = model.add_node("DynamicQuantizeLinear", "image", outputs=3)
    sums = model.add("ConvInteger", integers, np.ones((4, 3, 1, 1), np.uint8))
    path = model.save(tmp_path, model.add("Cast", sums, to=onnx.TensorProto.FLOAT))
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    assert [problem.split(": ")[1] for problem in caught.value.problems] == [
        "DynamicQuantizeLinear node 'DynamicQuantizeLinear_0'",
        "ConvInteger node 'ConvInteger_1'",
    ]


def test_check_of_bytes_notices_a_wrong_weight(tmp_path: Path) -> None:
    network = read_onnx(quantised_file(tmp_path, residual, Form(False, True, True))).fed_with_pixels(PIXELS)
    made = quantise_network(network, {})
    made.network.convolutions[1].weights[3, 2, 1, 1] ^= 0x40
    with pytest.raises(AssertionError, match="Conv_2"):
        check_bytes(network, made, pixels(6))
