"""What runs between tensors in memory: a layer, or one with the pooling behind it, as passes with their registers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nvdla_int8.build import Build
from nvdla_int8.compiler.convolution_registers import PlacedConvolution, pass_registers
from nvdla_int8.compiler.lrn_registers import BLOCKS as LRN_BLOCKS
from nvdla_int8.compiler.lrn_registers import COUNTERS as LRN_COUNTERS
from nvdla_int8.compiler.lrn_registers import lrn_registers, table_writes
from nvdla_int8.compiler.passes import Pass
from nvdla_int8.compiler.placement import Placer, as_addend, dense_feature
from nvdla_int8.compiler.pooling_registers import FROM_MEMORY, choose_split, pooling_registers
from nvdla_int8.compiler.sdp_registers import sdp_registers
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.converters import encode_sdp
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling_program import PoolingProgram, PoolingRegion
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.operands import OperandSurface
from nvdla_int8.surfaces.pixels import PixelSurface

CONVOLUTION_BLOCKS = ("SDP", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA")
SDP_COUNTERS = ("SDP.D_PERF_OUT_SATURATION",)

TensorSurface = FeatureSurface | PixelSurface
"""Where a tensor lies; pixels only as the network's input."""


@dataclass(frozen=True)
class PassPlan:
    """One pass before it has its groups: register values, the blocks that take part, those that end it, counters."""

    values: Mapping[str, int]
    blocks: tuple[str, ...]
    ends: tuple[str, ...]
    counters: tuple[str, ...]
    at_once: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Step(ABC):
    """One or two layers between tensors.

    Attributes
    ----------
    name
        The layer's; two with a plus between them when PDP takes what SDP gives.
    inputs, output
        The tensors that are read, an addend second, and the one that is written.
    """

    name: str
    inputs: tuple[str, ...]
    output: str

    @abstractmethod
    def plan(self, inputs: Sequence[TensorSurface], output: FeatureSurface, placer: Placer) -> list[PassPlan]:
        """Place what the step needs beside its tensors, and give its passes."""


@dataclass(frozen=True)
class PoolingStep(Step):
    """Pooling from memory."""

    program: PoolingProgram

    def plan(self, inputs: Sequence[TensorSurface], output: FeatureSurface, placer: Placer) -> list[PassPlan]:
        """One pass for each region."""
        source = _features(inputs[0])
        return [
            PassPlan(pooling_registers(region, source, output, choose_split(region)), FROM_MEMORY, ("PDP",), ())
            for region in self.program.regions(source.height, source.width)
        ]


@dataclass(frozen=True)
class LrnStep(Step):
    """LRN."""

    program: LrnProgram

    def plan(self, inputs: Sequence[TensorSurface], output: FeatureSurface, placer: Placer) -> list[PassPlan]:
        """One pass, which loads its tables."""
        values = lrn_registers(self.program.lrn, _features(inputs[0]), output)
        return [PassPlan(values, LRN_BLOCKS, ("CDP",), LRN_COUNTERS, table_writes(self.program.lrn))]


@dataclass(frozen=True)
class SdpStep(Step):
    """SDP from memory; with ``pooling`` PDP takes what it gives."""

    program: SdpProgram
    build: Build
    pooling: PoolingRegion | None = None

    def plan(self, inputs: Sequence[TensorSurface], output: FeatureSurface, placer: Placer) -> list[PassPlan]:
        """One pass."""
        source, *addend = map(_features, inputs)
        destination = _before_pooling(source.channels, self.pooling, output, self.build)
        shape = destination.channels, destination.height, destination.width
        whole = range(destination.channels), range(destination.height), destination.width
        operands = placer.place_operands(self.program, shape) | _addend(addend, destination)
        values = encode_sdp(self.program) | sdp_registers(
            destination, source.part(*whole), operands, to_pooling=self.pooling is not None
        )
        plan = PassPlan(values, ("SDP_RDMA", "SDP"), ("SDP",), SDP_COUNTERS)
        return [_with_pooling(plan, self.pooling, output)]


@dataclass(frozen=True)
class ConvolutionStep(Step):
    """A convolution in passes; with ``pooling`` in one, and PDP takes what it gives.

    ``program`` has an image's kernels as :func:`with_image_kernels` makes them.
    """

    program: LayerProgram
    build: Build
    parts: tuple[Pass, ...]
    pooling: PoolingRegion | None = None

    def plan(self, inputs: Sequence[TensorSurface], output: FeatureSurface, placer: Placer) -> list[PassPlan]:
        """The passes in order."""
        source, *others = inputs
        source = source if self.program.input_converter.pixel else _features(source)
        destination = _before_pooling(len(self.program.weights), self.pooling, output, self.build)
        shape = destination.channels, destination.height, destination.width
        operands = placer.place_operands(self.program, shape) | _addend(list(map(_features, others)), destination)
        weights_base = placer.place_weights(self.program)
        placed = PlacedConvolution(
            self.program, self.build, source, destination, operands, weights_base,
            to_pooling=self.pooling is not None,
        )  # fmt: skip
        blocks = (*(("SDP_RDMA",) if operands else ()), *CONVOLUTION_BLOCKS)
        plans = [PassPlan(pass_registers(placed, part), blocks, ("SDP",), SDP_COUNTERS) for part in self.parts]
        return [_with_pooling(plan, self.pooling, output) for plan in plans]


def _features(surface: TensorSurface) -> FeatureSurface:
    if isinstance(surface, PixelSurface):
        raise BenchError("its input is an image, it takes an int8 feature map")
    return surface


def _addend(tensors: Sequence[FeatureSurface], output: FeatureSurface) -> dict[str, OperandSurface]:
    """What X2 reads of the addend, if there is one, for this output."""
    if not tensors:
        return {}
    [tensor] = tensors
    return {"x2": as_addend(tensor).part(range(output.channels), range(output.height), output.width)}


def _before_pooling(
    channels: int, pooling: PoolingRegion | None, output: FeatureSurface, build: Build
) -> FeatureSurface:
    """SDP's output: the step's, or what the pooling uses of it, which lies nowhere."""
    if pooling is None:
        return output
    return dense_feature((channels, pooling.rows.size, pooling.columns.size), build, output.base)


def _with_pooling(plan: PassPlan, pooling: PoolingRegion | None, output: FeatureSurface) -> PassPlan:
    if pooling is None:
        return plan
    values = {**plan.values, **pooling_registers(pooling, None, output, None)}
    return replace(plan, values=values, blocks=(*plan.blocks, "PDP"), ends=("SDP", "PDP"))
