"""What can be said of a device before it is compiled: tie-offs that do not fit it, delays that would be lost."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from nvdla_bench.dut.description import Dut
from nvdla_bench.dut.lost_delays import DROPPED, lost_delays, may_have_delays
from nvdla_bench.dut.tie_offs import misfit
from nvdla_bench.simulator.compiled import Design
from nvdla_bench.simulator.tools import tool_environment
from nvdla_int8.errors import BenchError, located


def check_device(dut: Dut, sim: str, design: Design, folder: Path) -> None:
    """Have the simulator look at the design without compiling it, when there is a reason to.

    Parameters
    ----------
    dut, sim, design
        The device, the simulator, what is to be compiled of them.
    folder
        Holds the design's generated files.

    Raises
    ------
    BenchError
        One line: a tie-off for which the device has no port, or not one wide enough; delays that matter and that
        Verilator would drop, with the first one's place and the ways out.
    """
    description = dut.description
    waived = description.keeps_delays or set(DROPPED) <= set(description.waivers)
    delays = sim == "verilator" and not waived and may_have_delays(design.inputs)
    if (not delays and not description.tie_offs) or sim not in FRONT_ENDS:
        return
    log = _looked_at(sim, design, folder)
    with located("tie_offs"):
        if wrong := misfit(description.tie_offs, description.top, log):
            raise BenchError(wrong)
    if delays and (lost := lost_delays(log)):
        first = lost[0]
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        raise BenchError(
            f"{first.path}:{first.line}: {first.text!r}{more}: Verilator drops this delay, and the bytes may be wrong: "
            "take RAM models without delays (of NVIDIA's those for FPGAs), or keep the delays with verilator_args = "
            f'["--timing"] or SIM=icarus; waivers = {list(DROPPED)} if they do not matter'
        )


def _looked_at(sim: str, design: Design, folder: Path) -> str:
    """What the simulator's front end says of the design; that it fails is told when it compiles."""
    command = list(FRONT_ENDS[sim](design, folder))
    with tool_environment({}):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout + done.stderr


def _verilator(design: Design, folder: Path) -> Iterator[str]:
    yield from ("verilator", "--lint-only", f"-I{folder}", "--top-module", design.toplevel)
    yield from design.options
    yield from (f"-Wwarn-{name}" for name in (*DROPPED, "WIDTHTRUNC"))
    yield from map(str, design.sources)


def _icarus(design: Design, folder: Path) -> Iterator[str]:
    yield from ("iverilog", "-g2012", "-o", "/dev/null", f"-I{folder}", "-s", design.toplevel)
    yield from design.options
    yield from map(str, design.sources)


FRONT_ENDS = {"verilator": _verilator, "icarus": _icarus}
"""Whose messages are understood."""
