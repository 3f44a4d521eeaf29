"""Register values of an LRN pass (pdp_cdp.md section 7)."""

from nvdla_int8.registers.lrn import encode_lrn, encode_table
from nvdla_int8.registers.register_map import WORD_MASK, pack
from nvdla_int8.stages.lrn import Lrn
from nvdla_int8.surfaces.feature import FeatureSurface

BLOCKS = ("CDP_RDMA", "CDP")

COUNTERS = tuple(f"CDP.D_PERF_LUT_{name}" for name in ("HYBRID", "OFLOW", "UFLOW", "LE_HIT", "LO_HIT"))
"""How often each case of the tables' selection came up, in the order in which NVIDIA's traces read them."""

_AT_ONCE = "CDP.S_LUT_"


def lrn_registers(lrn: Lrn, source: FeatureSurface, destination: FeatureSurface) -> dict[str, int]:
    """Every register of the pass's group, by ``BLOCK.REGISTER``, without S_POINTER and D_OP_ENABLE; and no table."""
    values: dict[str, dict[str, int | str]] = {
        "CDP_RDMA.D_DATA_CUBE_WIDTH": {"WIDTH": source.width - 1},
        "CDP_RDMA.D_DATA_CUBE_HEIGHT": {"HEIGHT": source.height - 1},
        "CDP_RDMA.D_DATA_CUBE_CHANNEL": {"CHANNEL": source.channels - 1},
        "CDP_RDMA.D_SRC_BASE_ADDR_LOW": {"SRC_BASE_ADDR_LOW": source.base & WORD_MASK},
        "CDP_RDMA.D_SRC_BASE_ADDR_HIGH": {"SRC_BASE_ADDR_HIGH": source.base >> 32},
        "CDP_RDMA.D_SRC_LINE_STRIDE": {"SRC_LINE_STRIDE": source.line_stride},
        "CDP_RDMA.D_SRC_SURFACE_STRIDE": {"SRC_SURFACE_STRIDE": source.surface_stride},
        "CDP_RDMA.D_SRC_DMA_CFG": {"SRC_RAM_TYPE": "MC"},
        "CDP_RDMA.D_DATA_FORMAT": {"INPUT_DATA": "INT8"},
        "CDP.D_DST_BASE_ADDR_LOW": {"DST_BASE_ADDR_LOW": destination.base & WORD_MASK},
        "CDP.D_DST_BASE_ADDR_HIGH": {"DST_BASE_ADDR_HIGH": destination.base >> 32},
        "CDP.D_DST_LINE_STRIDE": {"DST_LINE_STRIDE": destination.line_stride},
        "CDP.D_DST_SURFACE_STRIDE": {"DST_SURFACE_STRIDE": destination.surface_stride},
        "CDP.D_DST_DMA_CFG": {"DST_RAM_TYPE": "MC"},
        "CDP.D_DATA_FORMAT": {"INPUT_DATA_TYPE": "INT8"},
        "CDP.D_PERF_ENABLE": {"LUT_EN": 1},
    }
    of_group = {register: value for register, value in encode_lrn(lrn).items() if not register.startswith(_AT_ONCE)}
    return {**{register: pack(register, **fields) for register, fields in values.items()}, **of_group}


def table_writes(lrn: Lrn) -> tuple[tuple[str, int], ...]:
    """Writes that load both tables and say how they are indexed, in order; they act at once."""
    indexed = [(register, value) for register, value in encode_lrn(lrn).items() if register.startswith(_AT_ONCE)]
    return *encode_table("LE", lrn.le.entries), *encode_table("LO", lrn.lo.entries), *indexed
