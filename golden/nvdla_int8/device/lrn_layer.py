"""One normalisation layer as the registers of CDP and CDP_RDMA describe it (pdp_cdp.md sections 6 and 7)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cube_places import cube_at
from nvdla_int8.registers.lrn import LutEntries, decode_lrn
from nvdla_int8.stages.lrn import LrnStages, LutCounts
from nvdla_int8.stages.lut import Lookup
from nvdla_int8.surfaces.feature import FeatureSurface

ELEMENTS_AT_ONCE = 1 << 20
"""How much is normalised together: what lies between the stages takes far more memory than they do."""


class LrnLayer:
    """A normalisation layer decoded from registers: CDP takes the shape from CDP_RDMA's stream."""

    def __init__(self, registers: LayerRegisters, build: Build) -> None:
        self._registers = registers
        self._build = build
        self.width = registers.size("CDP_RDMA.D_DATA_CUBE_WIDTH.WIDTH")
        self.height = registers.size("CDP_RDMA.D_DATA_CUBE_HEIGHT.HEIGHT")
        self.channels = registers.size("CDP_RDMA.D_DATA_CUBE_CHANNEL.CHANNEL")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of input and output."""
        return self.channels, self.height, self.width

    def source_surface(self) -> FeatureSurface:
        """Where the input lies."""
        return cube_at("CDP_RDMA.D_SRC", self._registers, self._build, self.shape)

    def destination_surface(self) -> FeatureSurface:
        """Where the output goes."""
        return cube_at("CDP.D_DST", self._registers, self._build, self.shape)

    def run(self, cube: NDArray[np.int8], entries: LutEntries) -> LrnStages:
        """Normalise all lanes of the input, (lanes, H, W), pixels by pixels, with what lies in the tables."""
        lrn = decode_lrn(self._registers.values, entries)
        lanes = len(cube)
        pixels = cube.reshape(lanes, 1, -1)
        step = max(ELEMENTS_AT_ONCE // lanes, 1)
        done = [
            lrn.apply(pixels[:, :, start : start + step], self.channels) for start in range(0, pixels.shape[2], step)
        ]

        def joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
            return np.concatenate(arrays, axis=2).reshape(cube.shape)

        return LrnStages(
            converted=joined([part.converted for part in done]),
            sums=joined([part.sums for part in done]),
            le=Lookup(*(joined(list(arrays)) for arrays in zip(*(part.le for part in done), strict=True))),
            lo=Lookup(*(joined(list(arrays)) for arrays in zip(*(part.lo for part in done), strict=True))),
            selected=joined([part.selected for part in done]),
            multiplied=joined([part.multiplied for part in done]),
            output=joined([part.output for part in done]),
            counts=LutCounts(*map(sum, zip(*(part.counts for part in done), strict=True))),
            saturations={step: sum(part.saturations[step] for part in done) for step in done[0].saturations},
        )
