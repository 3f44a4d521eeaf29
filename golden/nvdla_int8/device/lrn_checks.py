"""Are a normalisation layer's registers legal? CDP has no limits but where its cubes lie (pdp_cdp.md section 7)."""

from collections.abc import Iterator

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cube_places import used_strides
from nvdla_int8.device.diagnostics import UNMODELLED, Diagnostic
from nvdla_int8.device.finder import LARGEST_CUBE, Finder
from nvdla_int8.device.lrn_layer import LrnLayer


class LrnChecks(Finder):
    """Checks of CDP and CDP_RDMA; see :class:`Finder` for the parameters."""

    def __init__(self, registers: LayerRegisters, build: Build) -> None:
        super().__init__(registers, build)
        self._layer = registers.decoded(LrnLayer, build)

    def find(self) -> Iterator[Diagnostic]:
        """All findings."""
        build, layer = self.build, self._layer
        if build.name != "nv_small":
            yield self.error(UNMODELLED, "CDP.D_LRN_CFG.NORMALZ_LEN", f"CDP of {build.name} is not modelled")
            return
        lanes = -(-layer.channels // build.memory_atom) * build.memory_atom
        elements = layer.width * layer.height * lanes
        if elements > LARGEST_CUBE:
            name = "CDP_RDMA.D_DATA_CUBE_CHANNEL.CHANNEL"
            yield self.error("size", name, f"a cube of {elements:,} elements is beyond this model")
            return
        base = "CDP.D_DST_BASE_ADDR_LOW"
        strides = used_strides("CDP_RDMA.D_SRC", build, layer.shape)
        found = [
            *self.written(base, used_strides("CDP.D_DST", build, layer.shape), layer.destination_surface),
            *self.placed({"CDP_RDMA.D_SRC_BASE_ADDR_LOW": strides}, lambda: layer.source_surface().extents()),
        ]
        yield from found
        if not found:
            yield from self.apart(base, layer.source_surface(), layer.destination_surface(), in_place=True)
        yield from self.one_memory(["CDP.D_DST_DMA_CFG.DST_RAM_TYPE", "CDP_RDMA.D_SRC_DMA_CFG.SRC_RAM_TYPE"], "feature")
        yield from self.ignored_upper(["CDP.D_DST_BASE_ADDR_HIGH", "CDP_RDMA.D_SRC_BASE_ADDR_HIGH"])
