"""Boards with a mistake, and the causes of a key that make the bytes of one of their layers."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nvdla_int8.checkup.cause import BoardOutput, Cause, Scene
from nvdla_int8.checkup.causes.catalogue import suggest_causes
from nvdla_int8.checkup.replay import NoRoomError, run_changed
from nvdla_int8.checkup.timeline import Timeline, run_timeline
from nvdla_int8.device import Device
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.points import Point
from nvdla_int8.device.run_layer import write_output
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import Command, MemInit, MemLoad, RegWrite
from tests.golden.register_programs import RegisterLayer

Edit = Callable[[LayerRun, Memory], None]
"""What another hand does to memory right after a layer ran."""


class Commands:
    """A program as a trace's commands: stands for a device that is written to."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.images: dict[str, bytes] = {}

    def load(self, base: int, data: bytes) -> None:
        """Software puts bytes into memory."""
        file = f"{len(self.images)}.dat"
        self.images[file] = data
        self.commands.append(MemLoad(0, "pri_mem", base, file))

    def write(self, register: str, word: int) -> None:
        """Software writes a register."""
        self.commands.append(RegWrite(0, register, word))

    def run(self, layer: RegisterLayer, group: int = 0) -> None:
        """Software programs a layer and hands it over."""
        for block in layer.blocks:
            self.write(f"{block}.S_POINTER", group)
        for name, word in layer.values.items():
            self.write(name, word)
        for block in layer.blocks:
            self.write(f"{block}.D_OP_ENABLE", 1)

    def timeline(self) -> Timeline:
        """What the golden device makes of it."""
        return run_timeline("program", self.commands, lambda file: [(0, self.images[file])])


def board_of(
    commands: Sequence[Command], images: Mapping[str, bytes], edits: Mapping[int, Edit] | None = None
) -> tuple[list[LayerRun], list[Memory]]:
    """Run commands on a board of its own: its layers, and its memory after each of them."""
    device = Device("nv_small")
    memories: list[Memory] = []
    for command in commands:
        match command:
            case MemInit():
                device.memory.clear(command.base, command.size)
            case MemLoad():
                device.memory.write_bytes(command.base, images[command.file])
            case RegWrite():
                device.write(command.register, command.value)
        for run in device.layers[len(memories) :]:
            if edits and len(memories) in edits:
                edits[len(memories)](run, device.memory)
            memories.append(device.memory.copy())
    return device.layers, memories


def scene_with(timeline: Timeline, index: int, memory: Memory) -> Scene:
    """A layer whose output on the board is in a memory."""
    layer = timeline.layers[index]
    found = layer.run.destination.read_lanes(memory).view(np.uint8)
    board = BoardOutput(found, np.ones(found.shape, np.bool_))
    return Scene(timeline, layer, timeline.state_before(index), board)


def reproducing(scene: Scene, key: str, words: str = "") -> list[Cause]:
    """The causes of a key, with these words among theirs, that make all bytes of a layer."""
    suggested = [cause for cause in suggest_causes(scene) if cause.key == key and words in cause.words]
    return [cause for cause in suggested if makes_the_bytes(scene, cause)]


def makes_the_bytes(scene: Scene, cause: Cause) -> bool:
    """Software finds the board's bytes where the layer's output belongs when the cause is at work."""
    assert scene.board is not None
    memory = scene.state.memory.copy()
    try:
        parts, points = run_changed(scene, [cause], scene.state)
        found = points.at(Point.READ_BACK, write_output(memory, parts.destination, parts.output, points))
    except (NoRoomError, ValueError):
        return False
    memory.write(found.starts, found.units)
    output = scene.layer.run.destination.read_lanes(memory)
    return bool(np.array_equal(output.view(np.uint8), scene.board.values))


def suggested(scene: Scene) -> set[str]:
    """The keys of all that a layer leaves room for."""
    return {cause.key for cause in suggest_causes(scene)}
