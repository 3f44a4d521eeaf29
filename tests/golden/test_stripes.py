"""Layers as beats, what the beats must give at every stage, and comparison with decoded mismatches."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.compare import MAX_LISTED, compare_atoms, compare_tensors
from golden.converter_registers import encode_layer
from golden.convolution import ConvGeometry
from golden.errors import BenchError
from golden.input_converter import InputConverter
from golden.program import STAGES, LayerProgram
from golden.random_programs import random_layer
from golden.sdp import OutputConverter, Source, XStage
from golden.seeds import generator
from golden.stream_model import InputBeats, expected_beats
from golden.stripes import BeatCoordinates, StreamPlan, StreamShape, plan_stream
from tests.golden import plain

SHAPES = [StreamShape(8, 8, 32), StreamShape(4, 4, 5), StreamShape(16, 8, 7)]


def inputs_of(program: LayerProgram, plan: StreamPlan) -> InputBeats:
    """What a faultless bench would see on the pins."""
    x1, x2 = program.x1, program.x2
    return InputBeats(
        plan.data, np.repeat(plan.pad[:, None], plan.data.shape[1], axis=1), plan.stripe_last, plan.acc_first,
        plan.acc_last, plan.weights,
        (plan.x1_alu, plan.x1_mul) if x1.reads_alu or x1.reads_mul else None,
        (plan.x2_alu, plan.x2_mul) if x2.reads_alu or x2.reads_mul else None,
    )  # fmt: skip


def real_lanes(at: BeatCoordinates, lanes: int, channels: int) -> NDArray[np.bool_]:
    """(B, lanes): the lanes that hold a channel of the tensor."""
    return np.asarray(at.channel[:, None] + np.arange(lanes) < channels)


# --- beats give what the layer gives


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_beats_of_a_random_layer_give_the_layers_tensors(shape: StreamShape, number: int) -> None:
    program, data = random_layer(generator("tests", "stripes", number, shape.atomic_c), "conv", shape)
    plan = plan_stream(program, data, shape)
    beats = expected_beats(inputs_of(program, plan), encode_layer(program), shape.atomic_k)
    stages = program.run(data, atomic_c=shape.atomic_c)
    assert tuple(beats) == STAGES

    channels = real_lanes(plan.data_at, shape.atomic_c, data.shape[1])
    converted = np.where(
        plan.pad[:, None], program.geometry.pad_value, plan.data_at.gather(stages.converted, shape.atomic_c)
    )
    np.testing.assert_array_equal(beats["converted"].values[channels], converted[channels])
    kernels = real_lanes(plan.output_at, shape.atomic_k, len(program.weights))
    for stage in STAGES[1:]:
        gathered = plan.output_at.gather(stages.tensor(stage), shape.atomic_k)
        assert beats[stage].values.dtype == gathered.dtype
        np.testing.assert_array_equal(beats[stage].values[kernels], gathered[kernels])
        scattered = plan.output_at.scatter(beats[stage].values, stages.tensor(stage).shape)
        np.testing.assert_array_equal(scattered, stages.tensor(stage))
    for stage, flag, counter in [
        ("accumulators", "saturated_34", "cacc_34"),
        ("accumulators", "saturated_32", "cacc_32"),
        ("x1", "saturated", "x1"),
        ("x1", "operand_saturated", "x1_operand"),
        ("x2", "saturated", "x2"),
        ("x2", "operand_saturated", "x2_operand"),
        ("output", "saturated_17", "output_17"),
        ("output", "saturated_8", "output_8"),
    ]:
        assert np.count_nonzero(beats[stage].flags[flag] & kernels) == stages.saturations[counter], (stage, flag)


def test_padded_atoms_raise_no_flag_of_the_input_converter() -> None:
    program = LayerProgram(
        name="conv", weights=np.ones((1, 8, 1, 1), np.int8), geometry=ConvGeometry(pad_value=-7),
        input_converter=InputConverter(enabled=True, scale=2**15 - 1),
    )  # fmt: skip
    inputs = inputs_of(program, plan_stream(program, np.full((1, 8, 1, 2), 99, np.int8), StreamShape()))
    seen = expected_beats(inputs, encode_layer(program), 8)["converted"]
    assert all(flags.all() for flags in seen.flags.values())
    inputs = replace(inputs, pad=np.ones_like(inputs.pad))
    padded = expected_beats(inputs, encode_layer(program), 8)["converted"]
    assert set(np.unique(padded.values)) == {-7}
    assert not any(flags.any() for flags in padded.flags.values())


def test_rule_12_unused_lanes_are_computed_like_a_kernel_of_zeros() -> None:
    """One kernel of eight: the other lanes hold accumulator 0 with the register operands."""
    stage = XStage(bypass=False, alu_bypass=False, alu_value=100, mul_bypass=False, mul_value=3, mul_shift_bits=1)
    program = LayerProgram(
        name="one", weights=np.ones((1, 1, 1, 1), np.int8), x1=stage, output_converter=OutputConverter(offset=60)
    )
    plan = plan_stream(program, np.full((1, 1, 1, 1), 5, np.int8), StreamShape())
    output = expected_beats(inputs_of(program, plan), encode_layer(program), 8)["output"].values
    x1, _ = plain.x_stage(0, plain.PlainX(alu=100, mul=3, mul_shift=1))
    assert output.tolist() == [[(5 + 100) * 3 // 2 + 1 - 60, *[x1 - 60] * 7]]


# --- order and layout


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_plan_order_is_image_group_stripe_block_tap_position(shape: StreamShape) -> None:
    """With plain loops: a wrong order of data and weights together would give the same sums."""
    rng = generator("tests", "order")
    geometry = ConvGeometry(stride_y=1, stride_x=2, dilation_y=2, pad_top=1, pad_left=1, pad_right=1)
    kernels, channels = shape.atomic_k + 3, shape.atomic_c + 1
    weights = rng.integers(-128, 128, (kernels, channels, 2, 2), np.int8)
    data = rng.integers(0, 256, (2, channels, 5, 6), np.uint8)
    out_h, out_w = geometry.output_size(5, 6, 2, 2)
    places = [divmod(place, out_w) for place in range(out_h * out_w)]
    stripes = [places[first : first + shape.stripe_depth] for first in range(0, len(places), shape.stripe_depth)]
    tiles, atoms, flags = [], [], []
    for image, group, stripe in product(range(2), range(0, kernels, shape.atomic_k), stripes):
        for block, r, s in product(range(0, channels, shape.atomic_c), range(2), range(2)):
            for k, lane in product(range(group, group + shape.atomic_k), range(shape.atomic_c)):
                c = block + lane
                tiles.append(int(weights[k, c, r, s]) if k < kernels and c < channels else 0)
            for oy, ox in stripe:
                y, x = oy + 2 * r - 1, 2 * ox + s - 1
                inside = 0 <= y < 5 and 0 <= x < 6
                for c in range(block, block + shape.atomic_c):
                    atoms.append(int(data[image, c, y, x]) if inside and c < channels else 0)
                last_tap = (block, r, s) == (shape.atomic_c, 1, 1)
                flags.append((not inside, (oy, ox) == stripe[-1], (block, r, s) == (0, 0, 0), last_tap))
    plan = plan_stream(LayerProgram(name="conv", weights=weights, geometry=geometry), data, shape)
    assert plan.weights.ravel().tolist() == tiles
    assert plan.data.ravel().tolist() == atoms
    found = np.stack([plan.pad, plan.stripe_last, plan.acc_first, plan.acc_last], axis=1)
    assert [tuple(row) for row in found.tolist()] == flags


def test_plan_operand_beats_follow_the_output_atoms() -> None:
    shape = StreamShape(8, 4, 5)
    stage = XStage(bypass=False, alu_bypass=False, alu_source=Source.MEM, mul_bypass=False, mul_source=Source.MEM)
    alu, mul = np.arange(6, dtype=np.int16) + 1, np.arange(6 * 12, dtype=np.int16).reshape(6, 3, 4)
    program = LayerProgram(name="conv", weights=np.ones((6, 1, 1, 1), np.int8), x1=stage, x1_alu=alu, x1_mul=mul)
    plan = plan_stream(program, np.zeros((1, 1, 3, 4), np.int8), shape)
    expected = [
        (
            [int(alu[k]) if k < 6 else 0 for k in range(group, group + 4)],
            [int(mul[k, y, x]) if k < 6 else 0 for k in range(group, group + 4)],
        )
        for group, y, x in product((0, 4), range(3), range(4))
    ]
    assert list(zip(plan.x1_alu.tolist(), plan.x1_mul.tolist(), strict=True)) == expected
    assert not plan.x2_alu.any()
    assert plan.x2_mul.shape == plan.x1_mul.shape


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_scatter_inverts_gather(shape: StreamShape) -> None:
    program, data = random_layer(generator("tests", "scatter"), "conv", shape)
    at = plan_stream(program, data, shape).output_at
    tensor_shape = program.run(data).output.shape
    tensor = generator("tests", "tensor").integers(-(2**31), 2**31, tensor_shape).astype(np.int32)
    atoms = at.gather(tensor, shape.atomic_k)
    np.testing.assert_array_equal(at.scatter(atoms, tensor_shape), tensor)
    assert not atoms[~real_lanes(at, shape.atomic_k, tensor_shape[1])].any()


def test_plan_of_another_channel_count_names_the_layer() -> None:
    program = LayerProgram(name="conv7", weights=np.ones((1, 2, 1, 1), np.int8))
    with pytest.raises(BenchError, match=r"layer conv7: .*3 channels.* 2"):
        plan_stream(program, np.zeros((1, 3, 2, 2), np.int8), StreamShape())


# --- streams that do not fit each other

MEM = XStage(bypass=False, alu_bypass=False, alu_source=Source.MEM)


@pytest.fixture
def good() -> tuple[LayerProgram, InputBeats]:
    """Two tiles, two stripes of 4 beats, 4 output atoms with operands in both stages."""
    operand = np.arange(3, dtype=np.int16)
    program = LayerProgram(
        name="conv", weights=np.ones((3, 9, 1, 1), np.int8), x1=MEM, x1_alu=operand, x2=MEM, x2_alu=operand
    )
    return program, inputs_of(program, plan_stream(program, np.ones((1, 9, 2, 2), np.int8), StreamShape()))


def without_last_data(inputs: InputBeats) -> InputBeats:
    names = ("data", "pad", "stripe_last", "acc_first", "acc_last")
    return replace(inputs, **{name: getattr(inputs, name)[:-1] for name in names})


def test_expected_beats_of_fitting_streams_are_no_error(good: tuple[LayerProgram, InputBeats]) -> None:
    program, inputs = good
    assert expected_beats(inputs, encode_layer(program), 8)["output"].values[:, :3].tolist() == [[9, 11, 13]] * 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i: replace(i, weights=i.weights[:-8]), ["2 stripes", "1 weight tiles"]),
        (lambda i: replace(i, weights=np.concatenate([i.weights, i.weights[:8]])), ["2 stripes", "3 weight tiles"]),
        (lambda i: replace(i, weights=i.weights[:-1]), ["2 stripes", "1 weight tiles", "7 beats"]),
        (lambda i: replace(i, weights=np.concatenate([i.weights, i.weights[:1]])), ["2 weight tiles", "1 beats"]),
        (lambda i: replace(i, stripe_last=np.ones(8, np.bool_)), ["8 stripes", "2 weight tiles"]),
        (lambda i: replace(i, x1=None), ["x1", "4 atoms", "0 operand"]),
        (lambda i: replace(i, x1=(i.x1[0][:-1], i.x1[1][:-1])), ["x1", "4 atoms", "3 operand"]),
        (lambda i: replace(i, x2=(i.x2[0][:-1], i.x2[1][:-1])), ["x2", "4 atoms", "3 operand"]),
        (without_last_data, ["x1", "3 atoms", "4 operand"]),
        (lambda i: replace(without_last_data(i), weights=i.weights[:8]), ["2 stripes", "1 weight tiles"]),
    ],
)
def test_expected_beats_of_streams_that_do_not_fit_is_an_error(
    good: tuple[LayerProgram, InputBeats], change: object, words: list[str]
) -> None:
    program, inputs = good
    assert callable(change)
    with pytest.raises(BenchError) as caught:
        expected_beats(change(inputs), encode_layer(program), 8)
    assert all(word in str(caught.value) for word in words), caught.value


def test_expected_beats_refuses_accumulations_that_could_saturate_34_bits() -> None:
    beats = 2**16
    flags = np.zeros(beats, np.bool_)
    ends = flags.copy()
    ends[-1] = True
    starts = flags.copy()
    starts[0] = True
    tiles = np.ones((beats, 8), np.int8)
    inputs = InputBeats(
        np.ones((beats, 8), np.uint8), np.zeros((beats, 8), np.bool_), ~flags, starts, ends, tiles, None, None
    )
    program = LayerProgram(name="long", weights=np.ones((1, 8, 1, 1), np.int8))
    with pytest.raises(BenchError, match="65536 atoms"):
        expected_beats(inputs, encode_layer(program), 1)


# --- comparison


def grid(count: int, lanes: int) -> BeatCoordinates:
    beat = np.arange(count)
    return BeatCoordinates(beat // 6, np.full(count, lanes), beat // 3 % 2, beat % 3)


@pytest.mark.parametrize("dtype", [np.int8, np.int32])
def test_compare_atoms_finds_and_decodes_every_single_flipped_element(dtype: type[np.signedinteger]) -> None:
    expected = generator("tests", "compare").integers(-100, 100, (12, 4)).astype(dtype)
    at = grid(12, 4)
    assert compare_atoms(expected, expected.copy(), at, layer="conv", stage="x1").mismatches == 0
    for beat, lane in product(range(12), range(4)):
        actual = expected.copy()
        actual[beat, lane] ^= 1
        result = compare_atoms(expected, actual, at, layer="conv", stage="x1", cycles=range(100, 112))
        assert (result.compared, result.mismatches) == (48, 1)
        (found,) = result.first
        assert (found.image, found.channel, found.y, found.x) == (beat // 6, 4 + lane, beat // 3 % 2, beat % 3)
        assert (found.cycle, found.expected, found.actual) == (100 + beat, expected[beat, lane], actual[beat, lane])
        assert found.as_dict()["width"] == 8 * expected.itemsize


def test_mismatch_line_has_place_cycle_decimal_and_hex() -> None:
    expected = np.zeros((12, 4), np.int8)
    actual = expected.copy()
    actual[7, 2] = -2
    result = compare_atoms(expected, actual, grid(12, 8), layer="conv1", stage="output", cycles=range(12))
    assert result.first[0].describe() == (
        "layer conv1 stage output value image 1 (k=10, y=0, x=1) cycle 7: expected 0 (0x00), actual -2 (0xfe)"
    )
    flags = compare_atoms(expected != 0, actual != 0, grid(12, 8), layer="conv1", stage="x1", what="saturated")
    assert "x1 saturated image 1 (k=10, y=0, x=1): expected 0 (0x0), actual 1 (0x1)" in flags.first[0].describe()


def test_compare_atoms_lanes_left_out_are_neither_compared_nor_counted() -> None:
    expected, lanes = np.zeros((12, 4), np.int8), np.ones((12, 4), np.bool_)
    lanes[:, 3] = False
    actual = expected.copy()
    actual[:, 3] = 1
    result = compare_atoms(expected, actual, grid(12, 0), layer="conv", stage="x1", lanes=lanes)
    assert (result.compared, result.mismatches) == (36, 0)


def test_compare_atoms_counts_all_and_lists_the_first() -> None:
    expected = np.zeros((12, 4), np.int8)
    result = compare_atoms(expected, expected + np.int8(1), grid(12, 0), layer="conv", stage="x1")
    assert (result.compared, result.mismatches, len(result.first)) == (48, 48, MAX_LISTED)
    assert [(one.y, one.x, one.channel) for one in result.first] == [(0, x, c) for x in (0, 1) for c in range(4)]


@pytest.mark.parametrize("actual", [np.zeros((11, 4), np.int8), np.zeros((12, 4), np.int16), np.zeros(48, np.int8)])
def test_compare_refuses_other_shapes_and_dtypes(actual: NDArray[np.integer]) -> None:
    with pytest.raises(ValueError, match=r"x1: int8 .* cannot be compared"):
        compare_atoms(np.zeros((12, 4), np.int8), actual, grid(12, 0), layer="conv", stage="x1")


def test_compare_tensors_decodes_the_element() -> None:
    expected = np.arange(2 * 3 * 4 * 5, dtype=np.int8).reshape(2, 3, 4, 5)
    actual = expected.copy()
    actual[1, 2, 3, 4] = 0
    (found,) = compare_tensors(expected, actual, layer="conv", stage="output").first
    assert (found.image, found.channel, found.y, found.x, found.cycle) == (1, 2, 3, 4, None)
    assert compare_tensors(expected, actual, layer="conv", stage="output").compared == 120
    with pytest.raises(ValueError, match="cannot be compared"):
        compare_tensors(expected, actual[:1], layer="conv", stage="output")
