"""Mistakes of arithmetic on a board of plain integers: the right cause makes its bytes, and no other one does."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.golden.board_programs import Explained, Named, explained
from tests.golden.plain_board import Integers, PlainBoard, PlainStage

UNITS = ("CDMA input converter", "CACC", "SDP X1", "SDP X2", "SDP output converter", "all converters")
INPUT, CACC, X1, X2, OUTPUT, ALL = UNITS
OF = {"input": INPUT, "cacc": CACC, "x1": X1, "x2": X2, "output": OUTPUT}
KERNELS, LANES = 9, 16


def _lanes(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Operands of the kernels, 0 in the lanes that fill the last atom."""
    lanes = np.zeros((LANES, 1, 1), np.int64)
    lanes[: len(values), 0, 0] = values
    return lanes


@cache
def fine() -> PlainBoard:
    """A calibrated layer: biases and 16-bit multipliers per kernel, a second factor, offsets at both ends."""
    random = np.random.default_rng(7)
    return PlainBoard(
        data=random.integers(-128, 128, (9, 7, 8)),
        weights=random.integers(-128, 128, (KERNELS, 9, 2, 2)),
        in_offset=-21, in_scale=23171, in_shift=15, cacc_shift=2,
        x1=PlainStage(
            alu=_lanes(random.integers(-900, 900, KERNELS)), alu_shift=3,
            mul=_lanes(random.integers(9000, 30000, KERNELS)), shift=16,
        ),
        x2=PlainStage(alu=77, alu_shift=2, mul=21001, shift=15, relu=True),
        offset=450, scale=20123, shift=18,
    )  # fmt: skip


@cache
def coarse() -> PlainBoard:
    """A layer of short shifts, so that every unit meets ties, and no ReLU, so that negatives are seen."""
    random = np.random.default_rng(11)
    return PlainBoard(
        data=random.integers(-12, 13, (5, 12, 12)),
        weights=random.integers(-6, 7, (KERNELS, 5, 2, 2)),
        in_offset=1, in_scale=11, in_shift=2, cacc_shift=2,
        x1=PlainStage(
            alu=_lanes(random.integers(-40, 40, KERNELS)), mul=_lanes(random.integers(3, 7, KERNELS)), shift=2
        ),
        x2=PlainStage(mul=5, shift=2),
        offset=3, scale=3, shift=3,
    )  # fmt: skip


@cache
def of_fine() -> Explained:
    return explained(fine(), UNITS)


@cache
def of_coarse() -> Explained:
    return explained(coarse(), UNITS)


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


SHIFTS: dict[Named, list[PlainBoard]] = {
    ("shift-off-by-one", INPUT): [fine().but(in_shift=14), fine().but(in_shift=16)],
    ("shift-off-by-one", CACC): [fine().but(cacc_shift=1), fine().but(cacc_shift=3)],
    ("shift-off-by-one", X1): [x1(shift=15), x1(shift=17)],
    ("shift-off-by-one", X2): [x2(shift=14), x2(shift=16)],
    ("shift-off-by-one", OUTPUT): [fine().but(shift=17), fine().but(shift=19)],
    ("shift-off-by-more", X1): [x1(shift=16 + by) for by in (-7, 3, 6)],
    ("shift-off-by-more", OUTPUT): [fine().but(shift=18 + by) for by in (-4, 2)],
    ("shift-missing", CACC): [fine().but(cacc_shift=0)],
}


@pytest.mark.parametrize("named", SHIFTS, ids="@".join)
def test_causes_of_a_wrong_shift_name_unit_and_key(named: Named) -> None:
    for board in SHIFTS[named]:
        assert named in of_fine().by(board.bytes())
