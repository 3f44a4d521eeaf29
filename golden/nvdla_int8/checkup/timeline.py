"""A run of the golden device that can be gone through again: what the host wrote, and the layers, in order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device import Device
from nvdla_int8.device.cbuf_contents import CbufContents
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.errors import BenchError, located
from nvdla_int8.surfaces.layout import channels_last
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import Command, MemInit, MemLoad, RegWrite


@dataclass(frozen=True)
class HostWrite:
    """Bytes that software put into memory."""

    base: int
    data: bytes


@dataclass(frozen=True)
class HostClear:
    """Bytes that software made zero."""

    base: int
    size: int


@dataclass(frozen=True)
class TimelineLayer:
    """A layer that ran.

    Attributes
    ----------
    index
        Its place among the layers, from 0.
    name
        What people call it: its network's name for it, or "layer 3 (CDMA to SDP)" of a program without names.
    run
        What it left on the golden device.
    """

    index: int
    name: str
    run: LayerRun


Event = HostWrite | HostClear | TimelineLayer


@dataclass(frozen=True)
class State:
    """Memory and CBUF at some time; whoever gets one may change it."""

    memory: Memory
    cbuf: CbufContents


@dataclass(frozen=True)
class Timeline:
    """What software and hardware did, in order.

    Attributes
    ----------
    name
        Of what ran: a file or folder.
    build
        What it ran on.
    events
        In order.
    device
        The golden device as it was left.
    notes
        How the file was read, where that is not plain; sentences.
    picture
        The image whose values software has changed before it wrote them, uint8 (C, H, W); None where it has not, or
        there is none.
    """

    name: str
    build: Build
    events: tuple[Event, ...]
    device: Device
    notes: tuple[str, ...] = ()
    picture: NDArray[np.uint8] | None = None

    @property
    def layers(self) -> tuple[TimelineLayer, ...]:
        """The layers in order."""
        return tuple(event for event in self.events if isinstance(event, TimelineLayer))

    def states(self) -> "States":
        """Go through it from the beginning."""
        return States(self)

    def state_before(self, index: int) -> State:
        """Memory and CBUF when a layer began, by the layer's index."""
        return self.states().before(index)


class States:
    """A walk through a timeline, forward only; cheaper than asking for each state on its own."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._memory, self._cbuf, self._next = Memory(), CbufContents(), 0

    def before(self, index: int) -> State:
        """As :meth:`Timeline.state_before`; indices must not fall from call to call."""
        while not (isinstance(event := self._timeline.events[self._next], TimelineLayer) and event.index == index):
            self._pass(event)
        return State(self._memory.copy(), self._cbuf)

    def _pass(self, event: Event) -> None:
        if isinstance(event, TimelineLayer):
            self._cbuf = cbuf_after(event.run, self._timeline.build, self._memory, self._cbuf)
            destination = event.run.destination
            units = channels_last(event.run.output, destination.unit_bytes).view(np.uint8)
            self._memory.write(destination.unit_addresses(), units)
        else:
            host_does(event, self._memory)
        self._next += 1


def host_does(event: HostWrite | HostClear, memory: Memory) -> None:
    """Do with a memory what software did."""
    if isinstance(event, HostWrite):
        memory.write_bytes(event.base, event.data)
    else:
        memory.clear(event.base, event.size)


def cbuf_after(run: LayerRun, build: Build, memory: Memory, cbuf: CbufContents) -> CbufContents:
    """What a layer that ran leaves in the CBUF."""
    if not ("SDP" in run.registers.blocks and SdpLayer(run.registers, build).flying):
        return cbuf
    loaded = cbuf.found_by(run.registers).load(ConvolutionLayer(run.registers, build), memory)
    return cbuf.after(run.registers, build, loaded)


def run_timeline(
    name: str,
    commands: Iterable[Command],
    load: Callable[[str], Iterable[tuple[int, bytes]]],
    *,
    build: str = "nv_small",
    names: Sequence[str] = (),
    place: Callable[[Command], str] = lambda command: f"line {command.line}",
) -> Timeline:
    """Carry out a trace's writes on the golden device; its waits and checks are of no concern here.

    Parameters
    ----------
    name
        What ran, for messages.
    commands
        A trace's.
    load
        Offsets and bytes in a data file, by the file's name in the trace.
    build
        What it runs on.
    names
        Of the layers in order; those without one are told by number and blocks.
    place
        Where a command stands, for messages.

    Raises
    ------
    BenchError
        A line that names the program, the place, register and value: what the hardware would not run as meant, a data
        file that cannot be read.
    """
    device = Device(build)
    events: list[Event] = []
    layers = 0
    for command in commands:
        with located(f"{name}: {place(command)}"):
            match command:
                case MemInit():
                    done: HostWrite | HostClear = HostClear(command.base, command.size)
                    host_does(done, device.memory)
                    events.append(done)
                case MemLoad():
                    for offset, data in load(command.file):
                        done = HostWrite(command.base + offset, data)
                        host_does(done, device.memory)
                        events.append(done)
                case RegWrite():
                    device.write(command.register, command.value)
        for run in device.layers[layers:]:
            events.append(TimelineLayer(layers, names[layers] if layers < len(names) else _own_name(layers, run), run))
            layers += 1
    if not layers:
        raise BenchError(f"{name}: no layer ran: {device.waiting()}")
    return Timeline(name, device.build, tuple(events), device)


def _own_name(index: int, run: LayerRun) -> str:
    """A layer's number and the blocks that its data goes through."""
    path = [block for block in ("CDMA", "SDP", "PDP", "CDP") if block in run.registers.blocks]
    return f"layer {index} ({' to '.join(path)})"
