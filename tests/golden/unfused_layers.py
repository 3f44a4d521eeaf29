"""Layers as the compiler's profiles without fusion make them: every node a layer of its own, Scale on several.

NVIDIA's compiler is not here to make them; they are made of its fused ones, with factors and biases of a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.explain.node_fit import dense_weights
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.origins import Origin
from nvdla_int8.loadable.sdp_steps import SdpStep
from nvdla_int8.network.float_network import FloatConvolution, FloatNetwork
from nvdla_int8.stages.sdp import OutputConverter, Source, XStage

Reals = NDArray[np.float64]


def step(
    *, alu: Sequence[int] | None = None, mul: Sequence[int] | None = None, shift: int = 0, relu: bool = False
) -> SdpStep:
    """X1 with operands from memory."""
    stage = XStage(
        bypass=False, alu_bypass=alu is None, alu_source=Source.MEM, mul_bypass=mul is None, mul_source=Source.MEM,
        mul_shift_bits=shift, relu=relu,
    )  # fmt: skip
    operands = [None if one is None else np.array(one, np.int32) for one in (alu, mul)]
    return SdpStep(stage, operands[0], operands[1], None, 2)


def converter(factor: float) -> OutputConverter:
    """The largest scale of 15 bits that is not above a factor."""
    shift = int(np.floor(np.log2(32767 / factor)))
    return OutputConverter(scale=int(factor * 2**shift), shift_bits=shift)


def with_weights(layer: LoadableLayer, weights: NDArray[np.int8]) -> LoadableLayer:
    """A layer with other weights than the file's."""
    changed = replace(layer)
    changed.__dict__["weights"] = weights
    return changed


def convolution(
    layer: LoadableLayer, node: FloatConvolution, sources: tuple[Origin, ...], scales: tuple[float, float]
) -> LoadableLayer:
    """A node's convolution alone, with its bias, from one scale to another."""
    reals = dense_weights(node)
    weight_scale = float(np.abs(reals).max()) / 127
    weights = np.floor(reals / weight_scale + 0.5).astype(np.int8)
    bias = np.floor(node.bias / (scales[0] * weight_scale) + 0.5).astype(np.int64)
    made = replace(
        layer,
        sources=sources,
        x1=step(alu=bias.tolist()) if bias.any() else None,
        converter=converter(scales[0] * weight_scale / scales[1]),
    )
    return with_weights(made, weights)


def alone(layer: LoadableLayer, source: Origin, factor: float, x1: SdpStep | None = None) -> LoadableLayer:
    """A layer of SDP from memory, of a fused layer's output shape."""
    return replace(
        layer,
        name=f"SDP of {layer.name}",
        convolution=None,
        geometry=None,
        weight_stream=None,
        input_converter=None,
        accumulator=None,
        input_shape=layer.output_shape,
        sources=(source,),
        addends=(),
        x1=x1,
        x2=None,
        converter=converter(factor) if factor != 1 else OutputConverter(),
    )


def residual(
    layers: Sequence[LoadableLayer], network: FloatNetwork, scales: Mapping[str, float], *, forced: float
) -> tuple[LoadableLayer, ...]:
    """The network ``residual`` as the profile basic has it.

    Its ReLU writes ``relu1`` in its own scale; the layers that read it take it in the forced one.
    """
    first, second, third, total = layers
    conv1, conv2, conv3 = network.convolutions
    relu = step(relu=True)
    return (
        convolution(first, conv1, ("input",), (scales["data"], scales["conv1"])),
        alone(first, 0, scales["conv1"] / scales["relu1"], relu),
        convolution(second, conv2, (1,), (forced, scales["conv2"])),
        alone(second, 2, scales["conv2"] / scales["relu2"], relu),
        convolution(third, conv3, (3,), (scales["relu2"], scales["conv3"])),
        replace(
            total,
            sources=(1,),
            addends=(4,),
            x1=None if total.x1 is None else replace(total.x1, stage=total.x1.stage.model_copy(update={"relu": False})),
            converter=converter(forced / scales["sum"]),
        ),
        alone(total, 5, scales["sum"] / scales["relu3"], relu),
    )


def normalised(
    layer: LoadableLayer, network: FloatNetwork, scales: Mapping[str, float], factors: Reals, bits: int
) -> tuple[LoadableLayer, ...]:
    """The network ``conv_bn_scale`` as the profile default has it: BatchNorm and Scale on three layers.

    ``factors`` are those of both nodes together, ``bits`` how many the multipliers have.
    """
    (conv,) = network.convolutions
    most = float(np.abs(factors).max())
    operands = np.trunc(factors / most * 2**bits * 0.99).astype(int)
    return (
        convolution(layer, conv, ("input",), (scales["data"], scales["conv1"])),
        alone(layer, 0, 1, step(mul=operands.tolist(), shift=bits)),
        alone(layer, 1, 1, step(alu=[1, *[0] * (layer.kernels - 1)])),
        alone(layer, 2, most / 0.99 * scales["conv1"] / scales["scale1"]),
        alone(layer, 3, scales["scale1"] / scales["relu1"], step(relu=True)),
    )
