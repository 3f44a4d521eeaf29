"""What people expect of the causes of arithmetic and operands: each rule has one in a layer that has room for it."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from nvdla_int8.checkup.cause import Scene
from nvdla_int8.checkup.causes.catalogue import suggest_causes
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.surfaces.memory import Memory
from tests.golden.arithmetic_boards import ALL, OF, OUTPUT, X1, active, coarse, fine, program_in_two_layers
from tests.golden.board_programs import program_of
from tests.golden.plain_board import BYPASSED, PlainBoard, PlainStage
from tests.golden.planted import convolution_program, same_bytes
from tests.golden.register_programs import Convolution


@cache
def scenes() -> tuple[Scene, ...]:
    """Layers that leave room for everything between them."""
    wide = fine().but(x1=PlainStage(alu=-3, mul=-400, shift=52), x2=PlainStage(shift=3, prelu=True), scale=-9, shift=33)
    long_bias = fine().but(x1=fine().x1.but(alu_shift=20, shift=70), cacc_shift=5, offset=70000)
    unscaled = fine().but(x1=fine().x1.but(mul=None, shift=0), x2=BYPASSED)
    boards = [fine(), active(), coarse(), wide, long_bias, unscaled, fine().but(scale=1, shift=0, offset=0)]
    programs = [program_of(board, ["x2"] if board is active() else ()) for board in boards]
    image = convolution_program(
        Convolution(channels=4, pixel_format=0x0D, kernels=3, pad_value=5),
        {
            "CDMA.D_CVT_CFG.CVT_EN": 1,
            "CDMA.D_CVT_OFFSET.CVT_OFFSET": 9,
            "CDMA.D_MEAN_FORMAT.MEAN_FORMAT": 1,
            "CDMA.D_MEAN_GLOBAL_0.MEAN_RY": 100,
        },
    )
    plain = convolution_program(Convolution(), {"CDMA.D_CVT_CFG.CVT_EN": 1, "CDMA.D_CVT_OFFSET.CVT_OFFSET": 9})
    off = convolution_program(Convolution(), {"CDMA.D_CVT_OFFSET.CVT_OFFSET": 9})
    one = [program.scene() for program in (*programs, image, plain, off)]
    return (*one, program_in_two_layers().scene(1), program_in_two_layers().scene(0))


@cache
def keys() -> frozenset[str]:
    return frozenset(cause.key for scene in scenes() for cause in suggest_causes(scene))


RULES = {
    "truncation for rounding": "truncation",
    "truncation towards zero": "truncation-to-zero",
    "half up": "half-up",
    "half to even": "half-even",
    "half down": "half-down",
    "tie of negatives": "half-to-zero",
    "shift off by one": "shift-off-by-one",
    "shift off by more": "shift-off-by-more",
    "shift not applied": "shift-missing",
    "shift applied twice": "shift-applied-twice",
    "shift cut to five bits": "shift-field-cut",
    "shift taken with eight bits": "shift-field-whole",
    "multiplier truncated to 8 or 15 bits": "operand-low-bits-cut",
    "multiplier of 15 bits": "operand-15-bits",
    "multiplier saturated to 8 bits": "operand-8-bits",
    "multiplier truncated, not rounded": "operand-less-one",
    "sign lost": "operand-sign-lost",
    "low byte only": "operand-low-byte",
    "read as unsigned 16 bits": "operand-unsigned",
    "factor inverted": "factor-inverted",
    "factor applied twice": "factor-applied-twice",
    "factor applied in two units": "factor-in-two-units",
    "scale without shift": "shift-missing",
    "shift without scale": "scale-missing",
    "factor not applied": "factor-missing",
    "S127 for S128": "scale-range-over-256",
    "S128 in some scales": "s128-for-s127",
    "256 / (max - min)": "scale-256-over-range",
    "255 / (max - min)": "scale-255-over-range",
    "(max - min) / 255": "scale-range-over-255",
    "255 for 256": "255-for-256",
    "one kernel's factor for all": "operand-of-one-kernel",
    "factors of the next kernel": "operand-of-other-kernel",
    "accumulator wraps": "accumulator-wraps",
    "accumulator of another width": "accumulator-saturates",
    "X of another width": "result-saturates",
    "X wraps": "result-wraps",
    "X's sum saturates at 32 bits": "sum-saturates",
    "X's sum wraps at 32 bits": "sum-wraps",
    "a product of 32 bits": "product-wraps",
    "output wraps": "output-wraps",
    "output at -127": "output-symmetric",
    "output at 0..255": "output-unsigned",
    "17 bits wrap": "rounded-wraps",
    "clip before the offset": "clip-before-offset",
    "int16 output": "output-precision",
    "ReLU missing": "relu-missing",
    "ReLU added": "relu-added",
    "ReLU before the bias": "relu-before-bias",
    "PReLU as ReLU": "prelu-as-relu",
    "leaky slope applied to positives": "slope-on-positives",
    "absolute value": "absolute-value",
    "bias missing": "bias-missing",
    "bias shift missing": "bias-shift-missing",
    "bias shift off by one, bias doubled": "bias-shift-off-by-one",
    "bias shift off by more": "bias-shift-off-by-more",
    "bias floored": "bias-floored",
    "bias rounded": "bias-rounded",
    "bias as 16 bits": "bias-16-bits",
    "bias as 8 bits": "operand-8-bits",
    "bias sign inverted": "operand-sign-inverted",
    "a bias of a power of two is negative": "bias-power-of-two",
    "operands of other layers": "operands-of-other-layer",
    "addend missing": "addend-missing",
    "addend's shift missing": "addend-shift-missing",
    "addend doubled": "addend-shift-off-by-one",
    "addend of another tensor": "operand-of-other-tensor",
    "addend transposed": "operand-transposed",
    "operands of 16 lanes": "operand-atom",
    "operands' byte order": "x1-operand-byte-order",
    "operands some bytes off": "x1-operand-address",
    "ALU and MUL swapped": "operands-swapped",
    "ALU and MUL not interleaved": "operands-not-interleaved",
    "one byte for two": "operand-size",
    "per kernel for per element": "operand-mode",
    "input offset missing": "input-offset-ignored",
    "input offset added": "input-offset-added",
    "output offset missing": "offset-missing",
    "output offset added": "offset-sign",
    "offset after the scale": "offset-after-scale",
    "offset in output steps": "offset-in-output-steps",
    # hardware.md section 2, where a plausible model goes wrong
    "item 1": "half-up",
    "item 2": "wide-shift-keeps-sign",
    "item 3": "shift-missing",
    "item 4": "slope-on-positives",
    "item 5": "prelu-without-multiplier",
    "item 6": "shift-field-whole",
    "item 7, the offset is subtracted": "offset-sign",
    "item 7, the scale is signed": "operand-unsigned",
    "item 8": "mean-and-offset",
    "item 9": "input-converter-on",
    "item 10": "padding-value",
    "item 14": "input-converter-off",
    "item 15": "output-precision",
}


@pytest.mark.parametrize("rule", RULES)
def test_causes_hold_one_for_each_rule(rule: str) -> None:
    assert RULES[rule] in keys()


def test_causes_have_stable_keys_words_and_advice() -> None:
    for scene in scenes():
        for cause in suggest_causes(scene):
            assert cause.key == cause.key.lower().replace(" ", "-")
            assert cause.words == cause.words.strip(" .")
            assert cause.advice.endswith(".")
            points = [change.point for change in cause.changes]
            assert len(points) == len(set(points)), f"{cause.words}: a point is changed twice"


def test_causes_are_told_apart_by_their_words() -> None:
    for scene in scenes():
        told = [cause.words for cause in suggest_causes(scene)]
        twice = {words for words in told if told.count(words) > 1}
        assert not twice


def floored(board: PlainBoard) -> PlainBoard:
    """Truncation in every unit."""
    return board.but(rounding=dict.fromkeys(OF, lambda value, shift: value // (1 << shift)))


EVERYWHERE: dict[tuple[str, str], Callable[[PlainBoard], PlainBoard]] = {
    ("truncation", ALL): floored,
    ("shift-off-by-one", OUTPUT): lambda board: board.but(shift=board.shift + 1),
    ("bias-missing", X1): lambda board: board.but(x1=board.x1.but(alu=None)),
    ("operand-sign-inverted", X1): lambda board: board.but(x1=board.x1.but(alu=-board.x1.alu)),
    ("offset-sign", OUTPUT): lambda board: board.but(offset=-board.offset),
    ("scale-range-over-256", X1): lambda board: board.but(x1=board.x1.but(mul=(board.x1.mul * 127 + 64) // 128)),
}


@pytest.mark.parametrize("named", EVERYWHERE, ids="@".join)
def test_causes_of_tools_hold_in_every_layer_as_each_has_it(named: tuple[str, str]) -> None:
    program = program_in_two_layers()
    layers = program.timeline.layers
    boards = [EVERYWHERE[named](board).bytes() for board in (fine(), active())]
    observed = []
    for layer, output in zip(layers, boards, strict=True):
        memory = Memory()
        layer.run.destination.write(memory, output.view(np.int8))
        addresses = np.unique(layer.run.destination.unit_addresses()[..., None] + np.arange(8))
        observed.append(Observed(layer.name, addresses, memory.read(addresses, 1)[:, 0]))
    causes = [cause for cause in suggest_causes(program.scene(0)) if (cause.key, cause.unit) == named]
    assert all(cause.everywhere for cause in causes)
    assert any(same_bytes(program.timeline, {0: [cause], 1: [cause]}, observed) for cause in causes)
