"""One SDP pass as the registers of SDP and SDP_RDMA describe it (hardware.md sections 2 and 3)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import UNCHANGED, Point, Points, Sites, XOperands
from nvdla_int8.registers.converters import X_PREFIXES, decode_output_converter, decode_x_stage
from nvdla_int8.stages.saturation import count_flags, sdp_flags
from nvdla_int8.stages.sdp import OutputConverter, XResult, XStage
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface, OperandUse

RDMA_NAMES = {"x1": ("BRDMA", "BS"), "x2": ("NRDMA", "BN")}
"""What SDP_RDMA calls the operand streams of X1 and X2: in configuration and in address registers."""

X_POINTS = {"x1": (Point.X1_OPERANDS, Point.X1), "x2": (Point.X2_OPERANDS, Point.X2)}
"""The points at which the operands and the stage itself stand."""

DATA_USES = (OperandUse.MUL, OperandUse.ALU, OperandUse.BOTH, OperandUse.BOTH)
"""What a stream holds, by the value of its DATA_USE field."""


@dataclass(frozen=True)
class SdpResult:
    """Stages of one pass; (K', Ho, Wo), K' the channels rounded up to whole atoms.

    ``saturations`` counts elements of real channels, named as in ``LayerStages``;
    ``hardware_saturation`` is the count of D_PERF_OUT_SATURATION, lanes beyond the last channel
    included.
    """

    source: NDArray[np.int32]
    x1: NDArray[np.int32]
    x2: NDArray[np.int32]
    output: NDArray[np.int8]
    saturations: dict[str, int]
    hardware_saturation: int


class SdpLayer:
    """An SDP pass decoded from registers."""

    def __init__(self, registers: LayerRegisters, build: Build) -> None:
        self._registers = registers
        self._build = build
        self.flying = registers.field("SDP.D_FEATURE_MODE_CFG.FLYING_MODE") == 1
        self.feeds_pooling = registers.field("SDP.D_FEATURE_MODE_CFG.OUTPUT_DST") == 1
        self.width = registers.size("SDP.D_DATA_CUBE_WIDTH.WIDTH")
        self.height = registers.size("SDP.D_DATA_CUBE_HEIGHT.HEIGHT")
        self.channels = registers.size("SDP.D_DATA_CUBE_CHANNEL.CHANNEL")
        self.counts_saturation = registers.field("SDP.D_PERF_ENABLE.PERF_SAT_EN") == 1
        self._surfaces: dict[str, FeatureSurface] = {}
        self._operands: dict[str, OperandSurface] = {}

    @cached_property
    def stages(self) -> dict[str, XStage]:
        """X1 and X2, decoded when they are asked for: mostly it is sizes and flags that are."""
        return {which: decode_x_stage(which, self._registers.values) for which in X_PREFIXES}

    @cached_property
    def output_converter(self) -> OutputConverter:
        """The output converter."""
        return decode_output_converter(self._registers.values)

    @property
    def lanes(self) -> int:
        """Channels rounded up to whole memory atoms."""
        atom = self._build.memory_atom
        return -(-self.channels // atom) * atom

    @property
    def reads_memory(self) -> bool:
        """The pass needs SDP_RDMA: for its data or for an operand."""
        return not self.flying or any(stage.reads_alu or stage.reads_mul for stage in self.stages.values())

    def source_surface(self) -> FeatureSurface:
        """Where a pass that is not flying reads its data."""
        return self._surface("SDP_RDMA.D_SRC")

    def destination_surface(self) -> FeatureSurface:
        """Where the output goes, unless PDP takes it."""
        return self._surface("SDP.D_DST")

    def _surface(self, registers: str) -> FeatureSurface:
        if registers not in self._surfaces:
            self._surfaces[registers] = self._decode_surface(registers)
        return self._surfaces[registers]

    def _decode_surface(self, registers: str) -> FeatureSurface:
        return FeatureSurface(
            base=self._registers.address(f"{registers}_BASE_ADDR_{{}}"),
            width=self.width,
            height=self.height,
            channels=self.channels,
            line_stride=self._registers.word(f"{registers}_LINE_STRIDE"),
            surface_stride=self._registers.word(f"{registers}_SURFACE_STRIDE"),
            memory_atom=self._build.memory_atom,
            packs_one_pixel=True,
        )

    def operand_surface(self, which: str) -> OperandSurface:
        """Where ``x1`` or ``x2`` reads its operands."""
        if which not in self._operands:
            self._operands[which] = self._decode_operand_surface(which)
        return self._operands[which]

    def _decode_operand_surface(self, which: str) -> OperandSurface:
        dma, prefix = RDMA_NAMES[which]
        config = f"SDP_RDMA.D_{dma}_CFG.{dma}_"
        return OperandSurface(
            base=self._registers.address(f"SDP_RDMA.D_{prefix}_BASE_ADDR_{{}}"),
            width=self.width,
            height=self.height,
            channels=self.channels,
            line_stride=self._registers.word(f"SDP_RDMA.D_{prefix}_LINE_STRIDE"),
            surface_stride=self._registers.word(f"SDP_RDMA.D_{prefix}_SURFACE_STRIDE"),
            element_bytes=2 if self._registers.field(f"{config}DATA_SIZE") else 1,
            use=DATA_USES[self._registers.field(f"{config}DATA_USE")],
            per_element=self._registers.field(f"{config}DATA_MODE") == 1,
            memory_atom=self._build.memory_atom,
        )

    def run(
        self,
        memory: Memory,
        delivered: NDArray[np.int32] | None,
        points: Points = UNCHANGED,
        sites: Sites | None = None,
    ) -> SdpResult:
        """Run the pass on what CACC delivered, (K, Ho, Wo), or on memory.

        Parameters
        ----------
        memory
            Where source and operands are read.
        delivered
            What CACC delivered, of the sites alone where there are some.
        points
            What is done on the way.
        sites
            The pixels that are computed, every stage (lanes, 1, P).
        """
        size = (self.height, self.width) if sites is None else (1, len(sites.y))
        source = np.zeros((self.lanes, *size), np.int32)
        if delivered is None:
            cube = self.source_surface().read_lanes(memory)
            source[:] = cube if sites is None else sites.of(cube)
        else:
            source[: self.channels] = delivered
        source = points.at(Point.SOURCE, source)
        x1 = self._x_stage("x1", memory, source, points, sites)
        x2 = self._x_stage("x2", memory, x1.value, points, sites)
        output = points.at(Point.OUTPUT_CONVERTER, self.output_converter.apply)(x2.value)
        real = {name: flag[: self.channels] for name, flag in sdp_flags(x1, x2, output).items()}
        counted = int(np.count_nonzero(output.saturated_17))
        value = points.at(Point.OUTPUT, output.value)
        return SdpResult(source, x1.value, x2.value, value, count_flags(real), counted)

    def _x_stage(
        self, which: str, memory: Memory, data: NDArray[np.int32], points: Points, sites: Sites | None
    ) -> XResult:
        stage: XStage = self.stages[which]
        alu, mul = np.array(stage.alu_value, np.int64), np.array(stage.mul_value, np.int64)
        if stage.reads_alu or stage.reads_mul:
            stored_alu, stored_mul = self.operand_surface(which).read(memory)
            alu = _spread(stored_alu, sites) if stage.reads_alu else alu
            mul = _spread(stored_mul, sites) if stage.reads_mul else mul
        operands, unit = X_POINTS[which]
        changed = points.at(operands, XOperands(alu, mul))
        return points.at(unit, stage.compute)(data, changed.alu, changed.mul)


def _spread(operand: NDArray[np.int16] | None, sites: Sites | None) -> NDArray[np.int64]:
    assert operand is not None, "checked: the stream holds what the stage reads"
    wide = operand.astype(np.int64)
    if operand.ndim == 1:
        return wide[:, None, None]
    return wide if sites is None else sites.of(wide)
