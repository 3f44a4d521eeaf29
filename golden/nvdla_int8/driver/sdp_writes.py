"""The register program of SDP and SDP_RDMA (loadables.md section 6)."""

from nvdla_int8.driver.lut_writes import write_tables
from nvdla_int8.driver.operation_writes import OperationWrites, choice, integer_precision, less_one, ram_type
from nvdla_int8.loadable.descriptors import (
    Converter,
    DataCube,
    Lut,
    SdpActivation,
    SdpOperandMode,
    SdpOperandType,
    SdpOperation,
    SdpSubOperation,
    SdpSurface,
)

WINOGRAD = 1

TWO_BYTES_FROM = 1
"""The first ``precision`` of operands of two bytes each."""


def sdp_needs_rdma(operation: SdpOperation, surface: SdpSurface) -> bool:
    """Whether the driver gives the operation a group of SDP_RDMA and enables it."""
    stages = (operation.x1_op, operation.x2_op, operation.y_op)
    return not surface.src_data.flying or any(
        stage.enable and stage.mode != SdpOperandMode.PER_LAYER for stage in stages
    )


def write_sdp(to: OperationWrites, operation: SdpOperation, surface: SdpSurface, lut: Lut | None) -> None:
    """Write both blocks' registers, and load ``lut`` if the operation takes one.

    Raises
    ------
    BenchError
        A value that its field does not hold, a cube that is nowhere.
    """
    for name, stage in (("x1_op", operation.x1_op), ("x2_op", operation.x2_op), ("y_op", operation.y_op)):
        _check_stage(name, stage)
    source, output = surface.src_data, surface.dst_data
    flying, winograd = int(source.flying), int(operation.conv_mode == WINOGRAD)
    in_precision = integer_precision("src_precision", operation.src_precision)
    out_precision = integer_precision("dst_precision", operation.dst_precision)
    processing = min(in_precision, out_precision)

    to.fields("SDP_RDMA.D_FEATURE_MODE_CFG")
    for dma in ("BRDMA", "NRDMA", "ERDMA"):
        to.fields(f"SDP_RDMA.D_{dma}_CFG")
    to.fields(
        "SDP_RDMA.D_FEATURE_MODE_CFG",
        FLYING_MODE=flying,
        WINOGRAD=winograd,
        IN_PRECISION=in_precision,
        PROC_PRECISION=processing,
        OUT_PRECISION=out_precision,
        BATCH_NUMBER=less_one("batch_num", operation.batch_num),
    )
    if sdp_needs_rdma(operation, surface):
        _write_rdma(to, operation, surface)
    if lut is not None:
        write_tables(to, "SDP", lut)

    to.cube("SDP.D_DATA_CUBE_", source)
    if not output.flying:
        address = to.address_of("dst_data", output)
        to.address(("SDP.D_DST_BASE_ADDR_HIGH", "SDP.D_DST_BASE_ADDR_LOW"), address)
        to.strides("SDP.D_DST_LINE_STRIDE", "SDP.D_DST_SURFACE_STRIDE", output)
    _write_x_stage(to, "BS", operation.x1_op)
    _write_x_stage(to, "BN", operation.x2_op)
    _write_y_stage(to, operation.y_op)
    to.fields(
        "SDP.D_FEATURE_MODE_CFG",
        FLYING_MODE=flying,
        OUTPUT_DST=int(output.flying),
        WINOGRAD=winograd,
        BATCH_NUMBER=less_one("batch_num", operation.batch_num),
    )
    to.fields("SDP.D_DST_DMA_CFG", DST_RAM_TYPE=ram_type("dst_data", output))
    if operation.batch_num > 1:
        to.number("SDP.D_DST_BATCH_STRIDE", operation.batch_stride)
    to.fields("SDP.D_DATA_FORMAT", PROC_PRECISION=processing, OUT_PRECISION=out_precision)
    to.number("SDP.D_CVT_OFFSET", operation.out_cvt.offset)
    to.number("SDP.D_CVT_SCALE", operation.out_cvt.scale)
    to.number("SDP.D_CVT_SHIFT", operation.out_cvt.truncate)


def _check_stage(name: str, stage: SdpSubOperation) -> None:
    """BenchError for what the driver would look up beyond the ends of its tables."""
    choice(f"{name}.enable", stage.enable, (0, 1))
    choice(f"{name}.alu_type", stage.alu_type, range(4))
    choice(f"{name}.type", stage.type, SdpOperandType)
    choice(f"{name}.mode", stage.mode, SdpOperandMode)
    choice(f"{name}.precision", stage.precision, range(3))


def _write_rdma(to: OperationWrites, operation: SdpOperation, surface: SdpSurface) -> None:
    source = surface.src_data
    to.cube("SDP_RDMA.D_DATA_CUBE_", source)
    if not source.flying:
        address = to.address_of("src_data", source)
        to.address(("SDP_RDMA.D_SRC_BASE_ADDR_LOW", "SDP_RDMA.D_SRC_BASE_ADDR_HIGH"), address)
        to.strides("SDP_RDMA.D_SRC_LINE_STRIDE", "SDP_RDMA.D_SRC_SURFACE_STRIDE", source)
        to.fields("SDP_RDMA.D_SRC_DMA_CFG", SRC_RAM_TYPE=ram_type("src_data", source))
    _write_operands(to, "BRDMA", "BS", "x1_data", operation.x1_op, surface.x1_data)
    _write_operands(to, "NRDMA", "BN", "x2_data", operation.x2_op, surface.x2_data)
    _write_operands(to, "ERDMA", "EW", "y_data", operation.y_op, surface.y_data)


def _write_operands(
    to: OperationWrites, dma: str, prefix: str, name: str, stage: SdpSubOperation, cube: DataCube
) -> None:
    """One channel of SDP_RDMA; ``prefix`` is its short name in the registers of addresses."""
    fields = {
        "DISABLE": int(not stage.reads_memory),
        "DATA_USE": max(stage.type - SdpOperandType.MUL, 0),
        "DATA_SIZE": int(stage.precision >= TWO_BYTES_FROM),
        "DATA_MODE": int(stage.mode != SdpOperandMode.PER_KERNEL),
        "RAM_TYPE": ram_type(name, cube),
    }
    to.fields(f"SDP_RDMA.D_{dma}_CFG", **{f"{dma}_{field}": value for field, value in fields.items()})
    if stage.reads_memory:
        base = f"SDP_RDMA.D_{prefix}_BASE_ADDR"
        to.address((f"{base}_LOW", f"{base}_HIGH"), to.address_of(name, cube))
        to.strides(f"SDP_RDMA.D_{prefix}_LINE_STRIDE", f"SDP_RDMA.D_{prefix}_SURFACE_STRIDE", cube)


def _has_alu(stage: SdpSubOperation) -> bool:
    return stage.type in (SdpOperandType.ADD, SdpOperandType.BOTH)


def _has_multiplier(stage: SdpSubOperation) -> bool:
    return stage.type in (SdpOperandType.MUL, SdpOperandType.BOTH)


def _switches(prefix: str, stage: SdpSubOperation) -> dict[str, int]:
    """The fields of D_DP_BS_CFG, D_DP_BN_CFG and D_DP_EW_CFG alike."""
    return {
        f"{prefix}_BYPASS": int(not stage.enable),
        f"{prefix}_ALU_BYPASS": int(not _has_alu(stage)),
        f"{prefix}_ALU_ALGO": stage.alu_type,
        f"{prefix}_MUL_BYPASS": int(not _has_multiplier(stage)),
        f"{prefix}_MUL_PRELU": int(stage.act == SdpActivation.PRELU),
    }


def _write_x_stage(to: OperationWrites, prefix: str, stage: SdpSubOperation) -> None:
    """X1 (``BS``) or X2 (``BN``)."""
    register = f"SDP.D_DP_{prefix}"
    relu_bypass = {f"{prefix}_RELU_BYPASS": int(stage.act != SdpActivation.RELU)}
    to.fields(f"{register}_CFG", **_switches(prefix, stage), **relu_bypass)
    if not stage.enable:
        return
    from_memory = int(stage.mode != SdpOperandMode.PER_LAYER)
    if _has_alu(stage):
        to.fields(
            f"{register}_ALU_CFG", **{f"{prefix}_ALU_SRC": from_memory, f"{prefix}_ALU_SHIFT_VALUE": stage.shift_value}
        )
    if not from_memory:
        to.number(f"{register}_ALU_SRC_VALUE", stage.alu_operand)
        to.number(f"{register}_MUL_SRC_VALUE", stage.mul_operand)
    # The shift acts whether or not there is a multiplier.
    to.fields(f"{register}_MUL_CFG", **{f"{prefix}_MUL_SRC": from_memory, f"{prefix}_MUL_SHIFT_VALUE": stage.truncate})


def _write_y_stage(to: OperationWrites, stage: SdpSubOperation) -> None:
    """Y, which nv_small does not have: the driver writes its registers all the same."""
    to.fields("SDP.D_DP_EW_CFG", **_switches("EW", stage), EW_LUT_BYPASS=int(stage.act != SdpActivation.LUT))
    if not stage.enable:
        return
    if _has_alu(stage):
        _write_y_operand(to, "ALU", stage, stage.alu_operand, stage.alu_cvt)
    if _has_multiplier(stage):
        _write_y_operand(to, "MUL", stage, stage.mul_operand, stage.mul_cvt)
    to.number("SDP.D_DP_EW_TRUNCATE_VALUE", stage.truncate)


def _write_y_operand(
    to: OperationWrites, part: str, stage: SdpSubOperation, operand: int, converter: Converter
) -> None:
    prefix = f"SDP.D_DP_EW_{part}"
    from_memory = int(stage.mode != SdpOperandMode.PER_LAYER)
    to.fields(f"{prefix}_CFG", **{f"EW_{part}_SRC": from_memory, f"EW_{part}_CVT_BYPASS": int(not converter.enable)})
    if not from_memory:
        to.number(f"{prefix}_SRC_VALUE", operand)
        return
    to.number(f"{prefix}_CVT_OFFSET_VALUE", converter.offset)
    to.number(f"{prefix}_CVT_SCALE_VALUE", converter.scale)
    to.number(f"{prefix}_CVT_TRUNCATE_VALUE", converter.truncate)
