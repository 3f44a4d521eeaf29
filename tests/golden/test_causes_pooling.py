"""Mistakes of pooling that another hand makes, element by element, are named by causes that make the same bytes."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from nvdla_int8.surfaces.memory import Memory
from tests.golden.cause_scenes import Commands, board_of, reproducing, scene_with, suggested
from tests.golden.plain_pooling import PlainPooling, rnd
from tests.golden.pooling_programs import PoolingNumbers
from tests.golden.register_programs import INPUT, place_cube

Plane = Sequence[Sequence[int]]
Element = Callable[[PlainPooling, Plane, int, int], int]
"""One output element of a board: the layer, the channel's plane, y, x."""

PADDED = PoolingNumbers(kernel=(3, 2), stride=(2, 1), padding=(1, 1, 1, 0))
AVERAGED = PADDED.but(method="AVERAGE")
WIDE_AVERAGE = PoolingNumbers(kernel=(3, 3), stride=(2, 2), padding=(1, 1, 0, 0), method="AVERAGE", height=7, width=9)


def pooled_by(numbers: PoolingNumbers, element: Element, seed: int = 1) -> tuple[Commands, Memory]:
    """The layer's program, and memory with what a board makes of it."""
    cube = np.random.default_rng(seed).integers(-128, 128, (numbers.channels, numbers.height, numbers.width), np.int8)
    lanes = np.zeros((-(-numbers.channels // 8) * 8, *cube.shape[1:]), np.int8)
    lanes[: numbers.channels] = cube
    memory = Memory()
    place_cube(memory, INPUT, cube)
    commands = Commands()
    commands.load(INPUT, memory.read_bytes(INPUT, lanes.size))
    commands.run(numbers.layer())
    _, rows, columns = numbers.output
    plain = numbers.plain()
    values = [
        [[element(plain, plane, oy, ox) for ox in range(columns)] for oy in range(rows)] for plane in lanes.tolist()
    ]
    [layer] = commands.timeline().layers
    layer.run.destination.write(memory, np.array(values).astype(np.int8))
    return commands, memory


def real(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> list[int]:
    """The elements of a window that are not padding."""
    top, left = oy * plain.stride[0] - plain.before[0], ox * plain.stride[1] - plain.before[1]
    return [
        plane[y][x]
        for y in range(top, top + plain.kernel[0])
        for x in range(left, left + plain.kernel[1])
        if 0 <= y < len(plane) and 0 <= x < len(plane[0])
    ]


def minimum_for_maximum(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    return min(real(plain, plane, oy, ox))


def maximum_with_zeros(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    found = real(plain, plane, oy, ox)
    missing = plain.kernel[0] * plain.kernel[1] - len(found)
    return max(found + [0] * missing)


def maximum_for_average(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    return max(real(plain, plane, oy, ox))


def average_of_real_elements(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    found = real(plain, plane, oy, ox)
    return int(np.floor(sum(found) / len(found) + 0.5))


def average_cut(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    return int(plain.window(plane, oy, ox) / (plain.kernel[0] * plain.kernel[1]))


def average_rounded_down_twice(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    return ((plain.window(plane, oy, ox) * plain.reciprocal[1]) >> 16) * plain.reciprocal[0] >> 16


def average_with_floored_reciprocals(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    by_width = rnd(plain.window(plane, oy, ox) * (65536 // plain.kernel[1]), 16)
    return rnd(by_width * (65536 // plain.kernel[0]), 16)


def average_without_pad_values(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    return plain.average(sum(real(plain, plane, oy, ox)))


def one_over_the_height_twice(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    return rnd(rnd(plain.window(plane, oy, ox) * plain.reciprocal[0], 16) * plain.reciprocal[0], 16)


def average_with_ties_up(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    by_width = (plain.window(plane, oy, ox) * plain.reciprocal[1] + 32768) >> 16
    return (by_width * plain.reciprocal[0] + 32768) >> 16


def missing_rows_one_column_short(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    top = oy * plain.stride[0] - plain.before[0]
    missing = sum(not 0 <= y < len(plane) for y in range(top, top + plain.kernel[0]))
    lacking = plain.pad_values[missing - 1] if missing else 0
    return plain.average(plain.window(plane, oy, ox) - lacking)


def maximum_without_signs(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
    best = max(one & 0xFF for one in real(plain, plane, oy, ox))
    return best - 256 if best > 127 else best


def moved(**changes: tuple[int, int]) -> Element:
    """The layer of another kernel, stride or padding before."""

    def element(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
        fields = {**plain.__dict__, **changes}
        return PlainPooling(**fields).output(plane, oy, ox)

    return element


@pytest.mark.parametrize(
    ("key", "numbers", "element"),
    [
        ("pooling-method", PADDED, minimum_for_maximum),
        ("pooling-method", AVERAGED, maximum_for_average),
        ("pooling-padding-value", PADDED, maximum_with_zeros),
        ("pooling-padding-value", AVERAGED, average_without_pad_values),
        ("pooling-divisor", AVERAGED, average_of_real_elements),
        ("pooling-division", WIDE_AVERAGE, average_cut),
        ("pooling-rounding", WIDE_AVERAGE, average_rounded_down_twice),
        ("pooling-reciprocal", WIDE_AVERAGE, average_with_floored_reciprocals),
        ("pooling-kernel", PADDED, moved(kernel=(2, 3))),
        ("pooling-kernel", PADDED, moved(kernel=(2, 2))),
        ("pooling-stride", PADDED, moved(stride=(1, 1))),
        ("pooling-reciprocal", AVERAGED, one_over_the_height_twice),
        ("pooling-rounding", WIDE_AVERAGE, average_with_ties_up),
        ("pooling-padding-value", AVERAGED, missing_rows_one_column_short),
        ("pooling-sign", PADDED, maximum_without_signs),
        ("pooling-padding-side", PADDED, moved(before=(1, 0))),
    ],
)
def test_causes_name_a_mistake_of_pooling(key: str, numbers: PoolingNumbers, element: Element) -> None:
    commands, memory = pooled_by(numbers, element)
    assert reproducing(scene_with(commands.timeline(), 0, memory), key)


def test_causes_of_averages_and_padding_are_not_suggested_where_there_is_none() -> None:
    commands, memory = pooled_by(PoolingNumbers(), lambda plain, plane, oy, ox: plain.output(plane, oy, ox))
    keys = suggested(scene_with(commands.timeline(), 0, memory))
    assert "pooling-method" in keys
    assert not keys & {"pooling-divisor", "pooling-division", "pooling-padding-value", "pooling-reciprocal"}


def test_causes_name_an_output_whose_size_is_rounded_up() -> None:
    numbers = PoolingNumbers(height=7, width=9, kernel=(2, 2), stride=(2, 2))
    larger = numbers.but(padding=(0, 0, 1, 1))
    commands, _ = pooled_by(numbers, lambda plain, plane, oy, ox: plain.output(plane, oy, ox))
    other, _ = pooled_by(larger, lambda plain, plane, oy, ox: plain.output(plane, oy, ox))
    _, [memory] = board_of(other.commands, other.images)
    assert reproducing(scene_with(commands.timeline(), 0, memory), "pooling-size", "4 x 5")


def test_causes_name_a_bad_column_of_the_line_buffer() -> None:
    def element(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
        if ox != 3:
            return plain.output(plane, oy, ox)
        last = min(oy * plain.stride[0] - plain.before[0] + plain.kernel[0], len(plane)) - 1
        return plain.row(plane[last], ox)

    commands, memory = pooled_by(PADDED, element)
    assert reproducing(scene_with(commands.timeline(), 0, memory), "bad-line-buffer", "only the last row")


def test_causes_name_parts_that_do_not_read_what_they_share() -> None:
    """Two parts of an output of six columns, windows of three at every second column: one column is shared."""
    numbers = PoolingNumbers(width=13, kernel=(2, 3), stride=(2, 2), parts=((7, 3), (6, 3)))

    def element(plain: PlainPooling, plane: Plane, oy: int, ox: int) -> int:
        behind = [row[7:] for row in plane]
        return plain.output(plane, oy, ox) if ox < 3 else plain.output(behind, oy, ox - 3)

    commands, memory = pooled_by(numbers, element)
    assert reproducing(scene_with(commands.timeline(), 0, memory), "pooling-part-overlap", "again")
