"""The fields that the RTL's units read, and what the ports of its register blocks are called."""

from collections.abc import Mapping

from nvdla_int8.registers.register_map import LAYER_BLOCKS

_X_FIELDS = (
    "D_DP_{0}_CFG.{0}_BYPASS",
    "D_DP_{0}_CFG.{0}_ALU_BYPASS",
    "D_DP_{0}_CFG.{0}_ALU_ALGO",
    "D_DP_{0}_CFG.{0}_MUL_BYPASS",
    "D_DP_{0}_CFG.{0}_MUL_PRELU",
    "D_DP_{0}_CFG.{0}_RELU_BYPASS",
    "D_DP_{0}_ALU_CFG.{0}_ALU_SRC",
    "D_DP_{0}_ALU_CFG.{0}_ALU_SHIFT_VALUE",
    "D_DP_{0}_ALU_SRC_VALUE.{0}_ALU_OPERAND",
    "D_DP_{0}_MUL_CFG.{0}_MUL_SRC",
    "D_DP_{0}_MUL_CFG.{0}_MUL_SHIFT_VALUE",
    "D_DP_{0}_MUL_SRC_VALUE.{0}_MUL_OPERAND",
)


_OPERAND_FIELDS = (
    "D_{1}_CFG.{1}_DISABLE",
    "D_{1}_CFG.{1}_DATA_USE",
    "D_{1}_CFG.{1}_DATA_SIZE",
    "D_{1}_CFG.{1}_DATA_MODE",
    "D_{0}_BASE_ADDR_LOW.{0}_BASE_ADDR_LOW",
    "D_{0}_LINE_STRIDE.{0}_LINE_STRIDE",
    "D_{0}_SURFACE_STRIDE.{0}_SURFACE_STRIDE",
)


_DESTINATION = (
    "D_DST_BASE_ADDR_LOW.DST_BASE_ADDR_LOW",
    "D_DST_LINE_STRIDE.DST_LINE_STRIDE",
    "D_DST_SURFACE_STRIDE.DST_SURFACE_STRIDE",
)


_PARTS_IN = (
    "D_PARTIAL_WIDTH_IN.PARTIAL_WIDTH_IN_FIRST",
    "D_PARTIAL_WIDTH_IN.PARTIAL_WIDTH_IN_LAST",
    "D_PARTIAL_WIDTH_IN.PARTIAL_WIDTH_IN_MID",
)


_TABLE_FIELDS = (
    "S_LUT_{0}_START_LOW.LUT_{0}_START_LOW",
    "S_LUT_{0}_START_HIGH.LUT_{0}_START_HIGH",
    "S_LUT_{0}_END_LOW.LUT_{0}_END_LOW",
    "S_LUT_{0}_END_HIGH.LUT_{0}_END_HIGH",
    "S_LUT_{0}_SLOPE_SCALE.LUT_{0}_SLOPE_UFLOW_SCALE",
    "S_LUT_{0}_SLOPE_SCALE.LUT_{0}_SLOPE_OFLOW_SCALE",
    "S_LUT_{0}_SLOPE_SHIFT.LUT_{0}_SLOPE_UFLOW_SHIFT",
    "S_LUT_{0}_SLOPE_SHIFT.LUT_{0}_SLOPE_OFLOW_SHIFT",
)


_REUSE_FIELDS = (
    "D_MISC_CFG.DATA_REUSE",
    "D_MISC_CFG.WEIGHT_REUSE",
    "D_MISC_CFG.SKIP_DATA_RLS",
    "D_MISC_CFG.SKIP_WEIGHT_RLS",
)


USED_FIELDS: Mapping[str, tuple[str, ...]] = {
    "CDMA": (
        *_REUSE_FIELDS,
        "D_DATAIN_FORMAT.DATAIN_FORMAT",
        "D_DATAIN_FORMAT.PIXEL_FORMAT",
        "D_DATAIN_FORMAT.PIXEL_SIGN_OVERRIDE",
        "D_DATAIN_SIZE_0.DATAIN_WIDTH",
        "D_DATAIN_SIZE_0.DATAIN_HEIGHT",
        "D_DATAIN_SIZE_1.DATAIN_CHANNEL",
        "D_PIXEL_OFFSET.PIXEL_X_OFFSET",
        "D_DAIN_ADDR_LOW_0.DATAIN_ADDR_LOW_0",
        "D_DAIN_ADDR_LOW_1.DATAIN_ADDR_LOW_1",
        "D_LINE_STRIDE.LINE_STRIDE",
        "D_LINE_UV_STRIDE.UV_LINE_STRIDE",
        "D_SURF_STRIDE.SURF_STRIDE",
        "D_DAIN_MAP.LINE_PACKED",
        "D_DAIN_MAP.SURF_PACKED",
        "D_FETCH_GRAIN.GRAINS",
        "D_WEIGHT_ADDR_LOW.WEIGHT_ADDR_LOW",
        "D_WEIGHT_BYTES.WEIGHT_BYTES",
        "D_MEAN_FORMAT.MEAN_FORMAT",
        "D_MEAN_GLOBAL_0.MEAN_RY",
        "D_MEAN_GLOBAL_0.MEAN_GU",
        "D_MEAN_GLOBAL_1.MEAN_BV",
        "D_MEAN_GLOBAL_1.MEAN_AX",
        "D_CVT_CFG.CVT_EN",
        "D_CVT_CFG.CVT_TRUNCATE",
        "D_CVT_OFFSET.CVT_OFFSET",
        "D_CVT_SCALE.CVT_SCALE",
        "D_ZERO_PADDING.PAD_LEFT",
        "D_ZERO_PADDING.PAD_RIGHT",
        "D_ZERO_PADDING_VALUE.PAD_VALUE",
        "D_BANK.DATA_BANK",
        "D_BANK.WEIGHT_BANK",
    ),
    "CSC": (
        *_REUSE_FIELDS,
        "D_DATAIN_FORMAT.DATAIN_FORMAT",
        "D_DATAIN_SIZE_EXT_0.DATAIN_WIDTH_EXT",
        "D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT",
        "D_DATAIN_SIZE_EXT_1.DATAIN_CHANNEL_EXT",
        "D_POST_Y_EXTENSION.Y_EXTENSION",
        "D_ENTRY_PER_SLICE.ENTRIES",
        "D_WEIGHT_SIZE_EXT_0.WEIGHT_WIDTH_EXT",
        "D_WEIGHT_SIZE_EXT_0.WEIGHT_HEIGHT_EXT",
        "D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT",
        "D_WEIGHT_SIZE_EXT_1.WEIGHT_KERNEL",
        "D_WEIGHT_BYTES.WEIGHT_BYTES",
        "D_DATAOUT_SIZE_0.DATAOUT_WIDTH",
        "D_DATAOUT_SIZE_0.DATAOUT_HEIGHT",
        "D_RELEASE.RLS_SLICES",
        "D_CONV_STRIDE_EXT.CONV_X_STRIDE_EXT",
        "D_CONV_STRIDE_EXT.CONV_Y_STRIDE_EXT",
        "D_DILATION_EXT.X_DILATION_EXT",
        "D_DILATION_EXT.Y_DILATION_EXT",
        "D_ZERO_PADDING.PAD_LEFT",
        "D_ZERO_PADDING.PAD_TOP",
        "D_ZERO_PADDING_VALUE.PAD_VALUE",
    ),
    "CMAC_A": (),
    "CACC": ("D_CLIP_CFG.CLIP_TRUNCATE",),
    "SDP_RDMA": (
        "D_DATA_CUBE_WIDTH.WIDTH",
        "D_DATA_CUBE_HEIGHT.HEIGHT",
        "D_DATA_CUBE_CHANNEL.CHANNEL",
        "D_SRC_BASE_ADDR_LOW.SRC_BASE_ADDR_LOW",
        "D_SRC_LINE_STRIDE.SRC_LINE_STRIDE",
        "D_SRC_SURFACE_STRIDE.SRC_SURFACE_STRIDE",
        *(field.format("BS", "BRDMA") for field in _OPERAND_FIELDS),
        *(field.format("BN", "NRDMA") for field in _OPERAND_FIELDS),
        "D_FEATURE_MODE_CFG.FLYING_MODE",
    ),
    "SDP": (
        "D_DATA_CUBE_WIDTH.WIDTH",
        "D_DATA_CUBE_HEIGHT.HEIGHT",
        "D_DATA_CUBE_CHANNEL.CHANNEL",
        *_DESTINATION,
        *(field.format("BS") for field in _X_FIELDS),
        *(field.format("BN") for field in _X_FIELDS),
        "D_FEATURE_MODE_CFG.FLYING_MODE",
        "D_FEATURE_MODE_CFG.OUTPUT_DST",
        "D_DATA_FORMAT.OUT_PRECISION",
        "D_CVT_OFFSET.CVT_OFFSET",
        "D_CVT_SCALE.CVT_SCALE",
        "D_CVT_SHIFT.CVT_SHIFT",
        "D_PERF_ENABLE.PERF_SAT_EN",
    ),
    "PDP_RDMA": (
        "D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH",
        "D_DATA_CUBE_IN_HEIGHT.CUBE_IN_HEIGHT",
        "D_DATA_CUBE_IN_CHANNEL.CUBE_IN_CHANNEL",
        "D_SRC_BASE_ADDR_LOW.SRC_BASE_ADDR_LOW",
        "D_SRC_LINE_STRIDE.SRC_LINE_STRIDE",
        "D_SRC_SURFACE_STRIDE.SRC_SURFACE_STRIDE",
        "D_OPERATION_MODE_CFG.SPLIT_NUM",
        "D_POOLING_KERNEL_CFG.KERNEL_WIDTH",
        "D_POOLING_KERNEL_CFG.KERNEL_STRIDE_WIDTH",
        *_PARTS_IN,
    ),
    "PDP": (
        "D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH",
        "D_DATA_CUBE_IN_HEIGHT.CUBE_IN_HEIGHT",
        "D_DATA_CUBE_OUT_WIDTH.CUBE_OUT_WIDTH",
        "D_DATA_CUBE_OUT_HEIGHT.CUBE_OUT_HEIGHT",
        "D_DATA_CUBE_OUT_CHANNEL.CUBE_OUT_CHANNEL",
        "D_OPERATION_MODE_CFG.POOLING_METHOD",
        "D_OPERATION_MODE_CFG.FLYING_MODE",
        "D_OPERATION_MODE_CFG.SPLIT_NUM",
        *_PARTS_IN,
        "D_PARTIAL_WIDTH_OUT.PARTIAL_WIDTH_OUT_FIRST",
        "D_PARTIAL_WIDTH_OUT.PARTIAL_WIDTH_OUT_LAST",
        "D_PARTIAL_WIDTH_OUT.PARTIAL_WIDTH_OUT_MID",
        "D_POOLING_KERNEL_CFG.KERNEL_WIDTH",
        "D_POOLING_KERNEL_CFG.KERNEL_HEIGHT",
        "D_POOLING_KERNEL_CFG.KERNEL_STRIDE_WIDTH",
        "D_POOLING_KERNEL_CFG.KERNEL_STRIDE_HEIGHT",
        "D_RECIP_KERNEL_WIDTH.RECIP_KERNEL_WIDTH",
        "D_RECIP_KERNEL_HEIGHT.RECIP_KERNEL_HEIGHT",
        "D_POOLING_PADDING_CFG.PAD_LEFT",
        "D_POOLING_PADDING_CFG.PAD_TOP",
        *(f"D_POOLING_PADDING_VALUE_{missing}_CFG.PAD_VALUE_{missing}X" for missing in range(1, 8)),
        *_DESTINATION,
    ),
    "CDP_RDMA": (
        "D_DATA_CUBE_WIDTH.WIDTH",
        "D_DATA_CUBE_HEIGHT.HEIGHT",
        "D_DATA_CUBE_CHANNEL.CHANNEL",
        "D_SRC_BASE_ADDR_LOW.SRC_BASE_ADDR_LOW",
        "D_SRC_LINE_STRIDE.SRC_LINE_STRIDE",
        "D_SRC_SURFACE_STRIDE.SRC_SURFACE_STRIDE",
    ),
    "CDP": (
        "S_LUT_CFG.LUT_LE_FUNCTION",
        "S_LUT_CFG.LUT_UFLOW_PRIORITY",
        "S_LUT_CFG.LUT_OFLOW_PRIORITY",
        "S_LUT_CFG.LUT_HYBRID_PRIORITY",
        "S_LUT_INFO.LUT_LE_INDEX_OFFSET",
        "S_LUT_INFO.LUT_LE_INDEX_SELECT",
        "S_LUT_INFO.LUT_LO_INDEX_SELECT",
        *(field.format("LE") for field in _TABLE_FIELDS),
        *(field.format("LO") for field in _TABLE_FIELDS),
        "D_FUNC_BYPASS.SQSUM_BYPASS",
        "D_FUNC_BYPASS.MUL_BYPASS",
        "D_LRN_CFG.NORMALZ_LEN",
        "D_DATIN_OFFSET.DATIN_OFFSET",
        "D_DATIN_SCALE.DATIN_SCALE",
        "D_DATIN_SHIFTER.DATIN_SHIFTER",
        "D_DATOUT_OFFSET.DATOUT_OFFSET",
        "D_DATOUT_SCALE.DATOUT_SCALE",
        "D_DATOUT_SHIFTER.DATOUT_SHIFTER",
        *_DESTINATION,
    ),
}
"""``REGISTER.FIELD`` that the core's units read, by block; CMAC_B is a second instance of CMAC_A's module."""


HARDWARE_WRITTEN: Mapping[str, tuple[str, ...]] = {
    "SDP": ("D_PERF_OUT_SATURATION",),
    "CDP": (
        "S_LUT_ACCESS_CFG",
        "S_LUT_ACCESS_DATA",
        *(f"D_PERF_LUT_{what}" for what in ("UFLOW", "OFLOW", "HYBRID", "LE_HIT", "LO_HIT")),
    ),
}
"""Registers that the unit itself holds, D_ ones for both groups, by block. It sees software's accesses to them."""


MODULES: Mapping[str, str] = {
    block: f"nvdla_{'cmac' if block == 'CMAC_A' else block.lower()}_regs" for block in USED_FIELDS
}
"""Module by block."""


CSB_BLOCKS = ("GLB", *LAYER_BLOCKS)
"""Blocks that the CSB reaches, in the order of nvdla_csb_master's ports, lowest bits first."""


def field_port(field: str) -> str:
    """Output port of a ``REGISTER.FIELD``."""
    return field.replace(".", "_").lower()


def hardware_ports(register: str) -> tuple[str, ...]:
    """Input ports of a register that the unit itself holds: one for each group if it has groups."""
    return (
        tuple(f"{register.lower()}_{group}" for group in (0, 1)) if register.startswith("D_") else (register.lower(),)
    )
