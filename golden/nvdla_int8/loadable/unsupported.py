"""What a loadable asks for that this project does not run, by name (loadables.md sections 1, 4 and 13).

Reading says nothing of it, so that such files can be explained.
"""

from collections.abc import Iterator

from nvdla_int8.build import NV_SMALL
from nvdla_int8.errors import BenchErrors
from nvdla_int8.loadable.container import MemoryDomain
from nvdla_int8.loadable.descriptors import (
    CdpOperation,
    ConvolutionOperation,
    CubeType,
    OperationType,
    PdpOperation,
    SdpActivation,
    SdpOperandType,
    SdpOperation,
)
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.tasks import CpuTask, HardwareOperation, HardwareTask
from nvdla_int8.loadable.used_cubes import used_cubes
from nvdla_int8.loadable.weight_stream import FEATURE_FORMAT
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS

PRECISIONS = {0: "INT8", 1: "INT16", 2: "FP16"}

DATA_TYPES = {1: "float", 2: "FP16", 3: "INT16", 4: "INT8"}
"""``data_type`` of a tensor."""

INT8_TYPE = 4

CPU_FORMATS = {0: "INT8 in atoms of 32", 1: "INT8 in atoms of 8", 2: "INT16", 3: "FP16"}
"""``format`` of a CPU task's buffer."""


def unsupported(loadable: Loadable) -> tuple[str, ...]:
    """Everything that is not run: a line each, with task, operation and value; empty when all of it is."""
    return tuple(dict.fromkeys(_unsupported(loadable)))


def check_supported(loadable: Loadable) -> None:
    """Refuse a loadable that is not run.

    Raises
    ------
    BenchErrors
        Everything that is not run, a line each, which begins with the file.
    """
    lines = unsupported(loadable)
    if lines:
        raise BenchErrors(f"{loadable.path}: {line}" for line in lines)


def _unsupported(loadable: Loadable) -> Iterator[str]:
    build = loadable.build
    if build.names and NV_SMALL.name not in build.names:
        yield (
            f"is compiled for {' or '.join(build.names)}, only {NV_SMALL.name} is run: {build.evidence}; "
            f"--configtarget {NV_SMALL.name} compiles for it"
        )
    for bound in (*loadable.inputs, *loadable.outputs):
        tensor = bound.tensor
        if tensor.data_type != INT8_TYPE:
            yield f"tensor {tensor.name!r}: data_type {_named(tensor.data_type, DATA_TYPES)}, only INT8 is run"
    for memory in loadable.container.memories:
        if memory.domain != MemoryDomain.SYSTEM:
            yield f"memory {memory.id}: domain {memory.domain} (SRAM), {NV_SMALL.name} has DRAM only"
    for task in loadable.tasks:
        place = f"task {task.task.id}"
        if isinstance(task, CpuTask):
            yield from (f"{place}: {words}" for words in _of_cpu(task))
        else:
            yield from (f"{place}: {words}" for words in _of_task(task))


def _of_cpu(task: CpuTask) -> Iterator[str]:
    for operation in task.operations:
        for name, buffer in (("source", operation.buffers.src_data), ("destination", operation.buffers.dst_data)):
            if buffer.format not in (0, 1):
                words = _named(buffer.format, CPU_FORMATS)
                yield f"operation {operation.index}: its {name} has format {words}, only INT8 is run"


def _of_task(task: HardwareTask) -> Iterator[str]:
    if task.network.dynamic_roi or task.network.num_rois > 1:
        yield f"{task.network.num_rois} regions of interest, dynamic {task.network.dynamic_roi}: only one is run"
    for operation in task.operations:
        yield from (f"{operation.name}: {words}" for words in _of_operation(operation))


def _of_operation(operation: HardwareOperation) -> Iterator[str]:
    if operation.type in (OperationType.BDMA, OperationType.RUBIK):
        yield f"{NV_SMALL.name} has no {operation.type.name}"
    for used in used_cubes(operation):
        if used.cube.type == CubeType.SRAM:
            yield f"{used.name} lies in SRAM, {NV_SMALL.name} has DRAM only"
    match operation.operation:
        case ConvolutionOperation() as convolution:
            yield from _of_convolution(convolution)
        case SdpOperation() as sdp:
            yield from _of_sdp(sdp)
        case PdpOperation() as pdp:
            yield from _precisions(precision=pdp.precision)
        case CdpOperation() as cdp:
            yield from _precisions(in_precision=cdp.in_precision, out_precision=cdp.out_precision)


def _of_convolution(operation: ConvolutionOperation) -> Iterator[str]:
    yield from _precisions(in_precision=operation.in_precision, out_precision=operation.out_precision)
    yield from _conv_mode(operation.conv_mode)
    yield from _batch("batch", operation.batch)
    if operation.weight_format:
        yield f"weight_format {operation.weight_format} (compressed weights), {NV_SMALL.name} reads dense ones only"
    if operation.data_format != FEATURE_FORMAT and operation.data_format not in PIXEL_FORMATS:
        yield f"data_format {operation.data_format}: a pixel format that is not of 8 bits a channel"
    if operation.out_cvt.scale != 1 or operation.out_cvt.offset:
        scale, offset = operation.out_cvt.scale, operation.out_cvt.offset
        yield f"out_cvt has scale {scale} and offset {offset}, the driver takes 1 and 0 only"


def _of_sdp(operation: SdpOperation) -> Iterator[str]:
    yield from _precisions(src_precision=operation.src_precision, dst_precision=operation.dst_precision)
    yield from _conv_mode(operation.conv_mode)
    yield from _batch("batch_num", operation.batch_num)
    y = operation.y_op
    if y.enable and (y.type != SdpOperandType.NONE or y.act != SdpActivation.NONE):
        yield f"y_op computes (type {y.type}, act {y.act}), {NV_SMALL.name} has no Y unit"
    if operation.lut_index >= 0:
        yield f"lut_index {operation.lut_index}: {NV_SMALL.name}'s SDP has no look-up table"


def _precisions(**fields: int) -> Iterator[str]:
    for name, value in fields.items():
        if value:
            yield f"{name} {_named(value, PRECISIONS)}, only INT8 is run"


def _conv_mode(value: int) -> Iterator[str]:
    if value:
        yield f"conv_mode {_named(value, {1: 'Winograd'})}, only direct convolution is run"


def _batch(name: str, value: int) -> Iterator[str]:
    if value > 1:
        yield f"{name} {value}: a descriptor of several images, the compiler writes one for each"


def _named(value: int, names: dict[int, str]) -> str:
    return f"{value} ({names[value]})" if value in names else str(value)
