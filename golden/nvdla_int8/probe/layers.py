"""Layers of probes: what the compiler makes of layer programs, with surfaces, banks and registers chosen by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.compiler.image_kernels import FORMAT_CODES, with_image_kernels
from nvdla_int8.compiler.passes import Pass
from nvdla_int8.compiler.placement import Shape
from nvdla_int8.compiler.sdp_registers import sdp_registers
from nvdla_int8.compiler.steps import ConvolutionStep, LrnStep, PassPlan, PoolingStep, SdpStep, TensorSurface
from nvdla_int8.probe.space import DENSE, Gaps, Space
from nvdla_int8.registers.converters import encode_sdp
from nvdla_int8.registers.register_map import insert
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling_program import PoolingProgram, PoolingRegion
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.operands import OperandSurface, OperandUse
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface

COPY = SdpProgram(name="copy")
"""SDP hands on what it reads."""

Fields = Mapping[str, Mapping[str, int | str]]
"""Values of fields, by register and field."""


class Planned(NamedTuple):
    """A layer with everything in its place: its pass, and what it writes."""

    plan: PassPlan
    destination: FeatureSurface


Layer = Callable[[Space], list[Planned]]
"""Places a layer's tensors and gives its passes; of one that is run twice each time anew."""


class Banks(NamedTuple):
    """Banks of the CBUF."""

    data: int = 16
    weight: int = 16


HALVES = Banks()
"""What all probes but those of the CBUF itself take: other banks would empty it."""


@dataclass(frozen=True)
class Image:
    """Pixels as they lie in memory: (C, H, W) uint8, the format's name, pixels to skip in front of each line."""

    data: NDArray[np.uint8]
    pixel_format: str
    x_offset: int = 0
    line_gap: int = 0


def sdp(
    data: NDArray[np.int8],
    program: SdpProgram = COPY,
    *,
    source_gaps: Gaps = DENSE,
    output_gaps: Gaps = DENSE,
    operand_bytes: int = 2,
) -> Layer:
    """SDP from memory to memory; operands of one or two bytes."""

    def place(space: Space) -> list[Planned]:
        source = space.features(data, source_gaps)
        shape = data.shape[0], data.shape[1], data.shape[2]
        operands = _operands(space, program, shape, operand_bytes)
        return [sdp_between(source, space.output(shape, output_gaps), program, operands)]

    return place


def sdp_between(
    source: FeatureSurface,
    destination: FeatureSurface,
    program: SdpProgram = COPY,
    operands: Mapping[str, OperandSurface] | None = None,
) -> Planned:
    """SDP from one surface to another."""
    values = encode_sdp(program) | sdp_registers(destination, source, operands)
    return Planned(PassPlan(values, ("SDP_RDMA", "SDP"), ("SDP",), ()), destination)


def convolution(
    data: NDArray[np.int8] | Image,
    program: LayerProgram,
    *,
    banks: Banks = HALVES,
    source_gaps: Gaps = DENSE,
    packs_one_pixel: bool = False,
    fields: Fields | None = None,
) -> Layer:
    """One pass of a convolution.

    Parameters
    ----------
    data
        The input.
    program
        Its converters and weights.
    banks
        Of the CBUF.
    source_gaps
        Between the lines and surfaces of a cube.
    packs_one_pixel
        A cube of one pixel lies packed.
    fields
        Fields of registers as the compiler does not set them.
    """
    values = data.data if isinstance(data, Image) else data
    output = program.run(values).output
    rows, height = output.shape[1], values.shape[1]
    whole = Pass(
        0, len(program.weights), 0, rows, 0, height, program.geometry.pad_top, banks.data, banks.weight,
        keeps_weights=True,
    )  # fmt: skip
    return convolution_passes(
        data, program, (whole,), source_gaps=source_gaps, packs_one_pixel=packs_one_pixel, fields=fields
    )


def convolution_passes(
    data: NDArray[np.int8] | Image,
    program: LayerProgram,
    parts: tuple[Pass, ...],
    *,
    source_gaps: Gaps = DENSE,
    packs_one_pixel: bool = False,
    fields: Fields | None = None,
) -> Layer:
    """A convolution in passes that are given; the others as :func:`convolution`."""

    def place(space: Space) -> list[Planned]:
        prepared = program
        source: TensorSurface
        if isinstance(data, Image):
            shape = _shape(program.run(data.data).output)
            prepared = with_image_kernels(program, space.build, shape[2], data.pixel_format)
            source = _pixels(space, data)
        else:
            shape = _shape(program.run(data).output)
            source = space.features(data, source_gaps, packs_one_pixel=packs_one_pixel)
        destination = space.output(shape)
        step = ConvolutionStep("convolution", ("input",), "output", prepared, space.build, parts)
        plans = step.plan([source], destination, space.placer)
        return _planned([_with_fields(plan, fields or {}) for plan in plans], destination)

    return place


def pooling(data: NDArray[np.int8], program: PoolingProgram, *, source_gaps: Gaps = DENSE) -> Layer:
    """PDP from memory to memory."""

    def place(space: Space) -> list[Planned]:
        source, destination = space.features(data, source_gaps), space.output(_shape(program.run(data).output))
        step = PoolingStep("pooling", ("input",), "output", program)
        return _planned(step.plan([source], destination, space.placer), destination)

    return place


def pooling_behind_sdp(data: NDArray[np.int8], program: PoolingProgram) -> Layer:
    """SDP reads memory, PDP takes what it gives."""

    def place(space: Space) -> list[Planned]:
        source, destination = space.features(data), space.output(_shape(program.run(data).output))
        step = SdpStep("copy + pooling", ("input",), "output", COPY, space.build, _only_region(program, data))
        return _planned(step.plan([source], destination, space.placer), destination)

    return place


def pooling_behind_convolution(data: NDArray[np.int8], first: LayerProgram, program: PoolingProgram) -> Layer:
    """A convolution whose output PDP takes as it comes out of SDP."""
    between = first.run(data).output
    whole = Pass(
        0, len(first.weights), 0, between.shape[1], 0, data.shape[1], first.geometry.pad_top, *HALVES,
        keeps_weights=True,
    )  # fmt: skip

    def place(space: Space) -> list[Planned]:
        source, destination = space.features(data), space.output(_shape(program.run(between).output))
        step = ConvolutionStep(
            "convolution + pooling", ("input",), "output", first, space.build, (whole,), _only_region(program, between)
        )
        return _planned(step.plan([source], destination, space.placer), destination)

    return place


def lrn(data: NDArray[np.int8], program: LrnProgram) -> Layer:
    """CDP from memory to memory."""

    def place(space: Space) -> list[Planned]:
        source, destination = space.features(data), space.output(_shape(data))
        step = LrnStep("lrn", ("input",), "output", program)
        return _planned(step.plan([source], destination, space.placer), destination)

    return place


def _planned(plans: Sequence[PassPlan], destination: FeatureSurface) -> list[Planned]:
    """Passes to one destination; what they count is not looked at."""
    return [Planned(replace(plan, counters=()), destination) for plan in plans]


def _only_region(program: PoolingProgram, data: NDArray[np.int8]) -> PoolingRegion:
    [region] = program.regions(data.shape[1], data.shape[2])
    return region


def _shape(cube: NDArray[np.int8]) -> Shape:
    return cube.shape[0], cube.shape[1], cube.shape[2]


def _with_fields(plan: PassPlan, fields: Fields) -> PassPlan:
    changed = {register: insert(register, plan.values[register], **of_it) for register, of_it in fields.items()}
    return replace(plan, values={**plan.values, **changed})


def _pixels(space: Space, image: Image) -> PixelSurface:
    """Place an image; lines begin at whole atoms."""
    code = FORMAT_CODES[image.pixel_format]
    planes, atom = PIXEL_FORMATS[code], space.build.memory_atom
    _, height, width = image.data.shape
    lines = [(-(-(image.x_offset + width) * len(plane) // atom) + image.line_gap) * atom for plane in planes]
    surface = PixelSurface(
        pixel_format=code, base=0, line_stride=lines[0], base1=0, uv_stride=lines[-1], x_offset=image.x_offset,
        width=width, height=height, memory_atom=atom,
    )  # fmt: skip
    return space.pixels(surface, image.data)


def _operands(space: Space, program: SdpProgram, shape: Shape, element_bytes: int) -> dict[str, OperandSurface]:
    """Place the operands of X1 and X2, by ``x1`` and ``x2``."""
    found = {}
    for stage, alu, mul in (("x1", program.x1_alu, program.x1_mul), ("x2", program.x2_alu, program.x2_mul)):
        given = alu if alu is not None else mul
        if given is None:
            continue
        use = OperandUse.MUL if alu is None else OperandUse.ALU if mul is None else OperandUse.BOTH
        channels, height, width = shape
        unit = space.build.memory_atom * element_bytes * (2 if use is OperandUse.BOTH else 1)
        per_element = given.ndim == 3
        line = unit * (width if per_element else 1)
        surface = OperandSurface(
            base=0, width=width, height=height, channels=channels, line_stride=line,
            surface_stride=line * (height if per_element else 1), memory_atom=space.build.memory_atom,
            element_bytes=1 if element_bytes == 1 else 2, use=use, per_element=per_element,
        )  # fmt: skip
        found[stage] = space.operand(surface, alu, mul)
    return found
