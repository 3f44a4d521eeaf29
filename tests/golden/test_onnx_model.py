"""What a model may be: its sizes given or declared, of older opsets and other types; lines and features."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from nvdla_int8.errors import BenchError
from nvdla_int8.network.onnx_reader import read_onnx
from tests.golden.onnx_agreement import check_agreement
from tests.golden.onnx_builder import OnnxBuilder
from tests.golden.onnx_files import conv, write


def test_size_that_the_model_does_not_declare_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, [conv("c", "image", "a")], shape=("n", 1, "h", "w_"))
    with pytest.raises(BenchError, match="declares no height and width: give them with --size H,W"):
        read_onnx(path)
    assert read_onnx(path, image_size=(7, 9)).tensors["a"].shape == (1, 7, 9)
    declared = write(tmp_path, [conv("c", "image", "a")], shape=(1, 1, 7, 9))
    assert read_onnx(declared, image_size=(7, 9)).tensors["image"].shape == (1, 7, 9)
    with pytest.raises(BenchError, match="'image' is declared 7 x 9, --size says 9 x 7"):
        read_onnx(declared, image_size=(9, 7))


@pytest.mark.parametrize("opset", [9, 10, 11, 12, 13, 17, 20])
def test_attributes_of_older_opsets_are_read(tmp_path: Path, opset: int) -> None:
    model = OnnxBuilder("n", 3, 8, 8, opset=opset)
    source = model.conv("image", 4, 3, 3, 3)
    if opset < 11:
        source = model.add("Clip", model.add("Pad", source, pads=[0, 0, 1, 1, 0, 0, 1, 1]), min=0.0, max=0.5)
    else:
        source = model.add("Pad", source, np.array([0, 0, 1, 1, 0, 0, 1, 1]))
        source = model.add("Clip", source, np.float32(0), np.float32(0.5))
    source = model.add("Dropout", source)
    if opset < 13:
        lines = model.add("Squeeze", model.add("ReduceMean", source, axes=[2, 3]), axes=[2, 3])
    else:
        axes: dict[str, Any] = {"axes": [2, 3]} if opset < 18 else {}
        inputs = [] if opset < 18 else [np.array([2, 3])]
        lines = model.add("Squeeze", model.add("ReduceMean", source, *inputs, **axes), np.array([2, 3]))
    network = check_agreement(model.save(tmp_path, model.add("Gemm", lines, model.draw(4, 5), model.draw(5))))
    assert [type(layer).__name__ for layer in network.layers].count("FloatHost") == 0


def test_shapes_that_the_graph_computes_are_folded(tmp_path: Path) -> None:
    model = OnnxBuilder("batch", 3, "height", "width")
    source = model.conv("image", 4, 3, 3, 3, strides=[2, 2])
    batch = model.add("Gather", model.add("Shape", source), np.array(0), axis=0)
    shape = model.add("Concat", model.add("Unsqueeze", batch, np.array([0])), np.array([-1]), axis=0)
    scale = model.add("Sqrt", model.add("Exp", np.full(1, 0.5, np.float32)))
    weights = model.add("Transpose", model.draw(5, 36), perm=[1, 0])
    flat = model.add("Reshape", source, shape)
    network = check_agreement(
        model.save(tmp_path, model.add("Mul", model.add("MatMul", flat, weights), scale)), size=(8, 7)
    )
    assert [layer.name for layer in network.layers] == ["Conv_0", "MatMul_9"]


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floating_point_types_are_read_as_float32(tmp_path: Path, dtype: type) -> None:
    model = OnnxBuilder(1, 3, 8, 8)
    relu_ = model.add("Relu", model.conv("image", 4, 3, 3, 3))
    model.add("Mul", relu_, model.add("Constant", value=numpy_helper.from_array(np.full(1, 3, np.float32))))
    path = model.save(tmp_path)
    float32, halves = read_onnx(path), onnx.load(path)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    for tensor in (*halves.graph.initializer, *(item.t for item in halves.graph.node[2].attribute)):
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(dtype), tensor.name))
    for value in (*halves.graph.input, *halves.graph.output):
        value.type.tensor_type.elem_type = kind
    onnx.save(halves, path)
    network = check_agreement(path)
    np.testing.assert_allclose(network.convolutions[0].weights, float32.convolutions[0].weights, rtol=1e-3)
    assert network.model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT


def test_pixels_that_the_graph_casts_are_read(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 8, 8, 3, kind=TensorProto.UINT8)
    real = model.add("Cast", model.add("Transpose", "image", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    scaled = model.add("Div", model.add("Sub", real, model.draw(1, 3, 1, 1)), np.full(1, 255, np.float32))
    network = check_agreement(model.save(tmp_path, model.conv(scaled, 4, 3, 3, 3)))
    assert network.channels_last
    assert network.in_graph.scale.tolist() == pytest.approx([1 / 255] * 3)
    assert len(network.layers) == 1


def test_lines_are_images_of_height_1(tmp_path: Path) -> None:
    model = OnnxBuilder("n", 3, 32)
    source = model.add("MaxPool", model.conv("image", 8, 3, 5, pads=[2, 2], strides=[2]), kernel_shape=[2], strides=[2])
    source = model.add("Relu", model.conv(source, 4, 8, 3, auto_pad="SAME_UPPER"))
    network = check_agreement(model.save(tmp_path, model.add("Flatten", model.add("GlobalAveragePool", source))))
    assert network.tensors["image"].shape == (3, 1, 32)
    assert [layer.weights.shape for layer in network.convolutions] == [(8, 3, 1, 5), (4, 8, 1, 3)]


def test_features_are_channels(tmp_path: Path) -> None:
    model = OnnxBuilder("n", 20)
    hidden = model.add("Relu", model.add("Gemm", "image", model.draw(20, 8), model.draw(8)))
    network = check_agreement(model.save(tmp_path, model.add("Gemm", hidden, model.draw(8, 3))))
    assert network.tensors["image"].shape == (20, 1, 1)


def test_channels_last_from_pixels_to_classes(tmp_path: Path) -> None:
    model = OnnxBuilder("n", 8, 8, 3, opset=13)
    scaled = model.add("Mul", model.add("Sub", "image", model.draw(3)), model.draw(3, low=0.5))
    first = model.conv(model.add("Transpose", scaled, perm=[0, 3, 1, 2]), 8, 3, 3, 3, pads=[0, 0, 1, 1], strides=[2, 2])
    biased = model.add("Add", model.add("Transpose", first, perm=[0, 2, 3, 1]), model.draw(8))
    clipped = model.add("Transpose", model.add("Clip", biased, np.float32(0), np.float32(6)), perm=[0, 3, 1, 2])
    padded = model.add("Pad", clipped, np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    pooled = model.add("GlobalAveragePool", model.add("MaxPool", padded, kernel_shape=[3, 3], strides=[2, 2]))
    dense = model.add("MatMul", model.add("Squeeze", pooled, np.array([2, 3])), model.draw(8, 5))
    network = check_agreement(model.save(tmp_path, model.add("Softmax", dense)))
    assert [type(layer).__name__ for layer in network.layers] == [
        *("FloatConvolution", "FloatPooling", "FloatPooling", "FloatConvolution", "FloatHost")
    ]
    assert network.channels_last


def test_line_with_channels_last_goes_through_images_of_height_1(tmp_path: Path) -> None:
    model = OnnxBuilder("n", 20, 3, opset=13)
    image = model.add("Unsqueeze", model.add("Transpose", "image", perm=[0, 2, 1]), np.array([2]))
    line = model.add("Squeeze", model.add("Relu", model.conv(image, 4, 3, 1, 5)), np.array([2]))
    last = model.add("ReduceMean", model.add("Transpose", line, perm=[0, 2, 1]), axes=[1], keepdims=0)
    network = check_agreement(model.save(tmp_path, last))
    assert network.tensors[network.input].shape == (3, 1, 20)
    assert [type(layer).__name__ for layer in network.layers] == ["FloatConvolution", "FloatPooling", "FloatPooling"]
