"""Operations that run together, handing their tensor on without memory: CONV, SDP, PDP (loadables.md section 5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.descriptors import (
    ConvolutionOperation,
    ConvolutionSurface,
    DataCube,
    OperationType,
    PdpOperation,
    PoolingSurface,
    SdpOperation,
    SdpSurface,
)
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask
from nvdla_int8.loadable.weight_stream import FEATURE_FORMAT


@dataclass(frozen=True)
class Chain:
    """Operations of one task of which only the last writes memory.

    Attributes
    ----------
    task
        Their task.
    convolution, sdp, pooling, lrn
        The operation of each unit, None of a unit that takes no part.
    """

    task: HardwareTask
    convolution: HardwareOperation | None = None
    sdp: HardwareOperation | None = None
    pooling: HardwareOperation | None = None
    lrn: HardwareOperation | None = None

    @property
    def operations(self) -> tuple[HardwareOperation, ...]:
        """In the data's order."""
        chain = (self.convolution, self.sdp, self.pooling, self.lrn)
        return tuple(operation for operation in chain if operation)

    @property
    def indices(self) -> tuple[int, ...]:
        """Of its operations."""
        return tuple(operation.index for operation in self.operations)

    @property
    def name(self) -> str:
        """Such as ``CONV 0 + SDP 1``."""
        return " + ".join(operation.name for operation in self.operations)

    @property
    def writer(self) -> HardwareOperation:
        """The operation that writes the tensor."""
        return self.operations[-1]

    @property
    def source(self) -> DataCube:
        """The cube that the first operation reads."""
        surface = self.operations[0].surface
        assert surface is not None
        return surface.src_data

    @property
    def destination(self) -> DataCube:
        """The cube that the last operation writes."""
        surface = self.writer.surface
        assert surface is not None
        return surface.dst_data

    @property
    def convolution_parts(self) -> tuple[ConvolutionOperation, ConvolutionSurface] | None:
        """The convolution's operation and cubes."""
        if self.convolution is None:
            return None
        operation, surface = self.convolution.operation, self.convolution.surface
        assert isinstance(operation, ConvolutionOperation)
        assert isinstance(surface, ConvolutionSurface)
        return operation, surface

    @property
    def sdp_parts(self) -> tuple[SdpOperation, SdpSurface] | None:
        """SDP's operation and cubes."""
        if self.sdp is None:
            return None
        operation, surface = self.sdp.operation, self.sdp.surface
        assert isinstance(operation, SdpOperation)
        assert isinstance(surface, SdpSurface)
        return operation, surface


def chains(task: HardwareTask) -> Iterator[Chain]:
    """A task's chains in the order of the operations that write; units without a model (BDMA, RUBIK) have none.

    Raises
    ------
    BenchError
        A convolution whose sums no SDP takes, or a flying source that nobody hands on.
    """
    found = []
    taken: set[int] = set()
    for operation in task.operations:
        if operation.surface is None or operation.index in taken:
            continue
        with located(_place(task, operation)):
            chain = _chain_from(task, operation)
        if chain is not None:
            found.append(chain)
            taken |= set(chain.indices)
    for operation in task.operations:
        if operation.surface is not None and operation.index not in taken:
            raise BenchError(f"{_place(task, operation)}: its source is another unit, but none hands it on")
    yield from sorted(found, key=lambda chain: chain.writer.index)


def check_shapes(chain: Chain) -> None:
    """Refuse a chain whose operations do not hand on what the next one takes, whole tensors in any case.

    Raises
    ------
    BenchError
        Two shapes that differ.
    """
    if chain.convolution_parts is not None:
        operation, surface = chain.convolution_parts
        if operation.data_format == FEATURE_FORMAT:
            channels = surface.src_data.channel, operation.input_channel_csc, operation.kernel_channel_csc
            if len(set(channels)) > 1:
                words = "src_data has {} channels, input_channel_csc is {}, kernel_channel_csc {}"
                raise BenchError(words.format(*channels))
    for before, behind in pairwise(chain.operations):
        assert before.surface is not None
        assert behind.surface is not None
        _check_same(before.name, before.surface.dst_data, behind.name, behind.surface.src_data)
    if chain.sdp_parts is not None:
        cubes = chain.sdp_parts[1]
        _check_same("its source", cubes.src_data, "its destination", cubes.dst_data)
    last = chain.writer.surface
    if last is not None and last.src_data.channel != last.dst_data.channel:
        raise BenchError(
            f"{chain.writer.name} takes {last.src_data.channel} channels and writes {last.dst_data.channel}"
        )


def _check_same(before_name: str, before: DataCube, behind_name: str, behind: DataCube) -> None:
    shapes = [(cube.channel, cube.height, cube.width) for cube in (before, behind)]
    if shapes[0] != shapes[1]:
        first, second = (" x ".join(map(str, shape)) for shape in shapes)
        raise BenchError(f"{before_name} has {first} channels, lines and pixels, {behind_name} {second}")


def _place(task: HardwareTask, operation: HardwareOperation) -> str:
    return f"task {task.task.id}: {operation.name}"


def _chain_from(task: HardwareTask, first: HardwareOperation) -> Chain | None:
    """The chain that begins with an operation; None if it takes its source from another."""
    surface = first.surface
    if first.type == OperationType.CONV:
        sdp = _fused(task, first, OperationType.SDP)
        if sdp is None:
            raise BenchError("no SDP takes its sums")
        return Chain(task, first, sdp, _pooling_behind(task, sdp))
    if isinstance(surface, (SdpSurface, PoolingSurface)) and surface.src_data.flying:
        return None
    if first.type == OperationType.SDP:
        return Chain(task, None, first, _pooling_behind(task, first))
    return Chain(task, pooling=first) if isinstance(first.operation, PdpOperation) else Chain(task, lrn=first)


def _pooling_behind(task: HardwareTask, sdp: HardwareOperation) -> HardwareOperation | None:
    if sdp.destination is None or not sdp.destination.flying:
        return None
    pooling = _fused(task, sdp, OperationType.PDP)
    if pooling is None:
        raise BenchError("no PDP takes what it hands on")
    return pooling


def _fused(task: HardwareTask, parent: HardwareOperation, unit: OperationType) -> HardwareOperation | None:
    """The consumer of a unit whose fused parent the operation is."""
    index = parent.dependency.consumers[unit].index
    if not 0 <= index < len(task.operations):
        return None
    child = task.operations[index]
    surface = child.surface
    fits = child.type == unit and surface is not None and surface.src_data.flying
    return child if fits and child.dependency.fused_parent.index == parent.index else None
