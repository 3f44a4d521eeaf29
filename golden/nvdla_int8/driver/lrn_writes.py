"""The register program of CDP and CDP_RDMA (loadables.md section 6)."""

from nvdla_int8.driver.lut_writes import write_tables
from nvdla_int8.driver.operation_writes import OperationWrites, check_in_memory, integer_precision, ram_type
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import CdpOperation, Lut, PoolingSurface

LOCAL_SIZES = (3, 5, 7, 9)


def write_lrn(to: OperationWrites, operation: CdpOperation, surface: PoolingSurface, lut: Lut | None) -> None:
    """Write both blocks' registers, and load ``lut`` if the operation takes one.

    Raises
    ------
    BenchError
        What the driver refuses, a value that its field does not hold, a cube that is nowhere.
    """
    source, output = surface.src_data, surface.dst_data
    check_in_memory("src_data", source)
    check_in_memory("dst_data", output)
    if operation.in_precision != operation.out_precision:
        raise BenchError(
            f"in_precision = {operation.in_precision} and out_precision = {operation.out_precision} must be the same"
        )
    precision = integer_precision("in_precision", operation.in_precision)
    if operation.local_size not in LOCAL_SIZES:
        raise BenchError(f"local_size = {operation.local_size}, known are {', '.join(map(str, LOCAL_SIZES))}")

    to.cube("CDP_RDMA.D_DATA_CUBE_", source)
    address = to.address_of("src_data", source)
    to.address(("CDP_RDMA.D_SRC_BASE_ADDR_LOW", "CDP_RDMA.D_SRC_BASE_ADDR_HIGH"), address)
    to.strides("CDP_RDMA.D_SRC_LINE_STRIDE", "CDP_RDMA.D_SRC_SURFACE_STRIDE", source)
    to.fields("CDP_RDMA.D_SRC_DMA_CFG", SRC_RAM_TYPE=ram_type("src_data", source))
    to.fields("CDP_RDMA.D_DATA_FORMAT", INPUT_DATA=precision)
    if lut is not None:
        write_tables(to, "CDP", lut)
    address = to.address_of("dst_data", output)
    to.address(("CDP.D_DST_BASE_ADDR_LOW", "CDP.D_DST_BASE_ADDR_HIGH"), address)
    to.strides("CDP.D_DST_LINE_STRIDE", "CDP.D_DST_SURFACE_STRIDE", output)
    to.fields("CDP.D_DST_DMA_CFG", DST_RAM_TYPE=ram_type("dst_data", output))
    to.fields("CDP.D_DATA_FORMAT", INPUT_DATA_TYPE=precision)
    to.fields("CDP.D_LRN_CFG", NORMALZ_LEN=LOCAL_SIZES.index(operation.local_size))
    for direction, converter in (("IN", operation.in_cvt), ("OUT", operation.out_cvt)):
        to.number(f"CDP.D_DAT{direction}_OFFSET", converter.offset)
        to.number(f"CDP.D_DAT{direction}_SCALE", converter.scale)
        to.number(f"CDP.D_DAT{direction}_SHIFTER", converter.truncate)
    to.fields(
        "CDP.D_FUNC_BYPASS",
        SQSUM_BYPASS=int(operation.bypass_sqsum != 0),
        MUL_BYPASS=int(operation.bypass_out_mul != 0),
    )
