"""The hardware's arithmetic on blocks of float64 equals that in int64, on every corner; and blocks and their flags."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.seeds import generator
from nvdla_int8.stages import blocks as blocks_module
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.blocks import FlagCollector, blocks, count_true, no_flags, part
from nvdla_int8.stages.fixedpoint import HARDWARE, round_half_away, signed_range
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, XStage

INT64 = HARDWARE._replace(rounding=lambda value, shift_bits: round_half_away(value, shift_bits))
"""The hardware's arithmetic, in a form that the units do not know to be it."""
SHAPE = (5, 3, 9)


def integers(rng: np.random.Generator, shape: tuple[int, ...], width: int) -> NDArray[np.int64]:
    """Signed integers of every size, many of them near halves of powers of two, some the ends."""
    low, high = signed_range(width)
    any_size = rng.integers(low, high, shape, endpoint=True) >> rng.integers(0, width, shape)
    near = (rng.integers(-3, 4, shape) << rng.integers(0, width - 1, shape)) // 2 + rng.integers(-1, 2, shape)
    ends = rng.choice([low, low + 1, -1, 0, 1, high], shape)
    return np.choose(rng.choice(3, shape, p=(0.45, 0.45, 0.1)), [any_size, near.clip(low, high), ends])


def shift(rng: np.random.Generator, bits: int) -> int:
    """Any shift, or a usual one."""
    return int(rng.integers(0, 1 << bits) if rng.random() < 0.4 else rng.integers(0, 1 << min(bits, 5)))


def integer(rng: np.random.Generator, width: int) -> int:
    return int(integers(rng, (1,), width)[0])


def assert_same(found: tuple[NDArray[Any], ...], expected: tuple[NDArray[Any], ...], what: object) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other, str(what), strict=True)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that cut the arrays here in the middle of a channel."""
    monkeypatch.setattr(blocks_module, "BLOCK_ELEMENTS", 20)


def test_x_stage_on_blocks_equals_int64() -> None:
    rng = generator("tests", "x stage on blocks")
    flagged = 0
    for _ in range(500):
        stage = XStage(
            bypass=bool(rng.random() < 0.05),
            alu_bypass=bool(rng.random() < 0.3),
            alu_algo=list(AluAlgo)[rng.integers(3)],
            alu_shift_bits=shift(rng, 6),
            mul_bypass=bool(rng.random() < 0.3),
            mul_shift_bits=shift(rng, 8),
            prelu=bool(rng.random() < 0.4),
            relu=bool(rng.random() < 0.3),
        )
        data = integers(rng, SHAPE, 32 if rng.random() < 0.7 else 20).astype(np.int32)
        alu, mul = (integers(rng, [(1, 1, 1), (5, 1, 1), SHAPE][rng.integers(3)], 16) for _ in range(2))
        expected = stage.compute(data, alu, mul, INT64)
        assert_same(stage.compute(data, alu, mul), expected, stage)
        flagged += bool(expected.saturated.any())
    assert 50 < flagged < 450


def test_x_stage_on_blocks_takes_data_that_broadcasts() -> None:
    rng = generator("tests", "broadcast data")
    stage = XStage(bypass=False, alu_bypass=False, mul_bypass=False, mul_shift_bits=9)
    data, operands = integers(rng, (5, 1, 1), 32).astype(np.int32), integers(rng, (2, *SHAPE), 16)
    assert_same(stage.compute(data, operands, operands), stage.compute(data, operands, operands, INT64), stage)


def test_output_converter_on_blocks_equals_int64() -> None:
    rng = generator("tests", "output converter on blocks")
    for _ in range(500):
        converter = OutputConverter(
            offset=integer(rng, 32), scale=integer(rng, 16), shift_bits=shift(rng, 6), int16=bool(rng.random() < 0.3)
        )
        data = integers(rng, SHAPE, 32).astype(np.int32)
        assert_same(converter.apply(data), converter.apply(data, INT64), converter)
    for shift_bits in range(1, 15):  # both ends of 17 bits, and everything near them
        ends = [
            end * (1 << shift_bits) + near * (1 << shift_bits) // 2 for end in (-65536, 65535) for near in (-1, 0, 1)
        ]
        data = (np.array(ends)[:, None, None] + np.arange(-2, 3)).astype(np.int32)
        converter = OutputConverter(shift_bits=shift_bits)
        assert_same(converter.apply(data), converter.apply(data, INT64), converter)


def test_accumulator_on_blocks_equals_int64() -> None:
    rng = generator("tests", "accumulator on blocks")
    for truncate_bits in [*range(32)] * 4:
        accumulator = Accumulator(truncate_bits=truncate_bits)
        sums = integers(rng, SHAPE, 34)
        assert_same(accumulator.apply(sums), accumulator.apply(sums, INT64), accumulator)


def test_input_converter_looked_up_equals_int64() -> None:
    rng = generator("tests", "input converter looked up")
    for number in range(60):
        mean = None if number % 2 else tuple(integer(rng, 16 if number % 4 else 8) for _ in range(rng.integers(1, 5)))
        converter = InputConverter(
            enabled=number % 5 > 0, pixel=True, unsigned=bool(rng.random() < 0.5), mean=mean,
            offset=integer(rng, 16), scale=integer(rng, 16 if number % 3 else 8), truncate_bits=shift(rng, 6),
        )  # fmt: skip
        data = rng.integers(0, 256, (2, 4, 20, 21), np.uint8)
        assert_same(converter.apply(data), converter.apply(data, INT64), converter)


@pytest.mark.parametrize("shape", [(7,), (21,), (3, 0, 2), (2, 3, 4), (5, 3, 9), (2, 1, 50, 3), (3, 41)])
def test_blocks_cover_every_element_once(shape: tuple[int, ...]) -> None:
    times = np.zeros(shape, int)
    for index in blocks(shape):
        times[index] += 1
        assert times[index].size <= blocks_module.BLOCK_ELEMENTS
    assert (times == 1).all()


def test_part_of_an_array_that_broadcasts() -> None:
    whole = np.arange(135).reshape(SHAPE)
    for small in (whole, whole[:, :1, :1], whole[0], whole[:1, :1, :1]):
        spread = np.broadcast_to(small, (2, *SHAPE))
        for index in blocks(spread.shape):
            assert (np.broadcast_to(part(small, index), spread[index].shape) == spread[index]).all()


def test_flags_that_are_all_false_have_no_memory() -> None:
    result = OutputConverter(shift_bits=20).apply(np.full((9, 40, 40), 12345, np.int32))
    for flags in (result.saturated_17, result.saturated_8):
        assert not flags.any()
        assert set(flags.strides) == {0}
        assert not flags.flags.writeable


def test_repeated_flags_count_as_often_as_they_stand_there() -> None:
    per_kernel = np.array([True, False, True])[:, None, None]
    assert count_true(np.broadcast_to(per_kernel, (2, 3, 4, 5))) == 2 * 2 * 20
    assert count_true(no_flags((3, 4))) == 0
    assert count_true(np.zeros((0, 3), np.bool_)) == 0
    collected = FlagCollector((2, 3))
    collected.put((slice(1, 2), slice(None)), np.array([[True, False, True]]))
    assert count_true(collected.flags) == 2
