"""A network and a table to what NVIDIA's compiler would program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, Problems, located
from nvdla_int8.network.float_network import FloatConcat, FloatHost, FloatNetwork, FloatPooling
from nvdla_int8.network.network import Network, NetworkLayer
from nvdla_int8.network.onnx_reader import unfolded
from nvdla_int8.quantise.channel_places import Placed
from nvdla_int8.quantise.like_compiler.compiled_layers import CompiledLayer, CopyLayer, SdpLayer, compiled_layers
from nvdla_int8.quantise.like_compiler.fusing import fused
from nvdla_int8.quantise.like_compiler.modes import CompilerMode
from nvdla_int8.quantise.like_compiler.programs import SdpIntegers, sdp_integers
from nvdla_int8.quantise.like_compiler.tensor_scales import tensor_scales
from nvdla_int8.quantise.network_input import WHAT_TO_DO, QuantisedInput, quantise_network_input
from nvdla_int8.quantise.scale_groups import NetworkScales
from nvdla_int8.stages.any_program import AnyOutput, AnyProgram
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.pooling import Pooling, reciprocal_q16
from nvdla_int8.stages.sdp import Source
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.stages.tensor_scale import TensorScale

Scales = Mapping[str, TensorScale]

RUNTIME_STEP = 255 / 127
"""Pixel steps of one step of the input that NVIDIA's runtime makes of a picture: it takes round(pixel * 127 / 255)."""

SAME_STEP = 0.01
"""An entry of the input that is nearer, relatively, than this to the runtime's steps is theirs."""


@dataclass(frozen=True)
class CompilerNetwork:
    """What the compiler would program.

    Attributes
    ----------
    mode
        Its kind of weight scales.
    network
        The layer programs.
    integers
        What the compiler chose for the layers that SDP writes, in order.
    scales
        What the compiler takes each tensor's bytes for; where it is mistaken they mean something else.
    input
        What turns pixels into the input; None for an int8 feature map.
    placed
        Where each tensor's channels are: all in their own places.
    notes
        What a user should know, a line each.
    """

    mode: CompilerMode
    network: Network
    integers: tuple[SdpIntegers, ...]
    scales: NetworkScales
    input: QuantisedInput | None
    placed: Mapping[str, Placed]
    notes: tuple[str, ...]

    def tensors(self, stages: Sequence[AnyOutput]) -> dict[str, NDArray[Any]]:
        """What a run of the network gives, by the names of its tensors; as of ``QuantisedNetwork.tensors``."""
        return {layer.output: one.output for layer, one in zip(self.network.layers, stages, strict=True)}


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what is not finite is refused, or an integer
def compile_network(source: FloatNetwork, table: Scales, mode: CompilerMode) -> CompilerNetwork:
    """Choose the integers that the compiler would.

    Parameters
    ----------
    source
        The real-valued network.
    table
        Scales by tensor, of every layer but those that are merged with the next.
    mode
        The compiler's kind of weight scales.

    Raises
    ------
    BenchErrors
        Tensors missing from the table, layers that the compiler does not take or whose result is not known; a line
        each.
    """
    plain = unfolded(source)
    read = plain.network
    compiled = compiled_layers(plain)
    with located(source.path):
        of_compiler, notes = tensor_scales(compiled, table)
    scales = {name: TensorScale(name, float(scale)) for name, scale in of_compiler.items()}
    pixels = quantise_network_input(read, scales[read.input])
    if pixels is not None and pixels.program.is_a_mistake:
        raise BenchError(f"{source.path}: {pixels.misfit}; {WHAT_TO_DO}")
    problems = Problems()
    chosen: list[CompiledLayer | SdpIntegers] = []
    for layer in compiled.layers:
        with problems.gathered(), located(source.path), located(f"layer {layer.name}"):
            if isinstance(layer, SdpLayer):
                layer = _fed_with(layer, pixels if read.input in layer.inputs else None)
                chosen.append(sdp_integers(layer, of_compiler, mode))
            else:
                chosen.append(layer)
    problems.check()
    layers = fused(chosen, compiled.readers)
    converter = InputConverter() if pixels is None else pixels.program.converter
    programs: list[NetworkLayer] = []
    for made in layers:
        with problems.gathered(), located(source.path):
            reads_pixels = pixels is not None and read.input in made.inputs
            if reads_pixels and not (isinstance(made, SdpIntegers) and made.weights is not None):
                raise BenchError(f"tensor {made.output!r}: it is made of pixels, which only convolutions take")
            program = _program(made, scales, converter if reads_pixels else InputConverter())
            programs.append(NetworkLayer(program, made.inputs, made.output))
    problems.check()
    integers = tuple(layer for layer in layers if isinstance(layer, SdpIntegers))
    return CompilerNetwork(
        mode=mode,
        network=Network(tuple(programs), read.input, read.outputs, source.input_size),
        integers=integers,
        scales=NetworkScales(scales),
        input=pixels,
        placed={name: _in_place(name, tensor.shape) for name, tensor in read.tensors.items()},
        notes=(*notes, *_of_registers(integers), *_of_the_runtime(read, pixels, scales[read.input])),
    )


def _of_registers(layers: Sequence[SdpIntegers]) -> list[str]:
    """What is not known of X1's or X2's multiplier in a layer that uses both."""
    return [
        f"layer {layer.layer.name}: its one multiplier of {part.stage.mul_value} may be lost: by its sources, the"
        " compiler writes 1 where X2 is used too, but no compiled file has shown it, and here it multiplies"
        for layer in layers
        for part in (layer.x1, layer.x2)
        if part is not None
        and layer.x2 is not None
        and part.factors is not None
        and part.stage.mul_source is Source.REG
    ]


def _fed_with(layer: SdpLayer, pixels: QuantisedInput | None) -> SdpLayer:
    """The layer; with the pixels' channel factors in the weights of one that takes them."""
    merged = layer.merged
    if pixels is None or merged is None or merged.weights is None:
        return layer
    factors = pixels.channel_factors.astype(np.float32)[:, None, None]
    return replace(layer, merged=replace(merged, weights=merged.weights * factors))


def _program(layer: CompiledLayer | SdpIntegers, scales: Scales, converter: InputConverter) -> AnyProgram:
    if isinstance(layer, SdpIntegers):
        return layer.program(scales, converter)
    of_input = scales.get(layer.inputs[0])
    if isinstance(layer, CopyLayer):
        return SdpProgram(name=layer.name, input_scale=of_input, output_scale=scales[layer.output])
    if isinstance(layer, FloatPooling):
        update = {"window": _whole_windows(layer.program.window), "exclude_padding": False}
        update |= {"input_scale": of_input, "output_scale": scales[layer.output]}
        return layer.program.model_copy(update=update)
    if isinstance(layer, FloatConcat):
        return ConcatProgram(name=layer.name, input_scale=of_input, output_scale=scales[layer.output])
    assert isinstance(layer, FloatHost)
    inputs = tuple(scales.get(name) for name in layer.inputs)
    return HostProgram(name=layer.name, operator=layer.operator, input_scales=inputs, model=layer.model)


def _whole_windows(window: Pooling) -> Pooling:
    """Averages are of the whole window, wherever it lies."""
    update = {
        "reciprocal_h_q16": reciprocal_q16(window.kernel_h),
        "reciprocal_w_q16": reciprocal_q16(window.kernel_w),
    }
    return window.model_copy(update=update)


def _in_place(name: str, shape: tuple[int, ...]) -> Placed:
    channels = shape[0] if shape else 1
    return Placed(name, np.arange(channels), channels)


def _of_the_runtime(read: FloatNetwork, pixels: QuantisedInput | None, entry: TensorScale) -> tuple[str, ...]:
    """What NVIDIA's runtime would make of the pixels, where that is something else."""
    given = read.preprocessing
    if pixels is None or given is None:
        return ()
    steps = np.abs(given.scale) * RUNTIME_STEP
    if not given.mean.any() and (np.abs(steps / entry.scale - 1) <= SAME_STEP).all():
        return ()
    means = "takes no mean off and " if given.mean.any() else ""
    return (
        f"{entry.name!r}: NVIDIA's runtime {means}makes round(pixel * 127 / 255) of each pixel, a step of "
        f"{steps.max():.6g}; the entry is {entry.scale:.6g}, and the programs here take the pixels as described",
    )
