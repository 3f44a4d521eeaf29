"""A loadable's tasks: the lists behind their address lists as descriptors (loadables.md sections 4 and 9)."""

from dataclasses import dataclass

from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.container import Blob, Task
from nvdla_int8.loadable.cpu_descriptors import (
    CpuBuffers,
    CpuNetworkDescriptor,
    CpuOperationType,
    CpuPower,
    CpuSoftmax,
)
from nvdla_int8.loadable.descriptors import (
    OPERATION_BYTES,
    SURFACE_BYTES,
    CdpOperation,
    ConvolutionOperation,
    ConvolutionSurface,
    DataCube,
    Dependency,
    Lut,
    NetworkDescriptor,
    OperationType,
    PdpOperation,
    PoolingSurface,
    SdpOperation,
    SdpSurface,
)
from nvdla_int8.loadable.memory_contents import MemoryContents
from nvdla_int8.loadable.structures import Layout

NEW_FROM = (0, 12)
"""The first version of descriptors with the new layout: major, minor."""

AnyOperation = ConvolutionOperation | SdpOperation | PdpOperation | CdpOperation
AnySurface = ConvolutionSurface | SdpSurface | PoolingSurface

KINDS: dict[OperationType, tuple[type[AnyOperation], type[AnySurface]]] = {
    OperationType.CONV: (ConvolutionOperation, ConvolutionSurface),
    OperationType.SDP: (SdpOperation, SdpSurface),
    OperationType.PDP: (PdpOperation, PoolingSurface),
    OperationType.CDP: (CdpOperation, PoolingSurface),
}
"""Operation and surface of each unit that is modelled; BDMA and RUBIK are only named."""


@dataclass(frozen=True)
class HardwareOperation:
    """One operation of a unit.

    Attributes
    ----------
    index
        Its place in the task's lists.
    type
        Its unit.
    dependency
        Whom it waits for and who waits for it.
    operation, surface
        What it does, and on which cubes; None of a unit that is not modelled.
    """

    index: int
    type: OperationType
    dependency: Dependency
    operation: AnyOperation | None
    surface: AnySurface | None

    @property
    def name(self) -> str:
        """Such as ``SDP 3``."""
        return f"{self.type.name} {self.index}"

    @property
    def destination(self) -> DataCube | None:
        """The cube that it writes."""
        return self.surface.dst_data if self.surface else None


@dataclass(frozen=True)
class HardwareTask:
    """A task of the hardware; ``layout`` is that of its descriptors, ``version`` what the file says of it."""

    task: Task
    network: NetworkDescriptor
    version: tuple[int, ...]
    layout: Layout
    operations: tuple[HardwareOperation, ...]
    luts: tuple[Lut, ...]

    @property
    def list_bytes(self) -> int:
        """Bytes of its lists."""
        each = Dependency.BYTES + OPERATION_BYTES + SURFACE_BYTES
        return len(self.operations) * each + len(self.luts) * Lut.BYTES


@dataclass(frozen=True)
class CpuOperation:
    """One operation of the CPU."""

    index: int
    operation: CpuPower | CpuSoftmax
    buffers: CpuBuffers


@dataclass(frozen=True)
class CpuTask:
    """A task of the CPU."""

    task: Task
    network: CpuNetworkDescriptor
    operations: tuple[CpuOperation, ...]

    @property
    def list_bytes(self) -> int:
        """Bytes of its lists, in the layout whose operations are shorter."""
        return len(self.operations) * (CpuPower.OLD_BYTES + CpuBuffers.BYTES)


AnyTask = HardwareTask | CpuTask


def descriptor_version(blobs: tuple[Blob, ...], interface: int) -> tuple[int, ...]:
    """The version of the descriptors for an interface; (0, 0, 0) when no blob says it.

    NVIDIA's single-block files give their descriptors no interface, only a sub-interface.
    """
    versions = [blob.version for blob in blobs if blob.interface == interface and any(blob.version)]
    versions += [blob.version for blob in blobs if not blob.interface and blob.sub_interface and any(blob.version)]
    return versions[0] if versions else (0, 0, 0)


def layout_of(version: tuple[int, ...]) -> Layout:
    """The layout that goes with a version; the new one when the file does not say."""
    return Layout.OLD if any(version) and version[:2] < NEW_FROM else Layout.NEW


def read_hardware_task(task: Task, contents: MemoryContents, version: tuple[int, ...], layout: Layout) -> HardwareTask:
    """Read a hardware task's lists in a layout; BenchError for what is not there."""

    def list_of(ali: int, what: str) -> bytes:
        with located(f"task {task.id}: {what}"):
            return contents.behind(task, ali)

    network = NetworkDescriptor.read(list_of(0, "network"), 0, layout)
    count = network.num_operations
    dependencies = list_of(network.dependency_graph_index, "dependency graph") if count else b""
    operations = list_of(network.operation_desc_index, "operation list") if count else b""
    surfaces = list_of(network.surface_desc_index, "surface list") if count else b""
    found = []
    for index in range(count):
        with located(f"task {task.id}: operation {index}"):
            dependency = Dependency.read(dependencies, index * Dependency.BYTES, layout)
            if dependency.op_type not in OperationType.__members__.values():
                raise BenchError(f"its type is {dependency.op_type}, known are 0 (BDMA) to 5 (RUBIK)")
            kind = OperationType(dependency.op_type)
            operation: AnyOperation | None = None
            surface: AnySurface | None = None
            if kind in KINDS:
                operation_kind, surface_kind = KINDS[kind]
                operation = operation_kind.read(operations, index * OPERATION_BYTES, layout)
                surface = surface_kind.read(surfaces, index * SURFACE_BYTES, layout)
            found.append(HardwareOperation(index, kind, dependency, operation, surface))
    luts: list[Lut] = []
    if network.num_luts:
        data = list_of(network.lut_data_index, "LUT list")
        with located(f"task {task.id}: LUT list"):
            luts = [Lut.read(data, index * Lut.BYTES, layout) for index in range(network.num_luts)]
    return HardwareTask(task, network, version, layout, tuple(found), tuple(luts))


def _cpu_layout(list_bytes: int, count: int) -> Layout:
    """The layout of a list of CPU operations: its size tells, and its version is 0.0.1 in either."""
    return Layout.OLD if list_bytes == count * CpuPower.OLD_BYTES else Layout.NEW


def read_cpu_task(task: Task, contents: MemoryContents) -> CpuTask:
    """Read a CPU task's lists; BenchError for what is not there, or an operation that the runtime does not know."""
    with located(f"task {task.id}"):
        network = CpuNetworkDescriptor.read(contents.behind(task, 0), 0, Layout.NEW)
        if not network.num_operations:
            raise BenchError("it has no operations")
        operations = contents.behind(task, network.operation_desc_index)
        layout = _cpu_layout(len(operations), network.num_operations)
        buffers = contents.behind(task, network.operation_buffer_desc_index)
        found = []
        for index in range(network.num_operations):
            with located(f"operation {index}"):
                kind: type[CpuPower | CpuSoftmax]
                base = index * CpuPower.bytes_in(layout)
                match operations[base] if base < len(operations) else None:
                    case CpuOperationType.POWER:
                        kind = CpuPower
                    case CpuOperationType.SOFTMAX:
                        kind = CpuSoftmax
                    case other:
                        raise BenchError(f"its type is {other}, known are 0 (power) and 1 (softmax)")
                pair = CpuBuffers.read(buffers, index * CpuBuffers.BYTES, layout)
                found.append(CpuOperation(index, kind.read(operations, base, layout), pair))
        return CpuTask(task, network, tuple(found))
