"""Mistakes of bias, ReLU and operands on boards of plain integers: the right cause makes their bytes."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from nvdla_int8.checkup.cause import BoardOutput, Cause
from nvdla_int8.checkup.causes.biases import suggest_biases
from nvdla_int8.checkup.causes.operand_values import suggest_operand_values
from nvdla_int8.checkup.causes.rounded_operands import suggest_rounded_operands
from nvdla_int8.checkup.causes.second_units import suggest_second_units
from nvdla_int8.checkup.layer_trial import LayerRunner
from tests.golden.arithmetic_boards import ARITHMETIC, KERNELS, OUTPUT, X1, X2, active, fine, in_lanes, of_fine
from tests.golden.board_programs import Explained, Named, explained, program_of
from tests.golden.plain_board import BYPASSED, Integers, PlainBoard, clamp, wrap


@cache
def of_active() -> Explained:
    return explained(active(), ARITHMETIC, one_byte=["x2"])


def x1(board: PlainBoard, **changes: object) -> PlainBoard:
    return board.but(x1=board.x1.but(**changes))


def x2(board: PlainBoard, **changes: object) -> PlainBoard:
    return board.but(x2=board.x2.but(**changes))


def kernels(order: Callable[[Integers], Integers], lanes: Integers) -> Integers:
    """The real kernels' operands in another order."""
    return np.concatenate([order(lanes[:KERNELS]), lanes[KERNELS:]])


def atoms_apart(alu: Integers, mul: Integers) -> tuple[Integers, Integers]:
    """What is read alternately where eight ALU operands lie before eight MUL operands."""
    found = [[], []]  # type: list[list[int]]
    for first in range(0, len(alu), 8):
        stream = [*alu[first : first + 8].ravel(), *mul[first : first + 8].ravel()]
        for which in (0, 1):
            found[which] += stream[which::2]
    return tuple(np.reshape(one, alu.shape) for one in found)  # type: ignore[return-value]


def relu(value: Integers) -> Integers:
    return np.maximum(value, 0)


BIAS, MUL = fine().x1.alu, fine().x1.mul
APART_ALU, APART_MUL = atoms_apart(BIAS, MUL)

PLAIN: dict[Named, list[PlainBoard]] = {
    ("relu-added", X1): [x1(fine(), relu=True)],
    ("relu-added", X2): [x2(fine(), relu=True)],
    ("relu-added", OUTPUT): [fine().but(output=relu)],
    ("prelu-added", X1): [x1(fine(), prelu=True)],
    ("bias-missing", X1): [x1(fine(), alu=None)],
    ("bias-missing", X2): [x2(fine(), alu=None)],
    ("bias-shift-missing", X1): [x1(fine(), alu_shift=0)],
    ("bias-shift-off-by-one", X1): [x1(fine(), alu_shift=2), x1(fine(), alu_shift=4)],
    ("bias-shift-off-by-more", X1): [x1(fine(), alu_shift=6), x1(fine(), alu_shift=1)],
    ("operand-sign-inverted", X1): [x1(fine(), alu=-BIAS), x1(fine(), mul=-MUL)],
    ("operand-8-bits", X1): [x1(fine(), alu=clamp(BIAS, 8)), x1(fine(), mul=clamp(MUL, 8))],
    ("operand-low-byte", X1): [x1(fine(), alu=wrap(BIAS, 8)), x1(fine(), mul=MUL % 256)],
    ("operand-low-bits-cut", X1): [x1(fine(), mul=MUL // 256 * 256), x1(fine(), mul=MUL // 16 * 16)],
    ("operand-15-bits", X2): [x2(fine(), mul=wrap(np.array(21001), 15))],
    ("operand-of-one-kernel", X1): [x1(fine(), mul=kernels(lambda of: of * 0 + of[:1], MUL))],
    ("operand-of-other-kernel", X1): [
        x1(fine(), alu=kernels(lambda of: np.roll(of, 1, 0), BIAS)),
        x1(fine(), alu=kernels(lambda of: np.roll(of, -1, 0), BIAS), mul=kernels(lambda of: np.roll(of, -1, 0), MUL)),
    ],
    ("operands-swapped", X1): [x1(fine(), alu=MUL, mul=BIAS)],
    ("operands-not-interleaved", X1): [x1(fine(), alu=APART_ALU, mul=APART_MUL)],
    ("operand-source", X1): [x1(fine(), mul=0)],
}

BACK = active().x2.alu
ALIKE = {
    ("operand-source", X1): {"shift-applied-twice", "scale-missing"},
    ("prelu-as-relu", X1): {"shift-applied-twice", "operand-source"},
}
"""Keys of other causes that make the same bytes of such a layer, multiplied by next to nothing."""

ACTIVE: dict[Named, list[PlainBoard]] = {
    ("relu-missing", X2): [x2(active(), relu=False)],
    ("relu-before-bias", X2): [x2(active(), relu=False, before=relu)],
    ("absolute-value", X2): [x2(active(), relu=False, after=np.abs)],
    ("prelu-as-relu", X1): [x1(active(), mul=None, shift=0, prelu=False, relu=True)],
    ("slope-on-positives", X1): [x1(active(), prelu=False)],
    ("prelu-missing", X1): [x1(active(), mul=None, shift=0, prelu=False)],
    ("addend-missing", X2): [x2(active(), alu=None)],
    ("addend-shift-missing", X2): [x2(active(), alu_shift=0)],
    ("addend-shift-off-by-one", X2): [x2(active(), alu_shift=6)],
    ("operand-unsigned", X2): [x2(active(), alu=BACK % 256)],
    ("operand-sign-inverted", X2): [x2(active(), alu=-BACK)],
    ("operand-transposed", X2): [x2(active(), alu=BACK.swapaxes(1, 2).reshape(BACK.shape))],
}


@pytest.mark.parametrize("named", PLAIN, ids="@".join)
def test_causes_of_wrong_operands_name_unit_and_key(named: Named) -> None:
    for board in PLAIN[named]:
        assert_named(named, of_fine().by(board.bytes()))


@pytest.mark.parametrize("named", ACTIVE, ids="@".join)
def test_causes_of_wrong_activations_and_addends_name_unit_and_key(named: Named) -> None:
    for board in ACTIVE[named]:
        assert_named(named, of_active().by(board.bytes()))


def assert_named(named: Named, found: set[Named]) -> None:
    assert named in found
    assert {key for key, _ in found - {named}} <= ALIKE.get(named, set())


@pytest.mark.parametrize(("key", "half"), [("bias-floored", 0), ("bias-rounded", 2**15)])
def test_causes_of_a_bias_in_coarser_steps(key: str, half: int) -> None:
    right = x1(fine(), alu_shift=9).but(shift=23, offset=0)
    wrong = x1(right, alu=(BIAS * 512 + half) // 2**16 * 2**7)
    assert explained(right, [suggest_biases]).by(wrong.bytes()) == {(key, X1)}


def test_causes_of_a_bias_in_16_bits() -> None:
    right = x1(fine(), alu_shift=7)
    found = explained(right, [suggest_biases])
    for fit, words in ((wrap, "cut"), (clamp, "saturated")):
        wrong = x1(right, alu=fit(BIAS * 128, 16), alu_shift=0)
        assert found.by(wrong.bytes()) == {("bias-16-bits", X1)}
        assert any(f"is {words} to 16 bits" in one for one in found.words("bias-16-bits"))


def test_causes_of_a_bias_that_is_a_power_of_two() -> None:
    biases = BIAS.copy()
    biases[2], biases[5] = 2**9, 2**12
    right = x1(fine(), alu=biases, alu_shift=6)
    wrong = x1(right, alu=np.where(biases >= 512, np.where(np.isin(biases, (512, 4096)), -biases, biases), biases))
    assert explained(right, [suggest_biases]).by(wrong.bytes()) == {("bias-power-of-two", X1)}


def test_causes_of_a_scale_that_is_truncated() -> None:
    right = fine().but(scale=201, shift=12)
    assert ("operand-less-one", OUTPUT) in explained(right, [suggest_operand_values]).by(right.but(scale=200).bytes())


def test_causes_of_a_factor_without_sign() -> None:
    right = x1(fine(), mul=-MUL)
    found = explained(right, [suggest_operand_values])
    assert found.by(x1(right, mul=65536 - MUL * (MUL > 0)).bytes()) == {("operand-unsigned", X1)}
    assert found.by(x1(right, mul=MUL).bytes()) == {("operand-sign-lost", X1)}


def test_causes_of_two_units_with_the_factor_of_one() -> None:
    plain = fine().but(x1=fine().x1.but(mul=None, shift=0), x2=BYPASSED)
    found = explained(plain, [suggest_second_units])
    assert found.by(x1(plain, shift=19).bytes()) == {("factor-in-two-units", X1)}
    assert found.by(x1(plain, mul=20123, shift=19).bytes()) == {("factor-in-two-units", X1)}
    staged = fine().but(x1=fine().x1.but(shift=22), x2=BYPASSED, offset=0, scale=1, shift=0)
    found = explained(staged, [suggest_second_units])
    assert found.by(staged.but(shift=22).bytes()) >= {("factor-in-two-units", OUTPUT)}
    again = staged.but(x2=fine().x2.but(alu=None, mul=staged.x1.mul, shift=22))
    assert ("factor-in-two-units", X2) in found.by(again.bytes())


def inferred(right: PlainBoard, wrong: PlainBoard) -> list[tuple[Cause, bool]]:
    """Operands that are told by a board's bytes, and whether they make them."""
    scene = program_of(right).scene()
    output = wrong.bytes()
    seen = replace(scene, board=BoardOutput(output, np.ones(output.shape, np.bool_)))
    runner = LayerRunner(seen)
    return [
        (cause, np.array_equal(runner.run([cause], None).output.view(np.uint8), output))
        for cause in suggest_rounded_operands(seen)
    ]


SOME = in_lanes(np.array([1, 0, 0, 1, 1, 0, 1, 0, 0]))


def test_causes_of_multipliers_that_are_truncated_one_by_one() -> None:
    coarser = x1(fine(), mul=MUL // 256, shift=8)
    [(cause, exact)] = inferred(coarser, x1(coarser, mul=MUL // 256 - SOME))
    assert exact
    assert cause.words == "X1's multiplier of 4 of 9 kernels is one less, as if truncated"
    assert cause.freedom_bits == KERNELS
    assert not inferred(coarser, x1(coarser, mul=MUL // 256 - 5 * SOME))


def test_causes_of_biases_that_are_truncated_one_by_one() -> None:
    steps = x1(fine(), alu=BIAS // 16, alu_shift=7)
    [(cause, exact)] = inferred(steps, x1(steps, alu=BIAS // 16 - SOME))
    assert exact
    assert cause.words == "X1's bias of 4 of 9 kernels is one less, as if truncated"


def test_causes_of_misread_factors_that_are_truncated_besides() -> None:
    coarser = x1(fine(), mul=MUL // 16, shift=12)
    found = inferred(coarser, x1(coarser, mul=(MUL // 16) * 127 // 128))
    assert found
    assert all(exact for _, exact in found)
    assert {"scale-range-over-256"} <= {cause.key for cause, _ in found}


def test_causes_of_operands_taken_apart() -> None:
    """The first eight of a unit's sixteen elements as ALU operands, the others as multipliers."""
    pairs = np.stack([BIAS.ravel(), MUL.ravel()], axis=1)
    halves = [pairs[first : first + 8].ravel() for first in range(0, len(BIAS), 8)]
    alu, mul = (np.concatenate([unit[part] for unit in halves]) for part in (slice(8), slice(8, None)))
    wrong = x1(fine(), alu=alu.reshape(BIAS.shape), mul=mul.reshape(BIAS.shape))
    assert of_fine().by(wrong.bytes()) == {("operands-not-interleaved", X1)}
    assert of_fine().by(x1(fine(), alu=MUL, mul=BIAS).bytes()) == {("operands-swapped", X1)}
