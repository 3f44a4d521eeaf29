"""The order in which software runs layers in the two register groups, as trace commands (hardware.md section 4)."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nvdla_int8.compiler.forms.trace import MEMORY
from nvdla_int8.compiler.register_program import Region
from nvdla_int8.device import Device
from nvdla_int8.device.interrupts import INTERRUPTS_OF
from nvdla_int8.errors import BenchError
from nvdla_int8.generator.draws import Draws
from nvdla_int8.generator.layers import Layer
from nvdla_int8.registers.register_map import LAYER_BLOCKS, load_register_map, pack
from nvdla_int8.trace.commands import (
    CheckCrc,
    CheckFile,
    Command,
    IntrNotify,
    MemInit,
    MemLoad,
    PollReg,
    RegReadExpected,
    RegWrite,
)

GROUPS = 2


@dataclass(frozen=True)
class Step:
    """A layer as it ran on the golden device.

    Attributes
    ----------
    groups
        The group of each block that the layer uses, in the order in which they are enabled.
    loads
        Memory before the layer: what it reads, what lies around its output.
    read_back
        Registers to read after they were written, with what they hold.
    writer
        The block that writes the output.
    counters
        What the layer counted, by register.
    outputs
        The windows that it wrote into, afterwards.
    waits_for
        How many layers must have ended before this one may be enabled, for what it reads.
    """

    layer: Layer
    groups: Mapping[str, int]
    loads: tuple[Region, ...]
    read_back: Mapping[str, int]
    writer: str
    counters: Mapping[str, int]
    outputs: tuple[Region, ...]
    waits_for: int

    @property
    def interrupts(self) -> list[str]:
        """What the layer raises, that of the writer last."""
        blocks = [block for block in INTERRUPTS_OF if block in self.groups]
        return [f"{name}_{self.groups[block]}" for block in blocks for name in INTERRUPTS_OF[block]]


def run_layer(
    device: Device, layer: Layer, groups: dict[str, int], loads: tuple[Region, ...], draws: Draws, waits_for: int
) -> Step:
    """Run a layer in the next group of each block, and turn ``groups`` over.

    Raises
    ------
    BenchError
        The device refuses it.
    """
    used = {name.partition(".")[0] for name in layer.values}
    mine = {block: groups[block] for block in groups if block in used}
    for block, group in mine.items():
        device.write(f"{block}.S_POINTER", group)
    for register, word in (*layer.tables, *layer.values.items()):
        device.write(register, word)
    names = [name for name in draws.order(list(layer.values))[:3] if _has_an_effect(name)] if draws.chance(0.5) else []
    read_back = {name: device.read(name) for name in names}
    alone = _outputs_alone(device, layer) if layer.plain else None
    count = len(device.layers)
    for block in mine:
        device.write(f"{block}.D_OP_ENABLE", 1)
    if len(device.layers) == count:
        raise BenchError(f"the layer does not end: {device.waiting()}")
    device.write("GLB.S_INTR_STATUS", device.read("GLB.S_INTR_STATUS"))
    for block in mine:
        groups[block] = (mine[block] + 1) % GROUPS
    run = device.layers[-1]
    outputs = _outputs(device, layer)
    if alone is not None and outputs != alone:
        raise ReuseFaultError("a layer that reuses the CBUF gives other bytes than alone: a fault of this tool")
    return Step(layer, mine, loads, read_back, run.writer, run.counters, outputs, waits_for)


class ReuseFaultError(Exception):
    """The golden device and the generator disagree about what the CBUF keeps."""


def _outputs(device: Device, layer: Layer) -> tuple[Region, ...]:
    return tuple(window.region(device.memory) for window in layer.outputs)


def _outputs_alone(device: Device, layer: Layer) -> tuple[Region, ...]:
    """What the layer writes on a device of its own, where it finds nothing in the CBUF; leaves the memory as it is."""
    assert layer.plain is not None
    before = _outputs(device, layer)
    alone = Device(device.build.name)
    alone.memory = device.memory
    for register, word in layer.plain.items():
        alone.write(register, word)
    for block in dict.fromkeys(name.partition(".")[0] for name in layer.plain):
        alone.write(f"{block}.D_OP_ENABLE", 1)
    outputs = _outputs(device, layer)
    for region in before:
        device.memory.write_bytes(region.base, region.data)
    return outputs


class Script:
    """The commands of a program, layer after layer, and its data files.

    Parameters
    ----------
    steps
        The layers in order.
    name
        Begins the names of the data files.
    draws
        Chooses between orders of the same.
    """

    def __init__(self, steps: Sequence[Step], name: str, draws: Draws) -> None:
        self.commands: list[Command] = []
        self.files: dict[str, bytes] = {}
        self._steps = steps
        self._name = name
        self._draws = draws
        self._producers: dict[str, int] = {}
        self._programmed = self._ended = 0
        # In all layers or in none: what an earlier layer left set would end a wait too early.
        self._takes_every_interrupt = draws.chance(0.25)

    def write(self, device: Device) -> None:
        """Write all of it; ``device`` as the last layer left it.

        Layers overlap as far as they can, those of several engines too: a group is programmed once the layer that
        used it before has ended, and enabled once the layers that it waits for have.
        """
        for region in (region for step in self._steps for region in step.loads):
            file = f"{self._name}_{len(self.files)}.dat"
            self.files[file] = region.data
            self.commands.append(MemInit(0, MEMORY, region.base, len(region.data)))
            self.commands.append(MemLoad(0, MEMORY, region.base, file))
        self.commands.append(PollReg(0, "CDMA.S_CBUF_FLUSH_STATUS", 1))
        if self._draws.chance(0.5):  # both groups before either is enabled
            self._program(min(GROUPS, len(self._steps), self._first_to_load_again()))
        for index, step in enumerate(self._steps):
            self._wait(self._taken_before(index))
            if step.layer.tables:  # they are there once: no LRN may be at work
                self._wait(self._lrns_before(index))
            self._program(index + 1)
            self._wait(step.waits_for)
            for block, group in step.groups.items():
                self._select(block, group)
            self.commands += (RegWrite(0, f"{block}.D_OP_ENABLE", 1) for block in step.groups)
        self._wait(len(self._steps))
        self._check_what_was_read()
        self._check_idle(device)

    def _taken_before(self, index: int) -> int:
        """How many layers must have ended so that the groups of this layer's blocks are free."""
        groups = self._steps[index].groups.items()
        return max((number + 1 for number in range(index) if groups & self._steps[number].groups.items()), default=0)

    def _lrns_before(self, index: int) -> int:
        """How many layers must have ended so that no LRN before this layer is at work."""
        return max((number + 1 for number in range(index) if "CDP" in self._steps[number].groups), default=0)

    def _first_to_load_again(self) -> int:
        """The first layer that loads tables which an LRN before it still needs; the number of layers if none does."""
        again = (index for index, step in enumerate(self._steps) if step.layer.tables and self._lrns_before(index))
        return next(again, len(self._steps))

    def _select(self, block: str, group: int) -> None:
        if self._producers.get(block) != group:
            self._producers[block] = group
            self.commands.append(RegWrite(0, f"{block}.S_POINTER", group))

    def _program(self, count: int) -> None:
        """Program the layers up to ``count`` of them."""
        for step in self._steps[self._programmed : count]:
            for block, group in step.groups.items():
                self._select(block, group)
            writes = (*step.layer.tables, *step.layer.values.items())
            self.commands += (RegWrite(0, register, word) for register, word in writes)
            self.commands += (RegReadExpected(0, register, word) for register, word in step.read_back.items())
        self._programmed = max(self._programmed, count)

    def _wait(self, count: int) -> None:
        """Wait until ``count`` layers have ended, and check each."""
        for index in range(self._ended, count):
            step, sync_id = self._steps[index], f"sync_id_{index}"
            *others, last = step.interrupts
            taken = [other for other in others if self._takes_every_interrupt or other.startswith("SDP")]
            self.commands += (IntrNotify(0, other, f"{sync_id}_{other}") for other in taken)
            self.commands.append(IntrNotify(0, last, sync_id))
            for register, counted in step.counters.items():
                block = register.partition(".")[0]
                self._select(block, step.groups[block])
                self.commands.append(PollReg(0, register, counted))
            for number, output in enumerate(step.outputs):
                file = f"{self._name}_out{index}{f'_{number}' if number else ''}.dat"
                self.files[file] = output.data
                self.commands.append(CheckFile(0, sync_id, MEMORY, output.base, len(output.data), file))
                self._check(output, sync_id)
        self._ended = max(self._ended, count)

    def _check_what_was_read(self) -> None:
        for step in self._steps:
            written = {output.base for output in step.outputs}
            for region in step.loads:
                if region.base not in written:
                    self._check(region, f"sync_id_{len(self._steps) - 1}")

    def _check(self, region: Region, sync_id: str) -> None:
        self.commands.append(CheckCrc(0, sync_id, MEMORY, region.base, len(region.data), zlib.crc32(region.data)))

    def _check_idle(self, device: Device) -> None:
        """All blocks end idle, each with the group whose turn it is."""
        for block in LAYER_BLOCKS:
            self.commands.append(PollReg(0, f"{block}.S_STATUS", device.read(f"{block}.S_STATUS")))
            consumer = device.read_field(f"{block}.S_POINTER", "CONSUMER")
            word = pack(f"{block}.S_POINTER", PRODUCER=self._producers.get(block, 0), CONSUMER=consumer)
            self.commands.append(PollReg(0, f"{block}.S_POINTER", word))


def _has_an_effect(name: str) -> bool:
    """Only what the hardware uses is sure to be stored."""
    block, _, register = name.partition(".")
    described = load_register_map()[block].registers[register]
    return not described.ignored and not any(field.ignored for field in described.fields.values())
