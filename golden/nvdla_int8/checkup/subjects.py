"""What a dump is held against: a trace, a register program, told as a timeline."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nvdla_int8.checkup.timeline import HostWrite, Timeline, run_timeline
from nvdla_int8.compiler.forms.trace import as_trace
from nvdla_int8.compiler.register_program import Region, RegisterProgram
from nvdla_int8.device.memory_reads import reads_of
from nvdla_int8.errors import BenchError
from nvdla_int8.register_log.log import RegisterLog
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import MemLoad, Trace, read_trace
from nvdla_int8.trace.dat import read_dat
from nvdla_int8.trace.text import MEMORIES


def timeline_of_trace(trace: Trace, *, build: str = "nv_small", names: Sequence[str] = ()) -> Timeline:
    """Run a trace; BenchError names file, line, register and value."""
    return run_timeline(
        str(trace.path), trace.commands, lambda file: read_dat(trace.folder / file), build=build, names=names
    )


def timeline_of_trace_file(path: str | os.PathLike[str], *, build: str = "nv_small") -> Timeline:
    """Read a trace, a ``.cfg`` or a folder with one, and run it; errors as :func:`timeline_of_trace`."""
    return timeline_of_trace(read_trace(path), build=build)


def timeline_of_register_log(log: RegisterLog, loaded: Sequence[HostWrite], *, build: str = "nv_small") -> Timeline:
    """Run what a register log wrote, on memory into which software had put something before.

    Errors as :func:`timeline_of_trace`, and for a layer that reads weights, an input or operands of which nothing was
    ever loaded or written: what it gave cannot be known.
    """
    loads = [MemLoad(0, MEMORIES[0], write.base, str(number)) for number, write in enumerate(loaded)]
    timeline = run_timeline(
        str(log.trace.path), [*loads, *log.trace.commands], lambda file: [(0, loaded[int(file)].data)], build=build
    )
    written = timeline.device.memory.written
    for layer in timeline.layers:
        for what, _, runs in reads_of(layer.run, timeline.build):
            missing = written.missing_of([runs])
            if missing is not None and missing.missing == missing.asked:
                raise BenchError(
                    f"{timeline.name}: {layer.name}: nothing was loaded for its {what} at {missing.lowest:#x}: a log "
                    f"does not hold memory, give it as --load FILE@{missing.lowest:#x}"
                )
    return replace(timeline, notes=log.notes)


def timeline_of_program(program: RegisterProgram, names: Sequence[str]) -> Timeline:
    """Run a register program, as ``write`` makes of layer programs and compiled networks.

    Parameters
    ----------
    program
        The program.
    names
        Of its layers, in the order in which they run.
    """
    commands, files = as_trace(program)
    return run_timeline(
        program.name,
        commands,
        lambda file: [(0, files[file])],
        build=program.build,
        names=names,
        place=lambda _: "its program",
    )


def timeline_of_programs(name: str, programs: Sequence[RegisterProgram], names: Sequence[Sequence[str]]) -> Timeline:
    """Run register programs one behind the other, as of a compiled network with several hardware tasks.

    Each is for hardware that comes out of reset, and the images of a later one hold what the earlier ones leave in
    memory: what of them is not there already counts as written by software.

    Parameters
    ----------
    name
        Of all together.
    programs
        In order, at least one.
    names
        Of each program's layers.
    """
    whole = replace(timeline_of_program(programs[0], names[0]), name=name)
    for program, own_names in zip(programs[1:], names[1:], strict=True):
        next_one = timeline_of_program(program, own_names)
        count = len(whole.layers)
        layers = (replace(layer, index=count + layer.index) for layer in next_one.layers)
        between = (write for image in program.images for write in _differing(whole.device.memory, image))
        whole = Timeline(name, next_one.build, (*whole.events, *between, *layers), next_one.device)
    return whole


def _differing(memory: Memory, image: Region) -> Iterator[HostWrite]:
    """The bytes of an image that are not in memory already, a write for each run of them."""
    data = np.frombuffer(image.data, np.uint8)
    there = np.frombuffer(memory.read_bytes(image.base, len(image.data)), np.uint8)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], data != there, [False])).astype(np.int8)))
    for begin, end in edges.reshape(-1, 2):
        yield HostWrite(image.base + int(begin), data[begin:end].tobytes())
