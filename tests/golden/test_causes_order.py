"""Layers out of order, over one another, and stuck lines of addresses, planted by another hand."""

import numpy as np
import pytest

from nvdla_int8.checkup.cause import Scene
from nvdla_int8.checkup.causes.errata import errata_met
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import MemLoad, RegWrite
from tests.golden.cause_scenes import Commands, board_of, reproducing, scene_with, suggested
from tests.golden.register_programs import INPUT, OUTPUT, WEIGHTS, Convolution, memory_layer, place_cube

SHAPE = (16, 9, 12)
SIZE = 16 * 9 * 12
MIDDLE = 0xA800_0000


def passes(*places: tuple[int, int]) -> Commands:
    """Passes of SDP from one address to another, each with its own scale, one after the other."""
    rng = np.random.default_rng(9)
    commands = Commands()
    for base in (OUTPUT, MIDDLE):
        commands.load(base, rng.bytes(SIZE))
    memory = Memory()
    place_cube(memory, INPUT, rng.integers(-128, 128, SHAPE, dtype=np.int8))
    commands.load(INPUT, memory.read_bytes(INPUT, SIZE))
    for number, (source, destination) in enumerate(places):
        values = {
            "SDP_RDMA.D_SRC_BASE_ADDR_LOW": source, "SDP.D_DST_BASE_ADDR_LOW": destination,
            "SDP.D_CVT_SCALE": 150 + 37 * number, "SDP.D_CVT_SHIFT": 7, "SDP.D_CVT_OFFSET": 5 + number,
        }  # fmt: skip
        commands.run(memory_layer(*SHAPE).but(values), group=number % 2)
    return commands


def loads(commands: Commands) -> list[MemLoad]:
    return [one for one in commands.commands if isinstance(one, MemLoad)]


def test_causes_name_a_layer_in_place_that_ran_twice() -> None:
    once, twice = passes((INPUT, INPUT)), passes((INPUT, INPUT), (INPUT, INPUT))
    commands = [
        RegWrite(0, one.register, {187: 150, 6: 5}.get(one.value, one.value))
        if isinstance(one, RegWrite) and one.register in ("SDP.D_CVT_SCALE", "SDP.D_CVT_OFFSET")
        else one
        for one in twice.commands
    ]
    _, memories = board_of(commands, twice.images)
    assert reproducing(scene_with(once.timeline(), 0, memories[1]), "ran-twice")


def test_causes_name_layers_in_place_that_ran_in_the_other_order() -> None:
    program = passes((MIDDLE, OUTPUT), (OUTPUT, OUTPUT))
    commands = passes((OUTPUT, OUTPUT), (MIDDLE, OUTPUT)).commands
    values = {150: 187, 187: 150, 5: 6, 6: 5}
    swapped = [
        RegWrite(0, one.register, values[one.value])
        if isinstance(one, RegWrite) and one.register in ("SDP.D_CVT_SCALE", "SDP.D_CVT_OFFSET")
        else one
        for one in commands
    ]
    _, memories = board_of(swapped, program.images)
    assert reproducing(scene_with(program.timeline(), 1, memories[1]), "layers-swapped")


def test_causes_do_not_suggest_another_order_where_it_makes_no_difference() -> None:
    program = passes((INPUT, MIDDLE), (INPUT, OUTPUT))
    _, memories = board_of(program.commands, program.images)
    assert not suggested(scene_with(program.timeline(), 1, memories[1])) & {"ran-twice", "layers-swapped"}


def test_causes_name_a_later_layer_that_wrote_over_an_output() -> None:
    program = passes((INPUT, MIDDLE), (INPUT, OUTPUT))
    over = passes((INPUT, MIDDLE), (INPUT, MIDDLE))
    _, memories = board_of(over.commands, over.images)
    [cause] = reproducing(scene_with(program.timeline(), 0, memories[1]), "overwritten")
    assert cause.words == "layer 1 (SDP) wrote its output over it"


@pytest.mark.parametrize("level", [0, 1])
def test_causes_name_a_stuck_address_line_of_what_is_read(level: int) -> None:
    program = passes((INPUT, MIDDLE))
    images = dict(program.images)
    load = loads(program)[-1]
    data = np.frombuffer(images[load.file], np.uint8)
    offsets = np.arange(SIZE)
    taken = offsets | 32 if level else offsets & ~32
    images[load.file] = np.where(taken < SIZE, data[np.minimum(taken, SIZE - 1)], 0).astype(np.uint8).tobytes()
    _, [memory] = board_of(program.commands, images)
    assert reproducing(
        scene_with(program.timeline(), 0, memory),
        "stuck-address-bit",
        f"bit 5 of the addresses of its source is stuck at {level}",
    )


def test_causes_name_a_stuck_address_line_of_what_is_written() -> None:
    program = passes((INPUT, MIDDLE))

    def spoil(run: LayerRun, memory: Memory) -> None:
        new = memory.read_bytes(MIDDLE, SIZE)
        memory.write_bytes(MIDDLE, program.images[loads(program)[1].file])
        for offset in range(0, SIZE, 8):
            memory.write_bytes(MIDDLE + (offset & ~64), new[offset : offset + 8])

    _, [memory] = board_of(program.commands, program.images, {0: spoil})
    words = "bit 6 of the addresses that it writes to is stuck at 0"
    assert reproducing(scene_with(program.timeline(), 0, memory), "stuck-address-bit", words)


def test_causes_name_padding_that_the_next_convolution_takes_for_weights() -> None:
    convolution = Convolution(channels=8, kernels=8, kernel=(1, 1), padding=(0, 0, 0, 0))
    rng = np.random.default_rng(2)
    memory = Memory()
    weights = rng.integers(-8, 8, (8, 8, 1, 1), dtype=np.int8)
    convolution.place(memory, rng.integers(-8, 8, (8, 3, 4), dtype=np.int8), weights)
    program = Commands()
    program.load(INPUT, memory.read_bytes(INPUT, 8 * 3 * 4))
    padding = bytes(range(1, 17))
    program.load(WEIGHTS, memory.read_bytes(WEIGHTS, 64) + padding)
    rounded = {"CDMA.D_WEIGHT_BYTES": 80, "CSC.D_WEIGHT_BYTES": 80}
    program.run(convolution.layer().but(rounded))
    program.run(convolution.layer(), group=1)
    images = dict(program.images)
    load = loads(program)[-1]
    images[load.file] = padding + images[load.file]
    _, memories = board_of(program.commands, images)
    scene = scene_with(program.timeline(), 1, memories[1])
    [cause] = reproducing(scene, "erratum-e6")
    assert cause.words.startswith("2 entries of padding")
    layers = scene.timeline.layers
    [told] = errata_met(layers[1], layers)
    assert told.startswith("E6: 2 entries of padding stay")
    first = Scene(scene.timeline, scene.timeline.layers[0], scene.timeline.state_before(0))
    assert errata_met(layers[0], layers) == ()
    assert "erratum-e6" not in suggested(first)
