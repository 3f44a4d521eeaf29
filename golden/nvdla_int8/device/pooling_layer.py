"""One pooling layer as the registers of PDP and PDP_RDMA describe it (pdp_cdp.md sections 2 to 4)."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cube_places import cube_at
from nvdla_int8.registers.pooling import decode_pooling, decode_split
from nvdla_int8.stages.pooling import Pooling, PoolingMethod, PoolingStages
from nvdla_int8.stages.pooling_split import PoolingPart, pool_in_parts
from nvdla_int8.surfaces.feature import FeatureSurface

METHOD = "PDP.D_OPERATION_MODE_CFG.POOLING_METHOD"


class PoolingLayer:
    """A pooling layer decoded from registers; sizes are plain numbers, not value - 1."""

    def __init__(self, registers: LayerRegisters, build: Build) -> None:
        self._registers = registers
        self._build = build
        self.flying = registers.field("PDP.D_OPERATION_MODE_CFG.FLYING_MODE") == 0
        self.known_method = registers.field(METHOD) in set(PoolingMethod)
        self.split = decode_split(registers.values)
        self.height = registers.size("PDP.D_DATA_CUBE_IN_HEIGHT.CUBE_IN_HEIGHT")
        self.out_height = registers.size("PDP.D_DATA_CUBE_OUT_HEIGHT.CUBE_OUT_HEIGHT")
        if self.split is None:
            self.width = registers.size("PDP.D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH")
            self.out_width = registers.size("PDP.D_DATA_CUBE_OUT_WIDTH.CUBE_OUT_WIDTH")
        else:
            self.width, self.out_width = self.split.width, self.split.out_width
        self.channels = registers.size("PDP.D_DATA_CUBE_OUT_CHANNEL.CUBE_OUT_CHANNEL")

    @cached_property
    def pooling(self) -> Pooling:
        """The arithmetic; only of a known method."""
        return decode_pooling(self._registers.values)

    @property
    def parts(self) -> tuple[PoolingPart, ...]:
        """The parts from left to right, one when the width is not split.

        BenchError when one of them starts left of the cube or has no column.
        """
        if self.split is not None:
            return self.split.cut(self.pooling)
        pooling = self.pooling
        return (PoolingPart(0, self.width, pooling.pad_left, pooling.pad_right, 0, self.out_width),)

    def source_surface(self) -> FeatureSurface:
        """Where PDP_RDMA reads a layer that is not flying."""
        channels = self._registers.size("PDP_RDMA.D_DATA_CUBE_IN_CHANNEL.CUBE_IN_CHANNEL")
        return cube_at("PDP_RDMA.D_SRC", self._registers, self._build, (channels, self.height, self.width))

    def destination_surface(self) -> FeatureSurface:
        """Where the output goes."""
        return cube_at("PDP.D_DST", self._registers, self._build, (self.channels, self.out_height, self.out_width))

    def run(self, cube: NDArray[np.int8]) -> PoolingStages:
        """Pool all lanes of the input, (lanes, H, W); the stages of parts stand side by side."""
        if self.split is not None:
            return pool_in_parts(self.pooling, self.split, cube, self.out_height)
        return self.pooling.apply(cube, self.out_height, self.out_width)
