"""Layers to probes: placed, run on the golden device, told as what software does."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from nvdla_int8.build import NV_SMALL
from nvdla_int8.compiler.network_program import ENABLE_ORDER, NetworkProgram, PassProgram
from nvdla_int8.compiler.program_writer import run_pass
from nvdla_int8.compiler.register_program import Kind, Operation, Region, Stretch
from nvdla_int8.device import Device
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.errors import BenchError
from nvdla_int8.probe.layers import Layer, Planned
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room, Space, windows
from nvdla_int8.probe.unit import Unit

GROUPS = 2


def layer_probe(
    room: Room, unit: Unit, name: str, shows: str, layers: Sequence[Layer], *, queued: bool = False
) -> Probe:
    """A probe of layers, one after the other, in alternating groups; of an odd number all are run a second time.

    Parameters
    ----------
    room
        The memory.
    unit, name, shows
        As of :class:`nvdla_int8.probe.probe.Probe`.
    layers
        In order.
    queued
        Each layer is handed over before the one before it has ended; otherwise software waits for each.
    """
    space = Space(NV_SMALL, room)
    planned = [one for layer in layers for one in layer(space)]
    if len(planned) % GROUPS:
        planned += [one for layer in layers for one in layer(space)]
    images = space.images
    passes, outputs = _run(planned, images)
    program = NetworkProgram(name, NV_SMALL.name, images, tuple(passes), 0, 0)
    before, *each = _queued(program) if queued else program.stretches()
    parts = [stretch._replace(outputs=windows) for stretch, windows in zip(each, outputs, strict=True)]
    return Probe(name, NV_SMALL.name, images, unit, shows, (before, *parts))


def _run(planned: Sequence[Planned], images: Sequence[Region]) -> tuple[list[PassProgram], list[tuple[Region, ...]]]:
    """The passes, and the memory around each one's output when it has ended."""
    device = Device(NV_SMALL.name, strict=True)
    for region in images:
        device.memory.write_bytes(region.base, region.data)
    groups = dict.fromkeys(ENABLE_ORDER, 0)
    passes: list[PassProgram] = []
    outputs = []
    tables: tuple[tuple[str, int], ...] = ()
    for index, one in enumerate(planned):
        at_once = () if one.plan.at_once == tables else one.plan.at_once  # the same tables are loaded once
        tables = one.plan.at_once
        passes.append(run_pass(f"layer {index}", replace(one.plan, at_once=at_once), groups, device))
        outputs.append(
            tuple(
                Region(f"output {index}", base, device.memory.read_bytes(base, size))
                for base, size in windows(one.destination)
            )
        )
    if any(groups.values()):
        raise BenchError(f"blocks that take part in an odd number of layers: {groups}: a fault of this tool")
    return passes, outputs


def _queued(program: NetworkProgram) -> Iterator[Stretch]:
    """As :meth:`NetworkProgram.stretches`, but a layer is handed over as soon as its group is free."""
    before, *_ = program.stretches()
    prepared = before.operations[: -len(program.passes[0].writes)]
    yield Stretch((*prepared, *_handed_over(program.passes[0])))
    for part, following in zip(program.passes, (*program.passes[1:], None), strict=True):
        operations = (
            *(_handed_over(following) if following else ()),
            *(Operation(Kind.WAIT, "GLB.S_INTR_STATUS", 1 << INTERRUPT_BITS[name]) for name in part.interrupts),
        )
        yield Stretch(operations)


def _handed_over(part: PassProgram) -> tuple[Operation, ...]:
    return tuple(Operation(Kind.WRITE, *write) for write in (*part.writes, *part.at_once, *part.enables))
