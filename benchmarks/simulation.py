"""Speed of the simulation: the bare model, the cocotb bench, and the bench with checkers and monitors, side by side.

Run as ``python -m benchmarks.simulation [TRACE] [--dut DESCRIPTION]``.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from nvdla_bench.dut.description import Dut, load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.compile import TOP, compile_dut
from nvdla_bench.player.player_file import EVENTS, PLAYER_FILE, Settings, read_events
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlReplay
from nvdla_bench.simulator.tools import simulator_version
from nvdla_int8.errors import BenchError
from tests.reference_store import unpack

DEFAULT_TRACE = "pair_0/pair_0.cfg"
"""The longest of the reference programs."""

WANTED = 0.8
"""Of the bare model's speed for the bench in fast mode."""


@dataclass(frozen=True)
class Mode:
    """A way to run a program; ``cycles_per_second`` runs it once."""

    name: str
    cycles_per_second: Callable[[], float]


def bare_mode(dut: Dut, trace: Path, folder: Path) -> Mode:
    """The model with the memory in HDL in a C++ loop, without cocotb."""
    build = compile_dut(dut, "verilator")
    replay = RtlReplay(trace, dut.build.name, Settings())
    replay.prepare(folder)
    if not replay.runnable:
        raise BenchError(replay.result.line())

    def run() -> float:
        (folder / EVENTS).unlink(missing_ok=True)
        command = [str(build.directory / TOP), "+bare"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        found = re.search(r"^bare: ([\d.]+)$", done.stdout, re.MULTILINE)
        if found is None:
            raise BenchError(f"{command[0]} did not run {folder / PLAYER_FILE}: {done.stderr.strip()}")
        events = list(read_events(folder / EVENTS))
        return (events[-1].cycle - events[0].cycle) / float(found[1])

    return Mode("bare C++ loop", run)


def bench_mode(name: str, trace: Path, options: ReplayOptions) -> Mode:
    """The cocotb bench; the time is that of the simulation, Python's work before and after apart."""

    def run() -> float:
        [result] = replay_on_rtl([trace], options)
        if not result.passed:
            raise BenchError(result.line())
        return result.simulated_cycles / result.simulated_seconds

    return Mode(name, run)


def measure(modes: list[Mode], rounds: int) -> dict[str, list[float]]:
    """Cycles per second of every round; the modes take turns, so that a busy machine is unkind to all of them."""
    speeds: dict[str, list[float]] = {mode.name: [] for mode in modes}
    for _ in range(rounds):
        for mode in modes:
            speeds[mode.name].append(mode.cycles_per_second())
    return speeds


def table_of(speeds: dict[str, list[float]]) -> Table:
    """Median and best of each mode, and the median ratio to the first mode within each round."""
    table = Table()
    table.add_column("")
    for heading in ("cycles/s", "best", "of bare"):
        table.add_column(heading, justify="right")
    first = next(iter(speeds.values()))
    for name, values in speeds.items():
        ratio = median(value / bare for value, bare in zip(values, first, strict=True))
        table.add_row(name, f"{median(values):,.0f}", f"{max(values):,.0f}", f"{ratio:.0%}")
    return table


@click.command()
@click.argument("trace", required=False, type=click.Path(path_type=Path))
@click.option("--dut", "dut_path", type=click.Path(path_type=Path), default=DEFAULT_DUT, help="The device.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of each mode.")
def main(trace: Path | None, dut_path: Path, rounds: int) -> None:
    """Time TRACE, by default a reference program, on Verilator in all modes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            dut = load_dut(dut_path)
            if trace is None:
                unpack(folder / "reference")
                trace = folder / "reference" / DEFAULT_TRACE
            fast = ReplayOptions(
                dut, "verilator", "speed", Settings(), checkers=False, stages=False, runs=folder / "runs"
            )
            bare = folder / "bare"
            bare.mkdir()
            modes = [
                bare_mode(dut, trace, bare),
                bench_mode("cocotb, fast", trace, fast),
                bench_mode("and stages compared", trace, replace(fast, stages=True)),
                bench_mode("and checkers in SystemVerilog", trace, replace(fast, stages=True, checkers=True)),
                bench_mode("and monitors in Python", trace, replace(fast, stages=True, checkers=True, monitors=True)),
            ]
            speeds = measure(modes, rounds)
        except BenchError as error:
            click.echo(str(error), err=True)
            raise SystemExit(2) from None
    console = Console(width=110)
    console.print(
        f"{trace.stem} on {dut.description.name}, {simulator_version('verilator')}, median of {rounds} rounds"
    )
    console.print(table_of(speeds))
    console.print(f"wanted of the fast mode: {WANTED:.0%} of bare; load of the machine {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
