"""Boards with mistakes planted in them: the golden device, whose memory another hand edits after its layers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.subjects import timeline_of_program, timeline_of_trace_file
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.compiler.forms.trace import as_trace
from nvdla_int8.device import Device
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.runtime.input_tensor import with_channels
from nvdla_int8.runtime.loadable_program import write_loadable
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import Command, MemInit, MemLoad, RegWrite, read_trace
from nvdla_int8.trace.dat import read_dat
from tests import loadable_store

Edit = Callable[[LayerRun, Memory], None]
"""Changes memory after a layer ran."""


def output_edit(change: Callable[[LayerRun], NDArray[np.integer]]) -> Edit:
    """An edit that puts other bytes, (lanes, H, W) or only the first of them, where a layer's output is."""

    def edit(run: LayerRun, memory: Memory) -> None:
        cube = run.output.copy()
        changed = np.asarray(change(run))
        cube[: len(changed)] = changed.astype(np.int64).astype(np.uint8).view(np.int8)
        run.destination.write(memory, cube)

    return edit


@dataclass(frozen=True)
class Subject:
    """What ran on a board: a program, and the golden device's run of it."""

    timeline: Timeline
    commands: Sequence[Command]
    load: Callable[[str], Iterable[tuple[int, bytes]]]

    def board(
        self, edits: Mapping[int, Edit], *, layers: Sequence[int] | None = None, end: bool = False
    ) -> list[Observed]:
        """Dumps of a board whose layers' outputs are edited.

        Layers read what was edited. Dumps are of the outputs of layers right after them, of all unless told which, or
        one of all outputs at the end of the run.
        """
        device = Device("nv_small")
        found: list[Observed] = []
        ran = 0
        for command in self.commands:
            match command:
                case MemInit():
                    device.memory.clear(command.base, command.size)
                case MemLoad():
                    for offset, data in self.load(command.file):
                        device.memory.write_bytes(command.base + offset, data)
                case RegWrite():
                    device.write(command.register, command.value)
            for run in device.layers[ran:]:
                if edit := edits.get(ran):
                    edit(run, device.memory)
                if not end and (layers is None or ran in layers):
                    found.append(_dump(device.memory, [run], ran))
                ran += 1
        return [_dump(device.memory, device.layers, None)] if end else found


def trace_subject(folder: Path) -> Subject:
    """A trace."""
    trace = read_trace(folder)
    return Subject(timeline_of_trace_file(folder), trace.commands, lambda file: read_dat(trace.folder / file))


@cache
def network_subject(network: str, mode: str) -> Subject:
    """A compiled network with its input."""
    path = loadable_store.loadable(network, mode)
    loadable = read_loadable(path)
    tensor = with_channels(loadable_store.network_input(path), loadable.inputs[0].tensor.c)
    [program] = write_loadable(network, loadable, [tensor])
    commands, files = as_trace(program)
    timeline = timeline_of_program(program, [layer.name for layer in program.layers])
    return Subject(timeline, commands, lambda file: [(0, files[file])])


def _dump(memory: Memory, runs: Sequence[LayerRun], after: int | None) -> Observed:
    """The bytes where these layers' outputs lie."""
    places = [run.destination.unit_addresses()[..., None] + np.arange(run.destination.unit_bytes) for run in runs]
    addresses = np.unique(np.concatenate([place.ravel() for place in places]))
    return Observed("board", addresses, memory.read(addresses, 1)[:, 0], after)
