"""The register programs of convolutions and SDP operations, value by value (loadables.md section 6)."""

from dataclasses import replace
from typing import Any

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import (
    ConvolutionOperation,
    ConvolutionSurface,
    Lut,
    SdpOperation,
    SdpSubOperation,
    SdpSurface,
)
from tests.golden.blank_descriptors import FLYING, SRAM, blank, converter, cube, words, writes_of

CONVOLUTION = blank(
    ConvolutionOperation,
    data_format=36, batch=1, data_bank=3, weight_bank=5, release=9, entry_per_slice=16, fetch_grain=2,
    input_width_csc=12, input_height_csc=9, input_channel_csc=16, kernel_width_csc=3, kernel_height_csc=2,
    kernel_channel_csc=16, input_width_cmac=5, input_height_cmac=4, bytes_per_kernel=96,
    conv_stride_x=2, conv_stride_y=3, dilation_x=1, dilation_y=4, pad_x_left=1, pad_x_right=2, pad_y_top=3,
    pad_y_bottom=4, pad_val=-2, in_cvt=converter(enable=1), out_cvt=converter(truncate=7),
)  # fmt: skip
CUBES = blank(
    ConvolutionSurface,
    weight_data=cube((24, 1, 1), 1, size=2304, offset=0x40),
    src_data=cube((16, 9, 12), 2, offset=0x100),
    dst_data=cube((24, 4, 5), -1, FLYING),
)  # fmt: skip

SDP = blank(SdpOperation, lut_index=-1, batch_num=1, out_cvt=converter(scale=-3, truncate=20, offset=-5))
SDP_CUBES = blank(
    SdpSurface, src_data=cube((16, 4, 5), 1), x1_data=cube((16, 1, 1), 2), x2_data=cube((16, 4, 5), 3, offset=8),
    dst_data=cube((16, 4, 5), 4, SRAM),
)  # fmt: skip


def blocks_in_order(writes: list[tuple[str, int]]) -> list[str]:
    return list(dict.fromkeys(register.partition(".")[0] for register, _ in writes))


# Convolutions


def test_convolution_writes_its_blocks_against_the_data() -> None:
    writes = writes_of(CONVOLUTION, CUBES)
    assert blocks_in_order(writes) == ["CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA"]
    found = words(writes)
    assert found == {
        "CACC.D_MISC_CFG": 0,
        "CACC.D_DATAOUT_SIZE_0": 3 << 16 | 4,
        "CACC.D_DATAOUT_SIZE_1": 23,
        "CACC.D_DATAOUT_ADDR": 0,
        "CACC.D_BATCH_NUMBER": 0,
        "CACC.D_LINE_STRIDE": 40,
        "CACC.D_SURF_STRIDE": 160,
        "CACC.D_DATAOUT_MAP": 0,
        "CACC.D_CLIP_CFG": 7,
        "CMAC_A.D_MISC_CFG": 0,
        "CMAC_B.D_MISC_CFG": 0,
        "CSC.D_MISC_CFG": 0,
        "CSC.D_DATAIN_FORMAT": 0,
        "CSC.D_DATAIN_SIZE_EXT_0": 8 << 16 | 11,
        "CSC.D_DATAIN_SIZE_EXT_1": 15,
        "CSC.D_BATCH_NUMBER": 0,
        "CSC.D_POST_Y_EXTENSION": 0,
        "CSC.D_ENTRY_PER_SLICE": 15,
        "CSC.D_WEIGHT_FORMAT": 0,
        "CSC.D_WEIGHT_SIZE_EXT_0": 1 << 16 | 2,
        "CSC.D_WEIGHT_SIZE_EXT_1": 23 << 16 | 15,
        "CSC.D_WEIGHT_BYTES": 2304,
        "CSC.D_WMB_BYTES": 0,
        "CSC.D_DATAOUT_SIZE_0": 3 << 16 | 4,
        "CSC.D_DATAOUT_SIZE_1": 23,
        "CSC.D_ATOMICS": 19,
        "CSC.D_RELEASE": 8,
        "CSC.D_CONV_STRIDE_EXT": 2 << 16 | 1,
        "CSC.D_DILATION_EXT": 3 << 16,
        "CSC.D_ZERO_PADDING": 3 << 16 | 1,
        "CSC.D_ZERO_PADDING_VALUE": 0xFFFE,
        "CSC.D_BANK": 4 << 16 | 2,
        "CSC.D_PRA_CFG": 0,
        "CDMA.D_MISC_CFG": 0,
        "CDMA.D_DATAIN_FORMAT": 0,
        "CDMA.D_DATAIN_SIZE_0": 8 << 16 | 11,
        "CDMA.D_DATAIN_SIZE_1": 15,
        "CDMA.D_DATAIN_SIZE_EXT_0": 8 << 16 | 11,
        "CDMA.D_DAIN_RAM_TYPE": 1,
        "CDMA.D_DAIN_ADDR_HIGH_0": 0,
        "CDMA.D_DAIN_ADDR_LOW_0": 0x8002_0100,
        "CDMA.D_DAIN_ADDR_HIGH_1": 0,
        "CDMA.D_DAIN_ADDR_LOW_1": 0x8002_0100,
        "CDMA.D_LINE_STRIDE": 96,
        "CDMA.D_SURF_STRIDE": 864,
        "CDMA.D_LINE_UV_STRIDE": 0,
        "CDMA.D_DAIN_MAP": 1 << 16 | 1,
        "CDMA.D_BATCH_NUMBER": 0,
        "CDMA.D_BATCH_STRIDE": 0,
        "CDMA.D_ENTRY_PER_SLICE": 15,
        "CDMA.D_FETCH_GRAIN": 1,
        "CDMA.D_WEIGHT_FORMAT": 0,
        "CDMA.D_WEIGHT_SIZE_0": 95,
        "CDMA.D_WEIGHT_SIZE_1": 23,
        "CDMA.D_WEIGHT_RAM_TYPE": 1,
        "CDMA.D_WEIGHT_ADDR_HIGH": 0,
        "CDMA.D_WEIGHT_ADDR_LOW": 0x8001_0040,
        "CDMA.D_WEIGHT_BYTES": 2304,
        "CDMA.D_MEAN_FORMAT": 0,
        "CDMA.D_CVT_CFG": 1,
        "CDMA.D_CVT_OFFSET": 0,
        "CDMA.D_CVT_SCALE": 1,
        "CDMA.D_CONV_STRIDE": 2 << 16 | 1,
        "CDMA.D_ZERO_PADDING": 4 << 24 | 3 << 16 | 2 << 8 | 1,
        "CDMA.D_ZERO_PADDING_VALUE": 0xFFFE,
        "CDMA.D_BANK": 4 << 16 | 2,
    }
    assert len(found) == len(writes)


def test_convolution_of_pixels_with_means_and_converter() -> None:
    pixels = replace(
        CONVOLUTION, data_format=12, pixel_override=1, post_extension=2, mean_format=1, mean_ry=-1, mean_gu=2,
        mean_bv=3, mean_ax=-4, in_cvt=converter(scale=-2, truncate=5, enable=1, offset=-9), weight_reuse=1,
        skip_weight_rls=1,
    )  # fmt: skip
    found = words(writes_of(pixels, replace(CUBES, src_data=cube((4, 9, 12), 2, line_stride=48, surf_stride=0))))
    assert found["CDMA.D_DATAIN_FORMAT"] == 1 << 20 | 12 << 8 | 1
    assert (found["CSC.D_DATAIN_FORMAT"], found["CSC.D_POST_Y_EXTENSION"]) == (1, 2)
    assert found["CDMA.D_DAIN_MAP"] == 0
    assert found["CDMA.D_MISC_CFG"] == found["CSC.D_MISC_CFG"] == 1 << 28 | 1 << 20
    assert (found["CDMA.D_MEAN_GLOBAL_0"], found["CDMA.D_MEAN_GLOBAL_1"]) == (0x0002_FFFF, 0xFFFC_0003)
    assert found["CDMA.D_CVT_CFG"] == 5 << 4 | 1
    # The driver fills the word with the sign.
    assert (found["CDMA.D_CVT_OFFSET"], found["CDMA.D_CVT_SCALE"]) == (0xFFFF_FFF7, 0xFFFF_FFFE)


def test_convolution_without_converter_leaves_its_registers_alone() -> None:
    found = words(writes_of(replace(CONVOLUTION, in_cvt=converter(scale=5, truncate=3)), CUBES))
    assert found["CDMA.D_CVT_CFG"] == 0
    assert not {"CDMA.D_CVT_OFFSET", "CDMA.D_CVT_SCALE", "CDMA.D_MEAN_GLOBAL_0"} & set(found)


def test_convolution_to_one_pixel_is_packed() -> None:
    found = words(writes_of(CONVOLUTION, replace(CUBES, dst_data=cube((24, 1, 1), 5, FLYING))))
    assert found["CACC.D_DATAOUT_MAP"] == 1 << 16 | 1
    assert found["CACC.D_DATAOUT_ADDR"] == 0x8005_0000


@pytest.mark.parametrize(
    ("operation", "surface", "problem"),
    [
        ({"out_cvt": converter(scale=2)}, {}, "out_cvt has scale 2 and offset 0"),
        ({"out_cvt": converter(offset=1)}, {}, "out_cvt has scale 1 and offset 1"),
        ({}, {"dst_data": cube((8, 1, 1), -1, FLYING, line_stride=32)}, "has a line stride of 32"),
        ({}, {"src_data": cube((8, 2, 2), 2, FLYING)}, "src_data is on the fly"),
        ({}, {"src_data": cube((8, 2, 2), -1)}, "src_data: .*ALI -1"),
        ({}, {"src_data": cube((8, 2, 2), 2, offset=1 << 16)}, "src_data: ALI 2 leads to byte 0x10000 of memory 2"),
        ({}, {"weight_data": cube((8, 2, 2), 9)}, "weight_data: .*ALI 9"),
        ({"weight_format": 1}, {}, "compressed weights"),
        ({"in_precision": 2}, {}, "in_precision = 2: .*FP16"),
        ({"data_format": 40}, {}, "data_format = 40, known are 0 to 36"),
        ({"release": 0}, {}, "CSC.D_RELEASE.RLS_SLICES is for a size of 0"),
        ({"entry_per_slice": 20000}, {}, "ENTRIES = 19999 does not fit 14 bits"),
        ({"conv_stride_x": 9}, {}, "CONV_X_STRIDE_EXT = 8 does not fit 3 bits"),
        ({"in_cvt": converter(enable=1, offset=70000)}, {}, "CVT_OFFSET = 70000 does not fit 16 bits"),
        ({}, {"offset_u": -(1 << 40)}, "CDMA.D_DAIN_ADDR_HIGH_1"),
    ],
)  # fmt: skip
def test_convolution_that_the_driver_cannot_program_is_refused(
    operation: dict[str, Any], surface: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BenchError, match=problem) as caught:
        writes_of(replace(CONVOLUTION, **operation), replace(CUBES, **surface))
    assert str(caught.value).startswith("CONV 0: ")
    assert "\n" not in str(caught.value)


# SDP


def test_sdp_from_memory_with_operands_of_memory() -> None:
    both = blank(SdpSubOperation, enable=1, alu_type=2, type=3, mode=1, act=1, shift_value=4, truncate=9, precision=1)
    added = blank(SdpSubOperation, enable=1, alu_type=2, type=2, mode=2, precision=0, truncate=2)
    writes = writes_of(replace(SDP, x1_op=both, x2_op=added), SDP_CUBES)
    assert writes[:5] == [
        ("SDP_RDMA.D_FEATURE_MODE_CFG", 0),
        ("SDP_RDMA.D_BRDMA_CFG", 0),
        ("SDP_RDMA.D_NRDMA_CFG", 0),
        ("SDP_RDMA.D_ERDMA_CFG", 0),
        ("SDP_RDMA.D_FEATURE_MODE_CFG", 0),
    ]
    assert words(writes) == {
        "SDP_RDMA.D_FEATURE_MODE_CFG": 0,
        "SDP_RDMA.D_DATA_CUBE_WIDTH": 4,
        "SDP_RDMA.D_DATA_CUBE_HEIGHT": 3,
        "SDP_RDMA.D_DATA_CUBE_CHANNEL": 15,
        "SDP_RDMA.D_SRC_BASE_ADDR_LOW": 0x8001_0000,
        "SDP_RDMA.D_SRC_BASE_ADDR_HIGH": 0,
        "SDP_RDMA.D_SRC_LINE_STRIDE": 40,
        "SDP_RDMA.D_SRC_SURFACE_STRIDE": 160,
        "SDP_RDMA.D_SRC_DMA_CFG": 1,
        "SDP_RDMA.D_BRDMA_CFG": 1 << 5 | 1 << 3 | 2 << 1,
        "SDP_RDMA.D_BS_BASE_ADDR_LOW": 0x8002_0000,
        "SDP_RDMA.D_BS_BASE_ADDR_HIGH": 0,
        "SDP_RDMA.D_BS_LINE_STRIDE": 8,
        "SDP_RDMA.D_BS_SURFACE_STRIDE": 8,
        "SDP_RDMA.D_NRDMA_CFG": 1 << 5 | 1 << 4 | 1 << 1,
        "SDP_RDMA.D_BN_BASE_ADDR_LOW": 0x8003_0008,
        "SDP_RDMA.D_BN_BASE_ADDR_HIGH": 0,
        "SDP_RDMA.D_BN_LINE_STRIDE": 40,
        "SDP_RDMA.D_BN_SURFACE_STRIDE": 160,
        "SDP_RDMA.D_ERDMA_CFG": 1 << 5 | 1 << 4 | 1,
        "SDP.D_DATA_CUBE_WIDTH": 4,
        "SDP.D_DATA_CUBE_HEIGHT": 3,
        "SDP.D_DATA_CUBE_CHANNEL": 15,
        "SDP.D_DST_BASE_ADDR_HIGH": 0,
        "SDP.D_DST_BASE_ADDR_LOW": 0x8004_0000,
        "SDP.D_DST_LINE_STRIDE": 40,
        "SDP.D_DST_SURFACE_STRIDE": 160,
        "SDP.D_DP_BS_CFG": 2 << 2,
        "SDP.D_DP_BS_ALU_CFG": 4 << 8 | 1,
        "SDP.D_DP_BS_MUL_CFG": 9 << 8 | 1,
        "SDP.D_DP_BN_CFG": 1 << 6 | 1 << 4 | 2 << 2,
        "SDP.D_DP_BN_ALU_CFG": 1,
        "SDP.D_DP_BN_MUL_CFG": 2 << 8 | 1,
        "SDP.D_DP_EW_CFG": 1 << 6 | 1 << 4 | 1 << 1 | 1,
        "SDP.D_FEATURE_MODE_CFG": 0,
        "SDP.D_DST_DMA_CFG": 0,
        "SDP.D_DATA_FORMAT": 0,
        "SDP.D_CVT_OFFSET": 0xFFFF_FFFB,
        "SDP.D_CVT_SCALE": 0xFFFF_FFFD,
        "SDP.D_CVT_SHIFT": 20,
    }


def test_sdp_behind_a_convolution_with_a_register_operand_needs_no_rdma() -> None:
    factor = blank(SdpSubOperation, enable=1, type=1, act=3, alu_operand=0, mul_operand=-300, truncate=12)
    writes = writes_of(replace(SDP, x1_op=factor), replace(SDP_CUBES, src_data=cube((16, 4, 5), -1, FLYING)))
    found = words(writes)
    assert [register for register, _ in writes if register.startswith("SDP_RDMA")][-1] == "SDP_RDMA.D_FEATURE_MODE_CFG"
    assert found["SDP_RDMA.D_FEATURE_MODE_CFG"] == found["SDP.D_FEATURE_MODE_CFG"] == 1
    assert found["SDP.D_DP_BS_CFG"] == 1 << 6 | 1 << 5 | 1 << 1
    assert "SDP.D_DP_BS_ALU_CFG" not in found
    assert (found["SDP.D_DP_BS_ALU_SRC_VALUE"], found["SDP.D_DP_BS_MUL_SRC_VALUE"]) == (0, 0xFFFF_FED4)
    assert found["SDP.D_DP_BS_MUL_CFG"] == 12 << 8


def test_sdp_before_pooling_leaves_its_destination_alone() -> None:
    found = words(writes_of(SDP, replace(SDP_CUBES, dst_data=cube((16, 4, 5), -1, FLYING))))
    assert found["SDP.D_FEATURE_MODE_CFG"] == 1 << 1
    assert found["SDP.D_DST_DMA_CFG"] == 1
    assert not any(register.startswith("SDP.D_DST_BASE") for register in found)


def test_sdp_of_a_batch_writes_the_batchs_stride() -> None:
    found = words(writes_of(replace(SDP, batch_num=3, batch_stride=0x500), SDP_CUBES))
    assert found["SDP.D_DST_BATCH_STRIDE"] == 0x500
    assert found["SDP.D_FEATURE_MODE_CFG"] == found["SDP_RDMA.D_FEATURE_MODE_CFG"] == 2 << 8
    assert "SDP.D_DST_BATCH_STRIDE" not in words(writes_of(SDP, SDP_CUBES))


def test_sdp_with_a_y_unit_writes_its_registers_and_table() -> None:
    looked_up = blank(SdpSubOperation, enable=1, type=2, alu_type=3, mode=2, act=2, truncate=600,
                      alu_cvt=converter(scale=-1, truncate=4, enable=1, offset=-2))  # fmt: skip
    surface = replace(SDP_CUBES, y_data=cube((16, 4, 5), 5))
    table = blank(Lut, linear_exp_start=2**64 - 16, linear_exp_end=0x3_0000_0000)
    found = words(writes_of(replace(SDP, y_op=looked_up, lut_index=0), surface, (table,)))
    assert found["SDP.D_DP_EW_CFG"] == 1 << 4 | 3 << 2
    assert found["SDP.D_DP_EW_ALU_CFG"] == 1
    assert found["SDP.D_DP_EW_ALU_CVT_OFFSET_VALUE"] == 0xFFFF_FFFE
    assert found["SDP.D_DP_EW_ALU_CVT_SCALE_VALUE"] == 0xFFFF_FFFF
    assert (found["SDP.D_DP_EW_ALU_CVT_TRUNCATE_VALUE"], found["SDP.D_DP_EW_TRUNCATE_VALUE"]) == (4, 600)
    assert found["SDP_RDMA.D_EW_BASE_ADDR_LOW"] == 0x8005_0000
    assert (found["SDP.S_LUT_LE_START"], found["SDP.S_LUT_LE_END"]) == (0xFFFF_FFF0, 0)


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ({"x1_op": blank(SdpSubOperation, enable=1, type=4)}, "x1_op.type = 4, known are 0 to 3"),
        ({"x2_op": blank(SdpSubOperation, mode=3)}, "x2_op.mode = 3"),
        ({"x1_op": blank(SdpSubOperation, enable=1, type=1, mul_operand=1 << 17)}, "BS_MUL_OPERAND = 131072"),
        ({"lut_index": 3}, "lut_index = 3, the task has 0 LUTs"),
        ({"dst_precision": 2}, "dst_precision = 2"),
        ({"batch_num": 0}, "batch_num is for a size of 0"),
        ({"out_cvt": converter(truncate=64)}, "CVT_SHIFT = 64 does not fit 6 bits"),
    ],
)
def test_sdp_that_the_driver_cannot_program_is_refused(operation: dict[str, Any], problem: str) -> None:
    with pytest.raises(BenchError, match=problem) as caught:
        writes_of(replace(SDP, **operation), SDP_CUBES)
    assert str(caught.value).startswith("SDP 0: ")
