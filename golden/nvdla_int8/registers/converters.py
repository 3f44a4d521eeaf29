"""Converter parameters as register values, and back (hardware.md sections 2 and 4)."""

from collections.abc import Mapping
from functools import cache, lru_cache

from nvdla_int8.registers.register_map import pack
from nvdla_int8.registers.values import RegisterValues, field_of, signed_field_of, word_of
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from nvdla_int8.stages.sdp_tail import SdpTail
from nvdla_int8.stages.widths import FEATURE

X_PREFIXES = {"x1": "BS", "x2": "BN"}
"""What the registers call X1 and X2."""

_MEANS = (
    ("CDMA.D_MEAN_GLOBAL_0", "MEAN_RY"),
    ("CDMA.D_MEAN_GLOBAL_0", "MEAN_GU"),
    ("CDMA.D_MEAN_GLOBAL_1", "MEAN_BV"),
    ("CDMA.D_MEAN_GLOBAL_1", "MEAN_AX"),
)


_Words = tuple[tuple[str, int], ...]
"""Registers with their values, as what decoding is remembered by."""

_REMEMBERED = 1 << 10
"""Programs of each converter: a layer's registers are decoded by every check, and layers share them."""


def _words(values: RegisterValues, registers: tuple[str, ...]) -> _Words:
    return tuple((register, word_of(values, register)) for register in registers)


def encode_input_converter(converter: InputConverter, pad_value: int) -> dict[str, int]:
    """Registers of the input converter and of the padding that follows it."""
    means = dict(zip((field for _, field in _MEANS), converter.mean or (), strict=False))
    return {
        "CDMA.D_DATAIN_FORMAT": pack(
            "CDMA.D_DATAIN_FORMAT",
            DATAIN_FORMAT="PIXEL" if converter.pixel else "FEATURE",
            PIXEL_SIGN_OVERRIDE="UNSIGNED_INT" if converter.unsigned else "SIGNED_INT",
        ),
        "CDMA.D_MEAN_FORMAT": pack("CDMA.D_MEAN_FORMAT", MEAN_FORMAT="DISABLE" if converter.mean is None else "ENABLE"),
        **{
            register: pack(register, **{f: means[f] for r, f in _MEANS if r == register and f in means})
            for register in dict(_MEANS)
        },
        "CDMA.D_CVT_CFG": pack("CDMA.D_CVT_CFG", CVT_EN=int(converter.enabled), CVT_TRUNCATE=converter.truncate_bits),
        "CDMA.D_CVT_OFFSET": pack("CDMA.D_CVT_OFFSET", CVT_OFFSET=converter.offset),
        "CDMA.D_CVT_SCALE": pack("CDMA.D_CVT_SCALE", CVT_SCALE=converter.scale),
        "CSC.D_ZERO_PADDING_VALUE": pack("CSC.D_ZERO_PADDING_VALUE", PAD_VALUE=pad_value),
    }


def decode_input_converter(values: RegisterValues) -> InputConverter:
    """The input converter that these registers program."""
    return _input_converter(_words(values, _input_converter_registers()))


@cache
def _input_converter_registers() -> tuple[str, ...]:
    return tuple(encode_input_converter(InputConverter(), 0))


@lru_cache(maxsize=_REMEMBERED)
def _input_converter(words: _Words) -> InputConverter:
    values = dict(words)
    pixel = field_of(values, "CDMA.D_DATAIN_FORMAT", "DATAIN_FORMAT") == 1
    means = tuple(signed_field_of(values, register, field) for register, field in _MEANS)
    return InputConverter(
        enabled=field_of(values, "CDMA.D_CVT_CFG", "CVT_EN") == 1,
        pixel=pixel,
        unsigned=pixel and field_of(values, "CDMA.D_DATAIN_FORMAT", "PIXEL_SIGN_OVERRIDE") == 0,
        offset=signed_field_of(values, "CDMA.D_CVT_OFFSET", "CVT_OFFSET"),
        scale=signed_field_of(values, "CDMA.D_CVT_SCALE", "CVT_SCALE"),
        truncate_bits=field_of(values, "CDMA.D_CVT_CFG", "CVT_TRUNCATE"),
        mean=means if pixel and field_of(values, "CDMA.D_MEAN_FORMAT", "MEAN_FORMAT") == 1 else None,
    )


def decode_pad_value(values: RegisterValues) -> int:
    """The int8 value of padded elements."""
    return int(sign_extend(word_of(values, "CSC.D_ZERO_PADDING_VALUE"), FEATURE))


def encode_accumulator(accumulator: Accumulator) -> dict[str, int]:
    """Registers of CACC's delivery."""
    return {"CACC.D_CLIP_CFG": pack("CACC.D_CLIP_CFG", CLIP_TRUNCATE=accumulator.truncate_bits)}


def decode_accumulator(values: RegisterValues) -> Accumulator:
    """CACC's parameters that these registers program."""
    return Accumulator(truncate_bits=field_of(values, "CACC.D_CLIP_CFG", "CLIP_TRUNCATE"))


def encode_x_stage(which: str, stage: XStage) -> dict[str, int]:
    """Registers of ``x1`` or ``x2``."""
    unit = X_PREFIXES[which]
    prefix = f"SDP.D_DP_{unit}"
    switches = {
        "BYPASS": int(stage.bypass),
        "ALU_BYPASS": int(stage.alu_bypass),
        "ALU_ALGO": stage.alu_algo.value,
        "MUL_BYPASS": int(stage.mul_bypass),
        "MUL_PRELU": int(stage.prelu),
        "RELU_BYPASS": int(not stage.relu),
    }
    alu = {"ALU_SRC": stage.alu_source.value, "ALU_SHIFT_VALUE": stage.alu_shift_bits}
    mul = {"MUL_SRC": stage.mul_source.value, "MUL_SHIFT_VALUE": stage.mul_shift_bits}
    fields: dict[str, Mapping[str, int | str]] = {
        f"{prefix}_CFG": switches,
        f"{prefix}_ALU_CFG": alu,
        f"{prefix}_ALU_SRC_VALUE": {"ALU_OPERAND": stage.alu_value},
        f"{prefix}_MUL_CFG": mul,
        f"{prefix}_MUL_SRC_VALUE": {"MUL_OPERAND": stage.mul_value},
    }
    return {
        register: pack(register, **{f"{unit}_{field}": value for field, value in of_register.items()})
        for register, of_register in fields.items()
    }


def decode_x_stage(which: str, values: RegisterValues) -> XStage:
    """The ``x1`` or ``x2`` that these registers program; ALU_ALGO 3 acts as SUM."""
    return _x_stage(which, _words(values, _x_registers(which)))


@cache
def _x_registers(which: str) -> tuple[str, ...]:
    return tuple(encode_x_stage(which, XStage()))


@lru_cache(maxsize=_REMEMBERED)
def _x_stage(which: str, words: _Words) -> XStage:
    values = dict(words)
    unit = X_PREFIXES[which]
    prefix = f"SDP.D_DP_{unit}"

    def field(register: str, name: str) -> int:
        return field_of(values, f"{prefix}_{register}", f"{unit}_{name}")

    def operand(what: str) -> int:
        register = f"{prefix}_{what}_SRC_VALUE"
        return signed_field_of(values, register, f"{unit}_{what}_OPERAND")

    return XStage(
        bypass=field("CFG", "BYPASS") == 1,
        alu_bypass=field("CFG", "ALU_BYPASS") == 1,
        alu_algo=(AluAlgo.MAX, AluAlgo.MIN, AluAlgo.SUM, AluAlgo.SUM)[field("CFG", "ALU_ALGO")],
        alu_source=(Source.REG, Source.MEM)[field("ALU_CFG", "ALU_SRC")],
        alu_value=operand("ALU"),
        alu_shift_bits=field("ALU_CFG", "ALU_SHIFT_VALUE"),
        mul_bypass=field("CFG", "MUL_BYPASS") == 1,
        mul_source=(Source.REG, Source.MEM)[field("MUL_CFG", "MUL_SRC")],
        mul_value=operand("MUL"),
        mul_shift_bits=field("MUL_CFG", "MUL_SHIFT_VALUE"),
        prelu=field("CFG", "MUL_PRELU") == 1,
        relu=field("CFG", "RELU_BYPASS") == 0,
    )


def encode_output_converter(converter: OutputConverter) -> dict[str, int]:
    """Registers of the output converter."""
    return {
        "SDP.D_CVT_OFFSET": pack("SDP.D_CVT_OFFSET", CVT_OFFSET=converter.offset),
        "SDP.D_CVT_SCALE": pack("SDP.D_CVT_SCALE", CVT_SCALE=converter.scale),
        "SDP.D_CVT_SHIFT": pack("SDP.D_CVT_SHIFT", CVT_SHIFT=converter.shift_bits),
        "SDP.D_DATA_FORMAT": pack("SDP.D_DATA_FORMAT", OUT_PRECISION="INT16" if converter.int16 else "INT8"),
    }


def decode_output_converter(values: RegisterValues) -> OutputConverter:
    """The output converter that these registers program."""
    return _output_converter(_words(values, _output_converter_registers()))


@cache
def _output_converter_registers() -> tuple[str, ...]:
    return tuple(encode_output_converter(OutputConverter()))


@lru_cache(maxsize=_REMEMBERED)
def _output_converter(words: _Words) -> OutputConverter:
    values = dict(words)
    return OutputConverter(
        offset=signed_field_of(values, "SDP.D_CVT_OFFSET", "CVT_OFFSET"),
        scale=signed_field_of(values, "SDP.D_CVT_SCALE", "CVT_SCALE"),
        shift_bits=field_of(values, "SDP.D_CVT_SHIFT", "CVT_SHIFT"),
        int16=field_of(values, "SDP.D_DATA_FORMAT", "OUT_PRECISION") == 1,
    )


def encode_layer(program: LayerProgram) -> dict[str, int]:
    """Registers of every converter of a convolution, in the data's order."""
    return {
        **encode_input_converter(program.input_converter, program.geometry.pad_value),
        **encode_accumulator(program.accumulator),
        **encode_sdp(program),
    }


def encode_sdp(program: SdpTail) -> dict[str, int]:
    """Registers of SDP's part of a layer, in the data's order."""
    return {
        **encode_x_stage("x1", program.x1),
        **encode_x_stage("x2", program.x2),
        **encode_output_converter(program.output_converter),
    }
