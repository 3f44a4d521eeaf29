"""A compiled network's layers in words: what each reads, does and writes, and where; its integers as real factors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.explain.loadable_memory import TensorLocation, location_of
from nvdla_int8.explain.words import ALU_WORDS, Step
from nvdla_int8.loadable.descriptors import (
    CdpOperation,
    ConvolutionOperation,
    OperationType,
    PdpOperation,
    SdpOperation,
)
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.origins import Origin
from nvdla_int8.loadable.sdp_steps import SdpStep
from nvdla_int8.runtime.loadable_run import tensor_key
from nvdla_int8.stages.sdp import AluAlgo

ORIGINS = {"input": "the input", "file": "the file", "cpu": "the CPU's output"}

POOLING_METHODS = ("average", "maximum", "minimum")
"""By ``pool_mode``."""


@dataclass(frozen=True)
class LayerWords:
    """One layer.

    Attributes
    ----------
    name
        Its operations.
    tensors
        What ``run`` calls its output, such as ``layer5``: by operations, those of all parts.
    does
        What it is, with its window: ``convolution 3 x 3, stride 2, pad 1``.
    reads
        Whose output, ``layer 3`` by its number, or ``the input``.
    fused
        What else it does to each element: bias, factors, a sum, ReLU.
    input_shape, output_shape
        (C, H, W).
    parts
        Of a layer that is split over rows or elements of a batch: their operations; empty otherwise.
    batch
        Elements of a batch; the shapes are those of one.
    steps
        X1, X2 and the output converter with the ranges of their operands; empty unless all is int8.
    factors
        The real factor of each channel from an accumulator, or a source's step, to an output step; empty without SDP,
        or where it differs from element to element.
    bias
        What X1 adds to each channel, in steps of SDP's input; empty without SDP.
    location
        Where its output lies.
    overwritten_by
        The first later layer that writes there; None when none does.
    weight_bytes
        Of its weights, 0 without.
    """

    name: str
    tensors: tuple[str, ...]
    does: str
    reads: tuple[str, ...]
    fused: tuple[str, ...]
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    parts: tuple[str, ...]
    batch: int
    steps: tuple[Step, ...]
    factors: tuple[float, ...]
    bias: tuple[int, ...]
    location: TensorLocation
    overwritten_by: int | None
    weight_bytes: int

    @property
    def factor(self) -> tuple[float, float] | None:
        """The smallest and largest of the factors; None without."""
        return factor_range(np.array(self.factors)) if self.factors else None


def put_layers_into_words(loadable: Loadable, layers: Sequence[LoadableLayer]) -> tuple[LayerWords, ...]:
    """Put all layers into words; BenchError for an ALI that leads nowhere."""
    locations = [_location(loadable, layer) for layer in layers]
    places = {task.task.id: place for place, task in enumerate(loadable.hardware_tasks)}
    return tuple(
        LayerWords(
            name=layer.name,
            tensors=tuple(tensor_key(places[layer.task.task.id], part[-1]) for part in layer.parts),
            does=_does(layer),
            reads=tuple(_origin(origin) for origin in dict.fromkeys(layer.inputs)),
            fused=tuple(_fused(layer)),
            input_shape=layer.input_shape,
            output_shape=layer.output_shape,
            parts=tuple(_parts(layer)),
            batch=layer.batch,
            steps=tuple(_steps(layer)) if _is_int8(layer) else (),
            factors=_factors(layer),
            bias=tuple(layer.bias.tolist()) if layer.bias is not None and _is_int8(layer) else (),
            location=locations[index],
            overwritten_by=next(
                (later for later in range(index + 1, len(layers)) if locations[later].overlaps(locations[index])), None
            ),
            weight_bytes=layer.weight_stream.size_bytes if layer.weight_stream is not None else 0,
        )
        for index, layer in enumerate(layers)
    )


def factor_range(factors: NDArray[np.float64] | None) -> tuple[float, float] | None:
    """Smallest and largest; None where there are none, or they differ from element to element."""
    if factors is None or np.isnan(factors).any():
        return None
    return float(factors.min()), float(factors.max())


def _factors(layer: LoadableLayer) -> tuple[float, ...]:
    factors = layer.factors
    decoded = factors is not None and not np.isnan(factors).any() and _is_int8(layer)
    return tuple(factors.tolist()) if factors is not None and decoded else ()


def _is_int8(layer: LoadableLayer) -> bool:
    """Its integers are what they are read as; those of FP16 are not."""
    precisions: list[int] = []
    for operation in (layer.convolution, layer.sdp):
        match operation.operation if operation is not None else None:
            case ConvolutionOperation() as convolution:
                precisions += [convolution.in_precision, convolution.out_precision]
            case SdpOperation() as sdp:
                precisions += [sdp.src_precision, sdp.dst_precision]
    return not any(precisions)


def _location(loadable: Loadable, layer: LoadableLayer) -> TensorLocation:
    cubes = [
        surface.dst_data for part in layer.parts if (surface := layer.task.operations[part[-1]].surface) is not None
    ]
    return location_of(loadable, layer.task, cubes, loadable.build.build.memory_atom)


def _origin(origin: Origin) -> str:
    return f"layer {origin}" if isinstance(origin, int) else ORIGINS[origin]


def _does(layer: LoadableLayer) -> str:
    parts = []
    if layer.geometry is not None and layer.weight_stream is not None:
        _, _, kernel_h, kernel_w = layer.weight_stream.shape
        whole = (kernel_h, kernel_w) == layer.input_shape[1:] and layer.output_shape[1:] == (1, 1)
        kind = "fully connected" if whole else f"convolution {kernel_h} x {kernel_w}"
        shape = layer.geometry
        parts.append(
            kind
            + _pair(", stride", shape.stride_y, shape.stride_x, 1)
            + _pair(", dilation", shape.dilation_y, shape.dilation_x, 1)
            + _padding(shape.pad_top, shape.pad_bottom, shape.pad_left, shape.pad_right)
        )
    elif layer.sdp is not None:
        parts.append(_sdp_alone(layer))
    match layer.operation.operation:
        case PdpOperation() as pdp:
            method = POOLING_METHODS[pdp.pool_mode] if pdp.pool_mode < len(POOLING_METHODS) else "reserved method of"
            parts.append(
                f"{method} pooling {pdp.pool_height + 1} x {pdp.pool_width + 1}"
                + _pair(", stride", pdp.stride_y, pdp.stride_x, 1)
                + _padding(pdp.pad_top, pdp.pad_bottom, pdp.pad_left, pdp.pad_right)
            )
        case CdpOperation() as cdp:
            parts.append(f"LRN over {cdp.local_size} channels")
    return ", then ".join(parts)


def _sdp_alone(layer: LoadableLayer) -> str:
    """What a layer of SDP from memory is for."""
    steps = [step for step in (layer.x1, layer.x2) if step is not None]
    if any(step.per_element is not None and step.stage.reads_alu for step in steps):
        return "sum" if not any(_algorithm(step) for step in steps) else "element-wise maximum or minimum"
    if any(step.per_element is not None for step in steps):
        return "product"
    if any(not (step.stage.alu_bypass and step.stage.mul_bypass) for step in steps):
        return "scale and bias"
    return "ReLU alone" if any(step.relu for step in steps) else "copy"


def _algorithm(step: SdpStep) -> bool:
    return step.stage.reads_alu and step.stage.alu_algo is not AluAlgo.SUM


def _pair(what: str, down: int, across: int, usual: int) -> str:
    if down == across:
        return "" if down == usual else f"{what} {down}"
    return f"{what} {down} x {across}"


def _padding(top: int, bottom: int, left: int, right: int) -> str:
    if not any((top, bottom, left, right)):
        return ""
    if top == bottom == left == right:
        return f", pad {top}"
    return f", pad {top} {bottom} {left} {right} (top, bottom, left, right)"


def _fused(layer: LoadableLayer) -> Iterator[str]:
    """What SDP does beside the layer's own work, in its order."""
    alone = layer.convolution is None
    for step in (layer.x1, layer.x2):
        if step is None:
            continue
        if step.alu is not None and not alone:
            yield "bias" if step.stage.alu_algo is AluAlgo.SUM else str(step.stage.alu_algo.value).lower()
        if step.per_element is not None and not alone:
            yield "sum" if step.stage.reads_alu else "product"
        if step.mul is not None and step.mul.size > 1:
            yield "factors per kernel"
        if step.relu:
            yield "ReLU"
        elif step.prelu:
            yield "PReLU"


def _parts(layer: LoadableLayer) -> Iterator[str]:
    if len(layer.parts) < 2:
        return
    for indices in layer.parts:
        yield " + ".join(layer.task.operations[index].name for index in indices)


def _steps(layer: LoadableLayer) -> Iterator[Step]:
    converter = layer.input_converter
    if converter is not None and converter.enabled and (converter.scale, converter.truncate_bits) != (1, 0):
        factor = converter.scale / 2**converter.truncate_bits
        yield Step("input converter", f"scale {converter.scale}, truncate {converter.truncate_bits}", (factor, factor))
    for name, step in (("X1", layer.x1), ("X2", layer.x2)):
        if step is not None:
            yield Step(name, _step_words(step), factor_range(step.factor))
    if layer.converter is not None:
        program = layer.converter
        words = f"scale {program.scale}, shift {program.shift_bits}"
        words += f", offset {program.offset}" if program.offset else ""
        if (program.scale, program.shift_bits, program.offset) == (1, 0, 0):
            words = "identity: only clips to int8"
        yield Step("output converter", words, (layer.converter_factor, layer.converter_factor))
    if isinstance(layer.operation.operation, PdpOperation):
        yield Step("pooling", "keeps the scale of what it takes: PDP cannot rescale")


def _step_words(step: SdpStep) -> str:
    stage = step.stage
    parts = []
    if not stage.alu_bypass:
        shift = f" * 2^{step.alu_shift_bits}" if step.alu_shift_bits else ""
        parts.append(f"{ALU_WORDS[stage.alu_algo]} {_operand(step, step.alu, stage.reads_alu)}{shift}")
    if not stage.mul_bypass:
        shift = f" / 2^{step.truncate_bits}" if step.truncate_bits else ""
        only = " (negative values only)" if step.prelu else ""
        parts.append(f"multiplies by {_operand(step, step.mul, stage.reads_mul)}{shift}{only}")
    elif step.truncate_bits:
        parts.append(f"divides by 2^{step.truncate_bits}")
    if step.relu:
        parts.append("ReLU")
    return "; ".join(parts) or "passes values on"


def _operand(step: SdpStep, operand: NDArray[np.int32] | None, from_memory: bool) -> str:
    if operand is None:
        return f"int{8 * step.element_bytes} per element"
    low, high = int(operand.min()), int(operand.max())
    values = f"{low}" if low == high else f"{low} .. {high}"
    return f"int{8 * step.element_bytes} per kernel ({values})" if from_memory else f"the register's {values}"


def operations_of(layer: LoadableLayer) -> tuple[int, ...]:
    """The operations that write the layer's tensor, one of each part."""
    return tuple(part[-1] for part in layer.parts)


def is_copy(layer: LoadableLayer) -> bool:
    """A layer of SDP from memory that does nothing."""
    return layer.operation.type == OperationType.SDP and _does(layer) == "copy"


def shape_words(shape: tuple[int, ...]) -> str:
    """Such as ``16 x 8 x 8``."""
    return " x ".join(map(str, shape))
