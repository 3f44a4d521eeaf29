"""Every operator that is read, in small models: what becomes of it computes what onnxruntime computes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.golden.onnx_agreement import check_agreement
from tests.golden.onnx_builder import OnnxBuilder

SAME = [1, 1, 1, 1]


def started(*, channels: int = 8, size: int = 8, opset: int = 17, relu: bool = False) -> tuple[OnnxBuilder, str]:
    """A model with a padded 3x3 convolution of three channels, and the tensor behind it."""
    model = OnnxBuilder(1, 3, size, size, opset=opset)
    source = model.conv("image", channels, 3, 3, 3, pads=SAME)
    return model, model.add("Relu", source) if relu else source


def strided(model: OnnxBuilder, source: str) -> str:
    return model.conv(source, 8, 8, 3, 3, strides=[2, 1], dilations=[1, 2], pads=[1, 0, 2, 3])


def grouped(model: OnnxBuilder, source: str) -> str:
    return model.conv(source, 12, 8, 3, 3, group=4, pads=SAME)


def depthwise(model: OnnxBuilder, source: str) -> str:
    return model.conv(source, 8, 8, 3, 3, group=8, auto_pad="SAME_LOWER", strides=[2, 2])


def without_bias(model: OnnxBuilder, source: str) -> str:
    return model.add("Conv", source, model.draw(4, 8, 1, 1))


def gemm(model: OnnxBuilder, source: str) -> str:
    flat = model.add("Flatten", source)
    return model.add("Gemm", flat, model.draw(512, 10) / 20, model.draw(10), alpha=0.5, beta=2.0)


def gemm_twice(model: OnnxBuilder, source: str) -> str:
    flat = model.add("Reshape", source, np.array([0, -1]))
    hidden = model.add("Relu", model.add("Gemm", flat, model.draw(20, 512) / 20, model.draw(20), transB=1))
    return model.add("MatMul", hidden, model.draw(20, 5))


def matmul_with_bias(model: OnnxBuilder, source: str) -> str:
    flat = model.add("Reshape", source, np.array([1, 512]))
    return model.add("Add", model.add("MatMul", flat, model.draw(512, 10) / 20), model.draw(10))


def matmul_of_channels_last(model: OnnxBuilder, source: str) -> str:
    last = model.add("Relu", model.add("Transpose", source, perm=[0, 2, 3, 1]))
    dense = model.add("Add", model.add("MatMul", last, model.draw(8, 6)), model.draw(6))
    return model.conv(model.add("Transpose", dense, perm=[0, 3, 1, 2]), 4, 6, 3, 3)


def flattened_channels_last(model: OnnxBuilder, source: str) -> str:
    last = model.add("Transpose", source, perm=[0, 2, 3, 1])
    return model.add("MatMul", model.add("Reshape", last, np.array([1, 512])), model.draw(512, 7) / 20)


def batch_normalisation(model: OnnxBuilder, source: str) -> str:
    arrays = (model.draw(8), model.draw(8), model.draw(8), model.draw(8, low=0.5, high=2.0))
    return model.add("BatchNormalization", source, *arrays, epsilon=1e-3)


def batch_normalisation_before(model: OnnxBuilder, source: str) -> str:
    pooled = model.add("AveragePool", source, kernel_shape=[2, 2], strides=[2, 2])
    return model.conv(batch_normalisation(model, pooled), 4, 8, 3, 3)


def batch_normalisation_before_padding(model: OnnxBuilder, source: str) -> str:
    pooled = model.add("AveragePool", source, kernel_shape=[2, 2], strides=[2, 2])
    return model.conv(batch_normalisation(model, pooled), 4, 8, 3, 3, pads=SAME)


def batch_normalisation_of_groups(model: OnnxBuilder, source: str) -> str:
    pooled = model.add("MaxPool", source, kernel_shape=[2, 2])
    return model.conv(batch_normalisation(model, pooled), 8, 8, 2, 2, group=2)


def batch_normalisation_of_features(model: OnnxBuilder, source: str) -> str:
    pooled = model.add("Flatten", model.add("GlobalAveragePool", source))
    return model.add("Gemm", batch_normalisation(model, pooled), model.draw(8, 3))


def arithmetic(model: OnnxBuilder, source: str) -> str:
    for kind, values in (("Mul", model.draw(8, 1, 1)), ("Add", model.draw(1, 8, 1, 1)), ("Div", np.float32(3.0))):
        source = model.add(kind, source, values)
    return model.add("Neg", model.add("Sub", model.draw(1), source))


def clip(model: OnnxBuilder, source: str) -> str:
    clipped = model.add("Clip", model.add("Mul", source, np.float32(9)), np.float32(0), np.float32(6))
    return model.add("MaxPool", clipped, kernel_shape=[2, 2])


def relu_then_minimum(model: OnnxBuilder, source: str) -> str:
    return model.add("Min", model.add("Max", source, np.zeros(1, np.float32)), np.full(1, 0.5, np.float32))


def leaky(model: OnnxBuilder, source: str) -> str:
    return model.add("LeakyRelu", source, alpha=0.2)


def prelu(model: OnnxBuilder, source: str) -> str:
    return model.add("PRelu", model.add("PRelu", source, model.draw(8, 1, 1)), model.draw(1))


def residual(model: OnnxBuilder, source: str) -> str:
    first = model.add("Relu", source)
    return model.add("Relu", model.add("Add", first, model.conv(first, 8, 8, 3, 3, pads=SAME)))


def residual_of_two_convolutions(model: OnnxBuilder, source: str) -> str:
    first = model.add("Relu", source)
    way, short = model.conv(first, 6, 8, 3, 3, pads=SAME, strides=[2, 2]), model.conv(first, 6, 8, 1, 1, strides=[2, 2])
    return model.add("Relu", model.add("Add", way, short))


def residual_with_normalisation(model: OnnxBuilder, source: str) -> str:
    first = model.add("Relu", source)
    second = batch_normalisation(model, model.conv(first, 8, 8, 3, 3, pads=SAME))
    return model.add("Add", second, first)


def differences(model: OnnxBuilder, source: str) -> str:
    other = model.add("AveragePool", source, kernel_shape=[3, 3], pads=SAME)
    return model.add("Sub", other, model.add("Sub", model.conv(other, 8, 8, 1, 1), source))


def extremes(model: OnnxBuilder, source: str) -> str:
    other = model.add("MaxPool", source, kernel_shape=[3, 3], pads=SAME)
    return model.add("Min", model.add("Max", model.add("Mul", other, np.float32(-1)), source), other)


def sum_of_three(model: OnnxBuilder, source: str) -> str:
    others = [model.conv(source, 8, 8, 1, 1) for _ in range(2)]
    return model.add("Sum", source, *others)


def twice_itself(model: OnnxBuilder, source: str) -> str:
    pooled = model.add("MaxPool", source, kernel_shape=[2, 2])
    return model.add("Add", pooled, pooled)


def concatenated(model: OnnxBuilder, source: str) -> str:
    joined = model.add("Concat", source, model.conv(source, 5, 8, 1, 1), axis=1)
    arrays = (model.draw(13), model.draw(13), model.draw(13), model.draw(13, low=0.5, high=2.0))
    return model.conv(model.add("Relu", model.add("BatchNormalization", joined, *arrays)), 4, 13, 3, 3, pads=SAME)


def concatenated_channels_last(model: OnnxBuilder, source: str) -> str:
    last = [model.add("Transpose", one, perm=[0, 2, 3, 1]) for one in (source, model.conv(source, 5, 8, 1, 1))]
    joined = model.add("Concat", *last, axis=-1)
    return model.conv(model.add("Transpose", joined, perm=[0, 3, 1, 2]), 4, 13, 1, 1)


def split_and_shuffled(model: OnnxBuilder, source: str) -> str:
    left, right = model.add_node("Split", source, np.array([3, 5]), outputs=2, axis=1)
    joined = model.add("Concat", model.conv(right, 3, 5, 3, 3, pads=SAME), left, axis=1)
    shuffled = model.add("Transpose", model.add("Reshape", joined, np.array([0, 2, 3, 8, 8])), perm=[0, 2, 1, 3, 4])
    return model.conv(model.add("Reshape", shuffled, np.array([0, 6, 8, 8])), 6, 6, 3, 3, group=3)


def sliced_and_gathered(model: OnnxBuilder, source: str) -> str:
    part = model.add("Slice", source, np.array([2]), np.array([8]), np.array([1]))
    return model.add("MaxPool", model.add("Gather", part, np.array([4, 0, 5]), axis=1), kernel_shape=[2, 2])


def zeros_of_channels(model: OnnxBuilder, source: str) -> str:
    pooled = model.add("AveragePool", source, kernel_shape=[2, 2], strides=[2, 2])
    more = model.add("Pad", pooled, np.array([0, 2, 0, 0, 0, 2, 0, 0]))
    return model.add("Add", more, model.conv(source, 12, 8, 3, 3, pads=SAME, strides=[2, 2]))


def zeros_before_a_convolution(model: OnnxBuilder, source: str) -> str:
    return model.conv(model.add("Pad", source, np.array([0, 0, 1, 2, 0, 0, 3, 0])), 4, 8, 3, 3, pads=[1, 0, 0, 0])


def zeros_before_a_maximum(model: OnnxBuilder, source: str) -> str:
    padded = model.add("Pad", source, np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    return model.add("MaxPool", padded, kernel_shape=[3, 3], strides=[2, 2])


def zeros_before_an_average(model: OnnxBuilder, source: str) -> str:
    padded = model.add("Pad", source, np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    return model.add("AveragePool", padded, kernel_shape=[2, 2], strides=[2, 2])


def zeros_channels_last(model: OnnxBuilder, source: str) -> str:
    last = model.add("Transpose", source, perm=[0, 2, 3, 1])
    padded = model.add("Pad", last, np.array([0, 1, 1, 0, 0, 2, 0, 0]))
    return model.conv(model.add("Transpose", padded, perm=[0, 3, 1, 2]), 4, 8, 3, 3)


def zeros_at_the_end(model: OnnxBuilder, source: str) -> str:
    return model.add("Pad", source, np.array([0, 0, 0, 1, 0, 1, 0, 2]))


def normalised(model: OnnxBuilder, source: str) -> str:
    return model.add("LRN", source, size=3, alpha=0.3, beta=0.5, bias=2.0)


def means(model: OnnxBuilder, source: str) -> str:
    last = model.add("Transpose", source, perm=[0, 2, 3, 1])
    return model.add("MatMul", model.add("ReduceMean", last, axes=[1, 2], keepdims=0), model.draw(8, 4))


def maxima(model: OnnxBuilder, source: str) -> str:
    return model.add("Squeeze", model.add("ReduceMax", source, axes=[-1, -2]), np.array([2, 3]))


def softmax(model: OnnxBuilder, source: str) -> str:
    flat = model.add("Flatten", model.add("GlobalAveragePool", source))
    return model.add("Reshape", model.add("Softmax", flat, axis=-1), np.array([0, 4, 2]))


def sigmoid_with_constants(model: OnnxBuilder, source: str) -> str:
    moved = model.add("Transpose", source, perm=[0, 2, 3, 1])
    return model.add("Mul", model.add("Sub", model.add("Sigmoid", moved), np.float32(0.5)), model.draw(8))


def resized(model: OnnxBuilder, source: str) -> str:
    larger = model.add("Resize", source, "", np.array([1, 1, 2, 2], np.float32), mode="nearest")
    return model.conv(larger, 4, 8, 3, 3, pads=SAME)


def renamed(model: OnnxBuilder, source: str) -> str:
    same = model.add("Dropout", model.add("Identity", source))
    squeezed = model.add("Squeeze", model.add("Unsqueeze", same, np.array([2])), np.array([2]))
    return model.conv(squeezed, 4, 8, 1, 1)


def output_channels_last(model: OnnxBuilder, source: str) -> str:
    return model.add("Transpose", source, perm=[0, 2, 3, 1])


MODELS: list[Callable[[OnnxBuilder, str], str]] = [
    *(strided, grouped, depthwise, without_bias, gemm, gemm_twice, matmul_with_bias, matmul_of_channels_last),
    *(flattened_channels_last, batch_normalisation, batch_normalisation_before, batch_normalisation_before_padding),
    *(batch_normalisation_of_groups, batch_normalisation_of_features, arithmetic, clip, relu_then_minimum, leaky),
    *(prelu, residual, residual_of_two_convolutions, residual_with_normalisation, differences, extremes),
    *(sum_of_three, twice_itself, concatenated, concatenated_channels_last, split_and_shuffled, sliced_and_gathered),
    *(zeros_of_channels, zeros_before_a_convolution, zeros_before_a_maximum, zeros_before_an_average),
    *(zeros_channels_last, zeros_at_the_end, normalised, means, maxima, softmax, sigmoid_with_constants, resized),
    *(renamed, output_channels_last),
]


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_operator_computes_what_onnxruntime_does(
    tmp_path: Path, make: Callable[[OnnxBuilder, str], str], relu: bool
) -> None:
    model, source = started(relu=relu)
    check_agreement(model.save(tmp_path, make(model, source)))
