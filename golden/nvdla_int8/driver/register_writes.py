"""The register program of any operation (loadables.md section 6)."""

from nvdla_int8.driver.convolution_writes import write_convolution
from nvdla_int8.driver.lrn_writes import write_lrn
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.driver.operation_writes import OperationWrites, Write
from nvdla_int8.driver.pooling_writes import write_pooling
from nvdla_int8.driver.sdp_writes import sdp_needs_rdma, write_sdp
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import (
    CdpOperation,
    ConvolutionOperation,
    ConvolutionSurface,
    Lut,
    PdpOperation,
    PoolingSurface,
    SdpOperation,
    SdpSurface,
)
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask


def register_writes(task: HardwareTask, operation: HardwareOperation, memory_map: MemoryMap) -> tuple[Write, ...]:
    """What the driver writes into an operation's register group, in its order; no S_POINTER, no D_OP_ENABLE.

    Raises
    ------
    BenchError
        One line with operation and value: what the driver refuses or its registers do not hold.
    """
    to = OperationWrites(task, operation, memory_map)
    with to.located():
        match operation.operation, operation.surface:
            case ConvolutionOperation() as convolution, ConvolutionSurface() as surface:
                write_convolution(to, convolution, surface)
            case SdpOperation() as sdp, SdpSurface() as surface:
                write_sdp(to, sdp, surface, _lut(task, sdp.lut_index))
            case PdpOperation() as pooling, PoolingSurface() as surface:
                write_pooling(to, pooling, surface)
            case CdpOperation() as lrn, PoolingSurface() as surface:
                write_lrn(to, lrn, surface, _lut(task, lrn.lut_index))
            case _:
                raise BenchError(f"nv_small has no {operation.type.name}")
    return tuple(to.writes)


def lut_index(operation: HardwareOperation) -> int | None:
    """Which of the task's tables an operation takes; None for none."""
    index = operation.operation.lut_index if isinstance(operation.operation, SdpOperation | CdpOperation) else -1
    return index if index >= 0 else None


def needs_rdma(operation: HardwareOperation) -> bool:
    """Whether the operation takes a group of its processor's RDMA."""
    match operation.operation, operation.surface:
        case SdpOperation() as sdp, SdpSurface() as surface:
            return sdp_needs_rdma(sdp, surface)
        case PdpOperation(), PoolingSurface() as surface:
            return not surface.src_data.flying
        case CdpOperation(), _:
            return True
    return False


def _lut(task: HardwareTask, index: int) -> Lut | None:
    if index < 0:
        return None
    if index >= len(task.luts):
        raise BenchError(f"lut_index = {index}, the task has {len(task.luts)} LUTs")
    return task.luts[index]
