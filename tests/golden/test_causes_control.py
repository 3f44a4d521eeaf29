"""Mistakes of a driver that another hand makes, in registers, order and memory, are named by causes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Scene
from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import Command, MemLoad, RegWrite, read_trace
from nvdla_int8.trace.dat import read_dat_image
from tests.golden.cause_scenes import Commands, board_of, reproducing, scene_with, suggested
from tests.golden.edited_traces import named
from tests.golden.register_programs import INPUT, OUTPUT, X1_OPERANDS, memory_layer, place_cube, with_operands

MIDDLE = 0xA800_0000
SHAPE = (16, 9, 12)
SIZE = 16 * 9 * 12
OLD = bytes((7 * place + 3) % 251 for place in range(SIZE))


def chain(layers: int = 3) -> Commands:
    """Passes of SDP from INPUT over MIDDLE to OUTPUT and back and forth, in both groups, over old memory."""
    rng = np.random.default_rng(5)
    commands = Commands()
    for base in (OUTPUT, MIDDLE, INPUT):
        commands.load(base, OLD)
    memory = Memory()
    place_cube(memory, INPUT, rng.integers(-128, 128, SHAPE, dtype=np.int8))
    commands.load(INPUT, memory.read_bytes(INPUT, SIZE))
    commands.load(X1_OPERANDS, rng.integers(-90, 90, 16, dtype=np.int16).tobytes())
    bases = (INPUT, MIDDLE, OUTPUT)
    for number in range(layers):
        layer = with_operands(memory_layer(*SHAPE), "x1", "ALU")
        values = {
            "SDP_RDMA.D_SRC_BASE_ADDR_LOW": bases[number % 3],
            "SDP.D_DST_BASE_ADDR_LOW": bases[(number + 1) % 3],
            "SDP.D_CVT_SCALE": 200 + 37 * number,
            "SDP.D_CVT_SHIFT": 8,
            "SDP.D_CVT_OFFSET": number,
        }
        commands.run(layer.but(values), group=number % 2)
    return commands


def board_memory(program: Commands, commands: Sequence[Command], index: int) -> Scene:
    """A layer of the program on a board that got other commands."""
    _, memories = board_of(commands, program.images)
    return scene_with(program.timeline(), index, memories[index])


def without_write(commands: Sequence[Command], register: str, which: int) -> list[Command]:
    """Commands without one of the writes of a register."""
    places = [at for at, one in enumerate(commands) if isinstance(one, RegWrite) and one.register == register]
    return [one for at, one in enumerate(commands) if at != places[which]]


def test_causes_name_a_lost_register_write_and_what_the_group_kept() -> None:
    program = chain()
    scene = board_memory(program, without_write(program.commands, "SDP.D_CVT_SCALE", 2), 2)
    [cause] = reproducing(scene, "lost-register-write")
    assert cause.words == "the write of SDP.D_CVT_SCALE was lost: the group kept 200 of layer 0 (SDP), not 274"


def test_causes_name_a_lost_write_that_left_the_reset_value() -> None:
    program = chain()
    [cause] = reproducing(
        board_memory(program, without_write(program.commands, "SDP.D_CVT_OFFSET", 1), 1), "lost-register-write"
    )
    assert "kept 0 after reset, not 1" in cause.words


def test_causes_do_not_suggest_a_lost_write_of_what_the_group_held_anyway() -> None:
    program = chain()
    scene = board_memory(program, program.commands, 2)
    from nvdla_int8.checkup.causes.catalogue import suggest_causes

    lost = [cause.words for cause in suggest_causes(scene) if cause.key == "lost-register-write"]
    assert lost
    assert not any("SDP.D_CVT_SHIFT" in words or "SDP.D_DATA_CUBE_WIDTH" in words for words in lost)


def rewritten(commands: Sequence[Command], layer: int, registers: dict[str, int]) -> list[Command]:
    """Commands with other values of registers, the ``layer``-th time that each is written."""
    seen: dict[str, int] = {}
    found: list[Command] = []
    for one in commands:
        if isinstance(one, RegWrite) and one.register in registers:
            number = seen[one.register] = seen.get(one.register, -1) + 1
            found.append(RegWrite(0, one.register, registers[one.register]) if number == layer else one)
        else:
            found.append(one)
    return found


def test_causes_name_a_block_that_ran_with_its_other_group() -> None:
    program = chain()
    others = {"SDP.D_CVT_SCALE": 237, "SDP.D_CVT_OFFSET": 1, "SDP.D_DST_BASE_ADDR_LOW": OUTPUT}
    commands = rewritten(program.commands, 2, others)
    found = reproducing(board_memory(program, commands, 2), "other-group")
    assert any(cause.unit == "SDP" and "of layer 1 (SDP)" in cause.words for cause in found)


def test_causes_name_a_layer_that_never_ran() -> None:
    program = chain()

    def undone(run: LayerRun, memory: Memory) -> None:
        memory.write(run.destination.unit_addresses(), run.overwritten)

    _, memories = board_of(program.commands, program.images, {1: undone})
    scene = scene_with(program.timeline(), 1, memories[1])
    assert reproducing(scene, "never-ran")
    assert reproducing(scene, "interrupt-early")


def partly_old(old: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Scene:
    """Layer 0 with old bytes where its addresses say so."""
    program = chain()
    _, memories = board_of(program.commands, program.images)
    addresses = MIDDLE + np.arange(SIZE)
    memory = memories[0]
    stale = old(addresses - MIDDLE)
    memory.write(addresses[stale], np.frombuffer(OLD, np.uint8)[stale][:, None])
    return scene_with(program.timeline(), 0, memory)


@pytest.mark.parametrize("line", [32, 64, 128])
def test_causes_name_stale_cache_lines_of_the_output(line: int) -> None:
    def stale(offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.isin(offsets // line, [2, 5, 6])

    found = reproducing(partly_old(stale), "missed-invalidate")
    assert any(f"{3} of" in cause.words and f"of {line} bytes" in cause.words for cause in found)


def test_causes_name_last_writes_that_had_not_landed() -> None:
    [cause] = reproducing(partly_old(lambda offsets: offsets >= SIZE - 7 * 8), "last-writes-missing")
    assert "the last 7 of its 216 atoms" in cause.words


def test_causes_name_a_layer_that_started_before_the_one_before_it() -> None:
    program = chain(2)
    kept: dict[str, NDArray[np.uint8]] = {}

    def undone(run: LayerRun, memory: Memory) -> None:
        kept["new"] = memory.read(run.destination.unit_addresses(), 8)
        memory.write(run.destination.unit_addresses(), run.overwritten)

    _, memories = board_of(program.commands, program.images, {0: undone})
    [cause] = reproducing(scene_with(program.timeline(), 1, memories[1]), "started-early")
    assert "before layer 0 (SDP) wrote there" in cause.words


def test_causes_name_an_input_that_was_not_loaded() -> None:
    program = chain(1)
    loads = [at for at, one in enumerate(program.commands) if isinstance(one, MemLoad) and one.base == INPUT]
    commands = [one for at, one in enumerate(program.commands) if at != loads[-1]]
    assert reproducing(board_memory(program, commands, 0), "not-loaded")


@pytest.mark.parametrize("bits", [31, 29])
def test_causes_name_addresses_that_are_cut(bits: int) -> None:
    program = chain(1)
    mask = (1 << bits) - 1
    # where the board looks there is nothing, and its output goes where nobody looks
    commands = [
        RegWrite(0, one.register, one.value & mask) if isinstance(one, RegWrite) and "SRC_BASE" in one.register else one
        for one in program.commands
    ]
    found = reproducing(board_memory(program, commands, 0), "address-cut")
    assert any(f"only {bits} bits of the address in SDP_RDMA.D_SRC_BASE_ADDR_LOW" in cause.words for cause in found)


def test_causes_name_an_output_one_line_off() -> None:
    program = chain(1)
    commands = rewritten(program.commands, 0, {"SDP.D_DST_BASE_ADDR_LOW": MIDDLE + 12 * 8})
    device_runs, [memory] = board_of(commands, program.images)
    assert device_runs
    assert reproducing(scene_with(program.timeline(), 0, memory), "output-elsewhere")


def test_causes_of_memory_are_suggested_of_what_a_layer_reads_only(reference_traces: list[Path]) -> None:
    folder = named(reference_traces, "img_0")
    images = {path.name: read_dat_image(path, 1 << 24).data for path in folder.glob("*.dat")}
    _, [memory] = board_of(read_trace(folder).commands, images)
    keys = suggested(scene_with(timeline_of_trace_file(folder), 0, memory))
    assert "not-loaded" in keys
    assert "started-early" not in keys
    assert not any(key.startswith(("pooling", "lrn")) for key in keys)


def stale_input(base: int, size: int, old: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Scene:
    """Layer 0 on a board that finds some of what software wrote last at an address as it was before."""
    program = chain(1)
    loads = [one for one in program.commands if isinstance(one, MemLoad) and one.base == base]
    images = dict(program.images)
    before = np.frombuffer(images[loads[-2].file] if len(loads) > 1 else bytes(size), np.uint8)
    new = np.frombuffer(images[loads[-1].file], np.uint8)
    images[loads[-1].file] = np.where(old(np.arange(size)), before, new).tobytes()
    _, [memory] = board_of(program.commands, images)
    return scene_with(program.timeline(), 0, memory)


@pytest.mark.parametrize("line", [32, 64, 128])
def test_causes_name_cache_lines_of_the_input_that_were_not_flushed(line: int) -> None:
    scene = stale_input(INPUT, SIZE, lambda offsets: np.isin(offsets // line, [1, 4, 5, 9]))
    assert reproducing(scene, "missed-flush", f"4 of {SIZE // line + bool(SIZE % line)} cache lines of {line} bytes")


def test_causes_name_a_cache_line_of_operands_that_was_not_flushed() -> None:
    program = chain(1)
    images = dict(program.images)
    [load] = [one for one in program.commands if isinstance(one, MemLoad) and one.base == X1_OPERANDS]
    assert len(images[load.file]) == 32
    scene = stale_input(X1_OPERANDS, 32, lambda offsets: offsets < 32)
    assert reproducing(scene, "not-loaded", "X1 operands")


@pytest.mark.parametrize("rows", [1, 5])
def test_causes_name_an_input_whose_last_rows_were_not_there(rows: int) -> None:
    scene = stale_input(INPUT, SIZE, lambda offsets: offsets % (9 * 12 * 8) >= rows * 12 * 8)
    assert reproducing(scene, "input-incomplete", f"first {rows} of 9 rows")


def test_causes_name_an_input_whose_last_channels_were_not_there() -> None:
    scene = stale_input(INPUT, SIZE, lambda offsets: offsets >= 9 * 12 * 8)
    assert reproducing(scene, "input-incomplete", "first 8 channels")


def test_causes_name_stale_lines_of_a_convolution(reference_traces: list[Path]) -> None:
    folder = named(reference_traces, "layer_0")
    trace = read_trace(folder)
    for base, line, which in ((0x8000_0000, 64, [4, 5]), (0xB000_0000, 32, [7])):
        images = {path.name: read_dat_image(path, 1 << 24).data for path in folder.glob("*.dat")}
        [load] = [one for one in trace.commands if isinstance(one, MemLoad) and one.base == base]
        data = np.frombuffer(images[load.file], np.uint8).copy()
        data[np.isin(np.arange(data.size) // line, which)] = 0
        images[load.file] = data.tobytes()
        _, [memory] = board_of(trace.commands, images)
        scene = scene_with(timeline_of_trace_file(folder), 0, memory)
        lines = 96 if line == 64 else 24
        assert reproducing(scene, "missed-flush", f"{len(which)} of {lines} cache lines of {line} bytes")


def test_causes_name_a_block_whose_registers_did_not_arrive() -> None:
    program = chain()
    commands = program.commands
    for register in ("SDP.D_CVT_SCALE", "SDP.D_CVT_OFFSET"):
        commands = without_write(commands, register, 2)
    olds = {"SDP.D_DST_BASE_ADDR_LOW": MIDDLE}
    scene = board_memory(program, rewritten(commands, 2, olds), 2)
    assert reproducing(scene, "block-not-programmed", "SDP was not programmed: its group kept the registers of layer 0")
