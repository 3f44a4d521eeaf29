"""What a dump is held against: a trace, a register program, told as a timeline."""

import os
from collections.abc import Sequence

from nvdla_int8.checkup.timeline import Timeline, run_timeline
from nvdla_int8.compiler.forms.trace import as_trace
from nvdla_int8.compiler.register_program import RegisterProgram
from nvdla_int8.trace.commands import Trace, read_trace
from nvdla_int8.trace.dat import read_dat


def timeline_of_trace(trace: Trace, *, build: str = "nv_small", names: Sequence[str] = ()) -> Timeline:
    """Run a trace; BenchError names file, line, register and value."""
    return run_timeline(
        str(trace.path), trace.commands, lambda file: read_dat(trace.folder / file), build=build, names=names
    )


def timeline_of_trace_file(path: str | os.PathLike[str], *, build: str = "nv_small") -> Timeline:
    """Read a trace, a ``.cfg`` or a folder with one, and run it; errors as :func:`timeline_of_trace`."""
    return timeline_of_trace(read_trace(path), build=build)


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
