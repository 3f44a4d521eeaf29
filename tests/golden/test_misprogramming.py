"""The misprogramming search: each mistake is recognised from bytes it made itself."""

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.misprogramming import find_misprogrammings, misprogrammings, trace_element
from nvdla_int8.quantise.input import quantise_input
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import STAGES, LayerProgram
from nvdla_int8.stages.sdp import OutputConverter, XStage
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.float_convolution import quantise_layer

X1_NAMES = {
    "the operand of X1's multiplier is not applied, its shift is",
    "the shift of X1's multiplier is not applied, its operand is",
    "neither operand nor shift of X1's multiplier is applied",
    "the factor is the other way up, So / (Si * Sw), in X1's multiplier",
    "every scale is taken as 256 / (max - min), in X1's multiplier",
    "every scale is taken as (max - min) / 256, in X1's multiplier",
    "the factor is multiplied in twice, in X1's multiplier",
    "the shift of X1's multiplier is in the output converter too",
    "operand and shift of X1's multiplier are in X2 too",
}
OUTPUT_NAMES = {
    "the scale of the output converter is not applied, its shift is",
    "the shift of the output converter is not applied, its scale is",
    "neither scale nor shift of the output converter is applied",
    "the factor is the other way up, So / (Si * Sw), in the output converter",
    "every scale is taken as 256 / (max - min), in the output converter",
    "every scale is taken as (max - min) / 256, in the output converter",
    "the factor is multiplied in twice, in the output converter",
    "the shift of the output converter is in X1 too",
    "scale and shift of the output converter are in X1 too",
    "the output converter's offset is not subtracted",
    "the output converter's offset has the wrong sign",
}
COMMON_NAMES = {
    "the input converter is off",
    "input bytes are read as signed",
    "the mean is not subtracted",
    "the bias is missing (X1's ALU is bypassed)",
    "the ReLU of X1 is missing",
    "the padding value is 0, not 5",
}


def image_layer(*, per_kernel: bool) -> LayerProgram:
    """An image layer with all that can be forgotten: mean, padding, zero points, bias, ReLU."""
    rng = generator("diagnose", "layer")
    data, out = TensorScale("data", 0.0146, 5), TensorScale("conv1", 0.05, 0 if per_kernel else -20)
    return quantise_layer(
        "conv1",
        rng.normal(0, 0.3, (4, 3, 3, 3)),
        rng.normal(0, 0.5, 4),
        data,
        out,
        geometry=ConvGeometry(pad_top=1, pad_left=1, pad_bottom=1, pad_right=1),
        relu=True,
        per_kernel=per_kernel,
        input_converter=quantise_input(np.array([100.0, 110.0, 120.0]), 0.014, data).converter,
    ).program


PER_KERNEL, PER_TENSOR = image_layer(per_kernel=True), image_layer(per_kernel=False)


def pixels() -> NDArray[np.uint8]:
    return generator("diagnose", "pixels").integers(0, 256, (2, 3, 6, 6), np.uint8)


def names(program: LayerProgram) -> set[str]:
    return {mistake.what for mistake in misprogrammings(program)}


@pytest.mark.parametrize(
    ("program", "of_the_factor", "label"),
    [(PER_KERNEL, X1_NAMES, "X1's multiplier"), (PER_TENSOR, OUTPUT_NAMES, "the output converter")],
    ids=["per kernel", "per tensor"],
)
def test_misprogrammings_of_an_image_layer_are_the_whole_list(
    program: LayerProgram, of_the_factor: set[str], label: str
) -> None:
    shift = program.x1.mul_shift_bits or program.output_converter.shift_bits
    off_by_one = {f"the shift of {label} is {shift + by}, not {shift}" for by in (1, -1)}
    assert names(program) == COMMON_NAMES | of_the_factor | off_by_one


@pytest.mark.parametrize("program", [PER_KERNEL, PER_TENSOR], ids=["per kernel", "per tensor"])
def test_explain_names_each_mistake_from_the_bytes_it_made(program: LayerProgram) -> None:
    data = pixels()
    right = program.run(data).output
    for mistake in misprogrammings(program):
        board = mistake.program.run(data).output
        assert not np.array_equal(board, right), f"{mistake.what}: this input cannot show it"
        found = [other.what for other in find_misprogrammings(program, data, board)]
        assert mistake.what in found
        others = {other.what: other.program.run(data).output for other in misprogrammings(program)}
        assert set(found) == {what for what, output in others.items() if np.array_equal(output, board)}


@pytest.mark.parametrize(
    "what",
    [
        "the bias is missing (X1's ALU is bypassed)",
        "the ReLU of X1 is missing",
        "the mean is not subtracted",
        "input bytes are read as signed",
        "the padding value is 0, not 5",
        "every scale is taken as (max - min) / 256, in X1's multiplier",
    ],
)
def test_explain_names_nothing_else_when_the_bytes_tell_mistakes_apart(what: str) -> None:
    [mistake] = [mistake for mistake in misprogrammings(PER_KERNEL) if mistake.what == what]
    board = mistake.program.run(pixels()).output
    assert [found.what for found in find_misprogrammings(PER_KERNEL, pixels(), board)] == [what]


def finish(
    sums: NDArray[np.int64], multipliers: NDArray[np.int64], shift: int, *, relu: bool = True
) -> NDArray[np.int8]:
    """X1's multiplier, ReLU and the clip to int8 in plain integers, without the model."""
    products = sums * multipliers[:, None, None]
    half = 1 << shift >> 1
    rounded = np.sign(products) * ((np.abs(products) + half) >> shift)
    clipped: NDArray[np.int8] = np.clip(np.maximum(rounded, 0) if relu else rounded, -128, 127).astype(np.int8)
    return clipped


def wrong_boards() -> dict[str, NDArray[np.int8]]:
    """What a board gives for each mistake in PER_KERNEL's X1, by arithmetic of its own."""
    assert PER_KERNEL.x1_alu is not None
    assert PER_KERNEL.x1_mul is not None
    accumulators = PER_KERNEL.run(pixels()).accumulators.astype(np.int64)
    bias = PER_KERNEL.x1_alu.astype(np.int64)[:, None, None] << PER_KERNEL.x1.alu_shift_bits
    multipliers, shift = PER_KERNEL.x1_mul.astype(np.int64), PER_KERNEL.x1.mul_shift_bits
    sums, inverse = accumulators + bias, 2.0**shift / multipliers
    inverse_shift = int(np.floor(np.log2(32767 / inverse.max())))
    return {
        "the bias is missing (X1's ALU is bypassed)": finish(accumulators, multipliers, shift),
        "the ReLU of X1 is missing": finish(sums, multipliers, shift, relu=False),
        f"the shift of X1's multiplier is {shift + 1}, not {shift}": finish(sums, multipliers, shift + 1),
        f"the shift of X1's multiplier is {shift - 1}, not {shift}": finish(sums, multipliers, shift - 1),
        "the operand of X1's multiplier is not applied, its shift is": finish(sums, multipliers**0, shift),
        "the shift of X1's multiplier is not applied, its operand is": finish(sums, multipliers, 0),
        "neither operand nor shift of X1's multiplier is applied": finish(sums, multipliers**0, 0),
        "the factor is the other way up, So / (Si * Sw), in X1's multiplier": finish(
            sums, np.rint(inverse * 2.0**inverse_shift).astype(np.int64), inverse_shift
        ),
        "the shift of X1's multiplier is in the output converter too": finish(
            finish(sums, multipliers, shift).astype(np.int64), multipliers**0, shift
        ),
    }


WRONG_BOARDS = wrong_boards()


@pytest.mark.parametrize("what", WRONG_BOARDS)
def test_explain_names_the_mistake_from_bytes_of_plain_arithmetic(what: str) -> None:
    assert what in [mistake.what for mistake in find_misprogrammings(PER_KERNEL, pixels(), WRONG_BOARDS[what])]


def test_explain_names_the_input_mistake_from_inputs_that_undo_it() -> None:
    """Other inputs to the right program stand for each mistake at the input."""
    converter = PER_KERNEL.input_converter
    assert converter.mean is not None
    mean = np.array(converter.mean)[:, None, None]
    few = pixels() % 100
    not_subtracted = PER_KERNEL.run((few + mean).astype(np.uint8)).output  # (few + mean) - mean
    found = [mistake.what for mistake in find_misprogrammings(PER_KERNEL, few, not_subtracted)]
    assert found == ["the mean is not subtracted"]


def test_explain_names_both_mistakes_that_give_the_same_bytes() -> None:
    twice = "operand and shift of X1's multiplier are in X2 too"
    [mistake] = [mistake for mistake in misprogrammings(PER_KERNEL) if mistake.what == twice]
    found = {other.what for other in find_misprogrammings(PER_KERNEL, pixels(), mistake.program.run(pixels()).output)}
    assert {twice, "the shift of X1's multiplier is in the output converter too"} <= found


def test_explain_finds_an_earlier_stage() -> None:
    [mistake] = [mistake for mistake in misprogrammings(PER_KERNEL) if mistake.what == "the mean is not subtracted"]
    board = mistake.program.run(pixels()).accumulators
    assert [found.what for found in find_misprogrammings(PER_KERNEL, pixels(), board, "accumulators")] == [mistake.what]


def test_explain_a_right_board_needs_no_mistake() -> None:
    assert find_misprogrammings(PER_KERNEL, pixels(), PER_KERNEL.run(pixels()).output) == []


def test_explain_bytes_of_no_single_mistake() -> None:
    board = PER_KERNEL.run(pixels()).output.copy()
    board.flat[7] ^= 1
    assert find_misprogrammings(PER_KERNEL, pixels(), board) == []


def test_misprogrammings_leave_out_what_registers_cannot_hold() -> None:
    program = LayerProgram(
        name="tiny",
        weights=np.ones((1, 1, 1, 1), np.int8),
        output_converter=OutputConverter(scale=3, shift_bits=48),
    )
    inverted = "the factor is the other way up, So / (Si * Sw), in the output converter"
    assert inverted not in names(program)  # 2**48 / 3 does not fit 16 bits
    assert "the shift of the output converter is 49, not 48" in names(program)


def test_misprogrammings_of_register_operands_and_x2() -> None:
    program = LayerProgram(
        name="registers",
        weights=np.full((2, 1, 1, 1), 100, np.int8),
        x2=XStage(
            bypass=False,
            alu_bypass=False,
            alu_value=9,
            alu_shift_bits=4,
            mul_bypass=False,
            mul_value=77,
            mul_shift_bits=9,
        ),
    )
    data = np.arange(1, 101, dtype=np.int8).reshape(1, 10, 10)
    for what in (
        "the bias is missing (X2's ALU is bypassed)",
        "X2's ALU operand is not shifted left",
        "the factor is the other way up, So / (Si * Sw), in X2's multiplier",
    ):
        [mistake] = [mistake for mistake in misprogrammings(program) if mistake.what == what]
        found = [other.what for other in find_misprogrammings(program, data, mistake.program.run(data).output)]
        assert what in found


def test_misprogrammings_of_the_identity_are_none() -> None:
    assert misprogrammings(LayerProgram(name="identity", weights=np.ones((1, 1, 1, 1), np.int8))) == []


def test_trace_element_follows_one_element_to_its_byte() -> None:
    program = LayerProgram(
        name="traced",
        weights=np.full((1, 1, 1, 1), 100, np.int8),
        x1=XStage(bypass=False, alu_bypass=False, alu_value=-50),
        output_converter=OutputConverter(offset=-10, scale=3, shift_bits=2),
    )
    data = np.array([[[[1, 2]]], [[[3, -4]]]], np.int8)
    traced = trace_element(program, program.run(data), 1, 0, 0, 0)
    # 3 * 100; - 50; (250 + 10) * 3 / 4 = 195; clipped.
    assert [(value.stage, value.value) for value in traced] == [
        ("accumulators", 300), ("x1", 250), ("x2", 250), ("before clip", 195), ("output", 127)
    ]  # fmt: skip
    assert {value.stage for value in traced} - {"before clip"} == set(STAGES) - {"converted"}
