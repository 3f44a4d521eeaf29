"""The register map, packing of fields, and converters as register values."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvdla_int8.build import find_build
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.converters import (
    decode_accumulator,
    decode_input_converter,
    decode_output_converter,
    decode_pad_value,
    decode_x_stage,
    encode_accumulator,
    encode_input_converter,
    encode_layer,
    encode_output_converter,
    encode_x_stage,
)
from nvdla_int8.registers.register_map import (
    find_register,
    load_register_map,
    names_by_address,
    pack,
    unpack,
    unpack_signed,
)
from nvdla_int8.seeds import generator
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from tests.golden.random_layers import random_layer

S16, S32, U6 = st.integers(-(2**15), 2**15 - 1), st.integers(-(2**31), 2**31 - 1), st.integers(0, 63)
ALL = [f"{block}.{name}" for block, of_block in load_register_map().items() for name in of_block.registers]


@pytest.mark.parametrize("name", ALL)
def test_register_fields_do_not_overlap_and_fit_32_bits(name: str) -> None:
    register = find_register(name)
    assert register.address % 4 == 0
    masks = [((1 << field.width) - 1) << field.lsb for field in register.fields.values()]
    assert sum(masks) < 2**32
    combined = 0
    for mask in masks:
        assert not combined & mask
        combined |= mask
    for field in register.fields.values():
        assert field.reset < 1 << field.width
        assert all(value < 1 << field.width for value in field.enum.values())
        assert len(set(field.enum.values())) == len(field.enum)


def test_register_addresses_are_unique() -> None:
    assert len(names_by_address()) == len(ALL)
    assert {names_by_address()[find_register(name).address] for name in ALL} == set(ALL)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_pack_then_unpack_returns_every_field(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(ALL))
    fields = find_register(name).fields
    values = {
        field: data.draw(st.integers(-(1 << (spec.width - 1)), (1 << spec.width) - 1)) for field, spec in fields.items()
    }
    word = pack(name, **values)
    assert 0 <= word < 2**32
    for field, value in values.items():
        width = fields[field].width
        assert unpack(name, word, field) == value % (1 << width)
        if value < 1 << (width - 1):
            assert unpack_signed(name, word, field) == value


def test_pack_keeps_the_reset_value_of_fields_not_given() -> None:
    assert pack("CDMA.D_DATAIN_FORMAT") == find_register("CDMA.D_DATAIN_FORMAT").reset == 12 << 8
    assert pack("CDMA.D_DATAIN_FORMAT", DATAIN_FORMAT="PIXEL") == (12 << 8) | 1


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("CDMA.D_NOTHING", {}, ["CDMA.D_NOTHING"]),
        ("NVDLA.D_CVT_CFG", {}, ["NVDLA.D_CVT_CFG"]),
        ("CDMA", {}, ["CDMA"]),
        ("CDMA.D_CVT_CFG", {"CVT_SHIFT": 1}, ["CDMA.D_CVT_CFG", "CVT_SHIFT", "CVT_TRUNCATE"]),
        ("CDMA.D_CVT_CFG", {"CVT_TRUNCATE": 64}, ["CVT_TRUNCATE = 64", "6 bits"]),
        ("CDMA.D_CVT_CFG", {"CVT_TRUNCATE": -33}, ["CVT_TRUNCATE = -33", "6 bits"]),
        ("CDMA.D_CVT_CFG", {"CVT_EN": "ON"}, ["CVT_EN = 'ON'", "ENABLE"]),
    ],
)
def test_pack_of_what_does_not_exist_or_fit_is_one_line(name: str, fields: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BenchError) as caught:
        pack(name, **fields)
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


def test_registers_of_a_known_layer_hold_the_documented_bits() -> None:
    """By hand from the register map, so that encode and decode cannot agree on a wrong place."""
    converter = InputConverter(
        enabled=True, pixel=True, unsigned=True, offset=-2, scale=-3, truncate_bits=5, mean=(1, -1, 2, -2)
    )
    assert encode_input_converter(converter, -56) == {
        "CDMA.D_DATAIN_FORMAT": 12 << 8 | 1,
        "CDMA.D_MEAN_FORMAT": 1,
        "CDMA.D_MEAN_GLOBAL_0": 0xFFFF_0001,
        "CDMA.D_MEAN_GLOBAL_1": 0xFFFE_0002,
        "CDMA.D_CVT_CFG": 5 << 4 | 1,
        "CDMA.D_CVT_OFFSET": 0xFFFE,
        "CDMA.D_CVT_SCALE": 0xFFFD,
        "CSC.D_ZERO_PADDING_VALUE": 0xFFC8,
    }
    stage = XStage(
        bypass=False, alu_bypass=False, alu_algo=AluAlgo.SUM, alu_source=Source.MEM, alu_value=-1, alu_shift_bits=3,
        mul_bypass=False, mul_source=Source.MEM, mul_value=2, mul_shift_bits=65, prelu=True, relu=True,
    )  # fmt: skip
    assert encode_x_stage("x2", stage) == {
        "SDP.D_DP_BN_CFG": 2 << 2 | 1 << 5,
        "SDP.D_DP_BN_ALU_CFG": 1 | 3 << 8,
        "SDP.D_DP_BN_ALU_SRC_VALUE": 0xFFFF,
        "SDP.D_DP_BN_MUL_CFG": 1 | 65 << 8,
        "SDP.D_DP_BN_MUL_SRC_VALUE": 2,
    }
    out = encode_output_converter(OutputConverter(offset=-1, scale=-1, shift_bits=6))
    assert (out["SDP.D_CVT_OFFSET"], out["SDP.D_CVT_SCALE"], out["SDP.D_CVT_SHIFT"]) == (0xFFFF_FFFF, 0xFFFF, 6)
    assert encode_accumulator(Accumulator(truncate_bits=31)) == {"CACC.D_CLIP_CFG": 31}


@settings(max_examples=100, deadline=None)
@given(
    pixel=st.booleans(), unsigned=st.booleans(), enabled=st.booleans(), offset=S16, scale=S16, truncate_bits=U6,
    mean=st.none() | st.tuples(S16, S16, S16, S16), pad_value=st.integers(-128, 127),
)  # fmt: skip
def test_input_converter_registers_round_trip(
    pixel: bool, unsigned: bool, enabled: bool, offset: int, scale: int, truncate_bits: int,
    mean: tuple[int, ...] | None, pad_value: int,
) -> None:  # fmt: skip
    converter = InputConverter(
        enabled=enabled, pixel=pixel, unsigned=unsigned and pixel, offset=offset, scale=scale,
        truncate_bits=truncate_bits, mean=mean if pixel else None,
    )  # fmt: skip
    registers = encode_input_converter(converter, pad_value)
    assert decode_input_converter(registers) == converter
    assert decode_pad_value(registers) == pad_value


def test_input_converter_registers_hold_0_for_means_not_given() -> None:
    converter = InputConverter(pixel=True, mean=(7, 8))
    assert decode_input_converter(encode_input_converter(converter, 0)).mean == (7, 8, 0, 0)


@pytest.mark.parametrize("which", ["x1", "x2"])
@settings(max_examples=100, deadline=None)
@given(
    switches=st.tuples(*[st.booleans()] * 5), algo=st.sampled_from(AluAlgo), alu_source=st.sampled_from(Source),
    mul_source=st.sampled_from(Source), alu_value=S16, mul_value=S16, alu_shift_bits=U6,
    mul_shift_bits=st.integers(0, 255),
)  # fmt: skip
def test_x_stage_registers_round_trip(which: str, switches: tuple[bool, ...], algo: AluAlgo, **fields: Any) -> None:
    bypass, alu_bypass, mul_bypass, prelu, relu = switches
    stage = XStage(
        bypass=bypass, alu_bypass=alu_bypass, mul_bypass=mul_bypass, prelu=prelu, relu=relu, alu_algo=algo, **fields
    )
    assert decode_x_stage(which, encode_x_stage(which, stage)) == stage


def test_x_stage_alu_algo_3_decodes_as_sum() -> None:
    assert decode_x_stage("x1", {"SDP.D_DP_BS_CFG": 3 << 2}).alu_algo is AluAlgo.SUM


@settings(max_examples=100, deadline=None)
@given(offset=S32, scale=S16, shift_bits=U6, int16=st.booleans(), truncate_bits=st.integers(0, 31))
def test_output_converter_and_accumulator_registers_round_trip(
    offset: int, scale: int, shift_bits: int, int16: bool, truncate_bits: int
) -> None:
    converter = OutputConverter(offset=offset, scale=scale, shift_bits=shift_bits, int16=int16)
    assert decode_output_converter(encode_output_converter(converter)) == converter
    accumulator = Accumulator(truncate_bits=truncate_bits)
    assert decode_accumulator(encode_accumulator(accumulator)) == accumulator


@pytest.mark.parametrize("number", range(10))
def test_layer_registers_round_trip(number: int) -> None:
    program, _ = random_layer(generator("tests", "registers", number), "conv", find_build("nv_small"))
    registers = encode_layer(program)
    mean = program.input_converter.mean
    padded = None if mean is None else (*mean, 0, 0, 0)[:4]
    assert decode_input_converter(registers) == program.input_converter.model_copy(update={"mean": padded})
    assert decode_pad_value(registers) == program.geometry.pad_value
    assert decode_accumulator(registers) == program.accumulator
    assert decode_x_stage("x1", registers) == program.x1
    assert decode_x_stage("x2", registers) == program.x2
    assert decode_output_converter(registers) == program.output_converter
