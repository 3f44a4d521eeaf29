"""Register values of one pooling pass, and how its width is cut (pdp_cdp.md sections 3 and 4)."""

from collections.abc import Mapping

from nvdla_int8.errors import BenchError
from nvdla_int8.registers.pooling import encode_pooling
from nvdla_int8.registers.register_map import WORD_MASK, pack
from nvdla_int8.stages.pooling import MOST_KERNEL
from nvdla_int8.stages.pooling_program import PoolingRegion
from nvdla_int8.stages.pooling_split import MOST_PARTS, WidthSplit, line_buffer_columns, split_columns
from nvdla_int8.surfaces.feature import FeatureSurface

Values = dict[str, int]

FROM_MEMORY = ("PDP_RDMA", "PDP")
"""The blocks of a pooling layer whose input lies in memory; behind SDP only PDP takes part."""


def fits_line_buffer(region: PoolingRegion) -> bool:
    """Whether PDP can take the region whole, without a split."""
    return region.columns.out_size <= line_buffer_columns(region.pooling.kernel_h, region.pooling.stride_y)


def choose_split(region: PoolingRegion) -> WidthSplit | None:
    """How to cut a region's width, in as few parts as the line buffer allows; None when it fits whole.

    Raises
    ------
    BenchError
        When no number of parts keeps the rules.
    """
    if fits_line_buffer(region):
        return None
    most = line_buffer_columns(region.pooling.kernel_h, region.pooling.stride_y)
    columns = region.columns
    for parts in range(-(-columns.out_size // most), MOST_PARTS + 1):
        for each in range(min(most, -(-columns.out_size // (parts - 1))), 0, -1):
            # A shorter first part moves the others, so that windows over the right padding need not begin in it.
            for first in range(each, max(each - MOST_KERNEL, 0), -1):
                last = columns.out_size - first - (parts - 2) * each
                split = None
                if 1 <= last <= most:
                    split = split_columns(region.pooling.columns, columns.size, parts, (first, each, last))
                if split is not None:
                    return split
    raise BenchError(f"{columns.out_size} output columns cannot be cut into parts of at most {most}")


def pooling_registers(
    region: PoolingRegion, source: FeatureSurface | None, destination: FeatureSurface, split: WidthSplit | None
) -> Values:
    """Every register that a pooling pass needs, by ``BLOCK.REGISTER``, without S_POINTER and D_OP_ENABLE.

    Parameters
    ----------
    region
        What the pass computes.
    source, destination
        Of the whole layer; no source behind SDP, whose output is the region's input.
    split
        How the width is cut, if it is.
    """
    rows, columns = region.rows, region.columns
    base = destination.base + rows.out_first * destination.line_stride + columns.out_first * destination.memory_atom
    values = {
        **encode_pooling(region.pooling, flying=source is None, split=split),
        **_packed(
            {
                "PDP.D_DATA_CUBE_IN_WIDTH": {"CUBE_IN_WIDTH": columns.size - 1},
                "PDP.D_DATA_CUBE_IN_HEIGHT": {"CUBE_IN_HEIGHT": rows.size - 1},
                "PDP.D_DATA_CUBE_IN_CHANNEL": {"CUBE_IN_CHANNEL": destination.channels - 1},
                "PDP.D_DATA_CUBE_OUT_WIDTH": {"CUBE_OUT_WIDTH": columns.out_size - 1},
                "PDP.D_DATA_CUBE_OUT_HEIGHT": {"CUBE_OUT_HEIGHT": rows.out_size - 1},
                "PDP.D_DATA_CUBE_OUT_CHANNEL": {"CUBE_OUT_CHANNEL": destination.channels - 1},
                "PDP.D_DST_BASE_ADDR_LOW": {"DST_BASE_ADDR_LOW": base & WORD_MASK},
                "PDP.D_DST_BASE_ADDR_HIGH": {"DST_BASE_ADDR_HIGH": base >> 32},
                "PDP.D_DST_LINE_STRIDE": {"DST_LINE_STRIDE": destination.line_stride},
                "PDP.D_DST_SURFACE_STRIDE": {"DST_SURFACE_STRIDE": destination.surface_stride},
                "PDP.D_DST_RAM_CFG": {"DST_RAM_TYPE": "MC"},
                "PDP.D_DATA_FORMAT": {"INPUT_DATA": "INT8"},
            }
        ),
    }
    if source is None:
        return values
    return {**_rdma(region, source), **values}


def _rdma(region: PoolingRegion, source: FeatureSurface) -> Values:
    """Where PDP_RDMA reads."""
    rows, columns = region.rows, region.columns
    base = source.base + rows.first * source.line_stride + columns.first * source.memory_atom
    return _packed(
        {
            "PDP_RDMA.D_DATA_CUBE_IN_WIDTH": {"CUBE_IN_WIDTH": columns.size - 1},
            "PDP_RDMA.D_DATA_CUBE_IN_HEIGHT": {"CUBE_IN_HEIGHT": rows.size - 1},
            "PDP_RDMA.D_DATA_CUBE_IN_CHANNEL": {"CUBE_IN_CHANNEL": source.channels - 1},
            "PDP_RDMA.D_SRC_BASE_ADDR_LOW": {"SRC_BASE_ADDR_LOW": base & WORD_MASK},
            "PDP_RDMA.D_SRC_BASE_ADDR_HIGH": {"SRC_BASE_ADDR_HIGH": base >> 32},
            "PDP_RDMA.D_SRC_LINE_STRIDE": {"SRC_LINE_STRIDE": source.line_stride},
            "PDP_RDMA.D_SRC_SURFACE_STRIDE": {"SRC_SURFACE_STRIDE": source.surface_stride},
            "PDP_RDMA.D_SRC_RAM_CFG": {"SRC_RAM_TYPE": "MC"},
            "PDP_RDMA.D_DATA_FORMAT": {"INPUT_DATA": "INT8"},
        }
    )


def _packed(values: Mapping[str, Mapping[str, int | str]]) -> Values:
    return {register: pack(register, **fields) for register, fields in values.items()}
