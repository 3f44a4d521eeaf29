"""The register program of a convolution: CACC, CMAC_A, CMAC_B, CSC, CDMA (loadables.md section 6)."""

from nvdla_int8.build import find_build
from nvdla_int8.driver.operation_writes import (
    OperationWrites,
    check_in_memory,
    choice,
    integer_precision,
    ram_type,
)
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import ConvolutionOperation, ConvolutionSurface, DataCube

FEATURE_FORMAT = 36
"""``data_format`` of feature data; smaller ones are CDMA's pixel formats."""

DIRECT, WINOGRAD = 0, 1

MEMORY_ATOM = find_build("nv_small").memory_atom


def write_convolution(to: OperationWrites, operation: ConvolutionOperation, surface: ConvolutionSurface) -> None:
    """Write the five blocks' registers.

    Raises
    ------
    BenchError
        What the driver refuses, a value that its field does not hold, a cube that is nowhere.
    """
    _check(operation, surface)
    processing = integer_precision("out_precision", operation.out_precision)
    _write_accumulator(to, operation, surface.dst_data, processing)
    for block in ("CMAC_A", "CMAC_B"):
        to.fields(f"{block}.D_MISC_CFG", CONV_MODE=operation.conv_mode, PROC_PRECISION=processing)
    _write_sequencer(to, operation, surface, processing)
    _write_fetch(to, operation, surface, processing)


def _check(operation: ConvolutionOperation, surface: ConvolutionSurface) -> None:
    """Refuse what the driver refuses, and what it would look up beyond the ends of its tables."""
    choice("conv_mode", operation.conv_mode, (DIRECT, WINOGRAD))
    choice("data_format", operation.data_format, range(FEATURE_FORMAT + 1))
    choice("pixel_mapping", operation.pixel_mapping, (0,))
    check_in_memory("src_data", surface.src_data)
    if operation.weight_format:
        raise BenchError(f"weight_format = {operation.weight_format}: nv_small takes no compressed weights")
    if operation.out_cvt.scale != 1 or operation.out_cvt.offset:
        raise BenchError(
            f"out_cvt has scale {operation.out_cvt.scale} and offset {operation.out_cvt.offset}, "
            "the driver takes only 1 and 0"
        )
    output = surface.dst_data
    if output.width == output.height == 1 and output.line_stride != MEMORY_ATOM:
        raise BenchError(f"dst_data of 1 x 1 has a line stride of {output.line_stride}, the driver takes {MEMORY_ATOM}")


def _write_accumulator(to: OperationWrites, operation: ConvolutionOperation, output: DataCube, processing: int) -> None:
    packed = int(output.width == output.height == 1)
    to.fields("CACC.D_MISC_CFG", CONV_MODE=operation.conv_mode, PROC_PRECISION=processing)
    to.sizes("CACC.D_DATAOUT_SIZE_0", DATAOUT_WIDTH=output.width, DATAOUT_HEIGHT=output.height)
    to.sizes("CACC.D_DATAOUT_SIZE_1", DATAOUT_CHANNEL=output.channel)
    to.address(("CACC.D_DATAOUT_ADDR",), 0 if output.address == -1 else to.address_of("dst_data", output))
    to.sizes("CACC.D_BATCH_NUMBER", BATCHES=operation.batch)
    to.strides("CACC.D_LINE_STRIDE", "CACC.D_SURF_STRIDE", output)
    to.fields("CACC.D_DATAOUT_MAP", LINE_PACKED=packed, SURF_PACKED=packed)
    to.fields("CACC.D_CLIP_CFG", CLIP_TRUNCATE=operation.out_cvt.truncate)


def _misc(operation: ConvolutionOperation, in_precision: int, processing: int) -> dict[str, int]:
    """CSC's and CDMA's D_MISC_CFG."""
    return {
        "CONV_MODE": operation.conv_mode,
        "IN_PRECISION": in_precision,
        "PROC_PRECISION": processing,
        "DATA_REUSE": operation.data_reuse,
        "WEIGHT_REUSE": operation.weight_reuse,
        "SKIP_DATA_RLS": operation.skip_data_rls,
        "SKIP_WEIGHT_RLS": operation.skip_weight_rls,
    }


def _write_sequencer(
    to: OperationWrites, operation: ConvolutionOperation, surface: ConvolutionSurface, processing: int
) -> None:
    output = surface.dst_data
    direct = operation.conv_mode == DIRECT
    to.fields("CSC.D_MISC_CFG", **_misc(operation, processing, processing))
    to.fields("CSC.D_DATAIN_FORMAT", DATAIN_FORMAT=int(operation.data_format != FEATURE_FORMAT))
    to.sizes(
        "CSC.D_DATAIN_SIZE_EXT_0",
        DATAIN_WIDTH_EXT=operation.input_width_csc,
        DATAIN_HEIGHT_EXT=operation.input_height_csc,
    )
    to.sizes("CSC.D_DATAIN_SIZE_EXT_1", DATAIN_CHANNEL_EXT=operation.input_channel_csc)
    to.sizes("CSC.D_BATCH_NUMBER", BATCHES=operation.batch)
    to.fields("CSC.D_POST_Y_EXTENSION", Y_EXTENSION=operation.post_extension)
    to.sizes("CSC.D_ENTRY_PER_SLICE", ENTRIES=operation.entry_per_slice)
    to.fields("CSC.D_WEIGHT_FORMAT", WEIGHT_FORMAT=operation.weight_format)
    to.sizes(
        "CSC.D_WEIGHT_SIZE_EXT_0",
        WEIGHT_WIDTH_EXT=operation.kernel_width_csc,
        WEIGHT_HEIGHT_EXT=operation.kernel_height_csc,
    )
    to.sizes(
        "CSC.D_WEIGHT_SIZE_EXT_1",
        WEIGHT_CHANNEL_EXT=operation.kernel_channel_csc,
        WEIGHT_KERNEL=output.channel,
    )
    to.number("CSC.D_WEIGHT_BYTES", surface.weight_data.size)
    to.number("CSC.D_WMB_BYTES", surface.wmb_data.size)
    to.sizes(
        "CSC.D_DATAOUT_SIZE_0",
        DATAOUT_WIDTH=operation.input_width_cmac,
        DATAOUT_HEIGHT=operation.input_height_cmac,
    )
    to.sizes("CSC.D_DATAOUT_SIZE_1", DATAOUT_CHANNEL=output.channel)
    to.sizes("CSC.D_ATOMICS", ATOMICS=output.width * output.height)
    to.sizes("CSC.D_RELEASE", RLS_SLICES=operation.release)
    to.sizes(
        "CSC.D_CONV_STRIDE_EXT",
        CONV_X_STRIDE_EXT=operation.conv_stride_x if direct else 1,
        CONV_Y_STRIDE_EXT=operation.conv_stride_y if direct else 1,
    )
    to.sizes("CSC.D_DILATION_EXT", X_DILATION_EXT=operation.dilation_x, Y_DILATION_EXT=operation.dilation_y)
    to.fields(
        "CSC.D_ZERO_PADDING",
        PAD_LEFT=operation.pad_x_left if direct else 0,
        PAD_TOP=operation.pad_y_top if direct else 0,
    )
    to.fields("CSC.D_ZERO_PADDING_VALUE", PAD_VALUE=operation.pad_val)
    to.sizes("CSC.D_BANK", DATA_BANK=operation.data_bank, WEIGHT_BANK=operation.weight_bank)
    to.fields("CSC.D_PRA_CFG", PRA_TRUNCATE=operation.pra_truncate)


def _write_fetch(
    to: OperationWrites, operation: ConvolutionOperation, surface: ConvolutionSurface, processing: int
) -> None:
    source, weights = surface.src_data, surface.weight_data
    feature = operation.data_format == FEATURE_FORMAT
    address = to.address_of("src_data", source)
    to.fields(
        "CDMA.D_MISC_CFG", **_misc(operation, integer_precision("in_precision", operation.in_precision), processing)
    )
    to.fields(
        "CDMA.D_DATAIN_FORMAT",
        DATAIN_FORMAT=int(not feature),
        PIXEL_FORMAT=0 if feature else operation.data_format,
        PIXEL_MAPPING=operation.pixel_mapping,
        PIXEL_SIGN_OVERRIDE=operation.pixel_override,
    )
    to.sizes("CDMA.D_DATAIN_SIZE_0", DATAIN_WIDTH=source.width, DATAIN_HEIGHT=source.height)
    to.sizes("CDMA.D_DATAIN_SIZE_1", DATAIN_CHANNEL=source.channel)
    to.sizes(
        "CDMA.D_DATAIN_SIZE_EXT_0",
        DATAIN_WIDTH_EXT=operation.input_width_csc,
        DATAIN_HEIGHT_EXT=operation.input_height_csc,
    )
    to.fields("CDMA.D_DAIN_RAM_TYPE", DATAIN_RAM_TYPE=ram_type("src_data", source))
    to.address(("CDMA.D_DAIN_ADDR_HIGH_0", "CDMA.D_DAIN_ADDR_LOW_0"), address)
    to.address(("CDMA.D_DAIN_ADDR_HIGH_1", "CDMA.D_DAIN_ADDR_LOW_1"), address + surface.offset_u)
    to.strides("CDMA.D_LINE_STRIDE", "CDMA.D_SURF_STRIDE", source)
    to.number("CDMA.D_LINE_UV_STRIDE", surface.in_line_uv_stride)
    line_bytes = source.width * MEMORY_ATOM
    to.fields(
        "CDMA.D_DAIN_MAP",
        LINE_PACKED=int(source.line_stride == line_bytes),
        SURF_PACKED=int(source.surf_stride == source.height * line_bytes),
    )
    to.sizes("CDMA.D_BATCH_NUMBER", BATCHES=operation.batch)
    to.number("CDMA.D_BATCH_STRIDE", operation.batch_stride)
    to.sizes("CDMA.D_ENTRY_PER_SLICE", ENTRIES=operation.entry_per_slice)
    to.sizes("CDMA.D_FETCH_GRAIN", GRAINS=operation.fetch_grain)
    to.fields("CDMA.D_WEIGHT_FORMAT", WEIGHT_FORMAT=operation.weight_format)
    to.sizes("CDMA.D_WEIGHT_SIZE_0", BYTE_PER_KERNEL=operation.bytes_per_kernel)
    to.sizes("CDMA.D_WEIGHT_SIZE_1", WEIGHT_KERNEL=surface.dst_data.channel)
    to.fields("CDMA.D_WEIGHT_RAM_TYPE", WEIGHT_RAM_TYPE=ram_type("weight_data", weights))
    weights_address = 0 if weights.address == -1 else to.address_of("weight_data", weights)
    to.address(("CDMA.D_WEIGHT_ADDR_HIGH", "CDMA.D_WEIGHT_ADDR_LOW"), weights_address)
    to.number("CDMA.D_WEIGHT_BYTES", weights.size)
    _write_input_converter(to, operation)
    to.sizes("CDMA.D_CONV_STRIDE", CONV_X_STRIDE=operation.conv_stride_x, CONV_Y_STRIDE=operation.conv_stride_y)
    to.fields(
        "CDMA.D_ZERO_PADDING",
        PAD_LEFT=operation.pad_x_left,
        PAD_RIGHT=operation.pad_x_right,
        PAD_TOP=operation.pad_y_top,
        PAD_BOTTOM=operation.pad_y_bottom,
    )
    to.fields("CDMA.D_ZERO_PADDING_VALUE", PAD_VALUE=operation.pad_val)
    to.sizes("CDMA.D_BANK", WEIGHT_BANK=operation.weight_bank, DATA_BANK=operation.data_bank)


def _write_input_converter(to: OperationWrites, operation: ConvolutionOperation) -> None:
    to.fields("CDMA.D_MEAN_FORMAT", MEAN_FORMAT=operation.mean_format)
    if operation.mean_format:
        to.fields("CDMA.D_MEAN_GLOBAL_0", MEAN_RY=operation.mean_ry, MEAN_GU=operation.mean_gu)
        to.fields("CDMA.D_MEAN_GLOBAL_1", MEAN_BV=operation.mean_bv, MEAN_AX=operation.mean_ax)
    converter = operation.in_cvt
    if not converter.enable:
        to.fields("CDMA.D_CVT_CFG", CVT_EN=0)
        return
    to.fields("CDMA.D_CVT_CFG", CVT_EN=1, CVT_TRUNCATE=converter.truncate)
    to.number("CDMA.D_CVT_OFFSET", converter.offset)
    to.number("CDMA.D_CVT_SCALE", converter.scale)
