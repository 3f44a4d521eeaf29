"""The descriptors of CPU tasks, which the runtime carries out itself (loadables.md section 9)."""

from dataclasses import dataclass
from enum import IntEnum

from nvdla_int8.loadable.structures import Structure, at


class CpuOperationType(IntEnum):
    """What the CPU does."""

    POWER = 0
    SOFTMAX = 1


@dataclass(frozen=True)
class CpuNetworkDescriptor(Structure):
    """A CPU task's network; its lists by ALI."""

    BYTES = 256

    operation_desc_index: int = at(0, "h")
    operation_buffer_desc_index: int = at(2, "h")
    num_operations: int = at(4, "H")


@dataclass(frozen=True)
class CpuPower(Structure):
    """(shift + scale * x) ** power."""

    BYTES = 24
    OLD_BYTES = 16

    op_type: int = at(0, "B")
    input_scale: float = at(4, "f", old=None)
    output_scale: float = at(8, "f", old=None)
    power: float = at(12, "f", old=4)
    scale: float = at(16, "f", old=8)
    shift: float = at(20, "f", old=12)


@dataclass(frozen=True)
class CpuSoftmax(Structure):
    """Softmax over the channels."""

    BYTES = 24
    OLD_BYTES = 16

    op_type: int = at(0, "B")
    input_scale: float = at(4, "f", old=None)
    output_scale: float = at(8, "f", old=None)
    axis: int = at(12, "B", old=4)


@dataclass(frozen=True)
class CpuBuffer(Structure):
    """A tensor of a CPU operation; ``format`` 0 int8 in atoms of 32, 1 int8 in atoms of 8, 2 int16, 3 fp16."""

    BYTES = 256

    address: int = at(0, "h")
    offset: int = at(2, "I", old=None)
    size: int = at(6, "I", old=2)
    format: int = at(10, "H", old=6)
    width: int = at(12, "H", old=8)
    height: int = at(14, "H", old=10)
    channel: int = at(16, "H", old=12)
    line_stride: int = at(18, "I", old=14)
    surf_stride: int = at(22, "I", old=18)


@dataclass(frozen=True)
class CpuBuffers(Structure):
    """Source and destination of a CPU operation."""

    BYTES = 512

    src_data: CpuBuffer = at(0, CpuBuffer)
    dst_data: CpuBuffer = at(256, CpuBuffer)
