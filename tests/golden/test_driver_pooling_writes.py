"""The register programs of pooling and LRN operations, value by value (loadables.md sections 6 and 8)."""

from dataclasses import replace
from typing import Any

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import CdpOperation, Lut, LutSlope, PdpOperation, PoolingSurface
from tests.golden.blank_descriptors import FLYING, blank, converter, cube, words, writes_of

POOLING = blank(
    PdpOperation, split_num=1, pool_width=2, pool_height=5, stride_x=2, stride_y=1, pad_left=1, pad_right=2,
    pad_top=3, pad_bottom=4, padding_value=(-1, 2, -3, 4, 5, 6, 262143),
)  # fmt: skip
POOLING_CUBES = blank(PoolingSurface, src_data=cube((32, 9, 11), 1), dst_data=cube((32, 8, 6), 2))

LRN = blank(
    CdpOperation, lut_index=0, local_size=7, bypass_out_mul=1, in_cvt=converter(scale=2, truncate=3, offset=-128),
    out_cvt=converter(scale=-7, truncate=33, offset=-70000),
)  # fmt: skip
TABLES = blank(
    Lut, linear_exp_table=tuple(range(-32, 33)), linear_only_table=tuple(range(257)), linear_exp_offset=-8,
    linear_only_offset=5, linear_exp_start=2**64 - 16, linear_exp_end=0x3_0000_0000, linear_only_start=0,
    linear_only_end=256, linear_exp_underflow_slope=LutSlope(-1, 253), linear_only_overflow_slope=LutSlope(9, 15),
    overflow_priority=1,
)  # fmt: skip


# Pooling


def test_pooling_from_memory() -> None:
    writes = writes_of(POOLING, POOLING_CUBES)
    assert [register for register, _ in writes[:5]] == [
        "PDP_RDMA.D_DATA_CUBE_IN_WIDTH",
        "PDP_RDMA.D_DATA_CUBE_IN_HEIGHT",
        "PDP_RDMA.D_DATA_CUBE_IN_CHANNEL",
        "PDP_RDMA.D_SRC_BASE_ADDR_HIGH",
        "PDP_RDMA.D_SRC_BASE_ADDR_LOW",
    ]
    assert words(writes) == {
        "PDP_RDMA.D_DATA_CUBE_IN_WIDTH": 10,
        "PDP_RDMA.D_DATA_CUBE_IN_HEIGHT": 8,
        "PDP_RDMA.D_DATA_CUBE_IN_CHANNEL": 31,
        "PDP_RDMA.D_SRC_BASE_ADDR_HIGH": 0,
        "PDP_RDMA.D_SRC_BASE_ADDR_LOW": 0x8001_0000,
        "PDP_RDMA.D_SRC_LINE_STRIDE": 88,
        "PDP_RDMA.D_SRC_SURFACE_STRIDE": 792,
        "PDP_RDMA.D_DATA_FORMAT": 0,
        "PDP_RDMA.D_SRC_RAM_CFG": 1,
        "PDP_RDMA.D_OPERATION_MODE_CFG": 0,
        "PDP_RDMA.D_POOLING_KERNEL_CFG": 1 << 4 | 2,
        "PDP_RDMA.D_POOLING_PADDING_CFG": 1,
        "PDP_RDMA.D_PARTIAL_WIDTH_IN": 0,
        "PDP.D_DATA_CUBE_IN_WIDTH": 10,
        "PDP.D_DATA_CUBE_IN_HEIGHT": 8,
        "PDP.D_DATA_CUBE_IN_CHANNEL": 31,
        "PDP.D_DATA_CUBE_OUT_WIDTH": 5,
        "PDP.D_DATA_CUBE_OUT_HEIGHT": 7,
        "PDP.D_DATA_CUBE_OUT_CHANNEL": 31,
        "PDP.D_OPERATION_MODE_CFG": 1 << 4,
        "PDP.D_PARTIAL_WIDTH_IN": 0,
        "PDP.D_PARTIAL_WIDTH_OUT": 0,
        "PDP.D_POOLING_KERNEL_CFG": 1 << 16 | 5 << 8 | 2,
        "PDP.D_RECIP_KERNEL_WIDTH": 0x5555,
        "PDP.D_RECIP_KERNEL_HEIGHT": 0x2AAA,  # the nearest to a sixth would be 0x2aab
        "PDP.D_POOLING_PADDING_CFG": 4 << 12 | 2 << 8 | 3 << 4 | 1,
        "PDP.D_POOLING_PADDING_VALUE_1_CFG": 0xFFFF_FFFF,
        "PDP.D_POOLING_PADDING_VALUE_2_CFG": 2,
        "PDP.D_POOLING_PADDING_VALUE_3_CFG": 0xFFFF_FFFD,
        "PDP.D_POOLING_PADDING_VALUE_4_CFG": 4,
        "PDP.D_POOLING_PADDING_VALUE_5_CFG": 5,
        "PDP.D_POOLING_PADDING_VALUE_6_CFG": 6,
        "PDP.D_POOLING_PADDING_VALUE_7_CFG": 262143,
        "PDP.D_SRC_LINE_STRIDE": 88,
        "PDP.D_SRC_SURFACE_STRIDE": 792,
        "PDP.D_DST_BASE_ADDR_LOW": 0x8002_0000,
        "PDP.D_DST_BASE_ADDR_HIGH": 0,
        "PDP.D_DST_LINE_STRIDE": 48,
        "PDP.D_DST_SURFACE_STRIDE": 384,
        "PDP.D_DST_RAM_CFG": 1,
        "PDP.D_DATA_FORMAT": 0,
    }


def test_pooling_split_in_width() -> None:
    split = replace(
        POOLING, split_num=3, pool_mode=1, partial_in_width_first=5, partial_in_width_mid=4, partial_in_width_last=3,
        partial_width_first=2, partial_width_mid=1, partial_width_last=3,
    )  # fmt: skip
    found = words(writes_of(split, POOLING_CUBES))
    assert found["PDP.D_PARTIAL_WIDTH_IN"] == found["PDP_RDMA.D_PARTIAL_WIDTH_IN"] == 3 << 20 | 2 << 10 | 4
    assert found["PDP.D_PARTIAL_WIDTH_OUT"] == 0 << 20 | 2 << 10 | 1
    assert found["PDP.D_OPERATION_MODE_CFG"] == 2 << 8 | 1 << 4 | 1
    assert found["PDP_RDMA.D_OPERATION_MODE_CFG"] == 2


def test_pooling_behind_sdp_needs_no_rdma() -> None:
    found = words(writes_of(POOLING, replace(POOLING_CUBES, src_data=cube((32, 9, 11), -1, FLYING))))
    assert not any(register.startswith("PDP_RDMA") for register in found)
    assert found["PDP.D_OPERATION_MODE_CFG"] == 0
    assert not {"PDP.D_SRC_LINE_STRIDE", "PDP.D_SRC_SURFACE_STRIDE"} & set(found)


@pytest.mark.parametrize(
    ("operation", "surface", "problem"),
    [
        ({}, {"dst_data": cube((8, 2, 2), 2, FLYING)}, "dst_data is on the fly"),
        ({}, {"src_data": cube((8, 2, 8193), 2)}, "src_data is 8193 x 2 x 8"),
        ({"stride_x": 0}, {}, "stride_x = 0, known are 1 to 8"),
        ({"stride_y": 9}, {}, "stride_y = 9"),
        ({"pool_width": 8}, {}, "pool_width .* = 8, known are 0 to 7"),
        ({"pool_mode": 3}, {}, "pool_mode = 3"),
        ({"split_num": 65}, {}, "split_num = 65"),
        ({"split_num": 2}, {"src_data": cube((32, 9, 11), -1, FLYING)}, "split_num = 2 of an input on the fly"),
        ({"precision": 2}, {}, "precision = 2"),
        ({"padding_value": (1 << 19,) * 7}, {}, "PAD_VALUE_1X = 524288 does not fit 19 bits"),
        ({"pad_left": 8}, {}, "PAD_LEFT = 8 does not fit 3 bits"),
    ],
)
def test_pooling_that_the_driver_cannot_program_is_refused(
    operation: dict[str, Any], surface: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BenchError, match=problem) as caught:
        writes_of(replace(POOLING, **operation), replace(POOLING_CUBES, **surface))
    assert str(caught.value).startswith("PDP 0: ")


# LRN


def test_lrn_loads_its_tables_between_rdma_and_cdp() -> None:
    writes = writes_of(LRN, POOLING_CUBES, (TABLES,))
    assert [register.partition(".")[0] for register, _ in writes[:9]] == ["CDP_RDMA"] * 9
    tables = writes[9 : 9 + 1 + 65 + 1 + 257]
    entries = [("CDP.S_LUT_ACCESS_DATA", entry % 2**32) for entry in (*range(-32, 33), *range(257))]
    assert tables == [
        ("CDP.S_LUT_ACCESS_CFG", 1 << 17),
        *entries[:65],
        ("CDP.S_LUT_ACCESS_CFG", 1 << 17 | 1 << 16),
        *entries[65:],
    ]
    assert writes[9 + len(tables) :] == [
        ("CDP.S_LUT_CFG", 1 << 5),
        ("CDP.S_LUT_INFO", 5 << 16 | 0xF8),
        ("CDP.S_LUT_LE_START_LOW", 0xFFFF_FFF0),
        ("CDP.S_LUT_LE_START_HIGH", 0xFFFF_FFFF),
        ("CDP.S_LUT_LE_END_LOW", 0),
        ("CDP.S_LUT_LE_END_HIGH", 3),
        ("CDP.S_LUT_LO_START_LOW", 0),
        ("CDP.S_LUT_LO_START_HIGH", 0),
        ("CDP.S_LUT_LO_END_LOW", 256),
        ("CDP.S_LUT_LO_END_HIGH", 0),
        ("CDP.S_LUT_LE_SLOPE_SCALE", 0xFFFF),
        ("CDP.S_LUT_LE_SLOPE_SHIFT", 29),  # -3
        ("CDP.S_LUT_LO_SLOPE_SCALE", 9 << 16),
        ("CDP.S_LUT_LO_SLOPE_SHIFT", 15 << 5),
        ("CDP.D_DST_BASE_ADDR_LOW", 0x8002_0000),
        ("CDP.D_DST_BASE_ADDR_HIGH", 0),
        ("CDP.D_DST_LINE_STRIDE", 48),
        ("CDP.D_DST_SURFACE_STRIDE", 384),
        ("CDP.D_DST_DMA_CFG", 1),
        ("CDP.D_DATA_FORMAT", 0),
        ("CDP.D_LRN_CFG", 2),
        ("CDP.D_DATIN_OFFSET", 0xFFFF_FF80),
        ("CDP.D_DATIN_SCALE", 2),
        ("CDP.D_DATIN_SHIFTER", 3),
        ("CDP.D_DATOUT_OFFSET", 0xFFFE_EE90),
        ("CDP.D_DATOUT_SCALE", 0xFFFF_FFF9),
        ("CDP.D_DATOUT_SHIFTER", 33),
        ("CDP.D_FUNC_BYPASS", 1 << 1),
    ]


def test_lrn_of_a_linear_table_says_how_many_bits_select() -> None:
    found = words(writes_of(LRN, POOLING_CUBES, (replace(TABLES, method=1, linear_exp_offset=6),)))
    assert found["CDP.S_LUT_INFO"] == 5 << 16 | 6 << 8
    assert found["CDP.S_LUT_CFG"] == 1 << 5 | 1


@pytest.mark.parametrize(
    ("operation", "surface", "problem"),
    [
        ({"local_size": 4}, {}, "local_size = 4, known are 3, 5, 7, 9"),
        ({"out_precision": 1}, {}, "in_precision = 0 and out_precision = 1"),
        ({"lut_index": 1}, {}, "lut_index = 1, the task has 1 LUTs"),
        ({}, {"src_data": cube((8, 2, 2), 2, FLYING)}, "src_data is on the fly"),
        ({"in_cvt": converter(truncate=32)}, {}, "DATIN_SHIFTER = 32 does not fit 5 bits"),
    ],
)
def test_lrn_that_the_driver_cannot_program_is_refused(
    operation: dict[str, Any], surface: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BenchError, match=problem) as caught:
        writes_of(replace(LRN, **operation), replace(POOLING_CUBES, **surface), (TABLES,))
    assert str(caught.value).startswith("CDP 0: ")
