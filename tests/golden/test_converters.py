"""Input converter, accumulator, X stage and output converter against plain integers.

Tests called `test_rule_N_...` hold the like-numbered rule of hardware.md section 2, "Where a plausible model
goes wrong"; rules 10 and 12 are in test_layer_program.py and test_stripes.py. All of them hold for both ways in
which the units calculate.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nvdla_int8.stages import accumulator, input_converter, sdp
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from tests.golden import plain

S16, S32, S34 = st.integers(-(2**15), 2**15 - 1), st.integers(-(2**31), 2**31 - 1), st.integers(-(2**33), 2**33 - 1)
U6, BYTES = st.integers(0, 63), st.integers(0, 255)
PLAIN_MODE = {AluAlgo.MAX: plain.ALU_MAX, AluAlgo.MIN: plain.ALU_MIN, AluAlgo.SUM: plain.ALU_SUM}


@pytest.fixture(scope="module", params=["blocks", "int64"], autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """The two ways: the hardware's arithmetic on blocks of float64, and any arithmetic in int64."""
    with pytest.MonkeyPatch.context() as patch:
        for unit in (accumulator, input_converter, sdp) if request.param == "int64" else ():
            patch.setattr(unit, "runs_on_blocks", lambda *_: False)
        yield


def cube(values: list[int], dtype: Any = np.int32) -> NDArray[Any]:
    """The values as a (1, 1, W) cube."""
    return np.array(values).astype(dtype).reshape(1, 1, -1)


def byte_cube(values: list[int]) -> NDArray[np.uint8]:
    return np.array(values, np.uint8).reshape(1, 1, -1)


def x_one(value: int, **stage: Any) -> int:
    """One value through an X stage that is on, with register operands."""
    return int(XStage(bypass=False, **stage).apply(cube([value])).value.item())


# --- input converter


@settings(max_examples=150, deadline=None)
@given(
    pixels=st.lists(st.tuples(BYTES, BYTES, BYTES, BYTES), min_size=1, max_size=5),
    enabled=st.booleans(), unsigned=st.booleans(), as_int8=st.booleans(), offset=S16, scale=S16,
    truncate_bits=st.one_of(U6, st.integers(0, 16)),
    mean=st.none() | st.tuples(S16, S16, S16, S16) | st.tuples(S16, S16),
)  # fmt: skip
def test_input_converter_pixels_equal_plain_integers(
    pixels: list[tuple[int, ...]], enabled: bool, unsigned: bool, as_int8: bool, offset: int, scale: int,
    truncate_bits: int, mean: tuple[int, ...] | None,
) -> None:  # fmt: skip
    converter = InputConverter(
        enabled=enabled, pixel=True, unsigned=unsigned, offset=offset, scale=scale, truncate_bits=truncate_bits,
        mean=mean,
    )  # fmt: skip
    data = np.array(pixels, np.uint8).T[:, None, :]
    found = converter.apply(data.view(np.int8) if as_int8 else data).value
    means = None if mean is None else (*mean, 0, 0)[:4]  # a register that is not given holds 0
    expected = [
        plain.pixel_convert(
            byte, channel, enabled=enabled, signed=not unsigned, offset=offset, means=means, scale=scale,
            truncate=truncate_bits,
        )
        for channel, row in enumerate(zip(*pixels, strict=True)) for byte in row
    ]  # fmt: skip
    assert found.dtype == np.int8
    assert found.reshape(-1).tolist() == expected


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(-128, 127), min_size=1, max_size=20), offset=S16, scale=S16, truncate_bits=U6)
def test_input_converter_flags_equal_plain_integers(
    values: list[int], offset: int, scale: int, truncate_bits: int
) -> None:
    converter = InputConverter(enabled=True, offset=offset, scale=scale, truncate_bits=truncate_bits)
    result = converter.apply(cube(values, np.int8))
    rounded = [plain.rsh((value - offset) * scale, truncate_bits, 34, 17) for value in values]
    assert result.value.reshape(-1).tolist() == [plain.clip(t, 8) for t, _ in rounded]
    assert result.saturated_17.reshape(-1).tolist() == [flag for _, flag in rounded]
    assert result.saturated_8.reshape(-1).tolist() == [plain.clip(t, 8) != t for t, _ in rounded]


def test_rule_7_input_offset_is_subtracted_and_scale_is_signed() -> None:
    converter = InputConverter(enabled=True, pixel=True, unsigned=True, offset=100, scale=-2, truncate_bits=1)
    assert converter.apply(byte_cube([130])).value.item() == -30


def test_rule_8_mean_replaces_the_offset() -> None:
    converter = InputConverter(enabled=True, pixel=True, unsigned=True, offset=50, mean=(100, 90))
    found = converter.apply(np.array([130, 130], np.uint8).reshape(2, 1, 1)).value
    assert found.ravel().tolist() == [30, 40]


def test_rule_9_disabled_converter_reads_a_pixel_as_int8_and_ignores_the_mean() -> None:
    converter = InputConverter(enabled=False, pixel=True, unsigned=True, offset=3, scale=5, mean=(100,))
    assert converter.apply(byte_cube([200, 100])).value.ravel().tolist() == [-56, 100]


def test_rule_14_enabled_converter_works_on_signed_features_of_any_channel_count() -> None:
    converter = InputConverter(enabled=True, offset=-10, scale=3, truncate_bits=1)
    data = np.full((9, 1, 1), 200, np.uint8)  # -56: (-46 * 3) / 2
    assert converter.apply(data).value.ravel().tolist() == [-69] * 9


def test_input_converter_batch_equals_image_by_image() -> None:
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(np.uint8)
    converter = InputConverter(enabled=True, pixel=True, unsigned=True, scale=3, truncate_bits=2, mean=(1, 20, 60))
    one_by_one = np.stack([converter.apply(image).value for image in images])
    np.testing.assert_array_equal(converter.apply(images).value, one_by_one)


# --- accumulator


@settings(max_examples=150, deadline=None)
@given(values=st.lists(S34, min_size=1, max_size=12), truncate_bits=st.integers(0, 31))
def test_accumulator_delivery_equals_plain_integers(values: list[int], truncate_bits: int) -> None:
    result = Accumulator(truncate_bits=truncate_bits).apply(np.array(values, np.int64))
    expected = [plain.accumulate([value], truncate_bits) for value in values]
    assert list(zip(result.value.tolist(), result.saturated.tolist(), strict=True)) == expected


def test_accumulator_long_shift_sees_16_fraction_bits_only() -> None:
    assert Accumulator(truncate_bits=18).apply(np.array([1 - 2**17])).value.item() == -1


# --- X stage

X_FIELDS = st.fixed_dictionaries(
    {
        "bypass": st.sampled_from([False, False, False, True]),
        "alu_bypass": st.booleans(),
        "alu_algo": st.sampled_from(AluAlgo),
        "alu_value": S16,
        "alu_shift_bits": st.one_of(U6, st.integers(0, 17)),
        "mul_bypass": st.booleans(),
        "mul_value": S16,
        "mul_shift_bits": st.one_of(st.integers(0, 255), st.integers(0, 33)),
        "prelu": st.booleans(),
        "relu": st.booleans(),
    }
)


def plain_unit(stage: XStage, alu: int, mul: int) -> plain.PlainX:
    return plain.PlainX(
        alu=None if stage.alu_bypass else alu,
        alu_mode=PLAIN_MODE[stage.alu_algo],
        alu_shift=stage.alu_shift_bits,
        mul=None if stage.mul_bypass else mul,
        mul_shift=stage.mul_shift_bits,
        prelu=stage.prelu,
        relu=stage.relu,
        bypass=stage.bypass,
    )


@settings(max_examples=300, deadline=None)
@given(fields=X_FIELDS, values=st.lists(S32 | S16, min_size=1, max_size=12))
def test_x_stage_register_operands_equal_plain_integers(fields: dict[str, Any], values: list[int]) -> None:
    stage = XStage(**fields)
    result = stage.apply(cube(values))
    unit = plain_unit(stage, stage.alu_value, stage.mul_value)
    assert result.value.dtype == np.int32
    expected = [plain.x_stage(value, unit) for value in values]
    assert list(zip(result.value.ravel().tolist(), result.saturated.ravel().tolist(), strict=True)) == expected
    operand_clipped = not (stage.bypass or stage.alu_bypass) and (
        plain.lsh(stage.alu_value, stage.alu_shift_bits) != stage.alu_value * 2**stage.alu_shift_bits
    )
    assert result.operand_saturated.ravel().tolist() == [operand_clipped] * len(values)


@settings(max_examples=150, deadline=None)
@given(
    fields=X_FIELDS,
    rows=st.lists(st.tuples(S32, S32, S16, S16, S16, S16), min_size=1, max_size=5),
    alu_source=st.sampled_from(Source),
    mul_source=st.sampled_from(Source),
    per_element=st.booleans(),
)
def test_x_stage_memory_operands_equal_plain_integers(
    fields: dict[str, Any], rows: list[tuple[int, ...]], alu_source: Source, mul_source: Source, per_element: bool
) -> None:  # fmt: skip
    """(K, 1, 2) data; per kernel both elements of a kernel meet the first of its two operands."""
    stage = XStage(**fields, alu_source=alu_source, mul_source=mul_source)
    table = np.array(rows)
    data = table[:, 0:2].astype(np.int32)[:, None, :]
    if per_element:
        alus, muls = table[:, None, 2:4].astype(np.int16), table[:, None, 4:6].astype(np.int16)
    else:
        alus, muls = table[:, 2].astype(np.int16), table[:, 4].astype(np.int16)
    found = stage.apply(data, alu=alus if stage.reads_alu else None, mul=muls if stage.reads_mul else None).value
    expected = []
    for row in rows:
        for element in range(2):
            at = element if per_element else 0
            alu = row[2 + at] if alu_source is Source.MEM else stage.alu_value
            mul = row[4 + at] if mul_source is Source.MEM else stage.mul_value
            expected.append(plain.x_stage(row[element], plain_unit(stage, alu, mul))[0])
    assert found.ravel().tolist() == expected


def test_rule_1_ties_round_away_from_zero_on_both_sides() -> None:
    assert [x_one(value, mul_shift_bits=1) for value in (3, -3, 1, -1)] == [2, -2, 1, -1]
    halves = OutputConverter(shift_bits=1).apply(cube([5, -5])).value
    assert halves.ravel().tolist() == [3, -3]


def test_rule_2_shift_as_wide_as_the_operand_gives_0_for_negatives_too() -> None:
    for shift_bits in (49, 63):
        assert x_one(-(2**31), mul_bypass=False, mul_value=2**15 - 1, mul_shift_bits=shift_bits) == 0
        assert OutputConverter(scale=-1, shift_bits=shift_bits).apply(cube([2**31 - 1])).value.item() == 0
    converter = InputConverter(enabled=True, scale=2**15 - 1, truncate_bits=34)
    assert converter.apply(cube([-128], np.int8)).value.item() == 0


def test_rule_3_bypassed_multiplier_still_shifts() -> None:
    assert x_one(-100, mul_bypass=True, mul_shift_bits=2) == -25


def test_rule_4_prelu_positives_skip_multiplier_and_shift_and_wrap() -> None:
    prelu = {"mul_bypass": False, "mul_value": 2, "mul_shift_bits": 4, "prelu": True}
    assert [x_one(value, **prelu) for value in (100, 0, -100)] == [100, 0, -13]
    beyond = {"alu_bypass": False, "alu_value": 1}
    assert x_one(2**31 - 1, **beyond, **prelu) == -(2**31)
    assert x_one(2**31 - 1, **beyond, **prelu, relu=True) == 0
    stage = XStage(bypass=False, **beyond, **prelu)
    assert not stage.apply(cube([2**31 - 1])).saturated.any(), "a wrap is no saturation"


def test_rule_5_prelu_is_ignored_when_the_multiplier_is_bypassed() -> None:
    assert x_one(100, mul_bypass=True, prelu=True, mul_shift_bits=2) == 25


def test_rule_6_mul_shift_of_64_acts_as_0() -> None:
    assert x_one(100, mul_shift_bits=64) == 100
    assert x_one(100, mul_shift_bits=65) == 50
    assert x_one(100, mul_shift_bits=255) == 0


def test_x_stage_sum_keeps_33_bits_before_the_multiplier() -> None:
    summed = {"alu_bypass": False, "alu_value": 2**15 - 1, "alu_shift_bits": 16}  # 2147418112
    assert x_one(2**31 - 1, **summed, mul_shift_bits=1) == (2**31 - 1 + 2147418112 + 1) // 2
    assert x_one(2**31 - 1, **summed) == 2**31 - 1


def test_x_stage_saturating_operand_shift_keeps_its_sign() -> None:
    assert x_one(0, alu_bypass=False, alu_value=-1, alu_shift_bits=63) == -(2**31)
    assert x_one(0, alu_bypass=False, alu_value=1, alu_shift_bits=63) == 2**31 - 1


# --- output converter


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(S32 | S16, min_size=1, max_size=12), offset=S32 | S16, scale=S16,
    shift_bits=st.one_of(U6, st.integers(0, 33)), int16=st.booleans(),
)  # fmt: skip
def test_output_converter_equals_plain_integers(
    values: list[int], offset: int, scale: int, shift_bits: int, int16: bool
) -> None:
    converter = OutputConverter(offset=offset, scale=scale, shift_bits=shift_bits, int16=int16)
    result = converter.apply(cube(values))
    pairs = [plain.output_convert(value, offset, scale, shift_bits, 16 if int16 else 8) for value in values]
    assert result.value.dtype == np.int8
    assert result.value.ravel().tolist() == [plain.sx(value, 8) for value, _ in pairs]
    assert result.saturated_17.ravel().tolist() == [flag for _, flag in pairs]
    unclipped = [plain.rsh((value - offset) * scale, shift_bits, 49, 17)[0] for value in values]
    clipped = [full != value for full, (value, _) in zip(unclipped, pairs, strict=True)]
    assert result.saturated_8.ravel().tolist() == clipped


def test_rule_7_output_offset_is_subtracted_and_scale_is_signed() -> None:
    assert OutputConverter(offset=10, scale=-3, shift_bits=1).apply(cube([30])).value.item() == -30


def test_rule_13_default_output_converter_is_the_identity_and_still_clips() -> None:
    result = OutputConverter().apply(cube([-128, 127, 128, 2**16]))
    assert result.value.ravel().tolist() == [-128, 127, 127, 127]
    assert result.saturated_17.ravel().tolist() == [False, False, False, True]
    assert result.saturated_8.ravel().tolist() == [False, False, True, True]


def test_rule_15_int16_output_clips_to_16_bits_and_writes_the_low_byte() -> None:
    result = OutputConverter(int16=True).apply(cube([0x1234, 40000, -40000, 200]))
    assert result.value.ravel().tolist() == [0x34, -1, 0, -56]
