"""Parameters, operands and data that a stage of the hardware cannot have: one line with class, field and value."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import Parameters
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.sdp import OutputConverter, Source, XStage


@pytest.mark.parametrize(
    ("kind", "field", "bad"),
    [
        (InputConverter, "offset", 2**15),
        (InputConverter, "scale", -(2**15) - 1),
        (InputConverter, "truncate_bits", 64),
        (InputConverter, "truncate_bits", -1),
        (InputConverter, "enabled", 1),
        (InputConverter, "scale", "3"),
        (InputConverter, "scale", 1.0),
        (Accumulator, "truncate_bits", 32),
        (XStage, "alu_value", 2**15),
        (XStage, "alu_shift_bits", 64),
        (XStage, "mul_value", -(2**15) - 1),
        (XStage, "mul_shift_bits", 256),
        (XStage, "alu_algo", "EQL"),
        (XStage, "mul_source", "DMA"),
        (OutputConverter, "offset", 2**31),
        (OutputConverter, "scale", 2**15),
        (OutputConverter, "shift_bits", 64),
        (OutputConverter, "scale", True),
        (OutputConverter, "round", 1),
        (OutputConverter, "self", 1),
    ],
)
def test_parameter_that_does_not_fit_is_one_line_with_class_field_and_value(
    kind: type[Parameters], field: str, bad: object
) -> None:
    with pytest.raises(BenchError) as caught:
        kind(**{field: bad})
    message = str(caught.value)
    assert message.startswith(f"{kind.__name__}: {field} = {bad!r}: ")
    assert "\n" not in message


def test_parameters_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(OutputConverter(), "scale", 2)  # noqa: B010 - the type checker would refuse the assignment


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"unsigned": True}, ["unsigned = True", "pixel"]),
        ({"mean": (1,)}, ["mean = (1,)", "pixel"]),
        ({"pixel": True, "mean": (1, 2, 3, 4, 5)}, ["mean", "5"]),
        ({"pixel": True, "mean": ()}, ["mean", "0"]),
        ({"pixel": True, "mean": (1, 2**15)}, ["mean.1 = 32768"]),
    ],
)
def test_input_converter_impossible_combination_names_the_field(fields: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BenchError) as caught:
        InputConverter(**fields)
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.bool_])
def test_input_converter_other_dtype_is_named(dtype: Any) -> None:
    with pytest.raises(BenchError, match=f"InputConverter: .*{np.dtype(dtype)}"):
        InputConverter().apply(np.zeros((1, 1, 1), dtype))


def test_input_converter_mean_with_five_channels_is_refused() -> None:
    with pytest.raises(BenchError, match="InputConverter: 5 channels"):
        InputConverter(enabled=True, pixel=True, mean=(1,)).apply(np.zeros((5, 1, 1), np.uint8))


READS = {"bypass": False, "alu_bypass": False, "alu_source": Source.MEM}


@pytest.mark.parametrize(
    ("fields", "operand", "words"),
    [
        (READS, None, ["alu_source is MEM", "no alu operand"]),
        ({**READS, "alu_source": Source.REG}, np.zeros(2, np.int16), ["alu operand is given"]),
        ({**READS, "alu_bypass": True}, np.zeros(2, np.int16), ["alu operand is given"]),
        ({**READS, "bypass": True}, np.zeros(2, np.int16), ["alu operand is given"]),
        (READS, np.zeros(2, np.int32), ["alu operand", "int32"]),
        (READS, np.zeros(3, np.int16), ["(3,)", "(2,)"]),
        (READS, np.zeros((2, 3, 5), np.int16), ["(2, 3, 5)", "(2, 3, 4)"]),
    ],
)
def test_x_stage_operand_that_does_not_belong_is_one_line(
    fields: dict[str, Any], operand: NDArray[Any] | None, words: list[str]
) -> None:
    with pytest.raises(BenchError) as caught:
        XStage(**fields).apply(np.zeros((2, 3, 4), np.int32), alu=operand)
    message = str(caught.value)
    assert all(word in message for word in ["XStage", *words]), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("stage", "width"),
    [(Accumulator(), 34), (XStage(), 32), (XStage(bypass=False, relu=True), 32), (OutputConverter(), 32)],
    ids=["accumulator", "bypassed x stage", "x stage", "output converter"],
)
def test_data_that_the_stage_has_no_wires_for_is_one_line(stage: Any, width: int) -> None:
    low, high = -(2 ** (width - 1)), 2 ** (width - 1) - 1
    stage.apply(np.full((1, 1, 1), low, np.int64))
    stage.apply(np.full((1, 1, 1), high, np.int64))
    for value in (low - 1, high + 1):
        with pytest.raises(BenchError, match=f"{type(stage).__name__}: {value} does not fit signed {width} bits"):
            stage.apply(np.full((1, 1, 1), value, np.int64))
    with pytest.raises(BenchError, match="data has dtype float64"):
        stage.apply(np.full((1, 1, 1), 0.7))
    with pytest.raises(BenchError, match="data has list"):
        stage.apply([[[1]]])
