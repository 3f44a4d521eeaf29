"""Random programs of X1, X2 and the output converter, with their operands in memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.generator.draws import Draws
from nvdla_int8.generator.inputs import far_strides
from nvdla_int8.generator.places import Bytes, Places, Window
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.sdp import AluAlgo, Operand, OutputConverter, Source, XStage
from nvdla_int8.stages.widths import ACC_OUT, ALU_OPERAND, FEATURE, MUL_OPERAND, OUT_OFFSET, OUT_ROUNDED, OUT_SCALE
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface, OperandUse

ALU_SHIFTS = (0, 0, 0, 1, 4, 7, 15, 16, 17, 31, 32, 63)
MUL_SHIFTS = (0, 0, 0, 0, 1, 8, 15, 31, 40, 48, 49, 63, 64, 72, 255)
PRODUCT_BITS = (*(16,) * 11, 34)
"""What is left of products behind the shift: mostly what fits, sometimes more than 32 bits."""

OUT_SHIFTS = (0, 0, 1, 8, 15, 20, 32, 49, 63)

Shape = tuple[int, int, int]
"""Lanes, lines, pixels: channels rounded up to whole atoms."""


@dataclass(frozen=True)
class Operands:
    """Operands of one stage as they lie in memory, with those of the lanes beyond the last channel.

    ``alu`` and ``mul`` are int16, (lanes,) or (lanes, H, W), or None; ``element_bytes`` each.
    """

    alu: Operand | None
    mul: Operand | None
    element_bytes: int

    @property
    def use(self) -> OperandUse:
        """What the stream holds."""
        return OperandUse.MUL if self.alu is None else OperandUse.ALU if self.mul is None else OperandUse.BOTH

    @property
    def per_element(self) -> bool:
        """One operand for each pixel."""
        return any(operand is not None and operand.ndim > 1 for operand in (self.alu, self.mul))


def draw_stage(draws: Draws, data: NDArray[np.integer], memory_atom: int) -> tuple[XStage, Operands | None]:
    """Draw X1 or X2 for data (C, H, W) of signed 32 bits, and the operands that it reads from memory.

    Shifts mostly fit the values, so that neither operand drowns the data.
    """
    bypass, alu_bypass, mul_bypass = draws.chance(0.25), draws.chance(0.35), draws.chance(0.35)
    alu_source, mul_source = (Source.MEM if draws.chance(0.65) else Source.REG for _ in range(2))
    reads_alu = not bypass and not alu_bypass and alu_source is Source.MEM
    reads_mul = not bypass and not mul_bypass and mul_source is Source.MEM
    operands = _draw_operands(draws, data.shape, memory_atom, reads_alu, reads_mul)
    alu_value, mul_value = draws.signed(ALU_OPERAND), draws.scale(MUL_OPERAND)
    alu_reach, mul_reach = (
        typical_size(np.array(value) if operand is None else operand)
        for value, operand in ((alu_value, operands.alu), (mul_value, operands.mul))
    )
    largest = typical_size(data)
    alu_shift_bits = draws.pick(ALU_SHIFTS)
    if draws.chance(0.7):
        alu_shift_bits = max(0, largest.bit_length() - alu_reach.bit_length() + draws.between(-2, 1))
    if not alu_bypass:
        largest = max(largest, min(alu_reach << alu_shift_bits, signed_range(ACC_OUT)[1]))
    product = largest * (1 if mul_bypass else mul_reach)
    stage = XStage(
        bypass=bypass,
        alu_bypass=alu_bypass,
        alu_algo=draws.pick((AluAlgo.MAX, AluAlgo.MIN, AluAlgo.SUM, AluAlgo.SUM)),
        alu_source=alu_source,
        alu_value=alu_value,
        alu_shift_bits=alu_shift_bits,
        mul_bypass=mul_bypass,
        mul_source=mul_source,
        mul_value=mul_value,
        mul_shift_bits=draws.shift_bits(product, draws.pick(PRODUCT_BITS), MUL_SHIFTS),
        prelu=draws.chance(0.5),
        relu=draws.chance(0.3),
    )
    return stage, operands if reads_alu or reads_mul else None


def _draw_operands(draws: Draws, cube: tuple[int, ...], memory_atom: int, reads_alu: bool, reads_mul: bool) -> Operands:
    channels, height, width = cube
    lanes = -(-channels // memory_atom) * memory_atom
    shape = (lanes, height, width) if draws.chance(0.5) else (lanes,)
    element_bytes = draws.pick((1, 2, 2))
    alu, mul = (
        draws.integers(min(operand_bits, 8 * element_bytes), shape).astype(np.int16) if reads else None
        for reads, operand_bits in ((reads_alu, ALU_OPERAND), (reads_mul, MUL_OPERAND))
    )
    return Operands(alu, mul, element_bytes)


def typical_size(values: NDArray[np.integer]) -> int:
    """What nine of ten values do not exceed in magnitude."""
    return int(np.percentile(np.abs(values.astype(np.int64)), 90))


def draw_output_converter(draws: Draws, data: NDArray[np.integer]) -> OutputConverter:
    """Draw the output converter for data of signed 32 bits; mostly so that bytes vary."""
    if draws.chance(0.06):
        return _converter_to_an_end(draws, data)
    low, high = signed_range(FEATURE)
    if low <= data.min() and data.max() <= high and draws.chance(0.5):
        return OutputConverter(int16=draws.chance(0.2))
    offset = draws.signed(OUT_OFFSET) if draws.chance(0.1) else int(np.median(data)) + draws.signed(FEATURE)
    offset = max(min(offset, signed_range(OUT_OFFSET)[1]), signed_range(OUT_OFFSET)[0])
    scale = draws.scale(OUT_SCALE)
    largest = typical_size(data.astype(np.int64) - offset) * abs(scale)
    return OutputConverter(
        offset=offset,
        scale=scale,
        shift_bits=min(draws.shift_bits(largest, FEATURE, OUT_SHIFTS), 63),
        int16=draws.chance(0.2),
    )


def _converter_to_an_end(draws: Draws, data: NDArray[np.integer]) -> OutputConverter:
    """A converter that brings an element to an end of what rounding gives, and its neighbours to either side of it."""
    end = draws.pick(signed_range(OUT_ROUNDED))
    low, high = signed_range(OUT_OFFSET)
    offset = int(data.flat[draws.between(0, data.size - 1)]) - end
    return OutputConverter(offset=max(min(offset, high), low), int16=draws.chance(0.5))


def operand_surface(
    draws: Draws, operands: Operands, shape: Shape, memory_atom: int, *, far: bool = False
) -> OperandSurface:
    """A surface for operands of a cube (C, H, W), its base still 0; gaps after lines and atoms of channels.

    ``far``: the gaps may take most of the addresses.
    """
    channels, height, width = shape
    unit = memory_atom * operands.element_bytes * (2 if operands.use is OperandUse.BOTH else 1)
    line = unit * width + memory_atom * draws.pick((0, 0, 1, 5))
    surface = line * height + memory_atom * draws.pick((0, 0, 1, 8))
    if far and draws.chance(0.6):
        surfaces = -(-channels // memory_atom)
        line, surface = far_strides(draws, memory_atom, unit * width, surfaces, height) or (line, surface)
    if not operands.per_element and draws.chance(0.5):  # then the strides do not count
        line, surface = draws.between(0, 0xFFFF), draws.between(0, 0xFFFF)
    return OperandSurface(
        base=0, width=width, height=height, channels=channels, line_stride=line, surface_stride=surface,
        memory_atom=memory_atom, element_bytes=2 if operands.element_bytes == 2 else 1, use=operands.use,
        per_element=operands.per_element,
    )  # fmt: skip


def place_operands(
    draws: Draws, places: Places, memory: Memory, shape: Shape, stages: dict[str, Operands], memory_atom: int
) -> tuple[dict[str, OperandSurface], list[Window]]:
    """Put the operands of X1 and X2, by stage, into memory; their surfaces and windows."""
    surfaces = {
        which: operand_surface(draws, operands, shape, memory_atom, far=places.far)
        for which, operands in stages.items()
    }
    placed = places.take({f"{which} operands": Bytes.of_runs(one.runs()) for which, one in surfaces.items()})
    for which, operands in stages.items():
        base = placed[f"{which} operands"].base
        surfaces[which] = surfaces[which].model_copy(update={"base": base})
        surfaces[which].write(memory, operands.alu, operands.mul)
    return surfaces, [window for place in placed.values() for window in place.windows]
