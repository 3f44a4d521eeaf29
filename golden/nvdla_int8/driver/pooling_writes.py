"""The register program of PDP and PDP_RDMA (loadables.md section 6)."""

from nvdla_int8.driver.operation_writes import (
    OperationWrites,
    check_in_memory,
    choice,
    integer_precision,
    less_one,
    ram_type,
)
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import PdpOperation, PoolingSurface
from nvdla_int8.stages.pooling import MOST_KERNEL
from nvdla_int8.stages.widths import POOL_RECIPROCAL_FRACTION

MOST_STRIDE = 8
MOST_SPLIT = 64
MOST_SIZE = 8192
"""Width, height and channels of a cube."""


def write_pooling(to: OperationWrites, operation: PdpOperation, surface: PoolingSurface) -> None:
    """Write both blocks' registers, PDP_RDMA's if the input lies in memory.

    Raises
    ------
    BenchError
        What the driver refuses, a value that its field does not hold, a cube that is nowhere.
    """
    _check(operation, surface)
    source, output = surface.src_data, surface.dst_data
    if not source.flying:
        _write_rdma(to, operation, surface)
    to.cube("PDP.D_DATA_CUBE_IN_", source)
    to.cube("PDP.D_DATA_CUBE_OUT_", output)
    to.fields(
        "PDP.D_OPERATION_MODE_CFG",
        POOLING_METHOD=operation.pool_mode,
        FLYING_MODE=int(not source.flying),
        SPLIT_NUM=less_one("split_num", operation.split_num),
    )
    to.fields("PDP.D_PARTIAL_WIDTH_IN", **_partial("IN", _inward(operation)))
    to.fields("PDP.D_PARTIAL_WIDTH_OUT", **_partial("OUT", _outward(operation)))
    to.fields(
        "PDP.D_POOLING_KERNEL_CFG",
        KERNEL_WIDTH=operation.pool_width,
        KERNEL_HEIGHT=operation.pool_height,
        KERNEL_STRIDE_WIDTH=operation.stride_x - 1,
        KERNEL_STRIDE_HEIGHT=operation.stride_y - 1,
    )
    # Rounded down, where the nearest would be better.
    to.number("PDP.D_RECIP_KERNEL_WIDTH", (1 << POOL_RECIPROCAL_FRACTION) // (operation.pool_width + 1))
    to.number("PDP.D_RECIP_KERNEL_HEIGHT", (1 << POOL_RECIPROCAL_FRACTION) // (operation.pool_height + 1))
    to.fields(
        "PDP.D_POOLING_PADDING_CFG",
        PAD_LEFT=operation.pad_left,
        PAD_TOP=operation.pad_top,
        PAD_RIGHT=operation.pad_right,
        PAD_BOTTOM=operation.pad_bottom,
    )
    for missing, value in enumerate(operation.padding_value, start=1):
        to.number(f"PDP.D_POOLING_PADDING_VALUE_{missing}_CFG", value)
    if not source.flying:
        to.strides("PDP.D_SRC_LINE_STRIDE", "PDP.D_SRC_SURFACE_STRIDE", source)
    address = to.address_of("dst_data", output)
    to.address(("PDP.D_DST_BASE_ADDR_LOW", "PDP.D_DST_BASE_ADDR_HIGH"), address)
    to.strides("PDP.D_DST_LINE_STRIDE", "PDP.D_DST_SURFACE_STRIDE", output)
    to.fields("PDP.D_DST_RAM_CFG", DST_RAM_TYPE=ram_type("dst_data", output))
    to.fields("PDP.D_DATA_FORMAT", INPUT_DATA=operation.precision)


def _check(operation: PdpOperation, surface: PoolingSurface) -> None:
    """Refuse what the driver refuses."""
    check_in_memory("dst_data", surface.dst_data)
    for name, cube in (("src_data", surface.src_data), ("dst_data", surface.dst_data)):
        ram_type(name, cube)
        sizes = (cube.width, cube.height, cube.channel)
        if max(sizes) > MOST_SIZE:
            raise BenchError(f"{name} is {' x '.join(map(str, sizes))}, at most {MOST_SIZE:,} each are taken")
    integer_precision("precision", operation.precision)
    choice("stride_x", operation.stride_x, range(1, MOST_STRIDE + 1))
    choice("stride_y", operation.stride_y, range(1, MOST_STRIDE + 1))
    choice("split_num", operation.split_num, range(1, MOST_SPLIT + 1))
    choice("pool_width (less one)", operation.pool_width, range(MOST_KERNEL))
    choice("pool_height (less one)", operation.pool_height, range(MOST_KERNEL))
    choice("pool_mode", operation.pool_mode, range(3))
    if surface.src_data.flying and operation.split_num != 1:
        raise BenchError(f"split_num = {operation.split_num} of an input on the fly, which cannot be split")


def _write_rdma(to: OperationWrites, operation: PdpOperation, surface: PoolingSurface) -> None:
    source = surface.src_data
    address = to.address_of("src_data", source)
    to.cube("PDP_RDMA.D_DATA_CUBE_IN_", source)
    to.address(("PDP_RDMA.D_SRC_BASE_ADDR_HIGH", "PDP_RDMA.D_SRC_BASE_ADDR_LOW"), address)
    to.strides("PDP_RDMA.D_SRC_LINE_STRIDE", "PDP_RDMA.D_SRC_SURFACE_STRIDE", source)
    to.fields("PDP_RDMA.D_DATA_FORMAT", INPUT_DATA=operation.precision)
    to.fields("PDP_RDMA.D_SRC_RAM_CFG", SRC_RAM_TYPE=ram_type("src_data", source))
    to.sizes("PDP_RDMA.D_OPERATION_MODE_CFG", SPLIT_NUM=operation.split_num)
    to.fields(
        "PDP_RDMA.D_POOLING_KERNEL_CFG",
        KERNEL_WIDTH=operation.pool_width,
        KERNEL_STRIDE_WIDTH=operation.stride_x - 1,
    )
    to.fields("PDP_RDMA.D_POOLING_PADDING_CFG", PAD_WIDTH=operation.pad_left)
    to.fields("PDP_RDMA.D_PARTIAL_WIDTH_IN", **_partial("IN", _inward(operation)))


def _inward(operation: PdpOperation) -> dict[str, int]:
    return {
        "FIRST": operation.partial_in_width_first,
        "MID": operation.partial_in_width_mid,
        "LAST": operation.partial_in_width_last,
    }


def _outward(operation: PdpOperation) -> dict[str, int]:
    return {
        "FIRST": operation.partial_width_first,
        "MID": operation.partial_width_mid,
        "LAST": operation.partial_width_last,
    }


def _partial(direction: str, widths: dict[str, int]) -> dict[str, int]:
    """Fields of a register of parts' widths, each less one; 0 is 0."""
    return {f"PARTIAL_WIDTH_{direction}_{part}": max(width - 1, 0) for part, width in widths.items()}
