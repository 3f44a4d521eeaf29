"""What the runtime itself carries out on the CPU: softmax and power (loadables.md section 9).

The arithmetic is the runtime's, in float32 with the conversions to half that it makes; exponentials and powers are
those of a C library that rounds right.
"""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.dumps.formats import DumpFormat
from nvdla_int8.dumps.layout import DumpLayout
from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.cpu_descriptors import CpuBuffer, CpuPower, CpuSoftmax
from nvdla_int8.loadable.tasks import CpuOperation, CpuTask
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.surfaces.layout import check_bytes
from nvdla_int8.surfaces.memory import Memory

FORMATS = {0: DumpFormat.CXHWX_X32_INT8, 1: DumpFormat.CXHWX_X8_INT8}
"""The int8 formats of a CPU operation's buffers, as the runtime's other formats number them."""

Reals = NDArray[np.float32]


def run_cpu_task(task: CpuTask, memory_map: MemoryMap, memory: Memory) -> None:
    """Carry out a task's operations on memory.

    Raises
    ------
    BenchError
        A format that is not int8, two that differ, sizes that do not fit, a power that is not a number.
    """
    for one in task.operations:
        with located(f"task {task.task.id}: operation {one.index}"):
            _check(one)
            source, target = one.buffers.src_data, one.buffers.dst_data
            read_from = memory_map.address(task.task, source.address, source.offset)
            write_to = memory_map.address(task.task, target.address, target.offset)
            if isinstance(one.operation, CpuSoftmax):
                data = np.frombuffer(memory.read_bytes(read_from, source.channel), np.int8)
                memory.write_bytes(write_to, softmax(data, one.operation)[: target.channel].tobytes())
            else:
                data = memory.read(read_from + _places(source, source), 1).view(np.int8)
                memory.write(write_to + _places(target, source), power(data, one.operation).view(np.uint8))


def softmax(data: NDArray[np.int8], operation: CpuSoftmax) -> NDArray[np.int8]:
    """Softmax of bytes.

    Parameters
    ----------
    data
        int8 (channels,).
    operation
        The scales of input and output.
    """
    with np.errstate(all="ignore"):  # what is not a number is refused
        real = (data.astype(np.float32) * np.float32(operation.input_scale)).astype(np.float16).astype(np.float32)
        exponentials = np.exp((real - real.max()).astype(np.float64)).astype(np.float32)
        total = np.cumsum(exponentials, dtype=np.float32)[-1]  # one after the other, as the runtime adds them
        shares = (exponentials / total).astype(np.float16).astype(np.float32)
    return _as_int8(shares, operation.output_scale)


def power(data: NDArray[np.int8], operation: CpuPower) -> NDArray[np.int8]:
    """(shift + scale * x) ** power of each byte, any shape; BenchError where that is not a number."""
    real = data.astype(np.float32) * np.float32(operation.input_scale)
    with np.errstate(all="ignore"):
        base = np.float32(operation.shift) + np.float32(operation.scale) * real
        raised = np.power(base.astype(np.float64), float(operation.power)).astype(np.float32)
    return _as_int8(raised, operation.output_scale)


def _as_int8(real: Reals, scale: float) -> NDArray[np.int8]:
    """Reals in steps of a scale: saturated, then cut off towards zero as C does."""
    with np.errstate(all="ignore"):
        steps = real / np.float32(scale)
    if not scale or np.isnan(steps).any():
        raise BenchError(f"its result in steps of {scale:.6g} is not a number, and what the runtime writes chance")
    saturated: Reals = np.clip(steps, Q_MIN, Q_MAX)
    return saturated.astype(np.int8)


def _places(buffer: CpuBuffer, size: CpuBuffer) -> NDArray[np.int64]:
    """Where elements lie in a buffer, as many as ``size`` has, (C, H, W)."""
    shape = size.channel, size.height, size.width
    return DumpLayout(FORMATS[buffer.format], shape, buffer.line_stride, buffer.surf_stride, buffer.size).fetched()


def _check(one: CpuOperation) -> None:
    source, target = one.buffers.src_data, one.buffers.dst_data
    if source.format != target.format:
        raise BenchError(f"formats {source.format} of its source and {target.format} of its destination differ")
    if source.format not in FORMATS:
        known = ", ".join(f"{number} {one.name}" for number, one in FORMATS.items())
        raise BenchError(f"its format is {source.format}, int8 are {known}")
    elements = source.channel * source.height * source.width
    if not elements or target.channel > source.channel:
        raise BenchError(
            f"its source has {source.channel} x {source.height} x {source.width} elements, "
            f"its destination {target.channel} channels"
        )
    check_bytes(elements)
