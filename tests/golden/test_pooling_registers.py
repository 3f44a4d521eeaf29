"""PDP's and CDP's parameters in registers: words written out by hand, and every parameter there and back."""

from hypothesis import given
from hypothesis import strategies as st

from nvdla_int8.registers.lrn import LutEntries, decode_lrn, encode_lrn
from nvdla_int8.registers.pooling import decode_pooling, decode_split, encode_pooling
from nvdla_int8.stages.lrn import Lrn
from nvdla_int8.stages.lut import LeTable, LoTable, Slope
from nvdla_int8.stages.pooling import Pooling, PoolingMethod
from nvdla_int8.stages.pooling_split import WidthSplit
from tests.golden.test_lrn import lrns

POOLING = Pooling(
    method=PoolingMethod.MIN, kernel_h=3, kernel_w=2, stride_y=5, stride_x=4, pad_top=2, pad_bottom=4, pad_left=1,
    pad_right=3, pad_values=(-1, -2, -3, -4, -5, -6, 262143), reciprocal_h_q16=0x10000, reciprocal_w_q16=0x5555,
)  # fmt: skip
SPLIT = WidthSplit(parts=3, in_first=1, in_last=2, in_mid=3, out_first=4, out_last=5, out_mid=6)
POOLING_WORDS = {
    "PDP.D_OPERATION_MODE_CFG": 0x212,
    "PDP.D_POOLING_KERNEL_CFG": 0x43_0201,
    "PDP.D_POOLING_PADDING_CFG": 0x4321,
    "PDP.D_RECIP_KERNEL_WIDTH": 0x5555,
    "PDP.D_RECIP_KERNEL_HEIGHT": 0x1_0000,
    **{f"PDP.D_POOLING_PADDING_VALUE_{one}_CFG": 0x8_0000 - one for one in range(1, 7)},
    "PDP.D_POOLING_PADDING_VALUE_7_CFG": 0x3_FFFF,
    "PDP.D_PARTIAL_WIDTH_IN": 0 | 1 << 10 | 2 << 20,
    "PDP.D_PARTIAL_WIDTH_OUT": 3 | 4 << 10 | 5 << 20,
}

LRN = Lrn(
    normalize_length=2, square_sum_bypass=False, multiply_bypass=True, in_offset=-1, in_scale=-32768, in_shift_bits=31,
    le=LeTable(
        start=-1, end=-(1 << 37), exponent=False, index_offset=-2, index_select=3,
        underflow=Slope(scale=-3, shift_bits=-16), overflow=Slope(scale=4, shift_bits=15),
    ),
    lo=LoTable(
        start=1 << 36, end=5, index_select=-4, underflow=Slope(scale=5, shift_bits=1),
        overflow=Slope(scale=-6, shift_bits=-2),
    ),
    underflow_priority=1, overflow_priority=0, hybrid_priority=1, out_offset=-7, out_scale=8, out_shift_bits=63,
)  # fmt: skip
LRN_WORDS = {
    "CDP.S_LUT_CFG": 0x51, "CDP.S_LUT_INFO": 0xFC_03_FE,
    "CDP.S_LUT_LE_START_LOW": 0xFFFF_FFFF, "CDP.S_LUT_LE_START_HIGH": 0x3F,
    "CDP.S_LUT_LE_END_LOW": 0, "CDP.S_LUT_LE_END_HIGH": 0x20,
    "CDP.S_LUT_LO_START_LOW": 0, "CDP.S_LUT_LO_START_HIGH": 0x10,
    "CDP.S_LUT_LO_END_LOW": 5, "CDP.S_LUT_LO_END_HIGH": 0,
    "CDP.S_LUT_LE_SLOPE_SCALE": 0x0004_FFFD, "CDP.S_LUT_LE_SLOPE_SHIFT": 15 << 5 | 16,
    "CDP.S_LUT_LO_SLOPE_SCALE": 0xFFFA_0005, "CDP.S_LUT_LO_SLOPE_SHIFT": 30 << 5 | 1,
    "CDP.D_FUNC_BYPASS": 2, "CDP.D_LRN_CFG": 2,
    "CDP.D_DATIN_OFFSET": 0xFFFF, "CDP.D_DATIN_SCALE": 0x8000, "CDP.D_DATIN_SHIFTER": 31,
    "CDP.D_DATOUT_OFFSET": 0xFFFF_FFF9, "CDP.D_DATOUT_SCALE": 8, "CDP.D_DATOUT_SHIFTER": 63,
}  # fmt: skip


def test_pooling_words_are_those_of_the_specification() -> None:
    assert decode_pooling(POOLING_WORDS) == POOLING
    assert decode_split(POOLING_WORDS) == SPLIT
    encoded = encode_pooling(POOLING, flying=False, split=SPLIT)
    assert {name: word for name, word in encoded.items() if name.startswith("PDP.")} == POOLING_WORDS


def test_lrn_words_are_those_of_the_specification() -> None:
    assert decode_lrn(LRN_WORDS, LutEntries()) == LRN
    assert encode_lrn(LRN) == LRN_WORDS


@given(lrn=lrns())
def test_every_normalisation_comes_back_from_its_registers(lrn: Lrn) -> None:
    assert decode_lrn(encode_lrn(lrn), LutEntries(lrn.le.entries, lrn.lo.entries)) == lrn


@given(
    kernel=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    stride=st.tuples(st.integers(1, 16), st.integers(1, 16)),
    padding=st.lists(st.integers(0, 7), min_size=4, max_size=4),
    method=st.sampled_from(PoolingMethod),
)
def test_every_pooling_comes_back_from_its_registers(
    kernel: tuple[int, int], stride: tuple[int, int], padding: list[int], method: PoolingMethod
) -> None:
    top, bottom, left, right = padding
    pooling = Pooling(
        method=method, kernel_h=kernel[0], kernel_w=kernel[1], stride_y=stride[0], stride_x=stride[1],
        pad_top=top, pad_bottom=bottom, pad_left=left, pad_right=right,
    )  # fmt: skip
    values = encode_pooling(pooling, flying=False)
    assert decode_pooling(values) == pooling
    assert decode_split(values) is None
