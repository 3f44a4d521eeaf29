"""One normalisation layer as the registers of CDP and CDP_RDMA describe it (pdp_cdp.md sections 6 and 7)."""

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cube_places import cube_at
from nvdla_int8.surfaces.feature import FeatureSurface


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
