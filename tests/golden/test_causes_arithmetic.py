"""Mistakes of arithmetic on a board of plain integers: the right cause makes its bytes, and no other one does."""

from collections.abc import Callable

import numpy as np
import pytest

from nvdla_int8.checkup.causes.widths import suggest_widths
from tests.golden.arithmetic_boards import (
    ALL,
    ARITHMETIC,
    CACC,
    INPUT,
    KERNELS,
    OF,
    OUTPUT,
    X1,
    X2,
    coarse,
    fine,
    of_coarse,
    of_fine,
)
from tests.golden.board_programs import Named, explained
from tests.golden.plain_board import Integers, PlainBoard, clamp, wrap


def floor(value: Integers, shift: int) -> Integers:
    return value // (1 << shift)


def to_zero(value: Integers, shift: int) -> Integers:
    return np.where(value < 0, -(-value // (1 << shift)), value // (1 << shift))


def half_up(value: Integers, shift: int) -> Integers:
    return np.floor(value / (1 << shift) + 0.5).astype(np.int64)


def half_down(value: Integers, shift: int) -> Integers:
    return np.ceil(value / (1 << shift) - 0.5).astype(np.int64)


def half_even(value: Integers, shift: int) -> Integers:
    return np.rint(value / (1 << shift)).astype(np.int64)


def half_to_zero(value: Integers, shift: int) -> Integers:
    return np.where(value < 0, half_up(value, shift), half_down(value, shift))


def negatives_floored(value: Integers, shift: int) -> Integers:
    return np.where(value < 0, floor(value, shift), half_up(value, shift))


def upwards(value: Integers, shift: int) -> Integers:
    return -((-value) // (1 << shift))


ROUNDINGS = {
    "truncation": floor, "truncation-to-zero": to_zero, "half-up": half_up, "half-down": half_down,
    "half-even": half_even, "half-to-zero": half_to_zero, "negatives-floored": negatives_floored,
    "rounding-up": upwards,
}  # fmt: skip


@pytest.mark.parametrize("key", ROUNDINGS)
def test_causes_of_rounding_are_told_apart_in_every_unit_and_in_all(key: str) -> None:
    for unit, title in OF.items():
        board = coarse().but(rounding={unit: ROUNDINGS[key]})
        assert roundings_that_make(board) == {(key, title)}
    everywhere = coarse().but(rounding=dict.fromkeys(OF, ROUNDINGS[key]))
    assert roundings_that_make(everywhere) == {(key, ALL)}


def roundings_that_make(board: PlainBoard) -> set[Named]:
    """Without factors that are less by a hundredth: on small values these are a tie towards zero."""
    return {named for named in of_coarse().by(board.bytes()) if named[0] in ROUNDINGS}


def x1(**changes: object) -> PlainBoard:
    return fine().but(x1=fine().x1.but(**changes))


def x2(**changes: object) -> PlainBoard:
    return fine().but(x2=fine().x2.but(**changes))


def refit(multipliers: Integers, shift: int, change: Callable[[float], float]) -> tuple[Integers, int]:
    """Other factors as integers of at most 32767, with the longest shift; 0 stays 0."""
    wrong = [change(int(one) / 2**shift) if one else 0.0 for one in np.ravel(multipliers)]
    longest = max(bits for bits in range(48) if max(wrong) * 2**bits < 32767.5)
    rounded = [int(one * 2**longest + 0.5) for one in wrong]
    return np.reshape(np.array(rounded, np.int64), np.shape(multipliers)), longest


def misread(key: str, change: Callable[[float], float]) -> dict[Named, list[PlainBoard]]:
    """A factor misread in the input converter, X1, X2 and the output converter, with the longest shift each."""
    board = fine()
    scale, shift = refit(np.array(board.scale), board.shift, change)
    mul, mul_shift = refit(board.x1.mul, board.x1.shift, change)
    operand, operand_shift = refit(np.array(board.x2.mul), board.x2.shift, change)
    return {
        (key, OUTPUT): [board.but(scale=int(scale), shift=shift)],
        (key, X1): [x1(mul=mul, shift=mul_shift)],
        (key, X2): [x2(mul=int(operand), shift=operand_shift)],
    }


def output_clip(fit: Callable[[Integers], Integers]) -> PlainBoard:
    """Another clip to int8 at the end."""
    return fine().but(clipping={"output": lambda value, width: fit(value) if width == 8 else clamp(value, width)})


def result(unit: str, fit: Callable[[Integers], Integers]) -> PlainBoard:
    """Another clip to 32 bits."""
    return fine().but(clipping={unit: lambda value, width: fit(value) if width == 32 else clamp(value, width)})


MISTAKES: dict[Named, list[PlainBoard]] = {
    ("shift-off-by-one", INPUT): [fine().but(in_shift=14), fine().but(in_shift=16)],
    ("shift-off-by-one", CACC): [fine().but(cacc_shift=0), fine().but(cacc_shift=2)],
    ("shift-off-by-more", CACC): [fine().but(cacc_shift=3)],
    ("shift-off-by-one", X1): [x1(shift=15), x1(shift=17)],
    ("shift-off-by-one", X2): [x2(shift=14), x2(shift=16)],
    ("shift-off-by-one", OUTPUT): [fine().but(shift=18), fine().but(shift=20)],
    ("shift-off-by-more", X1): [x1(shift=16 + by) for by in (-7, 3, 5)],
    ("shift-off-by-more", OUTPUT): [fine().but(shift=19 + by) for by in (-4, 2)],
    ("shift-field-cut", OUTPUT): [fine().but(shift=3)],
    ("scale-missing", X2): [x2(mul=None)],
    ("scale-missing", OUTPUT): [fine().but(scale=1)],
    **misread("factor-inverted", lambda factor: 1 / factor),
    **misread("factor-applied-twice", lambda factor: factor * factor),
    **misread("scale-range-over-256", lambda factor: factor * 254 / 256),
    **misread("s128-for-s127", lambda factor: factor * 256 / 254),
    **misread("scale-range-over-255", lambda factor: factor * 254 / 255),
    ("offset-missing", OUTPUT): [fine().but(offset=0)],
    ("offset-sign", OUTPUT): [fine().but(offset=-450)],
    ("offset-doubled", OUTPUT): [fine().but(offset=900)],
    ("offset-in-output-steps", OUTPUT): [fine().but(offset=17), fine().but(offset=-17)],
    ("clip-before-offset", OUTPUT): [fine().but(offset=0, output=lambda value: clamp(value - 17, 8))],
    ("output-wraps", OUTPUT): [output_clip(lambda value: wrap(value, 8))],
    ("output-symmetric", OUTPUT): [output_clip(lambda value: np.maximum(clamp(value, 8), -127))],
    ("output-unsigned", OUTPUT): [output_clip(lambda value: np.minimum(np.maximum(value, 0), 255))],
    ("accumulator-wraps", CACC): [fine().but(sums=lambda sums, bits=bits: wrap(sums, bits)) for bits in (16, 17, 18)],
    ("accumulator-saturates", CACC): [fine().but(sums=lambda sums, bits=bits: clamp(sums, bits)) for bits in (16, 17)],
    ("result-wraps", CACC): [result("cacc", lambda value: wrap(value, 16))],
    ("result-saturates", CACC): [result("cacc", lambda value: clamp(value, 16))],
}


SATURATING = {"factor-inverted", "scale-256-over-range", "scale-255-over-range", "shift-missing", "shift-field-cut"}
"""All of them leave the ends of int8 alone."""
WIDTHS = (("accumulator", "result"), ("result", "accumulator"))
ALIKE = {
    ("shift-off-by-one", INPUT): {"factor-inverted"},  # of a factor near a half
    ("shift-field-cut", OUTPUT): SATURATING,
    ("factor-inverted", OUTPUT): SATURATING,
    ("scale-missing", X2): {"shift-applied-twice", "operand-low-byte"},  # all 0
    ("scale-missing", OUTPUT): {"shift-applied-twice"},
    ("scale-range-over-255", X1): {"255-for-256"},
    ("output-wraps", OUTPUT): {"output-precision"},  # unless 16 bits are too few
    **{(f"{what}-{how}", CACC): {f"{other}-{how}"} for what, other in WIDTHS for how in ("wraps", "saturates")},
}
"""Keys of other causes that make the same bytes of such a layer."""


@pytest.mark.parametrize("named", MISTAKES, ids="@".join)
def test_causes_of_wrong_numbers_name_unit_and_key(named: Named) -> None:
    for board in MISTAKES[named]:
        found = of_fine().by(board.bytes())
        assert named in found
        assert {key for key, _ in found - {named}} <= ALIKE.get(named, set())


def test_causes_of_a_layer_that_passes_everything_on_are_few() -> None:
    """Nothing that is bypassed, off or 1 can be wrong by itself."""
    board = PlainBoard(data=fine().data % 2, weights=fine().weights[:, :, :1, :1])
    found = explained(board, ARITHMETIC)
    assert found.names <= {
        ("shift-off-by-one", CACC), ("shift-off-by-more", CACC), ("relu-added", X1), ("output-precision", OUTPUT),
        ("output-wraps", OUTPUT), ("output-symmetric", OUTPUT), ("output-unsigned", OUTPUT),
    }  # fmt: skip


def test_causes_of_a_narrow_accumulator_saturate_after_every_atom() -> None:
    """Sums that leave 17 bits on the way and come back."""
    taps = np.where(np.arange(9) < 5, 100, -100).reshape(3, 3)
    right = PlainBoard(data=np.full((16, 3, 3), 120), weights=np.tile(taps, (KERNELS, 16, 1, 1)), shift=10)
    found = explained(right, [suggest_widths])
    wrong = right.but(sums=lambda _: np.full((KERNELS, 1, 1), clipped_walk(right, 17)))
    assert found.by(wrong.bytes()) == {("accumulator-saturates", CACC)}
    assert not np.array_equal(wrong.bytes(), right.but(sums=lambda sums: clamp(sums, 17)).bytes())


def clipped_walk(board: PlainBoard, width: int) -> int:
    """Kernel 0's accumulator, clipped after each atom of eight channels."""
    total = 0
    for block in range(0, 16, 8):
        for r in range(3):
            for s in range(3):
                atom = (board.weights[0, block : block + 8, r, s] * board.data[block : block + 8, r, s]).sum()
                total = int(clamp(np.array(total + atom), width))
    return total
