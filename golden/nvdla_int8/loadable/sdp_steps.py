"""X1 and X2 of an SDP operation with the operands themselves, not their addresses (loadables.md section 4)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.container import Task
from nvdla_int8.loadable.descriptors import DataCube, SdpActivation, SdpOperandMode, SdpOperandType, SdpSubOperation
from nvdla_int8.loadable.memory_contents import MemoryContents
from nvdla_int8.stages.fixedpoint import left_shift, sign_extend
from nvdla_int8.stages.sdp import AluAlgo, Source, XStage
from nvdla_int8.stages.widths import ACC_OUT, ALU_OPERAND, MUL_OPERAND, MUL_SHIFT
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface, OperandUse

ALGORITHMS = (AluAlgo.MAX, AluAlgo.MIN, AluAlgo.SUM, AluAlgo.SUM)
"""By ``alu_type``, of which the hardware has two bits; "equal" acts as a sum."""

USES = {
    SdpOperandType.MUL: OperandUse.MUL,
    SdpOperandType.ADD: OperandUse.ALU,
    SdpOperandType.BOTH: OperandUse.BOTH,
}


@dataclass(frozen=True, eq=False)
class SdpStep:
    """X1 or X2 of a layer, when it is on.

    Attributes
    ----------
    stage
        What it computes; ALU and multiplier are bypassed where the operation has none.
    alu, mul
        The operands, int32: (K,) per kernel from memory, (1,) a register; None where the ALU or multiplier is
        bypassed, or its operand differs from element to element.
    per_element
        The cube of the operand that differs from element to element, for the ALU, the multiplier or both; else None.
    element_bytes
        Bytes of an operand in memory.
    """

    stage: XStage
    alu: NDArray[np.int32] | None
    mul: NDArray[np.int32] | None
    per_element: DataCube | None
    element_bytes: int

    @property
    def alu_shift_bits(self) -> int:
        """Left shift of the ALU's operand."""
        return self.stage.alu_shift_bits

    @property
    def truncate_bits(self) -> int:
        """Right shift behind the multiplier, which works even if that is bypassed."""
        return self.stage.mul_shift_bits & ((1 << MUL_SHIFT) - 1)

    @property
    def relu(self) -> bool:
        """Negative results become 0."""
        return self.stage.relu

    @property
    def prelu(self) -> bool:
        """Only negative values are multiplied and shifted."""
        return self.stage.prelu

    @property
    def bias(self) -> NDArray[np.int64]:
        """What the ALU adds, (K,) or (1,), shifted as the hardware does: 0 when it adds no constant."""
        if self.alu is None or self.stage.alu_algo is not AluAlgo.SUM:
            return np.zeros(1, np.int64)
        return left_shift(self.alu.astype(np.int64), self.alu_shift_bits, ACC_OUT).value.astype(np.int64)

    @property
    def factor(self) -> NDArray[np.float64]:
        """The real factor of multiplier and shift, (K,) or (1,).

        1 where PReLU takes the factor for negative values only, and NaN where it differs from element to element.
        """
        if self.prelu and not self.stage.mul_bypass:
            return np.ones(1)
        return self.negative_factor

    @property
    def negative_factor(self) -> NDArray[np.float64]:
        """As :attr:`factor`, of negative values."""
        if self.stage.mul_bypass:
            mul = np.ones(1)
        else:
            mul = np.full(1, np.nan) if self.mul is None else self.mul.astype(np.float64)
        return mul / 2.0**self.truncate_bits


def decode_step(
    sub: SdpSubOperation, cube: DataCube, contents: MemoryContents, task: Task, kernels: int, memory_atom: int
) -> SdpStep | None:
    """X1 or X2 with the operands that the file puts in memory; None when it is off.

    Raises
    ------
    BenchError
        An operation that the hardware does not know, or operands that the file does not hold.
    """
    if not sub.enable:
        return None
    if sub.type not in (SdpOperandType.NONE, *USES):
        raise BenchError(f"its type is {sub.type}, known are 0 (none) to 3 (both)")
    if sub.mode not in SdpOperandMode.__members__.values():
        raise BenchError(f"its mode is {sub.mode}, known are 0 (per layer), 1 (per kernel) and 2 (per point)")
    memory = sub.reads_memory
    adds = sub.type in (SdpOperandType.ADD, SdpOperandType.BOTH)
    multiplies = sub.type in (SdpOperandType.MUL, SdpOperandType.BOTH)
    registers = (
        int(sign_extend(sub.alu_operand, ALU_OPERAND)),
        int(sign_extend(sub.mul_operand, MUL_OPERAND)),
    )
    stage = XStage(
        bypass=False,
        alu_bypass=not adds,
        alu_algo=ALGORITHMS[sub.alu_type & 3],
        alu_source=Source.MEM if memory else Source.REG,
        alu_value=0 if memory else registers[0],
        alu_shift_bits=sub.shift_value & 0x3F if adds else 0,
        mul_bypass=not multiplies,
        mul_source=Source.MEM if memory else Source.REG,
        mul_value=0 if memory else registers[1],
        mul_shift_bits=sub.truncate,
        prelu=sub.act == SdpActivation.PRELU,
        relu=sub.act == SdpActivation.RELU,
    )
    element_bytes = 2 if sub.precision else 1
    if memory and sub.mode == SdpOperandMode.PER_POINT:
        return SdpStep(stage, None, None, cube, element_bytes)
    alu = mul = None
    if memory:
        alu, mul = _per_kernel(sub, cube, contents, task, kernels, memory_atom)
    else:
        alu = np.array(registers[:1], np.int32) if adds else None
        mul = np.array(registers[1:], np.int32) if multiplies else None
    return SdpStep(stage, alu, mul, None, element_bytes)


def _per_kernel(
    sub: SdpSubOperation, cube: DataCube, contents: MemoryContents, task: Task, kernels: int, memory_atom: int
) -> tuple[NDArray[np.int32] | None, NDArray[np.int32] | None]:
    """The operands, int32 (K,): as many bytes as the kernels need, the rest of the last unit does not matter."""
    use = USES[SdpOperandType(sub.type)]
    surface = OperandSurface(
        base=0, width=1, height=1, channels=kernels, line_stride=0, surface_stride=0, memory_atom=memory_atom,
        element_bytes=2 if sub.precision else 1, use=use, per_element=False,
    )  # fmt: skip
    bytes_needed = kernels * surface.unit_bytes // memory_atom
    with located("its operands"):
        data = contents.data(task, cube.address, cube.offset, bytes_needed)
    scratch = Memory()
    scratch.write_bytes(0, data)
    alu, mul = surface.read(scratch)
    return (
        None if alu is None else alu[:kernels].astype(np.int32),
        None if mul is None else mul[:kernels].astype(np.int32),
    )
