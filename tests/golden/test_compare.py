"""Comparison of beats: every wrong element is found and decoded to its coordinates."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.compare import MAX_LISTED, compare_atoms
from nvdla_int8.seeds import generator

SHAPE = (2, 4, 2, 3)
ELEMENTS = np.moveaxis(np.arange(48).reshape(SHAPE), 1, -1).reshape(12, 4)
"""Beats of the atoms of each image, line by line."""


@pytest.mark.parametrize("dtype", [np.int8, np.int32])
def test_compare_atoms_finds_and_decodes_every_single_flipped_element(dtype: type[np.signedinteger]) -> None:
    expected = generator("tests", "compare").integers(-100, 100, (12, 4)).astype(dtype)
    assert compare_atoms(expected, expected.copy(), ELEMENTS, SHAPE, layer="conv", stage="x1").mismatches == 0
    cycles = np.arange(100, 112)
    for beat, lane in product(range(12), range(4)):
        actual = expected.copy()
        actual[beat, lane] ^= 1
        result = compare_atoms(expected, actual, ELEMENTS, SHAPE, layer="conv", stage="x1", cycles=cycles)
        assert (result.compared, result.mismatches) == (48, 1)
        (found,) = result.first
        assert (found.image, found.channel, found.y, found.x) == (beat // 6, lane, beat // 3 % 2, beat % 3)
        assert (found.cycle, found.expected, found.actual) == (100 + beat, expected[beat, lane], actual[beat, lane])
        assert found.as_dict()["width"] == 8 * expected.itemsize


def test_mismatch_line_has_place_cycle_decimal_and_hex() -> None:
    expected = np.zeros((12, 4), np.int8)
    actual = expected.copy()
    actual[7, 2] = -2
    result = compare_atoms(expected, actual, ELEMENTS, SHAPE, layer="conv1", stage="output", cycles=np.arange(12))
    assert result.first[0].describe() == (
        "layer conv1 stage output image 1 (k=2, y=0, x=1) cycle 7: expected 0 (0x00), actual -2 (0xfe)"
    )


def test_mismatch_in_padding_says_so() -> None:
    zero, one = np.zeros((1, 1), np.int8), np.ones((1, 1), np.int8)
    result = compare_atoms(zero, one, np.full((1, 1), -1), (1, 1, 1, 1), layer="conv1", stage="converted")
    assert result.first[0].describe() == "layer conv1 stage converted padding: expected 0 (0x00), actual 1 (0x01)"


def test_compare_atoms_lanes_left_out_are_neither_compared_nor_counted() -> None:
    expected, counts = np.zeros((12, 4), np.int8), np.ones((12, 4), np.bool_)
    counts[:, 3] = False
    actual = expected.copy()
    actual[:, 3] = 1
    result = compare_atoms(expected, actual, ELEMENTS, SHAPE, layer="conv", stage="x1", counts=counts)
    assert (result.compared, result.mismatches) == (36, 0)


def test_compare_atoms_counts_all_and_lists_the_first() -> None:
    expected = np.zeros((12, 4), np.int8)
    result = compare_atoms(expected, expected + np.int8(1), ELEMENTS, SHAPE, layer="conv", stage="x1")
    assert (result.compared, result.mismatches, len(result.first)) == (48, 48, MAX_LISTED)
    assert [(one.y, one.x, one.channel) for one in result.first] == [(0, x, c) for x in (0, 1) for c in range(4)]


@pytest.mark.parametrize("actual", [np.zeros((11, 4), np.int8), np.zeros((12, 4), np.int16), np.zeros(48, np.int8)])
def test_compare_refuses_other_shapes_and_dtypes(actual: NDArray[np.integer]) -> None:
    with pytest.raises(ValueError, match=r"x1: int8 .* cannot be compared"):
        compare_atoms(np.zeros((12, 4), np.int8), actual, ELEMENTS, SHAPE, layer="conv", stage="x1")
