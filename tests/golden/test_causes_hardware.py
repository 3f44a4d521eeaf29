"""Faults that another hand plants in bytes, weights and sums are named by causes that make the same bytes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Scene
from nvdla_int8.checkup.subjects import timeline_of_program, timeline_of_trace_file
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.probe.of_unit.weights import weight_probes
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import MemLoad, read_trace
from nvdla_int8.trace.dat import read_dat_image
from tests.golden import register_programs
from tests.golden.cause_scenes import Commands, Edit, board_of, reproducing, scene_with
from tests.golden.edited_traces import named
from tests.golden.probe_board import ROOM
from tests.golden.register_programs import Convolution, place_cube

Cube = NDArray[np.uint8]


def trace_board(folder: Path, edit: Edit | None = None) -> tuple[Timeline, Memory]:
    """A trace of one layer: its timeline, and a board's memory after the layer and an edit."""
    trace = read_trace(folder)
    images = {path.name: read_dat_image(path, 1 << 24).data for path in folder.glob("*.dat")}
    _, [memory] = board_of(trace.commands, images, {} if edit is None else {0: edit})
    return timeline_of_trace_file(folder), memory


def with_output(folder: Path, change: Callable[[Cube], Cube]) -> Scene:
    """A layer whose output's bytes, (lanes, H, W), another hand changed."""

    def edit(run: object, memory: Memory) -> None:
        destination = run.destination  # type: ignore[attr-defined]
        cube = destination.read_lanes(memory).view(np.uint8)
        destination.write(memory, change(cube.copy()).view(np.int8))

    timeline, memory = trace_board(folder, edit)
    return scene_with(timeline, 0, memory)


def bit_4_at_1(cube: Cube) -> Cube:
    return cube | np.uint8(16)


def bit_7_of_lane_2_at_0(cube: Cube) -> Cube:
    cube[2::8] &= 127
    return cube


def lane_5_dead(cube: Cube) -> Cube:
    cube[5::8] = 0
    return cube


def lanes_1_and_6_swapped(cube: Cube) -> Cube:
    swapped = cube.copy()
    swapped[1::8], swapped[6::8] = cube[6::8], cube[1::8]
    return swapped


def lanes_moved(cube: Cube) -> Cube:
    return np.concatenate([np.roll(cube[atom : atom + 8], 1, axis=0) for atom in range(0, len(cube), 8)])


def lanes_reversed(cube: Cube) -> Cube:
    return np.concatenate([cube[atom : atom + 8][::-1] for atom in range(0, len(cube), 8)])


@pytest.mark.parametrize("case", ["layer_0", "pdp_0", "cdp_1"])
@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("stuck-output-bit", bit_4_at_1),
        ("stuck-output-bit", bit_7_of_lane_2_at_0),
        ("dead-lane", lane_5_dead),
        ("swapped-lanes", lanes_1_and_6_swapped),
        ("displaced-lanes", lanes_reversed),
        ("displaced-lanes", lanes_moved),
    ],
)
def test_causes_name_a_faulty_lane_of_the_output(
    reference_traces: list[Path], case: str, key: str, change: Callable[[Cube], Cube]
) -> None:
    scene = with_output(named(reference_traces, case), change)
    assert reproducing(scene, key)


def test_cause_names_weights_that_lose_their_sign() -> None:
    """One-hot inputs: the output is the weights."""
    _, of_24_kernels, *_ = weight_probes(ROOM)
    timeline = timeline_of_program(of_24_kernels, ())
    run, memory = timeline.layers[0].run, timeline.device.memory.copy()
    read = np.minimum(run.output.astype(np.int64) % 256, 127)
    assert (read != run.output).any()
    run.destination.write(memory, read.astype(np.int8))
    assert reproducing(scene_with(timeline, 0, memory), "weights-unsigned")


def spoilt(folder: Path, change: Callable[[Cube], Cube], *bases: int) -> Scene:
    """A layer whose board finds other bytes at some addresses than software had put there."""
    trace = read_trace(folder)
    images = {path.name: read_dat_image(path, 1 << 24).data for path in folder.glob("*.dat")}
    for load in [one for one in trace.commands if isinstance(one, MemLoad) and one.base in bases]:
        images[load.file] = change(np.frombuffer(images[load.file], np.uint8).copy()).tobytes()
    _, [memory] = board_of(trace.commands, images)
    return scene_with(timeline_of_trace_file(folder), 0, memory)


INPUT, WEIGHTS, OPERANDS = 0x8000_0000, 0xB000_0000, 0x9000_0000


def every_eighth_from_3_at_0(data: Cube) -> Cube:
    data[3::8] = 0
    return data


def bit_6_at_1(data: Cube) -> Cube:
    return data | np.uint8(64)


def bit_3_of_low_bytes_at_1(data: Cube) -> Cube:
    """Operands of two bytes."""
    data[::2] |= 8
    return data


def kernel_2_of_eight_at_0_in_lane_5(data: Cube) -> Cube:
    """Words of eight channels, kernel after kernel of a group."""
    data[2 * 8 + 5 :: 64] = 0
    return data


def kernel_6_of_eight_at_0(data: Cube) -> Cube:
    data.reshape(-1, 8, 8)[:, 6] = 0
    return data


@pytest.mark.parametrize(
    ("key", "case", "base", "change", "words"),
    [
        ("dead-lane", "layer_0", INPUT, every_eighth_from_3_at_0, "input lane 3"),
        ("stuck-input-bit", "layer_0", INPUT, bit_6_at_1, "bit 6 of every input byte"),
        ("stuck-input-bit", "pdp_0", INPUT, bit_6_at_1, "bit 6 of every input byte"),
        ("stuck-input-bit", "cdp_1", INPUT, bit_6_at_1, "bit 6 of every input byte"),
        ("dead-lane", "layer_0", WEIGHTS, every_eighth_from_3_at_0, "channel lane 3"),
        ("stuck-weight-bit", "layer_0", WEIGHTS, bit_6_at_1, "bit 6 of every weight"),
        ("dead-mac", "layer_0", WEIGHTS, kernel_2_of_eight_at_0_in_lane_5, "multiplier 5 of MAC cell 2"),
        ("dead-mac", "layer_0", WEIGHTS, kernel_6_of_eight_at_0, "MAC cell 6 gives 0"),
        ("stuck-operand-bit", "layer_0", OPERANDS, bit_3_of_low_bytes_at_1, "bit 3 of every"),
    ],
)
def test_causes_name_a_fault_before_the_output(
    reference_traces: list[Path], key: str, case: str, base: int, change: Callable[[Cube], Cube], words: str
) -> None:
    assert reproducing(spoilt(named(reference_traces, case), change, base), key, words)


def flipped(offset: int, bit: int) -> Callable[[Cube], Cube]:
    """A bit of one byte the other way."""

    def change(data: Cube) -> Cube:
        data[offset] ^= 1 << bit
        return data

    return change


def word_zero(offset: int) -> Callable[[Cube], Cube]:
    """Eight bytes from an offset at 0."""

    def change(data: Cube) -> Cube:
        data[offset : offset + 8] = 0
        return data

    return change


@pytest.mark.parametrize(
    ("case", "base", "change", "where"),
    [
        ("layer_0", WEIGHTS, word_zero(0x50), "0xb0000050 of its weights is 0"),
        ("layer_1", WEIGHTS, flipped(0x1233, 6), "bit 6 of the byte at 0xb0001233 of its weights"),
        ("img_15", WEIGHTS, flipped(0x53, 5), "bit 5 of the byte at 0xb0000053 of its weights"),
        ("layer_0", INPUT, word_zero(0x140), "0x80000140 of its features is 0"),
        ("layer_1", INPUT, flipped(0x1A3B, 6), "bit 6 of the byte at 0x80001a3b of its features"),
        ("pdp_0", INPUT, word_zero(0x48), "0x80000048 of its source is 0"),
        ("cdp_1", INPUT, flipped(0x21, 7), "bit 7 of the byte at 0x80000021 of its source"),
        ("layer_0", OPERANDS, flipped(0x15, 3), "bit 3 of the byte at 0x90000015 of its X1 operands"),
    ],
)
def test_causes_name_one_bad_word_of_memory(
    reference_traces: list[Path], case: str, base: int, change: Callable[[Cube], Cube], where: str
) -> None:
    scene = spoilt(named(reference_traces, case), change, base)
    assert scene.board is not None
    assert not np.array_equal(scene.board.values, scene.expected)
    assert reproducing(scene, "bad-memory-word", where)


def test_causes_name_a_bad_word_of_the_output(reference_traces: list[Path]) -> None:
    def spoil(cube: Cube) -> Cube:
        cube[11, 2, 3] ^= 64
        return cube

    scene = with_output(named(reference_traces, "layer_0"), spoil)
    assert reproducing(scene, "bad-memory-word", "one bit of the 8-byte word")


def test_causes_name_a_byte_of_the_bus_that_is_dead(reference_traces: list[Path]) -> None:
    scene = spoilt(named(reference_traces, "layer_0"), every_eighth_from_3_at_0, INPUT, WEIGHTS, OPERANDS)
    assert reproducing(scene, "bus-byte", "byte 3 of every 8-byte word")


def test_causes_name_a_stuck_bit_of_the_accumulator() -> None:
    convolution = Convolution(channels=8, kernels=8, kernel=(1, 1), padding=(0, 0, 0, 0))
    rng = np.random.default_rng(4)
    data, weights = rng.integers(-60, 60, (8, 3, 4), dtype=np.int8), rng.integers(-60, 60, (8, 8, 1, 1), dtype=np.int8)
    memory = Memory()
    convolution.place(memory, data, weights)
    program = Commands()
    program.load(INPUT, memory.read_bytes(INPUT, data.size))
    program.load(register_programs.WEIGHTS, memory.read_bytes(register_programs.WEIGHTS, weights.size))
    program.run(convolution.layer().but({"SDP.D_CVT_SHIFT": 6}))
    sums = np.einsum("kc,chw->khw", weights[:, :, 0, 0].astype(np.int64), data.astype(np.int64))
    stuck = (sums | 1 << 9).ravel().tolist()
    rounded = [(abs(one) + 32 >> 6) * (1 if one >= 0 else -1) for one in stuck]
    place_cube(memory, register_programs.OUTPUT, np.clip(rounded, -128, 127).astype(np.int8).reshape(sums.shape))
    scene = scene_with(program.timeline(), 0, memory)
    assert reproducing(scene, "stuck-accumulator-bit", "bit 9 of what the accumulator delivers is stuck at 1")
