"""A float network computed by itself, in float64 and by the book: neither onnxruntime nor the model's file is asked."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from nvdla_int8.network.float_network import (
    Activation,
    AnyFloatLayer,
    FloatConcat,
    FloatConvolution,
    FloatElementwise,
    FloatHost,
    FloatLrn,
    FloatNetwork,
    FloatPooling,
)
from nvdla_int8.stages.host_program import run_model
from nvdla_int8.stages.pooling import Axis, PoolingMethod
from nvdla_int8.stages.sdp import AluAlgo

Reals = NDArray[np.float64]


def run_graph(network: FloatNetwork, pixels: Reals) -> dict[str, Reals]:
    """Every tensor of the network for (N, C, H, W) values of the graph's input; (N, C, H, W) but for the host's."""
    mean, scale = (values[:, None, None] for values in (network.in_graph.mean, network.in_graph.scale))
    values = {network.input: (pixels - mean) * scale}
    for layer in network.layers:
        values[layer.output] = run_layer(layer, *(values[name] for name in layer.inputs))
    return values


def run_layer(layer: AnyFloatLayer, *inputs: Reals) -> Reals:
    match layer:
        case FloatConvolution():
            scaled = convolve(layer, inputs[0]) + layer.bias[:, None, None]
            return activate(layer.activation, scaled + layer.addend_factor * inputs[1] if inputs[1:] else scaled)
        case FloatElementwise():
            scaled = layer.factors[:, None, None] * inputs[0] + layer.bias[:, None, None]
            if inputs[1:]:
                operation = {AluAlgo.SUM: np.add, AluAlgo.MAX: np.maximum, AluAlgo.MIN: np.minimum}[layer.operation]
                scaled = operation(scaled, layer.addend_factor * inputs[1])
            return activate(layer.activation, scaled)
        case FloatPooling():
            return pool(layer, inputs[0])
        case FloatLrn():
            reach, channels = layer.function.size // 2, inputs[0].shape[1]
            squares = np.pad(inputs[0] ** 2, ((0, 0), (reach, reach), (0, 0), (0, 0)))
            sums = sum(squares[:, start : start + channels] for start in range(layer.function.size))
            return inputs[0] * layer.function.factor(np.asarray(sums))
        case FloatConcat():
            return np.concatenate(inputs, axis=1)
        case FloatHost():
            return run_model(layer.model, [one.astype(np.float32) for one in inputs]).astype(np.float64)


def activate(activation: Activation, values: Reals) -> Reals:
    if activation.relu:
        values = np.maximum(values, 0)
    if activation.slopes is not None:
        values = np.where(values < 0, values * activation.slopes.reshape(-1, 1, 1), values)
    return values if activation.most is None else np.minimum(values, activation.most)


def convolve(layer: FloatConvolution, x: Reals) -> Reals:
    geometry = layer.geometry
    padded = np.pad(
        x, ((0, 0), (0, 0), (geometry.pad_top, geometry.pad_bottom), (geometry.pad_left, geometry.pad_right))
    )
    *_, kernel_h, kernel_w = layer.weights.shape
    reach = ((kernel_h - 1) * geometry.dilation_y + 1, (kernel_w - 1) * geometry.dilation_x + 1)
    windows = sliding_window_view(padded, reach, axis=(2, 3))
    windows = windows[:, :, :: geometry.stride_y, :: geometry.stride_x, :: geometry.dilation_y, :: geometry.dilation_x]
    parts = [
        np.einsum("nchwrs,kcrs->nkhw", some, kernels, optimize=True)
        for some, kernels in zip(
            np.split(windows, geometry.groups, axis=1), np.split(layer.weights, geometry.groups), strict=True
        )
    ]
    return np.concatenate(parts, axis=1)


def pool(layer: FloatPooling, x: Reals) -> Reals:
    window, average = layer.program.window, layer.program.window.method is PoolingMethod.AVERAGE
    height, width = layer.output_size(*x.shape[2:])
    output = np.empty((*x.shape[:2], height, width))
    for row in range(height):
        for column in range(width):
            part = x[:, :, elements(window.rows, row, x.shape[2]), elements(window.columns, column, x.shape[3])]
            if not average:
                output[:, :, row, column] = part.max(axis=(2, 3))
            elif layer.program.exclude_padding:
                output[:, :, row, column] = part.mean(axis=(2, 3))
            else:
                output[:, :, row, column] = part.sum(axis=(2, 3)) * layer.factor_h * layer.factor_w
    return output


def elements(axis: Axis, window: int, size: int) -> slice:
    start = window * axis.stride - axis.before
    return slice(max(start, 0), min(start + axis.kernel, size))
